package oidc_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/federation/oidc/oidctest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// bench is a provider, and a verifier that reaches it.
type bench struct {
	*oidctest.Provider
	t        testing.TB
	verifier *oidc.Verifier
	trusted  oidc.Provider
}

func start(t testing.TB) *bench {
	t.Helper()
	p := oidctest.Start(t, "/realms/r")
	return &bench{
		Provider: p, t: t, verifier: oidc.New(oidc.Network{Allow: loopback, Roots: p.Roots()}),
		trusted: oidc.Provider{URL: p.URL, ClientIDs: []string{"other", oidctest.Client}},
	}
}

func (b *bench) verify(token string) (*oidc.Token, error) { return b.verifyAt(now, token) }

func (b *bench) verifyAt(at time.Time, token string) (*oidc.Token, error) {
	b.t.Helper()
	u, err := oidc.Read(token)
	if err != nil {
		return nil, err
	}
	return b.verifier.Verify(b.t.Context(), at, u, &b.trusted)
}

// want checks a refusal: its code, and what its text begins with.
func want(t testing.TB, what string, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[*awserr.Error](err)
	if !ok || e.Code != code || !strings.HasPrefix(e.Message, text) {
		t.Errorf("%s: %v, want %s: %s", what, err, code, text)
	}
}

const (
	noJWT  = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	noKey  = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	badSig = "The ID Token signature is not valid."
	badAlg = "The signature algorithm of the ID Token is not supported."
)

func TestGoodToken(t *testing.T) {
	b := start(t)
	token, err := b.verify(b.Token(now, map[string]any{"nbf": now.Unix(), "amr": []string{"pwd", "otp"}}))
	if err != nil {
		t.Fatal(err)
	}
	if token.Issuer != "https://"+b.URL || token.Subject != "subject-1" || token.Audience != oidctest.Client ||
		!token.Issued.Equal(now) || !token.Expires.Equal(now.Add(5*time.Minute)) || !token.NotBefore.Equal(now) {
		t.Errorf("%+v", token)
	}
}

func TestAlgorithms(t *testing.T) {
	b := start(t)
	p256, p384, p521 := oidctest.EC(t, elliptic.P256()), oidctest.EC(t, elliptic.P384()), oidctest.EC(t, elliptic.P521())
	b.SetKeys(oidctest.Public(oidctest.RSA(), "rsa"), oidctest.Public(p256, "256"), oidctest.Public(p384, "384"), oidctest.Public(p521, "521"))
	claims := b.Claims(now, nil)
	for _, tc := range []struct {
		alg jose.SignatureAlgorithm
		key any
		id  string
		err string // "" if it is taken
	}{
		{jose.RS256, oidctest.RSA(), "rsa", ""},
		{jose.RS384, oidctest.RSA(), "rsa", ""},
		{jose.RS512, oidctest.RSA(), "rsa", ""},
		{jose.ES256, p256, "256", ""},
		{jose.ES384, p384, "384", ""},
		{jose.ES512, p521, "521", ""},
		{jose.RS256, oidctest.RSA(), "", ""},
		{jose.ES256, p256, "", ""},
		{jose.PS256, oidctest.RSA(), "rsa", badAlg},
		{jose.HS256, []byte(strings.Repeat("k", 64)), "rsa", badAlg},
		// A key under another's id, of its own kind and of another.
		{jose.ES256, p256, "384", noKey},
		{jose.ES256, p256, "rsa", noKey},
		{jose.ES256, oidctest.EC(t, elliptic.P256()), "256", badSig},
	} {
		_, err := b.verify(oidctest.Sign(t, tc.alg, tc.key, tc.id, claims))
		if tc.err == "" && err != nil {
			t.Errorf("%s %q: %v", tc.alg, tc.id, err)
		} else if tc.err != "" {
			want(t, string(tc.alg)+" "+tc.id, err, "InvalidIdentityToken", tc.err)
		}
	}
}

