package sts_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

const account = wardertest.Account

// role makes a role of the account with this trust policy and permissions.
func role(t *testing.T, s *wardertest.Server, by wardertest.Credentials, name, trust, permissions string) string {
	t.Helper()
	client := s.IAM(by)
	out, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	if permissions != "" {
		if _, err := client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &permissions}); err != nil {
			t.Fatal(err)
		}
	}
	return *out.Role.Arn
}

// packed is PackedPolicySize. The newest SDK calls it deprecated; the API has no
// other yet in the version that Warder speaks.
func packed(out *sts.AssumeRoleOutput) *int32 {
	return out.PackedPolicySize //lint:ignore SA1019 see above
}

func trusts(principal, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]` + condition + `}]}`
}

func allows(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}}`
}

func TestGetCallerIdentity(t *testing.T) {
	s := wardertest.Start(t)
	denied := s.User(s.Admin, "denied", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)
	_, _, root := s.NewAccount()
	for name, tc := range map[string]struct {
		c   wardertest.Credentials
		arn string
	}{
		"a user":                           {s.Admin, ":user/administrator"},
		"a user who is denied all":         {denied, ":user/denied"},
		"the root user of another account": {root, ":root"},
	} {
		out, err := s.STS(tc.c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.HasSuffix(*out.Arn, tc.arn) || !strings.Contains(*out.Arn, *out.Account) {
			t.Errorf("%s is %s of %s", name, *out.Arn, *out.Account)
		}
		if strings.HasSuffix(*out.Arn, ":root") != (*out.UserId == *out.Account) {
			t.Errorf("%s has the user id %s", name, *out.UserId)
		}
	}
	_, err := s.STS(wardertest.Credentials{}).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "MissingAuthenticationToken")
	wrong := s.Admin
	wrong.SecretAccessKey += "x"
	_, err = s.STS(wrong).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "SignatureDoesNotMatch")
	wrong.AccessKeyID = "AKIAQQQQQQQQQQQQQQQQ"
	_, err = s.STS(wrong).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "InvalidClientTokenId")
}

