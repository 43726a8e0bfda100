// Package notify sends what leaves Warder for people and programs to take notice
// of: requests to webhooks (EventBridge's API destinations, with the authorization
// of a connection) and mail. The messages of SNS topics are in package topic, below.
//
// A sender tries once. Its error says what to make of a failure, in the terms of
// internal/audit/outbox, which keeps what is to be sent and tries again:
// *outbox.Permanent if it makes no sense to, *outbox.Later if the receiver has said
// when, any other error if it may help. No error holds a secret, nor the query of an
// address, where secrets are put.
//
// What is sent, and who may have it sent, is decided elsewhere: by the rules of
// internal/service/events and internal/service/sns, and by what takes events from
// the trail to their targets.
package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/outward"
)

// maxRetryAfter bounds what a receiver may ask for: EventBridge keeps events for a
// day.
const maxRetryAfter = 24 * time.Hour

// Do sends a request and reads an answer of at most limit bytes, of which more is
// ignored. Errors of the connection hold the host's name and no more of the address.
func Do(c *http.Client, r *http.Request, limit int64) (*http.Response, []byte, error) {
	resp, err := c.Do(r)
	if err != nil {
		return nil, nil, connection(r.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err := outward.Read(resp, limit)
	if err != nil && !errors.Is(err, outward.ErrTooLong) {
		return nil, nil, connection(r.URL.Host, err)
	}
	return resp, body, nil
}

// connection is the error of a connection to a host.
func connection(host string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // which u would put the whole address before
	}
	failure := fmt.Errorf("notify: %s: %w", host, err)
	if errors.Is(err, outward.ErrNotPublic) {
		return &outbox.Permanent{Err: failure}
	}
	return failure
}

// invalid is the error of something that can never be sent.
func invalid(format string, args ...any) error {
	return &outbox.Permanent{Err: fmt.Errorf("notify: "+format, args...)}
}

// Judge is what an answer means: nil for a success, and otherwise whether to try
// again, which the service decides by the status, and when, which the receiver may
// say by Retry-After. A negative one is a wish never to.
func Judge(resp *http.Response, again func(status int) bool, now time.Time) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	err := fmt.Errorf("notify: %s answers %s", resp.Request.URL.Host, resp.Status)
	if !again(resp.StatusCode) {
		return &outbox.Permanent{Err: err}
	}
	after, said := retryAfter(resp.Header.Get("Retry-After"), now)
	switch {
	case said && after < 0:
		return &outbox.Permanent{Err: err}
	case said:
		return &outbox.Later{Err: err, After: min(after, maxRetryAfter)}
	}
	return err
}

// retryAfter reads the header of this name: seconds, or a date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). A date that is past
// asks for no wait.
func retryAfter(text string, now time.Time) (after time.Duration, said bool) {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// within is the context of one attempt.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
}
