package oidc_test

import (
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // thumbprints are defined as SHA-1
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/federation/oidc/oidctest"
)

const unreachable = "The request could not be fulfilled because the identity provider (IDP)"

// What a provider answers that is of no use, and what does not answer.
func TestProviderAnswers(t *testing.T) {
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	type answer struct {
		path    string
		handler func(b *bench) http.HandlerFunc
		code    string
		text    string
	}
	always := func(h http.HandlerFunc) func(*bench) http.HandlerFunc {
		return func(*bench) http.HandlerFunc { return h }
	}
	for name, tc := range map[string]answer{
		"no discovery document": {oidctest.Discovery, always(status(404)), "InvalidIdentityToken", noKey},
		"a failing provider":    {oidctest.Discovery, always(status(503)), "IDPCommunicationError", unreachable},
		"a busy provider":       {oidctest.Discovery, always(status(429)), "IDPCommunicationError", unreachable},
		"failing keys":          {oidctest.Keys, always(status(500)), "IDPCommunicationError", unreachable},
		"no JSON":               {oidctest.Discovery, always(text("<html>")), "InvalidIdentityToken", noKey},
		"JSON of another kind":  {oidctest.Discovery, always(text("[]")), "InvalidIdentityToken", noKey},
		"another issuer":        {oidctest.Discovery, always(text(`{"issuer":"https://elsewhere.example.com","jwks_uri":"https://elsewhere.example.com/keys"}`)), "InvalidIdentityToken", noKey},
		"keys over plain HTTP": {oidctest.Discovery, func(b *bench) http.HandlerFunc {
			return text(`{"issuer":"https://` + b.URL + `","jwks_uri":"http://127.0.0.1/keys"}`)
		}, "InvalidIdentityToken", noKey},
		"keys in a file": {oidctest.Discovery, func(b *bench) http.HandlerFunc {
			return text(`{"issuer":"https://` + b.URL + `","jwks_uri":"file:///etc/passwd"}`)
		}, "InvalidIdentityToken", noKey},
		"a redirect": {oidctest.Discovery, func(b *bench) http.HandlerFunc {
			return http.RedirectHandler("https://"+b.URL+oidctest.Keys, http.StatusFound).ServeHTTP
		}, "InvalidIdentityToken", noKey},
		"no keys":       {oidctest.Keys, always(text(`{"keys":[]}`)), "InvalidIdentityToken", noKey},
		"too many keys": {oidctest.Keys, always(text(`{"keys":[` + strings.Repeat(`{},`, 200) + `{}]}`)), "InvalidIdentityToken", noKey},
		"a large answer": {oidctest.Keys, always(text(`{"keys":[],"x":"` + strings.Repeat("x", 600<<10) + `"}`)),
			"InvalidIdentityToken", noKey},
		"keys of kinds unknown here": {oidctest.Keys, always(text(`{"keys":[{"kty":"OKP","crv":"X"},{"kty":"LMS"},5,null]}`)), "InvalidIdentityToken", noKey},
		"an interrupted answer": {oidctest.Keys, always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}), "IDPCommunicationError", unreachable},
	} {
		b := start(t)
		b.Handle(tc.path, tc.handler(b))
		_, err := b.verify(b.Token(now, nil))
		want(t, name, err, tc.code, tc.text)
	}
}

