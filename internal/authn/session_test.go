package authn_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/sigv4"
)

// A session of a kind that is not known must not pass for the principal behind it.
func TestUnknownKindOfSession(t *testing.T) {
	st, ring := newState(t), seal.NewRandom()
	err := st.Update(t.Context(), noon, func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: account})
		tx.Users.Put(&state.User{Entity: state.Entity{Account: account, ID: user, Name: "u", Path: "/"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, principal := range []string{user, account} {
		for kind, code := range map[authn.Kind]string{authn.SessionToken: "", "assumed-root": "InvalidClientTokenId", "": "InvalidClientTokenId"} {
			session := &authn.Session{
				KeyID: "ASIAQ3EGWLJW3EXAMPLE", Secret: strings.Repeat("s", 40), Kind: kind, Account: account, Principal: principal,
				Issued: noon, Expires: noon.Add(time.Hour),
			}
			token, err := authn.Issue(ring, session)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequest(http.MethodPost, "http://localhost/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			credentials := sigv4.Credentials{AccessKeyID: session.KeyID, SecretAccessKey: session.Secret, SessionToken: token}
			if err := sigv4.Sign(r, nil, credentials, "us-east-1", "sts", noon); err != nil {
				t.Fatal(err)
			}
			claim, err := sigv4.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			_, err = authn.New(ring).Authenticate(st.Snapshot(), r, claim, nil, noon)
			if got := codeOf(err); got != code {
				t.Errorf("kind %q of %s: %q, want %q", kind, principal, got, code)
			}
		}
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return awserr.From(err).Code
}
