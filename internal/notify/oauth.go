package notify

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// OAuth gets tokens as a client by its own credentials
// (https://www.rfc-editor.org/rfc/rfc6749#section-4.4), with the parameters of the
// connection
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnectionOAuthRequestParameters.html).
type OAuth struct {
	Endpoint, Method       string
	ClientID, ClientSecret string
	Header, Query, Body    []Field
}

// token is what an authorization server gave, or is asked for by one at a time.
type token struct {
	mu      sync.Mutex
	header  *Field // nil: none yet
	expires time.Time
}

// tokens keeps tokens by what they were asked for with.
type tokens struct {
	mu   sync.Mutex
	kept map[string]*token
}

const (
	maxTokens = 4096
	// tokenMargin is how long before its end a token is not used any more.
	tokenMargin = 30 * time.Second
	// tokenLife is how long a token is used that says nothing of its end; one that
	// ends before is refused by the receiver, and then forgotten.
	tokenLife = 10 * time.Minute
)

// id tells requests for tokens apart, without holding the secret.
func (o *OAuth) id() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings only
	}
	sum := sha256.Sum256(text)
	return string(sum[:])
}

// get is the header with a token that is good now.
func (t *tokens) get(ctx context.Context, client *http.Client, o *OAuth, now func() time.Time) (*Field, error) {
	id := o.id()
	t.mu.Lock()
	k := t.kept[id]
	if k == nil {
		if len(t.kept) >= maxTokens {
			clear(t.kept)
		}
		k = new(token)
		t.kept[id] = k
	}
	t.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.header != nil && now().Before(k.expires) {
		return k.header, nil
	}
	header, life, err := o.ask(ctx, client)
	if err != nil {
		return nil, err
	}
	k.header, k.expires = header, now().Add(life-tokenMargin)
	return header, nil
}

func (t *tokens) forget(o *OAuth) {
	t.mu.Lock()
	delete(t.kept, o.id())
	t.mu.Unlock()
}

// ask asks the authorization server. Whatever it refuses may be put right there, or
// in the connection, so it is tried again.
func (o *OAuth) ask(ctx context.Context, client *http.Client) (*Field, time.Duration, error) {
	ctx, cancel := within(ctx, webhookTimeout)
	defer cancel()
	r, err := o.request(ctx)
	if err != nil {
		return nil, 0, err
	}
	resp, body, err := Do(client, r, maxAnswer)
	if err != nil {
		return nil, 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("notify: the authorization server %s answers %s", r.URL.Host, resp.Status)
	}
	var got struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int64  `json:"expires_in"`
	}
	if json.Unmarshal(body, &got) != nil || got.Token == "" || got.Type != "" && !strings.EqualFold(got.Type, "bearer") {
		return nil, 0, fmt.Errorf("notify: the authorization server %s answers with no bearer token", r.URL.Host)
	}
	life := tokenLife
	if got.Expires > 0 {
		life = time.Duration(min(got.Expires, 365*24*3600)) * time.Second
	}
	return &Field{"Authorization", "Bearer " + got.Token}, life, nil
}

// request is the request for a token: a form, or JSON if the connection says so by
// its Content-Type.
func (o *OAuth) request(ctx context.Context) (*http.Request, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret}}
	for _, f := range o.Body {
		form.Set(f.Name, f.Value)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}, "User-Agent": {"Amazon/EventBridge/ApiDestinations"}}
	for _, f := range o.Header {
		if ReservedHeader(f.Name) {
			return nil, invalid("the header %s cannot be set", f.Name)
		}
		header.Set(f.Name, f.Value)
	}
	query := o.Query
	var body []byte
	switch {
	case o.Method == http.MethodGet:
		for name := range form {
			query = append(query[:len(query):len(query)], Field{name, form.Get(name)})
		}
		header.Del("Content-Type")
	case strings.HasPrefix(header.Get("Content-Type"), "application/json"):
		members := make(map[string]string, len(form))
		for name := range form {
			members[name] = form.Get(name)
		}
		var err error
		if body, err = json.Marshal(members); err != nil {
			return nil, err
		}
	default:
		body = []byte(form.Encode())
	}
	r, err := newRequest(ctx, o.Method, o.Endpoint, query, body)
	if err != nil {
		return nil, err
	}
	if r.URL.Scheme != "https" {
		return nil, invalid("secrets are sent by HTTPS only")
	}
	r.Header = header
	return r, nil
}