// A provider is not asked for every token, nor for every one with a key id that
// somebody made up.
func TestKeysAreKept(t *testing.T) {
	b := start(t)
	good := b.Token(now, map[string]any{"exp": now.Add(3 * time.Hour).Unix()})
	at := func(d time.Duration, token string) error {
		t.Helper()
		_, err := b.verifyAt(now.Add(d), token)
		return err
	}
	asked := func(n int) {
		t.Helper()
		if got := b.Requests(oidctest.Keys); got != n {
			t.Fatalf("the keys were asked for %d times, want %d", got, n)
		}
	}
	for i := range 5 {
		if err := at(time.Duration(i)*time.Second, good); err != nil {
			t.Fatal(err)
		}
	}
	asked(1)
	made := oidctest.Sign(t, jose.RS256, oidctest.RSA(), "made-up", b.Claims(now, nil))
	for range 5 {
		want(t, "a made-up key", at(5*time.Second, made), "InvalidIdentityToken", noKey)
	}
	asked(1)
	want(t, "a made-up key, later", at(20*time.Second, made), "InvalidIdentityToken", noKey)
	asked(2)
	// A new key is found as soon as a token needs it.
	b.SetKeys(oidctest.Public(oidctest.RSA(), "next"))
	rotated := oidctest.Sign(t, jose.RS256, oidctest.RSA(), "next", b.Claims(now, map[string]any{"exp": now.Add(3 * time.Hour).Unix()}))
	want(t, "a new key, at once", at(21*time.Second, rotated), "InvalidIdentityToken", noKey)
	if err := at(40*time.Second, rotated); err != nil {
		t.Fatal(err)
	}
	asked(3)
	want(t, "the old key", at(41*time.Second, good), "InvalidIdentityToken", noKey)
	// While the provider fails, the keys are good for a while, and no longer.
	b.Handle(oidctest.Discovery, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	for _, d := range []time.Duration{5 * time.Minute, 20 * time.Minute, 20*time.Minute + time.Second, 59 * time.Minute} {
		if err := at(d, rotated); err != nil {
			t.Errorf("after %v: %v", d, err)
		}
	}
	asked(3)
	if got := b.Requests(oidctest.Discovery); got != 5 {
		t.Errorf("a failing provider was asked %d times", got)
	}
	want(t, "old keys", at(2*time.Hour, rotated), "IDPCommunicationError", unreachable)
	b.Handle(oidctest.Discovery, nil)
	want(t, "too soon", at(2*time.Hour+5*time.Second, rotated), "IDPCommunicationError", unreachable)
	if err := at(2*time.Hour+11*time.Second, rotated); err != nil {
		t.Error(err)
	}
}

// A key that the provider takes back is not good for long.
func TestKeyTakenBack(t *testing.T) {
	b := start(t)
	token := b.Token(now, map[string]any{"exp": now.Add(time.Hour).Unix()})
	if _, err := b.verify(token); err != nil {
		t.Fatal(err)
	}
	b.SetKeys(oidctest.Public(oidctest.RSA(), "next"))
	_, err := b.verifyAt(now.Add(11*time.Minute), token)
	want(t, "a key that is gone", err, "InvalidIdentityToken", noKey)
}

// Many at once ask a provider once; one that goes away does not spoil it for the others.
func TestOneAsks(t *testing.T) {
	b := start(t)
	release := make(chan struct{})
	b.Handle(oidctest.Discovery, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write([]byte(`{"issuer":"https://` + b.URL + `","jwks_uri":"https://` + b.URL + oidctest.Keys + `"}`))
	})
	u, err := oidc.Read(b.Token(now, nil))
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			ctx := t.Context()
			if i == 0 {
				ctx = gone
			}
			if _, err := b.verifier.Verify(ctx, now, u, &b.trusted); err != nil && ctx.Err() == nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	for b.Requests(oidctest.Discovery) == 0 {
		time.Sleep(time.Millisecond)
	}
	leave()
	close(release)
	wg.Wait()
	if n := b.Requests(oidctest.Keys); n != 1 {
		t.Errorf("%d requests for the keys", n)
	}
}

// Nobody makes Warder send requests into its own network by registering a
// provider there, whatever the name of the machine is.
func TestNetworksThatAreNotPublic(t *testing.T) {
	p := oidctest.Start(t, "")
	_, port, _ := net.SplitHostPort(p.URL)
	for name, tc := range map[string]struct {
		allow []netip.Prefix
		host  string
	}{
		"loopback":                    {nil, p.URL},
		"a name of loopback":          {nil, "localhost:" + port},
		"another network is allowed":  {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, p.URL},
		"another address is allowed":  {[]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, p.URL},
		"the metadata of a cloud":     {nil, "169.254.169.254"},
		"a private network":           {nil, "10.0.0.1"},
		"every address of this host":  {nil, "0.0.0.0:" + port},
		"shared address space":        {loopback, "100.64.0.1"},
		"the metadata, from loopback": {loopback, "169.254.169.254"},
	} {
		v := oidc.New(oidc.Network{Allow: tc.allow, Roots: p.Roots()})
		token := p.Token(now, map[string]any{"iss": "https://" + tc.host})
		u, err := oidc.Read(token)
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Verify(t.Context(), now, u, &oidc.Provider{URL: tc.host, ClientIDs: []string{oidctest.Client}, Thumbprints: []string{p.Thumbprint()}})
		want(t, name, err, "InvalidIdentityToken", noKey)
		if !strings.Contains(err.Error(), "is not on the public internet") {
			t.Errorf("%s: the log says %v", name, err)
		}
		if _, err := v.Thumbprint(t.Context(), tc.host); err == nil || !strings.Contains(err.Error(), "is not on the public internet") {
			t.Errorf("%s: thumbprint: %v", name, err)
		}
	}
	if n := p.Requests(oidctest.Discovery); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	// Nor by where its keys are.
	b := start(t)
	b.Handle(oidctest.Discovery, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"https://` + b.URL + `","jwks_uri":"https://169.254.169.254/keys"}`))
	})
	_, err := b.verify(b.Token(now, nil))
	want(t, "keys elsewhere", err, "InvalidIdentityToken", noKey)
}

// The provider's certificate must be one that a root or a thumbprint vouches for,
// and of its host
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html).
func TestCertificates(t *testing.T) {
	p := oidctest.Start(t, "")
	_, port, _ := net.SplitHostPort(p.URL)
	const mismatch = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
	verify := func(roots bool, host string, thumbprints ...string) error {
		n := oidc.Network{Allow: loopback}
		n.Allow = append(n.Allow, netip.MustParsePrefix("::1/128"))
		if roots {
			n.Roots = p.Roots()
		}
		p.Handle(oidctest.Discovery, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"https://` + host + `","jwks_uri":"https://` + host + oidctest.Keys + `"}`))
		})
		u, err := oidc.Read(p.Token(now, map[string]any{"iss": "https://" + host}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = oidc.New(n).Verify(t.Context(), now, u, &oidc.Provider{URL: host, ClientIDs: []string{oidctest.Client}, Thumbprints: thumbprints})
		return err
	}
	if err := verify(true, p.URL); err != nil {
		t.Errorf("by a root: %v", err)
	}
	if err := verify(true, p.URL, strings.Repeat("0", 40)); err != nil {
		t.Errorf("by a root, with another thumbprint: %v", err)
	}
	if err := verify(false, p.URL, strings.Repeat("0", 40), p.Thumbprint()); err != nil {
		t.Errorf("by a thumbprint: %v", err)
	}
	want(t, "nobody vouches", verify(false, p.URL), "InvalidIdentityToken", mismatch)
	want(t, "another thumbprint", verify(false, p.URL, strings.Repeat("0", 40)), "InvalidIdentityToken", mismatch)
	// httptest's certificate is for 127.0.0.1 and example.com.
	want(t, "a root, of another name", verify(true, "localhost:"+port), "InvalidIdentityToken", mismatch)
	want(t, "a thumbprint, of another name", verify(false, "localhost:"+port, p.Thumbprint()), "InvalidIdentityToken", mismatch)

	// An address is a name too, which TLS does not carry.
	key := oidctest.EC(t, elliptic.P256())
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"elsewhere.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	other.StartTLS()
	defer other.Close()
	sum := sha1.Sum(der) //nolint:gosec // see the import
	want(t, "a thumbprint, of another address", verify(false, strings.TrimPrefix(other.URL, "https://"), hex.EncodeToString(sum[:])), "InvalidIdentityToken", mismatch)
}

