package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/outward"
)

// Webhook is one request to an API destination
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html).
// It is made up of the destination, the connection and the target's parameters; of
// fields with the same name the later one counts, so that the connection's, which
// AWS puts first, come last.
type Webhook struct {
	Method string
	URL    string // see FillPath
	Header []Field
	Query  []Field
	// Fields are added to a body that is a JSON object.
	Fields []Field
	Body   []byte
	Auth   Auth
}

// Field is a name and a value in a header, a query or a body.
type Field struct{ Name, Value string }

// Auth is how a connection authorizes requests: one of these, or none of them.
type Auth struct {
	Basic  *Field // user name and password
	APIKey *Field // the header that holds the key, and the key
	OAuth  *OAuth
}

// Webhooks sends webhooks. It is safe for concurrent use.
type Webhooks struct {
	client *http.Client
	tokens tokens
	now    func() time.Time
}

// NewWebhooks makes a sender that reaches as far as the network lets it.
func NewWebhooks(n outward.Network, now func() time.Time) *Webhooks {
	return &Webhooks{client: outward.Client(n.Transport()), tokens: tokens{kept: make(map[string]*token)}, now: now}
}

const (
	// webhookTimeout is how long EventBridge waits for an answer.
	webhookTimeout = 5 * time.Second
	maxAnswer      = 64 << 10
)

// FillPath puts the values in the places of the asterisks of an endpoint, in order.
func FillPath(endpoint string, values []string) (string, error) {
	parts := strings.Split(endpoint, "*")
	if len(parts)-1 != len(values) {
		return "", invalid("the endpoint has %d places for path parameters, and there are %d", len(parts)-1, len(values))
	}
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(values) {
			b.WriteString(url.PathEscape(values[i]))
		}
	}
	return b.String(), nil
}

// Send sends a webhook.
func (w *Webhooks) Send(ctx context.Context, h *Webhook) error {
	auth, err := w.authorization(ctx, h.Auth)
	if err != nil {
		return err
	}
	attempt, cancel := within(ctx, webhookTimeout)
	defer cancel()
	r, err := h.request(attempt)
	if err != nil {
		return err
	}
	if auth != nil {
		r.Header.Set(auth.Name, auth.Value)
	}
	resp, _, err := Do(w.client, r, maxAnswer)
	if err != nil {
		return err
	}
	if (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusProxyAuthRequired) && h.Auth.OAuth != nil {
		w.tokens.forget(h.Auth.OAuth)
	}
	return Judge(resp, againWebhook, w.now())
}

// againWebhook are the answers after which EventBridge tries again
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html#eb-api-destination-error-codes).
func againWebhook(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// authorization is the header that authorizes a request; nil for none.
func (w *Webhooks) authorization(ctx context.Context, a Auth) (*Field, error) {
	switch {
	case a.Basic != nil:
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(a.Basic.Name, a.Basic.Value)
		return &Field{"Authorization", r.Header.Get("Authorization")}, nil
	case a.APIKey != nil:
		return a.APIKey, nil
	case a.OAuth != nil:
		return w.tokens.get(ctx, w.client, a.OAuth, w.now)
	}
	return nil, nil
}

// request is the webhook as AWS sends it, with the headers that it adds.
func (h *Webhook) request(ctx context.Context) (*http.Request, error) {
	body, err := withFields(h.Body, h.Fields)
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, h.Method, h.URL, h.Query, body)
	if err != nil {
		return nil, err
	}
	if r.URL.Scheme != "https" {
		return nil, invalid("webhooks are sent by HTTPS only")
	}
	r.Header.Set("User-Agent", "Amazon/EventBridge/ApiDestinations")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Range", "bytes=0-1048575")
	for _, f := range h.Header {
		if ReservedHeader(f.Name) {
			return nil, invalid("the header %s cannot be set", f.Name)
		}
		r.Header.Set(f.Name, f.Value)
	}
	return r, nil
}

// newRequest is a request with parameters added to its address.
func newRequest(ctx context.Context, method, address string, query []Field, body []byte) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, invalid("the endpoint is no address")
	}
	parameters := u.Query()
	for _, f := range query {
		parameters.Set(f.Name, f.Value)
	}
	if len(query) > 0 {
		u.RawQuery = parameters.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, invalid("the method %q is none", method)
	}
	return r, nil
}

// withFields adds members to a JSON object.
func withFields(body []byte, fields []Field) ([]byte, error) {
	if len(fields) == 0 {
		return body, nil
	}
	members := make(map[string]json.RawMessage)
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return nil, invalid("the connection adds to a body that is no JSON object")
	}
	for _, f := range fields {
		text, err := json.Marshal(f.Value)
		if err != nil {
			return nil, err
		}
		members[f.Name] = text
	}
	return json.Marshal(members)
}

// reserved are the headers that nobody may set
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html#eb-api-destination-headers).
var reserved = []string{
	"A-Im", "Accept-Charset", "Accept-Datetime", "Accept-Encoding", "Cache-Control", "Connection", "Content-Encoding", "Content-Length",
	"Content-Md5", "Date", "Expect", "Forwarded", "From", "Host", "Http2-Settings", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since", "Max-Forwards", "Origin", "Pragma", "Proxy-Authorization", "Range", "Referer", "Te", "Trailer", "Transfer-Encoding",
	"User-Agent", "Upgrade", "Via", "Warning",
}

// ReservedHeader says whether a header of webhooks is AWS's to set.
func ReservedHeader(name string) bool {
	return slices.Contains(reserved, http.CanonicalHeaderKey(name))
}
