package outbound_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/warder-iam/warder/internal/outbound"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const account = "111122223333"

// world is a state with one issuer.
type world struct {
	*outbound.Issuer
	t     *testing.T
	state *state.State
	now   time.Time
}

func newWorld(t *testing.T) *world {
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w := &world{outbound.New("https://iam.example.com/base", seal.NewRandom()), t, st, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	keys, err := w.NewKeys(account, w.now)
	if err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), w.now, func(tx *state.Tx) error {
		tx.TokenIssuers.Put(&state.TokenIssuer{Account: account, ID: "issuer-id", Enabled: true, Keys: keys})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) issuer() *state.TokenIssuer { return w.state.Snapshot().TokenIssuers.Get(account) }

func (w *world) rotate(after time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(after)
	if err := w.Rotate(context.Background(), w.state, w.now); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sign(algorithm string) string {
	w.t.Helper()
	token, err := w.Sign(w.issuer(), algorithm, w.now, map[string]any{"sub": "somebody"})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) get(method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://evil.example.net"+path, nil)
	w.Handler(w.state.Snapshot).ServeHTTP(rec, r)
	return rec
}

func (w *world) keys() *jose.JSONWebKeySet {
	w.t.Helper()
	set := new(jose.JSONWebKeySet)
	if err := json.Unmarshal(w.get(http.MethodGet, "/outbound/issuer-id/.well-known/jwks.json").Body.Bytes(), set); err != nil {
		w.t.Fatal(err)
	}
	return set
}

// verifies says whether somebody who has these keys accepts a token.
func verifies(t *testing.T, set *jose.JSONWebKeySet, token string) bool {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES384})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Claims(set, new(map[string]any)) == nil
}

func (w *world) keyIDs() []string {
	var ids []string
	for _, k := range w.keys().Keys {
		if k.Use != "sig" || !k.IsPublic() || !k.Valid() {
			w.t.Errorf("key %s: use %q, public %v, valid %v", k.KeyID, k.Use, k.IsPublic(), k.Valid())
		}
		ids = append(ids, k.KeyID)
	}
	slices.Sort(ids)
	return ids
}

func TestRotation(t *testing.T) {
	w := newWorld(t)
	first := []string{"EC384_0", "RSA_0"}
	both := []string{"EC384_0", "EC384_1", "RSA_0", "RSA_1"}
	second := []string{"EC384_1", "RSA_1"}
	check := func(when string, published []string, signer string) {
		t.Helper()
		if got := w.keyIDs(); !slices.Equal(got, published) {
			t.Errorf("%s: published are %v, want %v", when, got, published)
		}
		for _, algorithm := range []string{outbound.RS256, outbound.ES384} {
			token := w.sign(algorithm)
			parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES384})
			if err != nil {
				t.Fatal(err)
			}
			if kid := parsed.Headers[0].KeyID; !strings.HasSuffix(kid, signer) || parsed.Headers[0].Algorithm != algorithm {
				t.Errorf("%s: %s signs with %s", when, algorithm, kid)
			}
			if !verifies(t, w.keys(), token) {
				t.Errorf("%s: a token by %s does not verify", when, algorithm)
			}
		}
	}
	w.rotate(88 * 24 * time.Hour)
	check("before its time", first, "_0")
	w.rotate(24 * time.Hour)
	check("announced", both, "_0")
	cached := w.keys()
	w.rotate(23 * time.Hour)
	check("nearly a day later", both, "_0")
	last := w.sign(outbound.ES384)
	w.rotate(time.Hour)
	check("in force", both, "_1")
	if !verifies(t, cached, w.sign(outbound.RS256)) {
		t.Error("keys that were cached when the new one was announced do not verify its tokens")
	}
	w.rotate(outbound.MaxToken)
	if !verifies(t, w.keys(), last) {
		t.Error("the last token of the old key has lost its key while it lives")
	}
	w.rotate(10 * time.Minute)
	check("the old key is gone", second, "_1")
	if verifies(t, w.keys(), last) {
		t.Error("a token of the old key still verifies")
	}

	// A disabled issuer gets no new keys.
	err := w.state.Update(t.Context(), w.now, func(tx *state.Tx) error {
		tx.TokenIssuers.Update(tx.TokenIssuers.Get(account), func(r *state.TokenIssuer) { r.Enabled = false })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.rotate(365 * 24 * time.Hour)
	check("disabled", second, "_1")
}

func TestKeysAreSealed(t *testing.T) {
	w := newWorld(t)
	r := w.issuer()
	for _, k := range r.Keys {
		if _, err := x509.ParsePKCS8PrivateKey(k.Private); err == nil || len(k.Private) == 0 {
			t.Error("a private key is stored in the clear")
		}
	}
	// A key that was moved to another account does not open.
	other := *r
	other.Account = "444455556666"
	if _, err := w.Sign(&other, outbound.RS256, w.now, map[string]any{}); err == nil {
		t.Error("a key signs for another account")
	}
	if _, err := w.Sign(r, "HS256", w.now, map[string]any{}); err == nil {
		t.Error("signed with an algorithm that there is no key for")
	}
}

func TestDocuments(t *testing.T) {
	w := newWorld(t)
	rec := w.get(http.MethodGet, "/outbound/issuer-id/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	const issuer = "https://iam.example.com/base/outbound/issuer-id"
	if doc["issuer"] != issuer || doc["jwks_uri"] != issuer+"/.well-known/jwks.json" || strings.Contains(rec.Body.String(), "evil") {
		t.Errorf("discovery document: %s", rec.Body)
	}
	if got := rec.Header().Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("Cache-Control: %s", got)
	}
	if rec := w.get(http.MethodHead, "/outbound/issuer-id/.well-known/jwks.json"); rec.Code != http.StatusOK || rec.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", rec.Code, rec.Body.Len())
	}
	for _, path := range []string{"/outbound/", "/outbound/issuer-id", "/outbound/issuer-id/", "/outbound/other/.well-known/jwks.json", "/outbound/issuer-id/.well-known/jwks.json/", "/outbound/issuer-id/x/.well-known/jwks.json"} {
		if rec := w.get(http.MethodGet, path); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if rec := w.get(http.MethodPost, "/outbound/issuer-id/.well-known/jwks.json"); rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", rec.Code)
	}
	text := w.get(http.MethodGet, "/outbound/issuer-id/.well-known/jwks.json").Body.String()
	for _, private := range []string{`"d":`, `"p":`, `"q":`, `"dp":`} {
		if strings.Contains(text, private) {
			t.Errorf("the key set has %s", private)
		}
	}
}
