package iam_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// partner is an account that asks for access.
type partner struct {
	*wardertest.Server
	t    *testing.T
	id   string
	keys wardertest.Credentials
	made int
}

func newPartner(t *testing.T) *partner {
	p := &partner{Server: wardertest.Start(t), t: t}
	p.id, p.keys, _ = p.NewAccount()
	return p
}

// template makes a policy template and gives its ARN.
func (p *partner) template(document string) *string {
	p.t.Helper()
	p.made++
	out, err := p.IAM(p.keys).CreatePolicy(p.t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprint("template", p.made)), PolicyDocument: &document})
	if err != nil {
		p.t.Fatal(err)
	}
	return out.Policy.Arn
}

func (p *partner) input(document string) *iam.CreateDelegationRequestInput {
	p.t.Helper()
	arn := p.template(document)
	return &iam.CreateDelegationRequestInput{
		Description: aws.String("set up"), RequestorWorkflowId: aws.String(fmt.Sprint("workflow", p.made)), SessionDuration: aws.Int32(5400),
		Permissions: &types.DelegationPermission{PolicyTemplateArn: arn}, NotificationChannel: aws.String("arn:aws:sns:us-east-1:" + p.id + ":topic"),
	}
}

func (p *partner) create(in *iam.CreateDelegationRequestInput) *string {
	p.t.Helper()
	out, err := p.IAM(p.keys).CreateDelegationRequest(p.t.Context(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	if out.ConsoleDeepLink != nil {
		p.t.Errorf("a link to a console that there is none of: %s", *out.ConsoleDeepLink)
	}
	return out.DelegationRequestId
}

func (p *partner) get(who wardertest.Credentials, id *string) (*types.DelegationRequest, error) {
	out, err := p.IAM(who).GetDelegationRequest(p.t.Context(), &iam.GetDelegationRequestInput{DelegationRequestId: id})
	if err != nil {
		return nil, err
	}
	if out.PermissionCheckStatus != "" || out.PermissionCheckResult != "" {
		p.t.Error("a permission check that nobody asked for")
	}
	return out.DelegationRequest, nil
}

const s3Template = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::@{buckets}/@{prefix}*"}]}`

func TestDelegationRequestLifecycle(t *testing.T) {
	p := newPartner(t)
	ctx, client := t.Context(), p.IAM(p.Admin)
	in := p.input(s3Template)
	in.RequestMessage, in.RedirectUrl, in.OnlySendByOwner = aws.String("please"), aws.String("https://partner.example.com/back"), true
	in.Permissions.Parameters = []types.PolicyParameter{
		{Name: aws.String("buckets"), Type: types.PolicyParameterTypeEnumStringList, Values: []string{"one", "two"}},
		{Name: aws.String("prefix"), Type: types.PolicyParameterTypeEnumString, Values: []string{"x/"}},
	}
	id := p.create(in)
	const admin = "arn:aws:iam::" + wardertest.Account + ":user/administrator"

	r, err := p.get(p.Admin, id)
	if err != nil {
		t.Fatal(err)
	}
	const rendered = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::one/x/*","arn:aws:s3:::two/x/*"]}]}`
	if *r.DelegationRequestId != *id || *r.Description != "set up" || *r.RequestMessage != "please" || *r.RedirectUrl != *in.RedirectUrl || !r.OnlySendByOwner ||
		*r.PermissionPolicy != rendered || *r.Permissions.PolicyTemplateArn != *in.Permissions.PolicyTemplateArn || len(r.Permissions.Parameters) != 2 ||
		r.State != types.StateTypeUnassigned || *r.RequestorId != p.id || *r.SessionDuration != 5400 || r.OwnerId != nil || r.OwnerAccountId != nil ||
		r.ApproverId != nil || r.Notes != nil || r.RejectionReason != nil || !r.CreateDate.Equal(*r.UpdatedTime) || r.ExpirationTime.Sub(*r.CreateDate) != 24*time.Hour {
		t.Errorf("%+v", *r)
	}
	if list, err := client.ListDelegationRequests(ctx, &iam.ListDelegationRequestsInput{}); err != nil || len(list.DelegationRequests) != 0 {
		t.Errorf("a request without an owner is listed: %v, %v", list, err)
	}
	for name, f := range map[string]func() error{
		"accept": func() error {
			_, err := client.AcceptDelegationRequest(ctx, &iam.AcceptDelegationRequestInput{DelegationRequestId: id})
			return err
		},
		"reject": func() error {
			_, err := client.RejectDelegationRequest(ctx, &iam.RejectDelegationRequestInput{DelegationRequestId: id})
			return err
		},
		"update": func() error {
			_, err := client.UpdateDelegationRequest(ctx, &iam.UpdateDelegationRequestInput{DelegationRequestId: id})
			return err
		},
		"send": func() error {
			_, err := client.SendDelegationToken(ctx, &iam.SendDelegationTokenInput{DelegationRequestId: id})
			return err
		},
	} {
		if err := f(); wardertest.Code(err) != "InvalidInput" {
			t.Errorf("%s before there is an owner: %v", name, err)
		}
	}
	if _, err = client.AssociateDelegationRequest(ctx, &iam.AssociateDelegationRequestInput{DelegationRequestId: id}); err != nil {
		t.Fatal(err)
	}
	_, err = client.AssociateDelegationRequest(ctx, &iam.AssociateDelegationRequestInput{DelegationRequestId: id})
	wardertest.WantCode(t, err, "InvalidInput")
	// It is nobody else's business any more.
	_, other, _ := p.NewAccount()
	for _, who := range []wardertest.Credentials{other, p.keys} {
		_, err = p.get(who, id)
		wardertest.WantCode(t, err, "NoSuchEntity")
	}
	if _, err = client.UpdateDelegationRequest(ctx, &iam.UpdateDelegationRequestInput{DelegationRequestId: id, Notes: aws.String("to the boss")}); err != nil {
		t.Fatal(err)
	}
	if _, err = client.AcceptDelegationRequest(ctx, &iam.AcceptDelegationRequestInput{DelegationRequestId: id}); err != nil {
		t.Fatal(err)
	}
	r, err = p.get(p.Admin, id)
	if err != nil || r.State != types.StateTypeAccepted || *r.OwnerId != admin || *r.OwnerAccountId != wardertest.Account || *r.ApproverId != admin || *r.Notes != "to the boss" ||
		r.ExpirationTime.Sub(*r.UpdatedTime) != 7*24*time.Hour {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err = client.RejectDelegationRequest(ctx, &iam.RejectDelegationRequestInput{DelegationRequestId: id, Notes: aws.String("on second thoughts")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.SendDelegationToken(ctx, &iam.SendDelegationTokenInput{DelegationRequestId: id})
	wardertest.WantCode(t, err, "InvalidInput")
	if got := wardertest.Message(err); got != "The delegation request is in the state REJECTED, and must be in ACCEPTED." {
		t.Errorf("%s", got)
	}
	list, err := client.ListDelegationRequests(ctx, &iam.ListDelegationRequestsInput{OwnerId: aws.String(admin)})
	if err != nil || len(list.DelegationRequests) != 1 || *list.DelegationRequests[0].RejectionReason != "on second thoughts" || list.IsTruncated {
		t.Errorf("%+v, %v", list, err)
	}
	p.Clock.Add(7 * 24 * time.Hour)
	if r, err = p.get(p.Admin, id); err != nil || r.State != types.StateTypeExpired {
		t.Errorf("a week later: %+v, %v", r, err)
	}
}

func TestCreateDelegationRequestRefusals(t *testing.T) {
	p := newPartner(t)
	first := p.input(s3Template)
	first.Permissions.Parameters = []types.PolicyParameter{
		{Name: aws.String("buckets"), Type: types.PolicyParameterTypeEnumString, Values: []string{"one"}},
		{Name: aws.String("prefix"), Type: types.PolicyParameterTypeEnumString, Values: []string{"x/"}},
	}
	for name, tt := range map[string]struct {
		change  func(*iam.CreateDelegationRequestInput)
		code    string
		message string
	}{
		"no topic": {func(in *iam.CreateDelegationRequestInput) { in.NotificationChannel = aws.String("somewhere") }, "InvalidInput", "is not the ARN of an SNS topic"},
		"another's topic": {func(in *iam.CreateDelegationRequestInput) {
			in.NotificationChannel = aws.String("arn:aws:sns:us-east-1:" + wardertest.Account + ":t")
		}, "InvalidInput", "of the account " + p.id},
		"no account":           {func(in *iam.CreateDelegationRequestInput) { in.OwnerAccountId = aws.String("999999999999") }, "InvalidInput", "There is no account 999999999999 here."},
		"no template":          {func(in *iam.CreateDelegationRequestInput) { in.Permissions.PolicyTemplateArn = nil }, "InvalidInput", "Permissions must name a PolicyTemplateArn."},
		"no such template":     {func(in *iam.CreateDelegationRequestInput) { *in.Permissions.PolicyTemplateArn += "x" }, "InvalidInput", "does not exist."},
		"a parameter is there": {func(in *iam.CreateDelegationRequestInput) { in.Permissions.Parameters = nil }, "InvalidInput", "The parameter buckets of the policy template has no value."},
		"too short":            {func(in *iam.CreateDelegationRequestInput) { in.SessionDuration = aws.Int32(299) }, "ValidationError", "sessionDuration"},
		"a parameter too many": {func(in *iam.CreateDelegationRequestInput) {
			in.Permissions.Parameters = append(in.Permissions.Parameters, types.PolicyParameter{Name: aws.String("other"), Type: "string", Values: []string{"x"}})
		}, "InvalidInput", "The policy template has no parameter other."},
		"too large": {func(in *iam.CreateDelegationRequestInput) {
			in.Permissions.Parameters[0].Values = []string{strings.Repeat("x", 2000)}
		}, "InvalidInput", "larger than 2048"},
	} {
		in := *first
		permissions := *first.Permissions
		permissions.PolicyTemplateArn = aws.String(*first.Permissions.PolicyTemplateArn)
		permissions.Parameters = append([]types.PolicyParameter{}, first.Permissions.Parameters...)
		in.Permissions = &permissions
		tt.change(&in)
		_, err := p.IAM(p.keys).CreateDelegationRequest(t.Context(), &in)
		if wardertest.Code(err) != tt.code || !strings.Contains(strings.ToLower(wardertest.Message(err)), strings.ToLower(tt.message)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.create(first)
	_, err := p.IAM(p.keys).CreateDelegationRequest(t.Context(), first)
	wardertest.WantCode(t, err, "EntityAlreadyExists")
	// A template of another account is not there.
	_, err = p.IAM(p.Admin).CreateDelegationRequest(t.Context(), &iam.CreateDelegationRequestInput{
		Description: first.Description, RequestorWorkflowId: first.RequestorWorkflowId, Permissions: first.Permissions,
		NotificationChannel: aws.String("arn:aws:sns:us-east-1:" + wardertest.Account + ":t"), SessionDuration: first.SessionDuration,
	})
	wardertest.WantCode(t, err, "InvalidInput")
}

func TestDelegationAuthorization(t *testing.T) {
	p := newPartner(t)
	ctx := t.Context()
	id := p.create(p.input(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`))
	arn := "arn:aws:iam::" + wardertest.Account + ":delegation-request/"
	owner := p.User(p.Admin, "owner", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:AssociateDelegationRequest","Resource":"`+arn+`*"}}`)
	theirs := p.User(p.Admin, "theirs", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*DelegationRequest*"],"Resource":"*","Condition":{"ArnEquals":{"iam:DelegationRequestOwner":"arn:aws:iam::`+wardertest.Account+`:user/owner"}}}}`)
	others := p.User(p.Admin, "others", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*DelegationRequest*"],"Resource":"*","Condition":{"ArnNotEqualsIfExists":{"iam:DelegationRequestOwner":"arn:aws:iam::`+wardertest.Account+`:user/owner"}}}}`)
	nobody := p.User(p.Admin, "nobody", "")

	_, err := p.get(owner, id)
	wardertest.WantCode(t, err, "AccessDenied") // it is not the owner yet
	_, err = p.get(theirs, id)
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = p.get(others, id)
	wardertest.WantCode(t, err, "")
	if _, err = p.IAM(owner).AssociateDelegationRequest(ctx, &iam.AssociateDelegationRequestInput{DelegationRequestId: id}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		c    wardertest.Credentials
		code string
	}{"the owner": {owner, ""}, "who may with theirs": {theirs, ""}, "who may with others'": {others, "AccessDenied"}, "nobody": {nobody, "AccessDenied"}} {
		_, err := p.get(tt.c, id)
		if got := wardertest.Code(err); got != tt.code {
			t.Errorf("%s looks: %v", name, err)
		}
		_, err = p.IAM(tt.c).GetHumanReadableSummary(ctx, &iam.GetHumanReadableSummaryInput{EntityArn: aws.String(arn + *id)})
		if got := wardertest.Code(err); got != tt.code && name != "who may with theirs" {
			t.Errorf("%s has it summed up: %v", name, err)
		}
	}
	// By default the owner may look and forward, and no more.
	if _, err = p.IAM(owner).UpdateDelegationRequest(ctx, &iam.UpdateDelegationRequestInput{DelegationRequestId: id}); err != nil {
		t.Error(err)
	}
	_, err = p.IAM(owner).AcceptDelegationRequest(ctx, &iam.AcceptDelegationRequestInput{DelegationRequestId: id})
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = p.IAM(owner).RejectDelegationRequest(ctx, &iam.RejectDelegationRequestInput{DelegationRequestId: id})
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = p.IAM(theirs).ListDelegationRequests(ctx, &iam.ListDelegationRequestsInput{})
	wardertest.WantCode(t, err, "AccessDenied") // it must say whose
	list, err := p.IAM(theirs).ListDelegationRequests(ctx, &iam.ListDelegationRequestsInput{OwnerId: aws.String("arn:aws:iam::" + wardertest.Account + ":user/owner")})
	if err != nil || len(list.DelegationRequests) != 1 {
		t.Errorf("%v, %v", list, err)
	}

	// A rename keeps the request; a name that is used again does not give it.
	admin := p.IAM(p.Admin)
	if _, err := admin.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("owner"), NewUserName: aws.String("renamed")}); err != nil {
		t.Fatal(err)
	}
	impostor := p.User(p.Admin, "owner", "")
	_, err = p.get(impostor, id)
	wardertest.WantCode(t, err, "AccessDenied")
	if r, err := p.get(owner, id); err != nil || *r.OwnerId != "arn:aws:iam::"+wardertest.Account+":user/renamed" {
		t.Errorf("%v, %v", r, err)
	}

	// The conditions of a request's creation.
	asks := p.User(p.keys, "asks", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:CreateDelegationRequest","Resource":"*","Condition":{
		"StringLike":{"iam:TemplateArn":"*:policy/template*"},"NumericLessThanEquals":{"iam:DelegationDuration":"5400"},"StringEquals":{"iam:NotificationChannel":"arn:aws:sns:us-east-1:`+p.id+`:topic"}}}}`)
	in := p.input(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	in.SessionDuration = aws.Int32(5401)
	_, err = p.IAM(asks).CreateDelegationRequest(ctx, in)
	wardertest.WantCode(t, err, "AccessDenied")
	in.SessionDuration = aws.Int32(5400)
	_, err = p.IAM(asks).CreateDelegationRequest(ctx, in)
	wardertest.WantCode(t, err, "")
}

func TestDelegationPermissionCheck(t *testing.T) {
	p := newPartner(t)
	allow := func(action string) string {
		return `{"Effect":"Allow","Action":` + action + `,"Resource":"*"}`
	}
	policy := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	look := allow(`["iam:GetDelegationRequest"]`)
	for i, tt := range []struct {
		caller, asked string
		want          types.PermissionCheckResultType
	}{
		{policy(allow(`"*"`)), policy(allow(`["s3:Get*","iam:CreateUser"]`)), types.PermissionCheckResultTypeAllowed},
		{policy(look, allow(`"s3:*"`)), policy(allow(`"s3:Get*"`)), types.PermissionCheckResultTypeAllowed},
		{policy(look, allow(`"s3:Get*"`)), policy(allow(`"s3:PutObject"`)), types.PermissionCheckResultTypeDenied},
		{policy(look, allow(`"s3:Get*"`)), policy(allow(`"s3:*"`)), types.PermissionCheckResultTypeUnsure},
		{policy(allow(`"*"`), `{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}`), policy(allow(`"s3:*"`)), types.PermissionCheckResultTypeUnsure},
		{policy(look, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), policy(allow(`"s3:GetObject"`)), types.PermissionCheckResultTypeUnsure},
		{policy(look, `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`), policy(allow(`"s3:GetObject"`)), types.PermissionCheckResultTypeUnsure},
	} {
		id := p.create(p.input(tt.asked))
		who := p.User(p.Admin, fmt.Sprint("user", i), tt.caller)
		out, err := p.IAM(who).GetDelegationRequest(t.Context(), &iam.GetDelegationRequestInput{DelegationRequestId: id, DelegationPermissionCheck: true})
		if err != nil || out.PermissionCheckStatus != types.PermissionCheckStatusTypeComplete || out.PermissionCheckResult != tt.want {
			t.Errorf("%s asked of %s: %+v, %v, want %s", tt.asked, tt.caller, out, err, tt.want)
		}
	}
}

func TestGetHumanReadableSummary(t *testing.T) {
	p := newPartner(t)
	const boundary = "arn:aws:iam::aws:policy/Limit"
	id := p.create(p.input(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket","s3:Put*"],"Resource":["arn:aws:s3:::a","arn:aws:s3:::a/*"]},
		{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + boundary + `"},"NumericLessThan":{"aws:EpochTime":"9"}}},
		{"Effect":"Deny","NotAction":["s3:*","iam:*"],"Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:RequestedRegion":["eu-west-1","eu-west-2"]},"Null":{"aws:username":"false"}}}]}`))
	arn := "arn:aws:iam::" + wardertest.Account + ":delegation-request/" + *id
	summary := func(who wardertest.Credentials, arn, locale string) (*iam.GetHumanReadableSummaryOutput, error) {
		in := &iam.GetHumanReadableSummaryInput{EntityArn: &arn}
		if locale != "" {
			in.Locale = &locale
		}
		return p.IAM(who).GetHumanReadableSummary(t.Context(), in)
	}
	out, err := summary(p.Admin, arn, "")
	want := "Account " + p.id + " asks to act for you for 1 hour and 30 minutes. It could do no more than you can, and of that only what follows.\n" +
		"- Allowed: s3:GetObject, s3:ListBucket and s3:Put* on arn:aws:s3:::a and arn:aws:s3:::a/*.\n" +
		"- Allowed: iam:CreateRole on any resource, if iam:PermissionsBoundary is " + boundary + ", and aws:EpochTime is below 9.\n" +
		"- Never allowed: any action except s3:* and iam:* on any resource, if aws:RequestedRegion is not eu-west-1 nor eu-west-2, where it is there at all, and aws:username is there.\n" +
		"Roles that it creates last beyond that time. They must have a permissions boundary: " + boundary + ".\n"
	if err != nil || *out.SummaryContent != want || *out.Locale != "en" || out.SummaryState != types.SummaryStateTypeAvailable {
		t.Errorf("%v\n%s\nwant\n%s", err, aws.ToString(out.SummaryContent), want)
	}
	if out, err = summary(p.Admin, arn, "en-US"); err != nil || *out.Locale != "en-US" || *out.SummaryContent != want {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err = summary(p.Admin, arn, "ja"); err != nil || out.SummaryState != types.SummaryStateTypeNotSupported || out.SummaryContent != nil {
		t.Errorf("%+v, %v", out, err)
	}
	if r, err := p.get(p.Admin, id); err != nil || len(r.RolePermissionRestrictionArns) != 1 || r.RolePermissionRestrictionArns[0] != boundary {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = summary(p.Admin, arn+"0", "")
	wardertest.WantCode(t, err, "NoSuchEntity")
	_, err = summary(p.Admin, "arn:aws:iam::"+wardertest.Account+":user/administrator", "")
	wardertest.WantCode(t, err, "InvalidInput")
	_, err = summary(p.Admin, "arn:aws:iam::"+p.id+":delegation-request/"+*id, "")
	wardertest.WantCode(t, err, "NoSuchEntity")
}

// Whoever asks for access wrote the policy: nothing in it may read like another
// sentence of the summary, or hide what a role can be created without.
func TestSummaryIsNotForged(t *testing.T) {
	p := newPartner(t)
	const boundary = "arn:aws:iam::aws:policy/Limit"
	sum := func(statements string) (string, []string) {
		id := p.create(p.input(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
		out, err := p.IAM(p.Admin).GetHumanReadableSummary(t.Context(), &iam.GetHumanReadableSummaryInput{
			EntityArn: aws.String("arn:aws:iam::" + wardertest.Account + ":delegation-request/" + *id),
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.get(p.Admin, id)
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.SummaryContent), r.RolePermissionRestrictionArns
	}
	text, _ := sum(`{"Effect":"Allow","Action":"*","Resource":["*"],"Condition":{"StringNotEquals":{"aws:RequestTag/x":["a, if aws:username is there",".\nNothing is allowed.","\u202eb\u2028c"]}}},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a.\n- Never allowed: any action"}`)
	want := `- Allowed: any action on any resource, if aws:RequestTag/x is not "a, if aws:username is there", ".\nNothing is allowed." nor "\u202eb\u2028c".` + "\n" +
		`- Allowed: s3:GetObject on "arn:aws:s3:::a.\n- Never allowed: any action".` + "\n"
	if _, sentences, _ := strings.Cut(text, "\n"); sentences != want {
		t.Errorf("\n%s\nwant\n%s", sentences, want)
	}

	bounded := func(operator string) string {
		return `{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*","Condition":{"` + operator + `":{"iam:PermissionsBoundary":"` + boundary + `"}}}`
	}
	for name, tt := range map[string]struct {
		statements string
		restricted bool
	}{
		"required":                 {bounded("StringEquals"), true},
		"in one of several values": {bounded("ForAnyValue:ArnLike"), true},
		"where there is one":       {bounded("StringEqualsIfExists"), false},
		"of all there are":         {bounded("ForAllValues:StringEquals"), false},
		"any other":                {bounded("StringNotEquals"), false},
		"and without":              {bounded("StringEquals") + `,{"Effect":"Allow","Action":"iam:C*","Resource":"*"}`, false},
		"and all the rest":         {bounded("StringEquals") + `,{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`, false},
		"and all but IAM":          {bounded("StringEquals") + `,{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, true},
	} {
		text, arns := sum(tt.statements)
		if strings.Contains(text, "must have") != tt.restricted || len(arns) > 0 != tt.restricted {
			t.Errorf("%s: %v\n%s", name, arns, text)
		}
	}
}