func TestClaims(t *testing.T) {
	b := start(t)
	for name, tc := range map[string]struct {
		change     map[string]any
		code, text string
	}{
		"another audience":            {map[string]any{"aud": "somebody"}, "InvalidIdentityToken", "Incorrect token audience"},
		"the audience in other case":  {map[string]any{"aud": strings.ToUpper(oidctest.Client)}, "InvalidIdentityToken", "Incorrect token audience"},
		"one audience of several":     {map[string]any{"aud": []string{"somebody", oidctest.Client}}, "", ""},
		"none of several":             {map[string]any{"aud": []string{"somebody", "x"}}, "InvalidIdentityToken", "Incorrect token audience"},
		"no audience":                 {map[string]any{"aud": nil}, "InvalidIdentityToken", "Missing a required claim: aud"},
		"an empty list of audiences":  {map[string]any{"aud": []string{}}, "InvalidIdentityToken", "Missing a required claim: aud"},
		"an audience that is none":    {map[string]any{"aud": 5}, "InvalidIdentityToken", "The claim aud"},
		"an audience in an object":    {map[string]any{"aud": map[string]any{"a": oidctest.Client}}, "InvalidIdentityToken", "The claim aud"},
		"an authorized party":         {map[string]any{"azp": oidctest.Client, "aud": "account"}, "", ""},
		"another authorized party":    {map[string]any{"azp": "somebody"}, "InvalidIdentityToken", "Incorrect token audience"},
		"an authorized party, a list": {map[string]any{"azp": []string{oidctest.Client}}, "InvalidIdentityToken", "The claim azp"},
		"no subject":                  {map[string]any{"sub": nil}, "InvalidIdentityToken", "Missing a required claim: sub"},
		"an empty subject":            {map[string]any{"sub": ""}, "InvalidIdentityToken", "Missing a required claim: sub"},
		"a subject that is a number":  {map[string]any{"sub": 7}, "InvalidIdentityToken", "The claim sub"},
		"a subject with a line break": {map[string]any{"sub": "a\nb"}, "InvalidIdentityToken", "The claim sub"},
		"a subject without end":       {map[string]any{"sub": strings.Repeat("s", 5000)}, "InvalidIdentityToken", "The claim sub"},
		"no issuer":                   {map[string]any{"iss": nil}, "InvalidIdentityToken", "Missing a required claim: iss"},
		"another issuer":              {map[string]any{"iss": "https://elsewhere.example.com"}, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://elsewhere.example.com"},
		"the issuer and a slash":      {map[string]any{"iss": "https://" + b.URL + "/"}, "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"the issuer without https":    {map[string]any{"iss": b.URL}, "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"no expiry":                   {map[string]any{"exp": nil}, "InvalidIdentityToken", "Missing a required claim: exp"},
		"an expiry in words":          {map[string]any{"exp": "tomorrow"}, "InvalidIdentityToken", "The claim exp"},
		"an expiry as a string":       {map[string]any{"exp": "9999999999"}, "InvalidIdentityToken", "The claim exp"},
		"an endless expiry":           {map[string]any{"exp": json.Number("1e300")}, "InvalidIdentityToken", "The claim exp"},
		"a negative expiry":           {map[string]any{"exp": -5}, "InvalidIdentityToken", "The claim exp"},
		"expired now":                 {map[string]any{"exp": now.Unix()}, "ExpiredTokenException", "Token expired: current date/time 1772366400 must be before the expiration date/time 1772366400"},
		"good for a second":           {map[string]any{"exp": now.Unix() + 1}, "", ""},
		"no date of issue":            {map[string]any{"iat": nil}, "InvalidIdentityToken", "Missing a required claim: iat"},
		"issued in the future":        {map[string]any{"iat": now.Add(6 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix()}, "InvalidIdentityToken", "The ID Token was issued in the future."},
		"issued by a clock ahead":     {map[string]any{"iat": now.Add(4 * time.Minute).Unix()}, "", ""},
		"not yet":                     {map[string]any{"nbf": now.Add(6 * time.Minute).Unix()}, "InvalidIdentityToken", "The ID Token is not valid yet."},
	} {
		_, err := b.verify(b.Token(now, tc.change))
		if tc.code == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		want(t, name, err, tc.code, tc.text)
	}
}

// What attackers have made of tokens elsewhere
// (CVE-2024-48916, CVE-2026-33322, CVE-2026-32597 and their kin).
func TestForgedTokens(t *testing.T) {
	b := start(t)
	p256 := oidctest.EC(t, elliptic.P256())
	b.SetKeys(oidctest.Public(oidctest.RSA(), "rsa"), oidctest.Public(p256, "ec"))
	payload, err := json.Marshal(b.Claims(now, nil))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	raw := func(header string, signature []byte) string {
		return encode([]byte(header)) + "." + encode(payload) + "." + encode(signature)
	}
	good := b.Token(now, nil)
	parts := strings.Split(good, ".")
	spki, err := x509.MarshalPKIXPublicKey(oidctest.RSA().Public())
	if err != nil {
		t.Fatal(err)
	}
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own := jose.JSONWebKey{Key: mine.Public(), KeyID: "mine", Algorithm: "RS256"}
	sign := func(alg jose.SignatureAlgorithm, key any, id string, header map[string]any) string {
		return oidctest.SignBytes(t, alg, key, id, payload, header)
	}
	other := b.Claims(now, map[string]any{"sub": "administrator"})
	forged, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ token, text string }{
		"alg none":                   {raw(`{"alg":"none"}`, nil), badAlg},
		"alg None, with a signature": {raw(`{"alg":"None","kid":"rsa"}`, []byte("x")), badAlg},
		"no alg":                     {raw(`{"kid":"rsa"}`, []byte("x")), badAlg},
		"alg a number":               {raw(`{"alg":5}`, []byte("x")), badAlg},
		"HMAC with the modulus":      {sign(jose.HS256, oidctest.RSA().N.Bytes(), "rsa", nil), badAlg},
		"HMAC with the public key":   {sign(jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "rsa", nil), badAlg},
		"a key of one's own":         {sign(jose.RS256, mine, "rsa", nil), badSig},
		"an embedded key":            {sign(jose.RS256, mine, "mine", map[string]any{"jwk": own}), noKey},
		"an embedded key, no id":     {sign(jose.RS256, mine, "", map[string]any{"jwk": own}), badSig},
		"jku":                        {sign(jose.RS256, mine, "mine", map[string]any{"jku": "https://evil.example.com/keys"}), noKey},
		"x5u":                        {sign(jose.RS256, mine, "rsa", map[string]any{"x5u": "https://evil.example.com/cert"}), badSig},
		"crit, unknown":              {sign(jose.RS256, oidctest.RSA(), "rsa", map[string]any{"crit": []string{"exp"}, "exp": 5}), noJWT},
		"crit b64":                   {sign(jose.RS256, oidctest.RSA(), "rsa", map[string]any{"crit": []string{"b64"}, "b64": true}), noJWT},
		"no signature":               {parts[0] + "." + parts[1] + ".", badSig},
		"other claims":               {parts[0] + "." + encode(forged) + "." + parts[2], badSig},
		"another header":             {encode([]byte(`{"alg":"RS512","kid":"rsa"}`)) + "." + parts[1] + "." + parts[2], badSig},
		"r=s=0":                      {raw(`{"alg":"ES256","kid":"ec"}`, make([]byte, 64)), badSig},
		"r=s=n":                      {raw(`{"alg":"ES256","kid":"ec"}`, append(elliptic.P256().Params().N.Bytes(), elliptic.P256().Params().N.Bytes()...)), badSig},
		"an ECDSA signature in DER":  {raw(`{"alg":"ES256","kid":"ec"}`, []byte{0x30, 6, 2, 1, 1, 2, 1, 1}), badSig},
		"an RSA signature of 1":      {raw(`{"alg":"RS256","kid":"rsa"}`, append(make([]byte, 255), 1)), badSig},
		"alg twice":                  {raw(`{"alg":"none","alg":"RS256","kid":"rsa"}`, []byte("x")), noJWT},
		"iss twice":                  {oidctest.SignBytes(t, jose.RS256, oidctest.RSA(), "rsa", []byte(`{"iss":"https://a.example.com",`+string(payload[1:])), nil), noJWT},
		"JSON serialization":         {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, noJWT},
		"five parts":                 {good + ".a.b", noJWT},
		"padding":                    {parts[0] + "=." + parts[1] + "." + parts[2], noJWT},
		"no payload":                 {oidctest.SignBytes(t, jose.RS256, oidctest.RSA(), "rsa", nil, nil), noJWT},
		"a payload that is a list":   {oidctest.SignBytes(t, jose.RS256, oidctest.RSA(), "rsa", []byte(`[1]`), nil), noJWT},
		"more behind the payload":    {oidctest.SignBytes(t, jose.RS256, oidctest.RSA(), "rsa", append([]byte(payload), '{', '}'), nil), noJWT},
		"deep":                       {oidctest.SignBytes(t, jose.RS256, oidctest.RSA(), "rsa", []byte(`{"a":`+strings.Repeat("[", 14000)), nil), noJWT},
		"too long":                   {good + strings.Repeat("A", 20000), noJWT},
		"an access token":            {"ya29.a0AfH6SNotAJWT", noJWT},
	} {
		if _, err := b.verify(tc.token); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			want(t, name, err, "InvalidIdentityToken", tc.text)
		}
	}
	if _, err := b.verify(good); err != nil {
		t.Errorf("the good token: %v", err)
	}
}

// Keys that may not verify anything, though the provider has them.
func TestUnusableKeys(t *testing.T) {
	b := start(t)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	encryption := oidctest.Public(oidctest.RSA(), "enc")
	encryption.Use = "enc"
	other := oidctest.Public(oidctest.RSA(), "512")
	other.Algorithm = "RS512"
	private := jose.JSONWebKey{Key: oidctest.RSA(), KeyID: "private"}
	symmetric := jose.JSONWebKey{Key: []byte(strings.Repeat("k", 32)), KeyID: "oct"}
	b.SetKeys(oidctest.Public(small, "small"), encryption, other, private, symmetric)
	claims := b.Claims(now, nil)
	for id, token := range map[string]string{
		"enc": oidctest.Sign(t, jose.RS256, oidctest.RSA(), "enc", claims), "512": oidctest.Sign(t, jose.RS256, oidctest.RSA(), "512", claims),
		"private": oidctest.Sign(t, jose.RS256, oidctest.RSA(), "private", claims),
	} {
		_, err := b.verify(token)
		want(t, id, err, "InvalidIdentityToken", noKey)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: small}, (&jose.SignerOptions{}).WithHeader("kid", "small"))
	if err == nil {
		payload, _ := json.Marshal(claims)
		jws, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		token, _ := jws.CompactSerialize()
		_, err = b.verify(token)
		want(t, "small", err, "InvalidIdentityToken", noKey)
	}
	if _, err := b.verify(oidctest.Sign(t, jose.RS512, oidctest.RSA(), "512", claims)); err != nil {
		t.Errorf("the algorithm that the key is for: %v", err)
	}
}

