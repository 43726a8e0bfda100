// Package oidctest is an OpenID Connect provider for tests: a real HTTPS server
// on loopback with a discovery document and keys, which signs whatever a test
// wants. Tests of internal/federation/oidc and of internal/service/sts use it.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // thumbprints are defined as SHA-1
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Client is the client id that Claims are for.
const Client = "client-of-the-test"

// Provider is a provider that runs until its test ends.
type Provider struct {
	URL string // of the issuer, without "https://"

	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	handlers map[string]http.HandlerFunc
	requests map[string]int
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// RSA is a key that tests share, since making one is slow.
func RSA() *rsa.PrivateKey { return rsaKey() }

// EC makes a key.
func EC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Start starts a provider whose issuer is at path ("" for none) and which has
// one key, RSA(), with the id "rsa".
func Start(t testing.TB, path string) *Provider {
	t.Helper()
	p := &Provider{t: t, handlers: make(map[string]http.HandlerFunc), requests: make(map[string]int)}
	p.server = httptest.NewTLSServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.server.Close)
	p.URL = strings.TrimPrefix(p.server.URL, "https://") + path
	p.SetKeys(Public(RSA(), "rsa"))
	return p
}

// Public is the public half of a key under an id.
func Public(key crypto.Signer, id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: id, Use: "sig"}
}

// SetKeys changes the keys of the provider.
func (p *Provider) SetKeys(keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

// Handle makes the provider answer differently at a path; nil is as before.
func (p *Provider) Handle(path string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handlers[path] = h
}

// Paths of the documents.
const (
	Discovery = "/.well-known/openid-configuration"
	Keys      = "/keys"
)

func (p *Provider) path() string {
	_, path, ok := strings.Cut(p.URL, "/")
	if !ok {
		return ""
	}
	return strings.TrimSuffix("/"+path, "/")
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	at := strings.TrimPrefix(r.URL.Path, p.path())
	p.mu.Lock()
	p.requests[at]++
	handler, keys := p.handlers[at], p.keys
	p.mu.Unlock()
	switch {
	case handler != nil:
		handler(w, r)
	case at == Discovery:
		write(w, map[string]any{"issuer": "https://" + p.URL, "jwks_uri": p.server.URL + p.path() + Keys})
	case at == Keys:
		write(w, jose.JSONWebKeySet{Keys: keys})
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that has gone away is nobody to tell
}

// Requests is how often a document was asked for.
func (p *Provider) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

// Roots vouch for the provider's certificate.
func (p *Provider) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.server.Certificate())
	return pool
}

// Thumbprint is that of the provider's certificate.
func (p *Provider) Thumbprint() string {
	sum := sha1.Sum(p.server.Certificate().Raw) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// Claims are those of a good token, with changes: nil takes a claim away.
func (p *Provider) Claims(now time.Time, change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": "https://" + p.URL, "sub": "subject-1", "aud": Client, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Token is a good token, with changes to its claims.
func (p *Provider) Token(now time.Time, change map[string]any) string {
	p.t.Helper()
	return Sign(p.t, jose.RS256, RSA(), "rsa", p.Claims(now, change))
}

// Sign makes a token. The id is left out of its header if it is empty.
func Sign(t testing.TB, alg jose.SignatureAlgorithm, key any, id string, claims any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return SignBytes(t, alg, key, id, payload, nil)
}

// SignBytes signs a payload that need not be JSON, with more in the header.
func SignBytes(t testing.TB, alg jose.SignatureAlgorithm, key any, id string, payload []byte, header map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	if id != "" {
		options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
