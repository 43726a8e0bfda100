package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/service/authzen"
	"github.com/warder-iam/warder/policy"
	"github.com/warder-iam/warder/sigv4"
)

// ask puts the question to a running server.
func (f *evalFlags) ask(ctx context.Context, files *question.Policies) (*evalAnswer, error) {
	if files.Session != nil || files.SCPs != nil || files.RCPs != nil {
		return nil, errors.New("--session, --scp and --rcp do not go with --server")
	}
	if files.Identity != nil || files.Boundary != nil || files.Resource != nil {
		return f.askSimulator(ctx, files)
	}
	return f.askAuthZEN(ctx)
}

// askAuthZEN asks as a policy enforcement point would.
func (f *evalFlags) askAuthZEN(ctx context.Context) (*evalAnswer, error) {
	q := &f.question
	p, err := question.Principal(q.Principal)
	if err != nil {
		return nil, err
	}
	subject := map[string]any{"id": q.Principal}
	switch {
	case p.Kind == policy.User:
		subject["type"] = "user"
	case p.Kind == policy.RoleSession && p.ARN == p.RoleARN:
		subject["type"] = "role"
	case p.Kind == policy.RoleSession:
		subject["type"] = "session"
	default:
		return nil, fmt.Errorf("a server is asked about users, roles and role sessions, and %s is none", q.Principal)
	}
	resource := map[string]any{"type": "resource", "id": q.Resource}
	if q.ResourceAccount != "" {
		resource["properties"] = map[string]any{"aws:ResourceAccount": q.ResourceAccount}
	}
	keys := make(map[string]any)
	for k, v := range q.Context {
		if keys[k.String()] = v.All(); v.Len() == 1 {
			keys[k.String()] = v.At(0)
		}
	}
	body, err := json.Marshal(map[string]any{
		"subject": subject, "action": map[string]any{"name": q.Action}, "resource": resource,
		"context": keys, "options": map[string]any{"explain": f.explain},
	})
	if err != nil {
		return nil, err
	}
	answer, err := f.post(ctx, authzen.PathEvaluation, "application/json", authzen.SigningName, body)
	if err != nil {
		return nil, err
	}
	var out struct {
		Decision *bool `json:"decision"`
		Context  struct {
			Reason string `json:"reason"`
			Error  struct {
				Message string `json:"message"`
			} `json:"error"`
			Explanation map[string]any `json:"explanation"`
		} `json:"context"`
	}
	if err := json.Unmarshal(answer, &out); err != nil || out.Decision == nil {
		return nil, fmt.Errorf("the server's answer has no decision: %s", answer)
	}
	if out.Context.Error.Message != "" {
		return nil, errors.New(out.Context.Error.Message)
	}
	a := &evalAnswer{Allowed: *out.Decision, Message: out.Context.Reason}
	if e := out.Context.Explanation; e != nil {
		a.Explanation = e
		a.Decision, _ = e["decision"].(string)
	}
	return a, nil
}

// A simulated result, as SimulatePrincipalPolicy answers.
type simulated struct {
	Results []struct {
		EvalDecision string
		Matched      []struct {
			SourcePolicyID   string `xml:"SourcePolicyId" json:"sourcePolicyId"`
			SourcePolicyType string `json:"sourcePolicyType"`
			Line             int    `xml:"StartPosition>Line" json:"line"`
			Column           int    `xml:"StartPosition>Column" json:"column"`
		} `xml:"MatchedStatements>member"`
		Missing         []string `xml:"MissingContextValues>member"`
		SpecificMissing []string `xml:"ResourceSpecificResults>member>MissingContextValues>member"`
	} `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member"`
}

// askSimulator asks about the principal's policies and the files together.
func (f *evalFlags) askSimulator(ctx context.Context, files *question.Policies) (*evalAnswer, error) {
	q := &f.question
	form := url.Values{
		"Action": {"SimulatePrincipalPolicy"}, "Version": {"2010-05-08"}, "PolicySourceArn": {q.Principal},
		"ActionNames.member.1": {q.Action}, "ResourceArns.member.1": {q.Resource},
	}
	for i, file := range files.Identity {
		form.Set(fmt.Sprintf("PolicyInputList.member.%d", i+1), string(file.Text))
	}
	for i, file := range files.Boundary {
		form.Set(fmt.Sprintf("PermissionsBoundaryPolicyInputList.member.%d", i+1), string(file.Text))
	}
	if len(files.Resource) > 1 {
		return nil, errors.New("there can be only one resource policy")
	} else if len(files.Resource) == 1 {
		form.Set("ResourcePolicy", string(files.Resource[0].Text))
	}
	if q.ResourceAccount != "" {
		form.Set("ResourceOwner", arn.Root(q.ResourceAccount))
	}
	i := 0
	for k, v := range q.Context {
		i++
		entry := fmt.Sprintf("ContextEntries.member.%d.", i)
		form.Set(entry+"ContextKeyName", k.String())
		form.Set(entry+"ContextKeyType", "stringList")
		if v.Len() == 1 {
			form.Set(entry+"ContextKeyType", "string")
		}
		for j, text := range v.All() {
			form.Set(fmt.Sprintf("%sContextKeyValues.member.%d", entry, j+1), text)
		}
	}
	answer, err := f.post(ctx, "/", "application/x-www-form-urlencoded", "iam", []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	var out simulated
	if err := xml.Unmarshal(answer, &out); err != nil || len(out.Results) != 1 {
		return nil, fmt.Errorf("the server's answer has no result: %s", answer)
	}
	r := &out.Results[0]
	a := &evalAnswer{Allowed: r.EvalDecision == policy.Allowed.String(), Decision: r.EvalDecision}
	if f.explain {
		a.Explanation = map[string]any{
			"matchedStatements": r.Matched, "missingContextKeys": append(append([]string{}, r.Missing...), r.SpecificMissing...),
		}
	}
	return a, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 8 << 20

// post sends a signed request with the environment's credentials.
func (f *evalFlags) post(ctx context.Context, path, contentType, service string, body []byte) ([]byte, error) {
	creds := sigv4.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if creds.AccessKeyID == "" || creds.SecretAccessKey == "" {
		return nil, errors.New("there are no credentials in the environment: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	region := "us-east-1"
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if v := os.Getenv(name); v != "" {
			region = v
			break
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(f.server, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	if err := sigv4.Sign(r, body, creds, region, service, time.Now()); err != nil {
		return nil, err
	}
	client := http.Client{
		Timeout: 30 * time.Second,
		// A signature is for one host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s: %s", resp.Status, errorText(answer))
	}
	return answer, nil
}

// errorText is the message in an answer that is an error.
func errorText(answer []byte) string {
	var e struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(answer, &e) == nil && e.Code != "" {
		return e.Code + ": " + e.Message
	}
	return strings.TrimSpace(string(answer))
}
