package sts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// delegating is a partner's account that has templates, and the account that is
// to delegate.
type delegating struct {
	*wardertest.Server
	t       *testing.T
	partner wardertest.Credentials
	id      string // of the partner's account
	made    int
}

func newDelegating(t *testing.T) *delegating {
	return delegatingOn(t, wardertest.Start(t))
}

func delegatingOn(t *testing.T, s *wardertest.Server) *delegating {
	d := &delegating{Server: s, t: t}
	d.id, d.partner, _ = d.NewAccount()
	return d
}

func (d *delegating) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// request makes a template and a request for it, and gives its id.
func (d *delegating) request(template string, seconds int32, onlyOwner bool) string {
	d.t.Helper()
	d.made++
	client := d.IAM(d.partner)
	policy, err := client.CreatePolicy(d.t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprint("template", d.made)), PolicyDocument: &template})
	d.must(err)
	out, err := client.CreateDelegationRequest(d.t.Context(), &iam.CreateDelegationRequestInput{
		OwnerAccountId: aws.String(account), Description: aws.String("set up"), RequestorWorkflowId: aws.String(fmt.Sprint("workflow", d.made)),
		Permissions:         &iamtypes.DelegationPermission{PolicyTemplateArn: policy.Policy.Arn},
		NotificationChannel: aws.String("arn:aws:sns:us-east-1:" + d.id + ":topic"), SessionDuration: &seconds, OnlySendByOwner: onlyOwner,
	})
	d.must(err)
	return *out.DelegationRequestId
}

// step calls an operation on a request.
type step func(ctx context.Context, c *iam.Client, id *string) error

var (
	associate step = func(ctx context.Context, c *iam.Client, id *string) error {
		_, err := c.AssociateDelegationRequest(ctx, &iam.AssociateDelegationRequestInput{DelegationRequestId: id})
		return err
	}
	accept step = func(ctx context.Context, c *iam.Client, id *string) error {
		_, err := c.AcceptDelegationRequest(ctx, &iam.AcceptDelegationRequestInput{DelegationRequestId: id})
		return err
	}
	send step = func(ctx context.Context, c *iam.Client, id *string) error {
		_, err := c.SendDelegationToken(ctx, &iam.SendDelegationTokenInput{DelegationRequestId: id})
		return err
	}
)

func (d *delegating) do(who wardertest.Credentials, id string, steps ...step) error {
	for _, s := range steps {
		if err := s(d.t.Context(), d.IAM(who), &id); err != nil {
			return err
		}
	}
	return nil
}

// notice asks after a request as its requestor does.
func (d *delegating) notice(who wardertest.Credentials, id string) (status int, notice map[string]any) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.URL+"/delegation/"+id, nil)
	d.must(err)
	if who.AccessKeyID != "" {
		key := sigv4.Credentials{AccessKeyID: who.AccessKeyID, SecretAccessKey: who.SecretAccessKey, SessionToken: who.SessionToken}
		d.must(sigv4.Sign(r, nil, key, "us-east-1", "warder", d.Clock.Now()))
	}
	resp, err := http.DefaultClient.Do(r)
	d.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	d.must(err)
	if resp.StatusCode == http.StatusOK {
		d.must(json.Unmarshal(text, &notice))
	}
	return resp.StatusCode, notice
}

func (d *delegating) token(id string) string {
	d.t.Helper()
	_, notice := d.notice(d.partner, id)
	token, ok := notice["tradeInToken"].(string)
	if !ok {
		d.t.Fatalf("no token: %v", notice)
	}
	return token
}

func (d *delegating) trade(who wardertest.Credentials, token string) (*sts.GetDelegatedAccessTokenOutput, error) {
	return d.STS(who).GetDelegatedAccessToken(d.t.Context(), &sts.GetDelegatedAccessTokenInput{TradeInToken: &token})
}