func TestThumbprint(t *testing.T) {
	b := start(t)
	got, err := oidc.New(oidc.Network{Allow: loopback}).Thumbprint(t.Context(), b.URL)
	if err != nil || got != b.Thumbprint() {
		t.Errorf("%s, %v", got, err)
	}
	b.Handle(oidctest.Discovery, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) })
	if got, err := b.verifier.Thumbprint(t.Context(), b.URL); err == nil {
		t.Errorf("without a document: %s", got)
	}
}

func TestNewNetwork(t *testing.T) {
	n, err := oidc.NewNetwork([]string{"10.1.2.3/8", "fd00::/8", "192.168.1.7"}, "")
	if err != nil || len(n.Allow) != 3 || n.Allow[0] != netip.MustParsePrefix("10.0.0.0/8") || n.Allow[2] != netip.MustParsePrefix("192.168.1.7/32") || n.Roots != nil {
		t.Errorf("%+v, %v", n, err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		network, file string
	}{{"intranet", ""}, {"10.0.0.0/33", ""}, {"", ""}, {"10.0.0.0/8", empty}, {"10.0.0.0/8", empty + "x"}} {
		if _, err := oidc.NewNetwork([]string{tc.network}, tc.file); err == nil {
			t.Errorf("%q, %q: taken", tc.network, tc.file)
		}
	}
}

// FuzzClaims: what a genuine provider says is read without a panic, and what is
// taken of it can go into conditions.
func FuzzClaims(f *testing.F) {
	b := start(f)
	key := oidctest.EC(f, elliptic.P256()) // which signs many times faster than RSA does
	b.SetKeys(oidctest.Public(key, "ec"))
	f.Add(`{"https://aws.amazon.com/tags":{"principal_tags":{"a":["b"]},"transitive_tag_keys":["a"]},"email":"x","amr":["a"]}`)
	f.Add(`{"aud":["a","client-of-the-test"],"azp":"client-of-the-test","https://aws.amazon.com/source_identity":"me"}`)
	f.Fuzz(func(t *testing.T, more string) {
		payload := []byte(`{"iss":"https://` + b.URL + `","sub":"s","aud":"client-of-the-test","iat":1772366400,"exp":1772366500`)
		if len(more) > 2 && more[0] == '{' {
			payload = append(append(payload, ','), more[1:]...)
		} else {
			payload = append(payload, more...)
		}
		if len(payload) > 10000 {
			return
		}
		own := *b
		own.t = t
		token, err := own.verify(oidctest.SignBytes(t, jose.ES256, key, "ec", payload, nil))
		if err != nil {
			return
		}
		keys, keep, err := token.Conditions(&b.trusted)
		if err != nil {
			return
		}
		for key := range keep {
			if keys[key] == nil {
				t.Errorf("kept %q, which is no condition", key)
			}
		}
		_, _, _ = token.Tags()
		_, _ = token.SourceIdentity()
	})
}
