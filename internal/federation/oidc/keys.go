package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-jose/go-jose/v4/json"

	"github.com/warder-iam/warder/internal/awserr"
)

// How long keys are good. A token with a key id that is not among them makes the
// cache ask the provider again, but not more often than every rotateAfter: such
// tokens anybody can write.
const (
	refreshAfter = 10 * time.Minute // then they are asked for again
	staleAfter   = time.Hour        // then they are not used, whether or not the provider answers
	rotateAfter  = 15 * time.Second
	retryAfter   = 10 * time.Second // after a failure

	maxProviders = 4096
	maxKeys      = 200
	minRSA       = 2048 // bits
	maxRSA       = 8192
)

// keyCache holds the keys of providers.
type keyCache struct {
	client  *client
	mu      sync.Mutex
	entries map[string]*cachedKeys
}

// cachedKeys are the keys of one provider.
type cachedKeys struct {
	fetching chan struct{} // holds one token while somebody asks the provider

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // when the keys were had
	tried   time.Time // when they were last asked for
	err     error     // of the last time, if it failed
}

func newKeyCache(c *client) *keyCache {
	return &keyCache{client: c, entries: make(map[string]*cachedKeys)}
}

// entry is the cache's place for a provider. Thumbprints decide who may answer
// for it, so what was had under other ones does not count.
func (c *keyCache) entry(p *Provider) *cachedKeys {
	key := p.URL + "\n" + strings.Join(p.Thumbprints, "\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		if len(c.entries) >= maxProviders {
			clear(c.entries)
		}
		e = &cachedKeys{fetching: make(chan struct{}, 1)}
		c.entries[key] = e
	}
	return e
}

// find gives the keys of the provider that may have signed a token with this
// header: one or more, or an error.
func (c *keyCache) find(ctx context.Context, now time.Time, p *Provider, h header) ([]jose.JSONWebKey, error) {
	e := c.entry(p)
	keys, settled, err := e.look(now, h)
	if settled {
		return keys, err
	}
	if len(keys) > 0 {
		select {
		case e.fetching <- struct{}{}:
		default:
			return keys, nil // somebody is asking; these are still good
		}
	} else {
		select {
		case e.fetching <- struct{}{}:
		case <-ctx.Done():
			return nil, unreachable(ctx.Err())
		}
	}
	defer func() { <-e.fetching }()
	// While this request waited, another may have asked.
	if keys, settled, err := e.look(now, h); settled {
		return keys, err
	}
	// What it comes to is everybody's, so it does not end with this request.
	fetch, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	e.ask(fetch, now, p, c.client)
	keys, _, err = e.look(now, h)
	return keys, err
}

// look says what is known: the keys that fit, or the error that stands until the
// provider may be asked again. It is not settled if it should be asked now.
func (e *cachedKeys) look(now time.Time, h header) (fit []jose.JSONWebKey, settled bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	since := now.Sub(e.tried)
	if !e.fetched.IsZero() && now.Sub(e.fetched) < staleAfter {
		fit = matching(e.keys, h)
	}
	switch {
	case e.tried.IsZero():
		return nil, false, nil
	case len(fit) > 0:
		// Soon enough, or the provider has just failed to answer.
		fresh := now.Sub(e.fetched) < refreshAfter || since < retryAfter
		return fit, fresh, nil
	case e.err != nil:
		return nil, since < retryAfter, e.err
	default:
		return nil, since < rotateAfter, noKey(fmt.Errorf("oidc: the provider has no key %q for %s", h.keyID, h.algorithm))
	}
}

// ask asks the provider and notes what it says.
func (e *cachedKeys) ask(ctx context.Context, now time.Time, p *Provider, c *client) {
	keys, err := c.fetchKeys(ctx, p)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tried, e.err = now, err
	if err == nil {
		e.keys, e.fetched = keys, now
	}
}

// fetchKeys asks a provider for its keys. The error is the one for the client.
func (c *client) fetchKeys(ctx context.Context, p *Provider) ([]jose.JSONWebKey, error) {
	t := c.byRootsOr(p.Thumbprints)
	at, err := c.keysURI(ctx, p.URL, t)
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err == nil {
		err = c.get(ctx, at, t, &set)
	}
	if err != nil {
		return nil, told(err)
	}
	if len(set.Keys) > maxKeys {
		return nil, noKey(fmt.Errorf("oidc: the provider has more than %d keys", maxKeys))
	}
	return readKeys(set.Keys), nil
}

// readKeys reads the keys of a set that may verify tokens. Those of kinds that
// are not known here do not keep the others from use.
func readKeys(set []json.RawMessage) (keys []jose.JSONWebKey) {
	for _, raw := range set {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) == nil && verifies(raw) && usable(&k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// verifies says whether a key's own list of operations lets it verify signatures
// (https://www.rfc-editor.org/rfc/rfc7517#section-4.3), which go-jose does not
// look at.
func verifies(raw json.RawMessage) bool {
	var k struct {
		Operations *[]string `json:"key_ops"`
	}
	return strict.Unmarshal(raw, &k) == nil && (k.Operations == nil || slices.Contains(*k.Operations, "verify"))
}

// usable says whether a key may verify tokens.
func usable(k *jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" || !k.IsPublic() || !k.Valid() {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSA && key.N.BitLen() <= maxRSA && !roca(key.N)
	case *ecdsa.PublicKey:
		return true
	}
	return false
}

// matching are the keys that a header asks for. A key serves only the algorithm
// that it is for.
func matching(keys []jose.JSONWebKey, h header) (fit []jose.JSONWebKey) {
	for _, k := range keys {
		if h.keyID != "" && k.KeyID != h.keyID || k.Algorithm != "" && k.Algorithm != string(h.algorithm) {
			continue
		}
		if slices.Contains(algorithmsOf(k.Key), h.algorithm) {
			fit = append(fit, k)
		}
	}
	return fit
}

func algorithmsOf(key any) []jose.SignatureAlgorithm {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	}
	return nil
}

// told is what the client is told of a failure to get keys; the log is told why.
func told(err error) error {
	switch {
	case errors.Is(err, errTLS):
		return &awserr.Error{Code: codeInvalid, Message: "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint", Cause: err}
	case errors.Is(err, errRefused):
		return noKey(err)
	}
	return unreachable(err)
}

// noKey and unreachable are AWS's answers where the provider has no key for the
// token, or does not answer. Clients try again after the second.
func noKey(cause error) error {
	return &awserr.Error{
		Code: codeInvalid, Cause: cause,
		Message: "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
	}
}

func unreachable(cause error) error {
	return &awserr.Error{
		Code: codeCommunication, Cause: cause,
		Message: "The request could not be fulfilled because the identity provider (IDP) that was asked to verify the incoming identity token could not be reached.",
	}
}
