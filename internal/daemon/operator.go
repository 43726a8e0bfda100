package daemon

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"

	"github.com/warder-iam/warder/sigv4"
)

// operator is the owner of this machine, who calls AWS's operations as the
// administrator of an account: by requests like anybody's, which are authorized and
// recorded as those are, but do not leave the process.
type operator struct {
	d               *Daemon
	account, region string
	key             Key
}

func (d *Daemon) operator(account, region string) (*operator, error) {
	account, key, err := d.adminKey(account)
	return &operator{d, account, region, key}, err
}

// operatorAgent is the userAgent of the operator's requests.
const operatorAgent = "warder (control socket)"

// call calls a service.
func (op *operator) call(ctx context.Context, service string, header http.Header, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header, r.RemoteAddr = header, "127.0.0.1:0"
	r.Header.Set("User-Agent", operatorAgent)
	region := op.region
	if service == "iam" {
		region = "us-east-1"
	}
	if err := sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: op.key.AccessKeyID, SecretAccessKey: op.key.SecretAccessKey}, region, service, op.d.config.Now()); err != nil {
		return 0, nil, err
	}
	w := &answerWriter{header: http.Header{}, status: http.StatusOK}
	op.d.server.ServeHTTP(w, r)
	return w.status, w.body.Bytes(), nil
}

// query calls an operation by the query protocol; out, if it is not nil, is read from
// the XML of the answer.
func (op *operator) query(ctx context.Context, service, version, operation string, in url.Values, out any) error {
	in.Set("Action", operation)
	in.Set("Version", version)
	status, answer, err := op.call(ctx, service, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(in.Encode()))
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := xml.Unmarshal(answer, &refusal); err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		return fmt.Errorf("%s: %s: %s", operation, refusal.Error.Code, refusal.Error.Message)
	}
	if out == nil {
		return nil
	}
	return xml.Unmarshal(answer, out)
}

// answerWriter keeps an answer.
type answerWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answerWriter) Header() http.Header         { return w.header }
func (w *answerWriter) WriteHeader(status int)      { w.status = status }
func (w *answerWriter) Write(p []byte) (int, error) { return w.body.Write(p) }