func TestConditions(t *testing.T) {
	b := start(t)
	prefix := strings.ToLower(b.URL) + ":"
	token, err := b.verify(b.Token(now, map[string]any{
		"aud": []string{"account", "more"}, "azp": oidctest.Client, "amr": []string{"pwd", "otp"}, "email": "me@example.com",
		"groups": []string{"admins"}, "repository": "o/r",
	}))
	if err != nil {
		t.Fatal(err)
	}
	keys, keep, err := token.Conditions(&b.trusted)
	if err != nil {
		t.Fatal(err)
	}
	wantKeys := map[string][]string{
		prefix + "sub": {"subject-1"}, prefix + "aud": {oidctest.Client}, prefix + "oaud": {"account", "more"},
		prefix + "amr": {"pwd", "otp"}, prefix + "email": {"me@example.com"},
	}
	if !reflect.DeepEqual(keys, wantKeys) {
		t.Errorf("keys %q", keys)
	}
	delete(wantKeys, prefix+"email")
	if !reflect.DeepEqual(keep, wantKeys) {
		t.Errorf("kept %q", keep)
	}
	// Of some providers AWS takes more.
	keys, _, err = token.Conditions(&oidc.Provider{URL: "token.actions.githubusercontent.com"})
	if got := keys["token.actions.githubusercontent.com:repository"]; err != nil || !reflect.DeepEqual(got, []string{"o/r"}) {
		t.Errorf("the repository of GitHub: %q, %v", got, err)
	}
	for name, change := range map[string]map[string]any{
		"an address in a list":    {"email": []any{5}},
		"more than a session has": {"sub": strings.Repeat("s", 2000), "amr": strings.Repeat("a", 200)},
	} {
		token, err := b.verify(b.Token(now, change))
		if err != nil {
			t.Fatal(name, err)
		}
		_, _, err = token.Conditions(&b.trusted)
		want(t, name, err, "InvalidIdentityToken", "The claim")
	}
}

