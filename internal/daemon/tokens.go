package daemon

import (
	"context"
	"encoding/base32"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/state"
)

// Hardware TOTP tokens. AWS knows the serial numbers and seeds of the tokens
// that are sold for it; here, who runs the server loads those of the tokens that
// it has bought. From then on a user's token is enabled by its serial number and
// two codes, with iam:EnableMFADevice.

// Token is a hardware token: six digits, SHA-1, steps of 30 seconds, which is
// what AWS's are.
type Token struct {
	Serial string `json:"serial"`
	Seed   []byte `json:"seed,omitempty"`
	// Owner is the unique id of the user that has it, or the account id for the
	// root user; empty for a token that is free. Seeds are never handed out.
	Owner string `json:"owner,omitempty"`
}

// Tokens are tokens of an account; an empty account is the only one there is.
type Tokens struct {
	Account string  `json:"account"`
	Tokens  []Token `json:"tokens"`
}

// tokenSerial is what the API model takes for a serial number and no ARN has.
var tokenSerial = regexp.MustCompile(`^[\w+=/,.@-]{9,256}$`)

const (
	minSeed = 16 // bytes, after RFC 4226, section 4
	maxSeed = 64
	maxRows = 10000 // in one file
)

// ReadTokens reads tokens from lines of CSV: serial number and seed, in base32
// or in hexadecimal. Errors do not quote seeds.
func ReadTokens(r io.Reader, inHex bool) ([]Token, error) {
	rows := csv.NewReader(r)
	rows.Comment, rows.FieldsPerRecord, rows.TrimLeadingSpace, rows.ReuseRecord = '#', 2, true, true
	var tokens []Token
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			// The text of a csv.ParseError has the place and the cause only.
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		if len(tokens) == 0 && strings.EqualFold(row[0], "serial") {
			continue // a header
		}
		t := Token{Serial: strings.TrimSpace(row[0])}
		if t.Seed, err = readSeed(row[1], inHex); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if len(tokens) == maxRows {
			return nil, fmt.Errorf("more than %d tokens: split the file", maxRows)
		}
		tokens = append(tokens, t)
	}
	if len(tokens) == 0 {
		return nil, errors.New("there are no tokens: a line has a serial number, a comma and a seed")
	}
	return tokens, nil
}

func readSeed(text string, inHex bool) ([]byte, error) {
	text = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(text), " ", ""))
	if inHex {
		seed, err := hex.DecodeString(text)
		if err != nil {
			return nil, errors.New("the seed is not hexadecimal")
		}
		return seed, nil
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errors.New("the seed is not base32; for hexadecimal say --hex")
	}
	return seed, nil
}

func (t *Token) check() error {
	switch {
	case !tokenSerial.MatchString(t.Serial):
		return fmt.Errorf("%q is no serial number: it has 9 to 256 letters, digits or +=/,.@_-", t.Serial)
	case len(t.Seed) < minSeed || len(t.Seed) > maxSeed:
		return fmt.Errorf("the seed of %s has %d bytes, not %d to %d", t.Serial, len(t.Seed), minSeed, maxSeed)
	}
	return nil
}

// importTokens loads all of the tokens or, if one cannot be, none.
func (d *Daemon) importTokens(ctx context.Context, in Tokens) (*Tokens, error) {
	account, err := d.onlyAccount(in.Account)
	if err != nil {
		return nil, err
	}
	mfa := authn.NewMFA(d.state, d.ring)
	done := &Tokens{Account: account}
	err = d.state.Update(ctx, d.config.Now(), func(tx *state.Tx) error {
		for _, t := range in.Tokens {
			if err := t.check(); err != nil {
				return err
			}
			if tx.MFADevices.Get(t.Serial) != nil {
				return fmt.Errorf("there is a token %s already", t.Serial)
			}
			tx.MFADevices.Put(&state.MFADevice{
				Serial: t.Serial, Account: account, Hardware: true, Created: tx.Now.UTC().Truncate(time.Second),
				Seed: mfa.SealSeed(account, t.Serial, t.Seed),
			})
			done.Tokens = append(done.Tokens, Token{Serial: t.Serial})
		}
		return nil
	})
	return done, err
}

// listTokens lists an account's tokens by serial number.
func (d *Daemon) listTokens(account string) (*Tokens, error) {
	account, err := d.onlyAccount(account)
	if err != nil {
		return nil, err
	}
	list := &Tokens{Account: account, Tokens: []Token{}}
	for device := range d.state.Snapshot().MFADevicesOf(account, "") {
		if device.Hardware {
			list.Tokens = append(list.Tokens, Token{Serial: device.Serial, Owner: device.Owner})
		}
	}
	return list, nil
}

// removeTokens forgets tokens that nobody has enabled.
func (d *Daemon) removeTokens(ctx context.Context, in Tokens) (*Tokens, error) {
	account, err := d.onlyAccount(in.Account)
	if err != nil {
		return nil, err
	}
	done := &Tokens{Account: account}
	err = d.state.Update(ctx, d.config.Now(), func(tx *state.Tx) error {
		for _, t := range in.Tokens {
			device := tx.MFADevices.Get(t.Serial)
			switch {
			case device == nil || !device.Hardware || device.Account != account:
				return fmt.Errorf("account %s has no token %s", account, t.Serial)
			case device.Owner != "":
				return fmt.Errorf("token %s is in use: deactivate it first, with aws iam deactivate-mfa-device", t.Serial)
			}
			tx.MFADevices.Delete(device)
			done.Tokens = append(done.Tokens, Token{Serial: t.Serial})
		}
		return nil
	})
	return done, err
}

// tokenRoutes are the paths of the control socket that are about tokens.
func (d *Daemon) tokenRoutes(mux *http.ServeMux) {
	serve := func(do func(context.Context, Tokens) (*Tokens, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var in Tokens
			body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20))
			body.DisallowUnknownFields()
			if err := body.Decode(&in); err != nil {
				reply(w, nil, err)
				return
			}
			done, err := do(r.Context(), in)
			reply(w, done, err)
		}
	}
	mux.HandleFunc("GET /tokens", func(w http.ResponseWriter, r *http.Request) {
		list, err := d.listTokens(r.URL.Query().Get("account"))
		reply(w, list, err)
	})
	mux.HandleFunc("POST /tokens", serve(d.importTokens))
	mux.HandleFunc("POST /tokens/remove", serve(d.removeTokens))
}