// Tools like `aws eks get-token` hand on a presigned GetCallerIdentity with a
// signed header of their own.
func TestPresignedGetCallerIdentity(t *testing.T) {
	s := wardertest.Start(t)
	get := func(cluster, sent string) int {
		r, err := http.NewRequest(http.MethodGet, s.URL+"/?Action=GetCallerIdentity&Version=2011-06-15", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-k8s-aws-id", cluster)
		key := sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}
		if err := sigv4.Presign(r, nil, key, "us-east-1", "sts", time.Now(), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-k8s-aws-id", sent)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := get("prod", "prod"); got != http.StatusOK {
		t.Errorf("presigned for the cluster: %d", got)
	}
	if got := get("prod", "test"); got != http.StatusForbidden {
		t.Errorf("presigned for another cluster: %d", got)
	}
}

func TestAssumeRoleTrust(t *testing.T) {
	s := wardertest.Start(t)
	other, otherAdmin, otherRoot := s.NewAccount()
	alice := s.User(s.Admin, "alice", "")
	bob := s.User(s.Admin, "bob", allows("sts:AssumeRole", "*"))
	carol := s.User(otherAdmin, "carol", "")
	dave := s.User(otherAdmin, "dave", allows("sts:AssumeRole", "arn:aws:iam::"+account+":role/*"))
	denied := s.User(s.Admin, "eve", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}}`)

	user := func(account, name string) string { return "arn:aws:iam::" + account + ":user/" + name }
	toAlice := role(t, s, s.Admin, "to-alice", trusts(user(account, "alice"), ""), "")
	toAccount := role(t, s, s.Admin, "to-account", trusts(account, ""), "")
	toCarol := role(t, s, s.Admin, "to-carol", trusts(user(other, "carol"), ""), "")
	toDave := role(t, s, s.Admin, "to-dave", trusts(user(other, "dave"), `,"Condition":{"StringEquals":{"sts:ExternalId":"12345"}}`), "")
	toOther := role(t, s, s.Admin, "to-other", trusts("arn:aws:iam::"+other+":root", ""), "")
	toEve := role(t, s, s.Admin, "to-eve", trusts(user(account, "eve"), ""), "")

	for _, tc := range []struct {
		name, arn, externalID string
		as                    wardertest.Credentials
		code                  string
	}{
		{"the trust policy names the user of the same account: enough alone", toAlice, "", alice, ""},
		{"another user of the account is not named", toAlice, "", bob, "AccessDenied"},
		{"the account is named, no identity policy", toAccount, "", alice, "AccessDenied"},
		{"the account is named, and an identity policy allows", toAccount, "", bob, ""},
		{"named across accounts, no identity policy", toCarol, "", carol, "AccessDenied"},
		{"allowed across accounts, not named", toCarol, "", dave, "AccessDenied"},
		{"both sides, but no external id", toDave, "", dave, "AccessDenied"},
		{"both sides, wrong external id", toDave, "54321", dave, "AccessDenied"},
		{"both sides and the external id", toDave, "12345", dave, ""},
		{"the other account is named, identity policy allows", toOther, "", dave, ""},
		{"the other account is named, identity policy silent", toOther, "", carol, "AccessDenied"},
		{"named, but an identity policy denies", toEve, "", denied, "AccessDenied"},
		{"no such role", "arn:aws:iam::" + account + ":role/none", "", bob, "AccessDenied"},
		{"a wrong path", "arn:aws:iam::" + account + ":role/path/to-account", "", bob, "AccessDenied"},
		{"no account like that", "arn:aws:iam::000000000000:role/none", "", bob, "AccessDenied"},
		{"not a role", user(account, "alice"), "", bob, "ValidationError"},
		{"not an ARN at all", "xxxxxxxxxxxxxxxxxxxxxxxx", "", bob, "ValidationError"},
		{"root users assume no roles", toOther, "", otherRoot, "AccessDenied"},
	} {
		in := &sts.AssumeRoleInput{RoleArn: &tc.arn, RoleSessionName: aws.String("Session1")}
		if tc.externalID != "" {
			in.ExternalId = &tc.externalID
		}
		out, err := s.STS(tc.as).AssumeRole(t.Context(), in)
		if wardertest.Code(err) != tc.code {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.code)
		}
		if err != nil {
			continue
		}
		who, err := s.STS(wardertest.SessionCredentials(out.Credentials)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Errorf("%s: the session: %v", tc.name, err)
			continue
		}
		want := "arn:aws:sts::" + account + ":assumed-role/" + tc.arn[strings.LastIndexByte(tc.arn, '/')+1:] + "/Session1"
		if *who.Arn != want || *out.AssumedRoleUser.Arn != want || *who.UserId != *out.AssumedRoleUser.AssumedRoleId || *who.Account != account {
			t.Errorf("%s: the session is %s, %s; want %s", tc.name, *who.Arn, *who.UserId, want)
		}
	}
}

// A role that does not exist and one that does not trust the caller answer alike.
func TestAssumeRoleHidesWhichRolesExist(t *testing.T) {
	s := wardertest.Start(t)
	_, otherAdmin, _ := s.NewAccount()
	dave := s.User(otherAdmin, "dave", allows("sts:AssumeRole", "*"))
	closed := role(t, s, s.Admin, "closed", trusts(account, ""), "")
	message := func(arn string) string {
		_, err := s.STS(dave).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1")})
		wardertest.WantCode(t, err, "AccessDenied")
		return strings.ReplaceAll(wardertest.Message(err), arn, "ARN")
	}
	if there, not := message(closed), message(closed+"-not"); there != not {
		t.Errorf("a role that is there: %q\none that is not: %q", there, not)
	}
}

func TestSessionPolicyIntersects(t *testing.T) {
	s := wardertest.Start(t)
	arn := role(t, s, s.Admin, "r", trusts(account, ""), `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:GetUser","iam:ListUsers"],"Resource":"*"}]}`)
	session := func(policy string) *iam.Client {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("Session1")}
		if policy != "" {
			in.Policy = &policy
		}
		out, err := s.STS(s.Admin).AssumeRole(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if size := packed(out); (size == nil) != (policy == "") {
			t.Errorf("PackedPolicySize %v with the policy %q", size, policy)
		}
		return s.IAM(wardertest.SessionCredentials(out.Credentials))
	}
	for _, tc := range []struct {
		policy               string
		get, list, listRoles string
	}{
		{"", "", "", "AccessDenied"},
		{allows("iam:GetUser", "*"), "", "AccessDenied", "AccessDenied"},
		{allows("iam:*", "*"), "", "", "AccessDenied"}, // never more than the role
		{allows("s3:PutObject", "*"), "AccessDenied", "AccessDenied", "AccessDenied"},
		{allows("iam:GetUser", "arn:aws:iam::"+account+":user/other"), "AccessDenied", "AccessDenied", "AccessDenied"},
	} {
		c := session(tc.policy)
		_, err := c.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("administrator")})
		if wardertest.Code(err) != tc.get {
			t.Errorf("%q: GetUser: %v, want %q", tc.policy, err, tc.get)
		}
		_, err = c.ListUsers(t.Context(), &iam.ListUsersInput{})
		if wardertest.Code(err) != tc.list {
			t.Errorf("%q: ListUsers: %v, want %q", tc.policy, err, tc.list)
		}
		_, err = c.ListRoles(t.Context(), &iam.ListRolesInput{})
		if wardertest.Code(err) != tc.listRoles {
			t.Errorf("%q: ListRoles: %v, want %q", tc.policy, err, tc.listRoles)
		}
	}
	for policy, code := range map[string]string{
		"{":                        "MalformedPolicyDocument",
		`{"Version":"2012-10-17"}`: "MalformedPolicyDocument",
		allows("s3:GetObject", "arn:aws:s3:::"+strings.Repeat("b", 2048)): "PackedPolicyTooLarge",
	} {
		_, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1"), Policy: &policy})
		wardertest.WantCode(t, err, code)
	}
}