// session goes the whole way to a delegated session.
func (d *delegating) session(approver wardertest.Credentials, template string) wardertest.Credentials {
	d.t.Helper()
	id := d.request(template, 3600, false)
	d.must(d.do(approver, id, associate, accept, send))
	out, err := d.trade(d.partner, d.token(id))
	d.must(err)
	return wardertest.SessionCredentials(out.Credentials)
}

func (d *delegating) can(c wardertest.Credentials, what string) bool {
	d.t.Helper()
	ctx := d.t.Context()
	var err error
	switch what {
	case "iam:ListUsers":
		_, err = d.IAM(c).ListUsers(ctx, &iam.ListUsersInput{})
	case "iam:ListRoles":
		_, err = d.IAM(c).ListRoles(ctx, &iam.ListRolesInput{})
	case "iam:ListGroups":
		_, err = d.IAM(c).ListGroups(ctx, &iam.ListGroupsInput{})
	default:
		_, err = d.STS(c).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &what, RoleSessionName: aws.String("sess")})
	}
	if code := wardertest.Code(err); code != "" && code != "AccessDenied" {
		d.t.Fatalf("%s: %v", what, err)
	}
	return err == nil
}

const approving = `{"Effect":"Allow","Action":["iam:*DelegationRequest","iam:SendDelegationToken"],"Resource":"*"}`

func statements(s ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(s, ",") + `]}`
}

func TestGetDelegatedAccessToken(t *testing.T) {
	d := newDelegating(t)
	alice := d.User(d.Admin, "alice", statements(approving, `{"Effect":"Allow","Action":["iam:ListUsers","iam:ListRoles"],"Resource":"*"}`))
	id := d.request(statements(`{"Effect":"Allow","Action":["iam:ListUsers","iam:ListGroups"],"Resource":"*"}`), 3600, false)
	_, notice := d.notice(d.partner, id)
	if notice["state"] != "UNASSIGNED" || notice["ownerAccountId"] != account || notice["requestorWorkflowId"] != "workflow1" || notice["tradeInToken"] != nil {
		t.Errorf("at first: %v", notice)
	}
	d.must(d.do(alice, id, associate, accept))
	if _, notice = d.notice(d.partner, id); notice["state"] != "ACCEPTED" || notice["tradeInToken"] != nil {
		t.Errorf("accepted: %v", notice)
	}
	sent := d.Clock.Now().Truncate(time.Second)
	d.must(d.do(alice, id, send))
	token := d.token(id)

	// Only the requestor's account can exchange it, and who is there may.
	_, err := d.trade(d.Admin, token)
	wardertest.WantCode(t, err, "ExpiredTradeInTokenException")
	nobody := d.User(d.partner, "nobody", "")
	_, err = d.trade(nobody, token)
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = d.trade(d.partner, "nothing")
	wardertest.WantCode(t, err, "ExpiredTradeInTokenException")
	for name, who := range map[string]struct {
		c      wardertest.Credentials
		status int
	}{"another account": {d.Admin, http.StatusNotFound}, "without permission": {nobody, http.StatusForbidden}, "nobody": {wardertest.Credentials{}, http.StatusUnauthorized}} {
		if status, _ := d.notice(who.c, id); status != who.status {
			t.Errorf("%s asks for the token: %d", name, status)
		}
	}

	d.Clock.Add(10 * time.Minute)
	out, err := d.trade(d.partner, token)
	d.must(err)
	//lint:ignore SA1019 it is not to be there
	if *out.AssumedPrincipal != "arn:aws:iam::"+account+":user/alice" || out.PackedPolicySize != nil {
		t.Errorf("%v", out)
	}
	if left := out.Credentials.Expiration.Sub(sent); left < time.Hour-time.Second || left > time.Hour+5*time.Second {
		t.Errorf("the session ends %v after the token was sent", left)
	}
	session := wardertest.SessionCredentials(out.Credentials)
	who, err := d.STS(session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != *out.AssumedPrincipal {
		t.Errorf("%v, %v", who, err)
	}
	for what, want := range map[string]bool{"iam:ListUsers": true, "iam:ListRoles": false, "iam:ListGroups": false} {
		if got := d.can(session, what); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	// Once.
	_, err = d.trade(d.partner, token)
	wardertest.WantCode(t, err, "ExpiredTradeInTokenException")
	if _, notice = d.notice(d.partner, id); notice["tradeInToken"] != nil {
		t.Errorf("exchanged: %v", notice)
	}
	// What the approver loses, the session loses.
	_, err = d.IAM(d.Admin).DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: aws.String("alice"), PolicyName: aws.String("test")})
	d.must(err)
	if d.can(session, "iam:ListUsers") {
		t.Error("the session has what its approver has lost")
	}
	d.Clock.Add(50 * time.Minute)
	_, err = d.STS(session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "ExpiredToken")
}

