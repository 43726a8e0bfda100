package outbound

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/warder-iam/warder/internal/state"
)

// The documents of an issuer, below its URL
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOutboundWebIdentityFederation.html).
const (
	configurationPath = "/.well-known/openid-configuration"
	keysPath          = "/.well-known/jwks.json"
)

// cacheFor is how long the documents may be cached. It must be shorter than
// announce.
const cacheFor = time.Hour

// configuration is the discovery document
// (https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata).
type configuration struct {
	Issuer        string   `json:"issuer"`
	Keys          string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`
}

// Handler serves the documents of all issuers to anybody, below Path. An issuer
// that was disabled is served on: its last tokens can still be verified.
func (i *Issuer) Handler(snapshot func() *state.Snapshot) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		id, document, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), "/")
		issuer := snapshot().TokenIssuerByID(id)
		if issuer == nil || i.base == "" {
			http.NotFound(w, r)
			return
		}
		var body any
		switch "/" + document {
		case configurationPath:
			url := i.URL(issuer)
			body = configuration{
				Issuer: url, Keys: url + keysPath, ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
				Algorithms: algorithms,
				Claims:     []string{"sub", "iss", "aud", "exp", "iat", "jti", ClaimsNamespace},
			}
		case keysPath:
			keys, err := publicKeys(issuer)
			if err != nil {
				http.Error(w, "internal failure", http.StatusInternalServerError)
				return
			}
			body = keys
		default:
			http.NotFound(w, r)
			return
		}
		text, err := json.Marshal(body)
		if err != nil {
			http.Error(w, "internal failure", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(text)))
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(cacheFor/time.Second)))
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method == http.MethodGet {
			_, _ = w.Write(text) // a client that has gone away is nobody to tell
		}
	})
}

// ClaimsNamespace is the claim that what AWS adds stands in
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html).
const ClaimsNamespace = "https://sts.amazonaws.com/"

func publicKeys(r *state.TokenIssuer) (*jose.JSONWebKeySet, error) {
	set := &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range r.Keys {
		public, err := x509.ParsePKIXPublicKey(k.Public)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: public, KeyID: keyID(k), Algorithm: k.Algorithm, Use: "sig"})
	}
	return set, nil
}