func TestManagedSessionPolicies(t *testing.T) {
	s := wardertest.Start(t)
	arn := role(t, s, s.Admin, "r", trusts(account, ""), allows("iam:*", "*"))
	made, err := s.IAM(s.Admin).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("get"), PolicyDocument: aws.String(allows("iam:GetUser", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	assume := func(policy *string, arns ...string) (wardertest.Credentials, error) {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1"), Policy: policy}
		for _, a := range arns {
			in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: &a})
		}
		out, err := s.STS(s.Admin).AssumeRole(t.Context(), in)
		if err != nil {
			return wardertest.Credentials{}, err
		}
		return wardertest.SessionCredentials(out.Credentials), nil
	}
	check := func(c wardertest.Credentials, get, list string) {
		t.Helper()
		_, err := s.IAM(c).GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("administrator")})
		wardertest.WantCode(t, err, get)
		_, err = s.IAM(c).ListUsers(t.Context(), &iam.ListUsersInput{})
		wardertest.WantCode(t, err, list)
	}
	managed, err := assume(nil, *made.Policy.Arn)
	if err != nil {
		t.Fatal(err)
	}
	check(managed, "", "AccessDenied")
	both, err := assume(aws.String(allows("iam:ListUsers", "*")), *made.Policy.Arn)
	if err != nil {
		t.Fatal(err)
	}
	check(both, "", "")
	_, err = assume(nil, *made.Policy.Arn+"-not")
	wardertest.WantCode(t, err, "ValidationError")

	// A session policy that is gone grants nothing any more.
	if _, err := s.IAM(s.Admin).DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: made.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	check(managed, "AccessDenied", "AccessDenied")
}

func TestDurationsAndChaining(t *testing.T) {
	s := wardertest.Start(t)
	arn := role(t, s, s.Admin, "r", trusts("*", ""), allows("sts:*", "*"))
	seconds := func(c wardertest.Credentials, n int32) (*sts.AssumeRoleOutput, error) {
		return s.STS(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1"), DurationSeconds: &n})
	}
	for n, code := range map[int32]string{899: "ValidationError", 900: "", 3600: "", 3601: "ValidationError", 43201: "ValidationError"} {
		out, err := seconds(s.Admin, n)
		if wardertest.Code(err) != code {
			t.Errorf("%d seconds: %v, want %q", n, err, code)
		}
		if err == nil {
			if lasts := time.Until(*out.Credentials.Expiration); lasts > time.Duration(n)*time.Second || lasts < time.Duration(n-60)*time.Second {
				t.Errorf("%d seconds: expires in %v", n, lasts)
			}
		}
	}
	if _, err := s.IAM(s.Admin).UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("r"), MaxSessionDuration: aws.Int32(43200)}); err != nil {
		t.Fatal(err)
	}
	first, err := seconds(s.Admin, 43200)
	if err != nil {
		t.Fatal(err)
	}
	chained := wardertest.SessionCredentials(first.Credentials)
	_, err = seconds(chained, 3601)
	wardertest.WantCode(t, err, "ValidationError")
	if _, err := seconds(chained, 3600); err != nil {
		t.Errorf("chained for an hour: %v", err)
	}
}