func TestDelegatedTokenExpires(t *testing.T) {
	d := newDelegating(t)
	id := d.request(allows("iam:ListUsers", "*"), 600, false)
	d.must(d.do(d.Admin, id, associate, accept, send))
	token := d.token(id)
	d.Clock.Add(10 * time.Minute)
	_, err := d.trade(d.partner, token)
	wardertest.WantCode(t, err, "ExpiredTradeInTokenException")

	// A token whose approver is gone is good for nothing.
	alice := d.User(d.Admin, "alice", statements(approving))
	id = d.request(allows("iam:ListUsers", "*"), 600, false)
	d.must(d.do(alice, id, associate, accept, send))
	token = d.token(id)
	client, name := d.IAM(d.Admin), aws.String("alice")
	_, err = client.DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("test")})
	d.must(err)
	_, err = client.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: &alice.AccessKeyID})
	d.must(err)
	_, err = client.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: name})
	d.must(err)
	d.User(d.Admin, "alice", statements(approving))
	_, err = d.trade(d.partner, token)
	wardertest.WantCode(t, err, "ExpiredTradeInTokenException")
}

// What a delegated session may not do although both its parents may: get more of
// itself, or reach past the template by way of a resource's policy.
func TestDelegatedSessionLimits(t *testing.T) {
	d := newDelegating(t)
	alice := d.User(d.Admin, "alice", statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	named := role(t, d.Server, d.Admin, "named", trusts("arn:aws:iam::"+account+":user/alice", ""), "")
	everybody := role(t, d.Server, d.Admin, "everybody", trusts("*", ""), "")
	lists := d.session(alice, allows("iam:List*", "*"))
	for _, what := range []string{named, everybody} {
		if d.can(lists, what) {
			t.Errorf("a session that may list things assumes %s, whose trust policy names its approver", what)
		}
	}
	assumes := d.session(alice, allows("sts:AssumeRole", named))
	if !d.can(assumes, named) || d.can(assumes, everybody) || d.can(assumes, "iam:ListUsers") {
		t.Errorf("a session that may assume one role: %v, %v, %v", d.can(assumes, named), d.can(assumes, everybody), d.can(assumes, "iam:ListUsers"))
	}
	_, err := d.STS(assumes).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &named, RoleSessionName: aws.String("sess"), DurationSeconds: aws.Int32(3601)})
	wardertest.WantCode(t, err, "ValidationError")

	all := d.session(alice, allows("*", "*"))
	outbound(t, d.Server)
	_, err = webToken(t, d.Server, all)
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = d.STS(all).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	wardertest.WantCode(t, err, "AccessDenied")
	id := d.request(allows("*", "*"), 3600, false)
	wardertest.WantCode(t, d.do(all, id, associate), "AccessDenied")
	d.must(d.do(alice, id, associate))
	wardertest.WantCode(t, d.do(all, id, accept), "AccessDenied")
	d.must(d.do(alice, id, accept))
	wardertest.WantCode(t, d.do(all, id, send), "AccessDenied")
}