func TestSessionClaims(t *testing.T) {
	b := start(t)
	const ns = "https://aws.amazon.com/"
	type tags = []oidc.Tag
	for name, tc := range map[string]struct {
		change     map[string]any
		tags       tags
		transitive []string
		source     string
		bad        bool
	}{
		"none": {},
		"AWS's example": {change: map[string]any{ns + "tags": map[string]any{
			"principal_tags":      map[string]any{"Project": []string{"Automation"}, "CostCenter": []string{"987654"}, "Department": "Engineering"},
			"transitive_tag_keys": []string{"Project", "CostCenter"},
		}}, tags: tags{{"CostCenter", "987654"}, {"Department", "Engineering"}, {"Project", "Automation"}}, transitive: []string{"Project", "CostCenter"}},
		"flat": {change: map[string]any{ns + "tags/principal_tags/Team": "blue", ns + "tags/transitive_tag_keys": []string{"Team"}},
			tags: tags{{"Team", "blue"}}, transitive: []string{"Team"}},
		"an empty value":        {change: map[string]any{ns + "tags/principal_tags/Team": ""}, tags: tags{{"Team", ""}}},
		"source identity":       {change: map[string]any{ns + "source_identity": "Admin@example"}, source: "Admin@example"},
		"both ways":             {change: map[string]any{ns + "tags/principal_tags/T": "a", ns + "tags": map[string]any{"principal_tags": map[string]any{"T": "b"}}}, bad: true},
		"two values":            {change: map[string]any{ns + "tags": map[string]any{"principal_tags": map[string]any{"T": []string{"a", "b"}}}}, bad: true},
		"no value":              {change: map[string]any{ns + "tags": map[string]any{"principal_tags": map[string]any{"T": []string{}}}}, bad: true},
		"a number":              {change: map[string]any{ns + "tags/principal_tags/T": 5}, bad: true},
		"tags in a list":        {change: map[string]any{ns + "tags": []any{}}, bad: true},
		"principal tags, list":  {change: map[string]any{ns + "tags": map[string]any{"principal_tags": []string{"a"}}}, bad: true},
		"transitive, an object": {change: map[string]any{ns + "tags/transitive_tag_keys": map[string]any{}}, bad: true},
		"a key of no letters":   {change: map[string]any{ns + "tags/principal_tags/": "a"}, bad: true},
		"a long key":            {change: map[string]any{ns + "tags/principal_tags/" + strings.Repeat("k", 129): "a"}, bad: true},
		"a long value":          {change: map[string]any{ns + "tags/principal_tags/K": strings.Repeat("v", 257)}, bad: true},
		"a key of signs":        {change: map[string]any{ns + "tags/principal_tags/<K>": "a"}, bad: true},
		"a short identity":      {change: map[string]any{ns + "source_identity": "A"}, bad: true},
		"an identity of signs":  {change: map[string]any{ns + "source_identity": "A B"}, bad: true},
		"an empty identity":     {change: map[string]any{ns + "source_identity": ""}, bad: true},
		"identities":            {change: map[string]any{ns + "source_identity": []string{"Admin"}}, bad: true},
	} {
		token, err := b.verify(b.Token(now, tc.change))
		if err != nil {
			t.Fatal(name, err)
		}
		got, transitive, err := token.Tags()
		source, err2 := token.SourceIdentity()
		err = errors.Join(err, err2)
		if tc.bad {
			want(t, name, err, "InvalidIdentityToken", "The claim https://aws.amazon.com/")
			continue
		}
		if err != nil || !reflect.DeepEqual(got, tc.tags) || !reflect.DeepEqual(transitive, tc.transitive) || source != tc.source {
			t.Errorf("%s: %q %q %q %v", name, got, transitive, source, err)
		}
	}
}