func TestExpiredSession(t *testing.T) {
	s := wardertest.Start(t)
	out, err := s.STS(s.Admin).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	session := wardertest.SessionCredentials(out.Credentials)
	s.Clock.Add(899 * time.Second)
	call := func() error {
		// Signed by the server's clock: this is about the token's age.
		r, err := http.NewRequest(http.MethodGet, s.URL+"/?Action=GetCallerIdentity&Version=2011-06-15", nil)
		if err != nil {
			t.Fatal(err)
		}
		key := sigv4.Credentials{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, SessionToken: session.SessionToken}
		if err := sigv4.Sign(r, nil, key, "us-east-1", "sts", s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		return wardertest.Do(r)
	}
	wardertest.WantCode(t, call(), "")
	s.Clock.Add(2 * time.Second)
	wardertest.WantCode(t, call(), "ExpiredToken")
}

func TestSessionTagsAndSourceIdentity(t *testing.T) {
	s := wardertest.Start(t)
	tagged := `,"Condition":{"StringEquals":{"aws:RequestTag/team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":["team","stage"]}}`
	arn := role(t, s, s.Admin, "tagged", trusts(account, tagged), allows("sts:*", "*"))
	tag := func(kv ...string) (tags []types.Tag) {
		for i := 0; i < len(kv); i += 2 {
			tags = append(tags, types.Tag{Key: &kv[i], Value: &kv[i+1]})
		}
		return tags
	}
	for name, tc := range map[string]struct {
		tags       []types.Tag
		transitive []string
		code       string
	}{
		"none":              {nil, nil, "AccessDenied"},
		"the right one":     {tag("team", "blue"), nil, ""},
		"a wrong value":     {tag("team", "red"), nil, "AccessDenied"},
		"one too many":      {tag("team", "blue", "other", "x"), nil, "AccessDenied"},
		"twice":             {tag("team", "blue", "TEAM", "blue"), nil, "InvalidParameterValue"},
		"transitive":        {tag("team", "blue"), []string{"team"}, ""},
		"transitive, unset": {tag("team", "blue"), []string{"stage"}, "InvalidParameterValue"},
	} {
		_, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1"), Tags: tc.tags, TransitiveTagKeys: tc.transitive})
		if wardertest.Code(err) != tc.code {
			t.Errorf("tags, %s: %v, want %q", name, err, tc.code)
		}
	}

	// A trust policy without sts:TagSession takes no tags, one without
	// sts:SetSourceIdentity no source identity.
	plain := role(t, s, s.Admin, "plain", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"}}`, "")
	_, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &plain, RoleSessionName: aws.String("x1"), Tags: tag("team", "blue")})
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &plain, RoleSessionName: aws.String("x1"), SourceIdentity: aws.String("me")})
	wardertest.WantCode(t, err, "AccessDenied")

	// Transitive tags and the source identity go along when roles are chained,
	// and cannot be changed.
	next := role(t, s, s.Admin, "next", trusts(account, `,"Condition":{"StringEquals":{"aws:RequestTag/team":"blue","sts:SourceIdentity":"me"}}`), "")
	first, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &arn, RoleSessionName: aws.String("x1"), Tags: tag("team", "blue"), TransitiveTagKeys: []string{"team"}, SourceIdentity: aws.String("me"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(first.SourceIdentity) != "me" {
		t.Errorf("source identity %v", first.SourceIdentity)
	}
	chain := s.STS(wardertest.SessionCredentials(first.Credentials))
	second, err := chain.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &next, RoleSessionName: aws.String("x2")})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(second.SourceIdentity) != "me" {
		t.Errorf("source identity of the chained session %v", second.SourceIdentity)
	}
	_, err = chain.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &next, RoleSessionName: aws.String("x2"), SourceIdentity: aws.String("you")})
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = chain.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &next, RoleSessionName: aws.String("x2"), Tags: tag("team", "red")})
	wardertest.WantCode(t, err, "InvalidParameterValue")
}