// Sessions delegate what they are, for as long as they last; those with session
// policies do not.
func TestDelegationByASession(t *testing.T) {
	d := newDelegating(t)
	worker := role(t, d.Server, d.Admin, "worker", trusts(account, ""), statements(approving,
		`{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:SourceIdentity":"me"}}}`))
	assume := func(policy *string, tag, source string) wardertest.Credentials {
		out, err := d.STS(d.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: &worker, RoleSessionName: aws.String("sess"), DurationSeconds: aws.Int32(1800), Policy: policy, SourceIdentity: &source, Tags: []types.Tag{{Key: aws.String("team"), Value: &tag}},
		})
		d.must(err)
		return wardertest.SessionCredentials(out.Credentials)
	}
	id := d.request(allows("iam:ListUsers", "*"), 7200, true)
	red := assume(nil, "red", "me")
	d.must(d.do(red, id, associate))
	wardertest.WantCode(t, d.do(assume(aws.String(allows("iam:AcceptDelegationRequest", "*")), "red", "me"), id, accept), "AccessDenied")
	d.must(d.do(red, id, accept))
	wardertest.WantCode(t, d.do(d.Admin, id, send), "AccessDenied") // it is not the owner
	d.must(d.do(red, id, send))
	out, err := d.trade(d.partner, d.token(id))
	d.must(err)
	if *out.AssumedPrincipal != "arn:aws:sts::"+account+":assumed-role/worker/sess" {
		t.Errorf("%s", *out.AssumedPrincipal)
	}
	if left := out.Credentials.Expiration.Sub(d.Clock.Now()); left > 30*time.Minute {
		t.Errorf("the session outlives the one that accepted: %v", left)
	}
	session := wardertest.SessionCredentials(out.Credentials)
	if !d.can(session, "iam:ListUsers") {
		t.Error("the session has lost the tags and source identity of the one that accepted")
	}
	if blue := assume(nil, "blue", "me"); d.can(blue, "iam:ListUsers") {
		t.Error("the tag makes no difference")
	}

	// The session that accepted has ended before the token was sent.
	id = d.request(allows("iam:ListUsers", "*"), 7200, false)
	d.must(d.do(red, id, associate, accept))
	d.Clock.Add(30 * time.Minute)
	wardertest.WantCode(t, d.do(d.Admin, id, send), "InvalidInput")
}

// Revoking a role's sessions, as the console does, ends what they delegated, even
// if it is exchanged only afterwards
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html).
func TestDelegationIsRevoked(t *testing.T) {
	d := newDelegating(t)
	worker := role(t, d.Server, d.Admin, "worker", trusts(account, ""), allows("*", "*"))
	out, err := d.STS(d.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &worker, RoleSessionName: aws.String("sess")})
	d.must(err)
	id := d.request(allows("iam:ListUsers", "*"), 3600, false)
	d.must(d.do(wardertest.SessionCredentials(out.Credentials), id, associate, accept, send))
	d.Clock.Add(time.Minute)
	revoke := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"` +
		d.Clock.Now().UTC().Format(time.RFC3339) + `"}}}}`
	_, err = d.IAM(d.Admin).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("AWSRevokeOlderSessions"), PolicyDocument: &revoke})
	d.must(err)
	d.Clock.Add(time.Minute)
	traded, err := d.trade(d.partner, d.token(id))
	d.must(err)
	if d.can(wardertest.SessionCredentials(traded.Credentials), "iam:ListUsers") {
		t.Error("what a revoked session delegated is still good")
	}
}

