package oidc

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-jose/go-jose/v4/json" // refuses an object with the same name twice; names are case-sensitive
)

// algorithms are those that AWS supports
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
// None of them is symmetric, so a public key is never taken for a secret.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

const (
	maxToken    = 20000 // characters, as the API model has it
	maxClaim    = 4096  // bytes of a claim's string that is used
	maxAudience = 100   // audiences of one token
)

// header is what of a token's header says which key may verify it. All else in
// the header that could point to a key (jku, jwk, x5u, x5c) is never looked at.
type header struct {
	algorithm jose.SignatureAlgorithm
	keyID     string
}

// Unverified is a token whose signature has not been checked: nothing in it may
// be believed but which provider to ask for keys.
type Unverified struct {
	Issuer string
	header header
	jws    *jose.JSONWebSignature
}

// errNoJWT is AWS's answer to what is no token at all.
func errNoJWT() error {
	return invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
}

// open takes a signed text apart, of which it believes nothing.
func open(token string) (*jose.JSONWebSignature, header, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return nil, header{}, errNoJWT()
	}
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		if _, ok := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); ok {
			return nil, header{}, invalid("The signature algorithm of the ID Token is not supported.")
		}
		return nil, header{}, errNoJWT()
	}
	h := jws.Signatures[0].Protected
	if _, ok := h.ExtraHeaders["crit"]; ok {
		return nil, header{}, errNoJWT() // there is no extension that a token may need us to know
	}
	if _, ok := h.ExtraHeaders["b64"]; ok {
		return nil, header{}, errNoJWT()
	}
	return jws, header{jose.SignatureAlgorithm(h.Algorithm), h.KeyID}, nil
}

// Read takes a token apart.
func Read(token string) (*Unverified, error) {
	jws, h, err := open(token)
	if err != nil {
		return nil, err
	}
	var claims struct {
		Issuer *string `json:"iss"`
	}
	if err := strict.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims); err != nil {
		return nil, errNoJWT()
	}
	if claims.Issuer == nil || *claims.Issuer == "" {
		return nil, missing("iss")
	}
	if !readable(*claims.Issuer) {
		return nil, errNoJWT()
	}
	return &Unverified{Issuer: *claims.Issuer, header: h, jws: jws}, nil
}

// Token is what a verified token says.
type Token struct {
	Issuer          string
	Subject         string
	Audiences       []string
	AuthorizedParty string
	// Audience is the one for which the token was taken.
	Audience string

	Issued, Expires time.Time
	NotBefore       time.Time // zero: at once

	claims map[string]any
}

func missing(claim string) error { return invalid("Missing a required claim: %s", claim) }

// readToken reads the claims that every token must have.
func readToken(payload []byte) (*Token, error) {
	t := &Token{}
	decoder := strict.NewDecoder(strings.NewReader(string(payload)))
	decoder.SetNumberType(strict.UnmarshalJSONNumber)
	var after any
	if err := decoder.Decode(&t.claims); err != nil || t.claims == nil || !errors.Is(decoder.Decode(&after), io.EOF) {
		return nil, errNoJWT()
	}
	var err error
	if t.Issuer, err = t.required("iss"); err != nil {
		return nil, err
	}
	if t.Subject, err = t.required("sub"); err != nil {
		return nil, err
	}
	if t.Audiences, err = t.strings("aud"); err != nil {
		return nil, err
	}
	if len(t.Audiences) == 0 {
		return nil, missing("aud")
	}
	if len(t.Audiences) > maxAudience {
		return nil, invalid("The ID Token has too many audiences.")
	}
	if t.AuthorizedParty, err = t.text("azp"); err != nil {
		return nil, err
	}
	if t.Expires, err = t.time("exp"); err != nil {
		return nil, err
	}
	if t.Issued, err = t.time("iat"); err != nil {
		return nil, err
	}
	switch {
	case t.Expires.IsZero():
		return nil, missing("exp")
	case t.Issued.IsZero():
		return nil, missing("iat")
	}
	t.NotBefore, err = t.time("nbf")
	return t, err
}

// readable says whether a string may go into conditions, records and answers.
func readable(s string) bool {
	return len(s) <= maxClaim && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF
	})
}

func malformed(claim string) error {
	return invalid("The claim %s of the ID Token is malformed.", claim)
}

// text is a claim that is a string; "" if it is not there.
func (t *Token) text(name string) (string, error) {
	value, ok := t.claims[name]
	if !ok {
		return "", nil
	}
	s, ok := value.(string)
	if !ok || !readable(s) {
		return "", malformed(name)
	}
	return s, nil
}

func (t *Token) required(name string) (string, error) {
	s, err := t.text(name)
	if err == nil && s == "" {
		err = missing(name)
	}
	return s, err
}

// strings is a claim that is a string or a list of strings.
func (t *Token) strings(name string) ([]string, error) {
	switch value := t.claims[name].(type) {
	case nil:
		return nil, nil
	case string:
		if !readable(value) {
			return nil, malformed(name)
		}
		return []string{value}, nil
	case []any:
		out := make([]string, 0, len(value))
		for _, item := range value {
			s, ok := item.(string)
			if !ok || !readable(s) {
				return nil, malformed(name)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, malformed(name)
}

// time is a claim that is a date in seconds; zero if it is not there.
func (t *Token) time(name string) (time.Time, error) {
	value, ok := t.claims[name]
	if !ok {
		return time.Time{}, nil
	}
	// The decoder's own type of number is a string of its digits.
	number, ok := value.(strict.Number)
	if !ok {
		return time.Time{}, malformed(name)
	}
	f, err := json.Number(number).Float64()
	if err != nil || math.IsNaN(f) || f < 1 || f >= 1<<40 {
		return time.Time{}, malformed(name)
	}
	return time.Unix(int64(f), 0), nil
}