// What sessions of users may not do, whatever their policies say.
func TestSessionsAreKeptOut(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	token, err := s.STS(s.Admin).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	federated, err := s.STS(s.Admin).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("fed"), Policy: aws.String(allows("*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::" + account + ":federated-user/fed"; *federated.FederatedUser.Arn != want || *federated.FederatedUser.FederatedUserId != account+":fed" {
		t.Errorf("federated user %s %s", *federated.FederatedUser.Arn, *federated.FederatedUser.FederatedUserId)
	}
	arn := role(t, s, s.Admin, "r", trusts(account, ""), allows("*", "*"))
	assumed, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name                                       string
		c                                          *types.Credentials
		iam, identity, assume, session, federation string
	}{
		{"GetSessionToken without MFA", token.Credentials, "InvalidClientTokenId", "", "", "AccessDenied", "AccessDenied"},
		{"GetFederationToken", federated.Credentials, "InvalidClientTokenId", "", "AccessDenied", "AccessDenied", "AccessDenied"},
		{"AssumeRole", assumed.Credentials, "", "", "", "AccessDenied", "AccessDenied"},
	} {
		c := wardertest.SessionCredentials(tc.c)
		_, err := s.IAM(c).ListUsers(ctx, &iam.ListUsersInput{})
		_, err1 := s.STS(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		_, err2 := s.STS(c).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x2")})
		_, err3 := s.STS(c).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
		_, err4 := s.STS(c).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("f2")})
		for i, pair := range [][2]string{
			{wardertest.Code(err), tc.iam}, {wardertest.Code(err1), tc.identity}, {wardertest.Code(err2), tc.assume},
			{wardertest.Code(err3), tc.session}, {wardertest.Code(err4), tc.federation},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s, call %d: %q, want %q", tc.name, i, pair[0], pair[1])
			}
		}
	}
	// A token serves with its own access key id only.
	mixed := wardertest.SessionCredentials(assumed.Credentials)
	mixed.SessionToken = *token.Credentials.SessionToken
	_, err = s.STS(mixed).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "InvalidClientTokenId")
	mixed = s.Admin
	mixed.SessionToken = *token.Credentials.SessionToken
	_, err = s.STS(mixed).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "InvalidClientTokenId")
	// A temporary key without its token is no credential.
	mixed = wardertest.SessionCredentials(assumed.Credentials)
	mixed.SessionToken = ""
	_, err = s.STS(mixed).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "InvalidClientTokenId")
}

// A session ends with its principal: one who bears the same name later is
// somebody else.
func TestSessionEndsWithItsPrincipal(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	trust := trusts(account, "")
	arn := role(t, s, s.Admin, "r", trust, "")
	out, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.IAM(s.Admin).DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	role(t, s, s.Admin, "r", trust, "")
	_, err = s.STS(wardertest.SessionCredentials(out.Credentials)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "InvalidClientTokenId")
}

// A trust policy keeps to the user it named when it was saved
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func TestTrustFollowsTheIDNotTheName(t *testing.T) {
	s := wardertest.Start(t)
	ctx, client := t.Context(), s.IAM(s.Admin)
	s.User(s.Admin, "mallory", "")
	arn := role(t, s, s.Admin, "r", trusts("arn:aws:iam::"+account+":user/mallory", ""), "")

	keys, err := client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("mallory")})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.AccessKeyMetadata {
		if _, err := client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("mallory"), AccessKeyId: k.AccessKeyId}); err != nil {
			t.Fatal(err)
		}
	}
	old, err := client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("mallory")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("mallory")}); err != nil {
		t.Fatal(err)
	}
	again := s.User(s.Admin, "mallory", "")
	_, err = s.STS(again).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1")})
	wardertest.WantCode(t, err, "AccessDenied")

	got, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(*got.Role.AssumeRolePolicyDocument, *old.User.UserId) {
		t.Errorf("the trust policy does not show the orphaned id %s: %s", *old.User.UserId, *got.Role.AssumeRolePolicyDocument)
	}
}