// A role that is taken on from a delegated session, or further on from there, ends
// with it.
func TestDelegatedChainEnds(t *testing.T) {
	d := newDelegating(t)
	d.Clock.Stop()
	alice := d.User(d.Admin, "alice", statements(approving, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`))
	id := d.request(allows("sts:AssumeRole", "*"), 1800, false)
	d.must(d.do(alice, id, associate, accept, send))
	traded, err := d.trade(d.partner, d.token(id))
	d.must(err)
	session, ends := wardertest.SessionCredentials(traded.Credentials), *traded.Credentials.Expiration
	first := role(t, d.Server, d.Admin, "first", trusts(account, ""), allows("sts:AssumeRole", "*"))
	second := role(t, d.Server, d.Admin, "second", trusts(account, ""), allows("iam:ListUsers", "*"))
	assume := func(by wardertest.Credentials, role string, seconds *int32) *types.Credentials {
		t.Helper()
		out, err := d.STS(by).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("sess"), DurationSeconds: seconds})
		d.must(err)
		return out.Credentials
	}
	if short := assume(session, first, aws.Int32(900)); !short.Expiration.Equal(d.Clock.Now().UTC().Truncate(time.Second).Add(900 * time.Second)) {
		t.Errorf("a shorter session ends at %v", short.Expiration)
	}
	d.Clock.Add(20 * time.Minute)
	one := assume(session, first, nil)
	two := assume(wardertest.SessionCredentials(one), second, aws.Int32(3600))
	if !one.Expiration.Equal(ends) || !two.Expiration.Equal(ends) {
		t.Errorf("the delegation ends at %v, what came of it at %v and %v", ends, one.Expiration, two.Expiration)
	}
	if !d.can(wardertest.SessionCredentials(two), "iam:ListUsers") {
		t.Error("the role can do nothing")
	}
	d.Clock.Add(10 * time.Minute)
	_, err = d.IAM(wardertest.SessionCredentials(two)).ListUsers(t.Context(), &iam.ListUsersInput{})
	wardertest.WantCode(t, err, "ExpiredToken")
}

// The trail shows whose account acts by a delegated session, and by a role that was
// taken on from there.
func TestDelegatedEvents(t *testing.T) {
	d := delegatingOn(t, wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()}))
	session := d.session(d.Admin, allows("*", "*"))
	worker := role(t, d.Server, d.Admin, "worker", trusts(account, ""), allows("iam:ListRoles", "*"))
	out, err := d.STS(session).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &worker, RoleSessionName: aws.String("sess")})
	d.must(err)
	for what, c := range map[string]wardertest.Credentials{"iam:ListUsers": session, "iam:ListRoles": wardertest.SessionCredentials(out.Credentials)} {
		if !d.can(c, what) {
			t.Errorf("%s is denied", what)
		}
	}
	if !d.can(d.Admin, "iam:ListGroups") {
		t.Error("the administrator is denied")
	}
	for name, want := range map[string]string{"ListUsers": d.id, "ListRoles": d.id, "AssumeRole": d.id, "ListGroups": ""} {
		if got := recorded(t, d.Server, name).UserIdentity.InvokedByDelegate.AccountID; got != want {
			t.Errorf("%s was invoked by the delegate %q, want %q", name, got, want)
		}
	}
}

func TestDelegationByRoot(t *testing.T) {
	d := newDelegating(t)
	home := d.partner
	_, _, root := d.NewAccount()
	template := allows("iam:ListUsers", "*")
	policy, err := d.IAM(home).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("t"), PolicyDocument: &template})
	d.must(err)
	request := func(workflow string, seconds int32) string {
		out, err := d.IAM(home).CreateDelegationRequest(t.Context(), &iam.CreateDelegationRequestInput{
			Description: aws.String("d"), RequestorWorkflowId: &workflow, Permissions: &iamtypes.DelegationPermission{PolicyTemplateArn: policy.Policy.Arn},
			NotificationChannel: aws.String("arn:aws:sns:us-east-1:" + d.id + ":topic"), SessionDuration: &seconds,
		})
		d.must(err)
		return *out.DelegationRequestId
	}
	id := request("too long", 4*3600+1)
	d.must(d.do(root, id, associate))
	wardertest.WantCode(t, d.do(root, id, accept), "InvalidInput")
	id = request("four hours", 4*3600)
	d.must(d.do(root, id, associate, accept, send))
	out, err := d.trade(home, d.token(id))
	d.must(err)
	session := wardertest.SessionCredentials(out.Credentials)
	if !strings.HasSuffix(*out.AssumedPrincipal, ":root") || !d.can(session, "iam:ListUsers") || d.can(session, "iam:ListRoles") {
		t.Errorf("%s: %v, %v", *out.AssumedPrincipal, d.can(session, "iam:ListUsers"), d.can(session, "iam:ListRoles"))
	}
}