func TestGetAccessKeyInfo(t *testing.T) {
	s := wardertest.Start(t)
	out, err := s.STS(s.Admin).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("ASIAY34FZKBOKMUTVV7A")})
	if err != nil || *out.Account != "609629065308" {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = s.STS(s.Admin).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
	wardertest.WantCode(t, err, "ValidationError")
	nobody := s.User(s.Admin, "nobody", "")
	_, err = s.STS(nobody).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("ASIAY34FZKBOKMUTVV7A")})
	wardertest.WantCode(t, err, "AccessDenied")
}

func TestDecodeAuthorizationMessageRefuses(t *testing.T) {
	s := wardertest.Start(t)
	for _, m := range []string{"x", "AAAA", strings.Repeat("A", 2000)} {
		_, err := s.STS(s.Admin).DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &m})
		wardertest.WantCode(t, err, "InvalidAuthorizationMessageException")
	}
}

// A transitive key that is listed twice, or in another case, is one tag of the
// next session, spelled as the tag is.
func TestTransitiveKeysOnce(t *testing.T) {
	s := wardertest.Start(t)
	first := role(t, s, s.Admin, "first", trusts(account, ""), allows("sts:*", "*"))
	second := role(t, s, s.Admin, "second", trusts(account, `,"Condition":{"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["Dept"],"aws:TagKeys":["Dept"]}}`), "")
	out, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &first, RoleSessionName: aws.String("one"), TransitiveTagKeys: []string{"dept", "Dept", "DEPT"},
		Tags: []types.Tag{{Key: aws.String("Dept"), Value: aws.String("x")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.STS(wardertest.SessionCredentials(out.Credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("two")})
	if err != nil {
		t.Fatal(err)
	}
	if before, after := *packed(out), *packed(again); before != after {
		t.Errorf("the tags take %d%% of the room, then %d%%", before, after)
	}
}

// The refusal does not tell a caller of another account whether there is a role,
// or what its trust policy says.
func TestRefusalsAcrossAccountsAreAlike(t *testing.T) {
	s := wardertest.Start(t)
	_, theirs, _ := s.NewAccount()
	role(t, s, s.Admin, "others", trusts(account, ""), "")
	role(t, s, s.Admin, "denies", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}`, "")
	for who, c := range map[string]wardertest.Credentials{
		"an administrator":            theirs,
		"one without permission":      s.User(theirs, "plain", ""),
		"one who is denied":           s.User(theirs, "denied", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}}`),
		"one who may assume any role": s.User(theirs, "any", allows("sts:AssumeRole", "*")),
	} {
		want := ""
		for _, name := range []string{"missing", "others", "denies"} {
			arn := "arn:aws:iam::" + account + ":role/" + name
			_, err := s.STS(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("session")})
			wardertest.WantCode(t, err, "AccessDenied")
			got := strings.ReplaceAll(wardertest.Message(err), arn, "ROLE")
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s, role %s: %q, but %q for a missing role", who, name, got, want)
			}
		}
	}
	// In the account itself the caller is told.
	arn := "arn:aws:iam::" + account + ":role/denies"
	_, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("session")})
	if m := wardertest.Message(err); !strings.HasSuffix(m, "with an explicit deny in the role trust policy") {
		t.Errorf("in the account: %q", m)
	}
}

// A root user's session ends with its account, also when another account is made
// with the same id.
func TestRootSessionEndsWithItsAccount(t *testing.T) {
	s := wardertest.Start(t)
	_, root := s.NewAccountWithID("222222222222")
	out, err := s.STS(root).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	session := s.STS(wardertest.SessionCredentials(out.Credentials))
	_, err = session.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "")

	s.Clock.Add(2 * time.Second)
	resp, err := http.Post(s.URL+"/_warder/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.NewAccountWithID("222222222222")
	_, err = session.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wardertest.WantCode(t, err, "InvalidClientTokenId")
}
