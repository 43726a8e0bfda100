package policy

import "testing"

const (
	bucketA = "arn:aws:s3:::bucket-a/key"
	get     = "s3:GetObject"
)

var (
	allowGet  = statementText("Allow", get, "*")
	denyGet   = statementText("Deny", get, "*")
	allowPut  = statementText("Allow", "s3:PutObject", "*")
	allowAll  = statementText("Allow", "*", "*")
	resAllow  = func(principal string) string { return resStatement("Allow", principal) }
	resDeny   = func(principal string) string { return resStatement("Deny", principal) }
	resOthers = `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}`
)

func resStatement(effect, principal string) string {
	return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"` + get + `","Resource":"arn:aws:s3:::bucket-a/*"}`
}

func awsName(s string) string { return `{"AWS":"` + s + `"}` }

// layersText are layers as statements. "-" stands for a layer that is there
// and has no statement of use.
type layersText struct {
	identity, boundary, session, resource, endpoint string
	scps, rcps                                      []string
	kind                                            Kind
	mustGrant                                       bool
}

func (lt layersText) build(t testing.TB) *Layers {
	t.Helper()
	mk := func(kind Kind, s string) *Set {
		switch s {
		case "":
			return nil
		case "-":
			return NewSet()
		}
		return set(t, kind, s)
	}
	l := &Layers{Identity: mk(Identity, lt.identity), Boundary: mk(Identity, lt.boundary), Session: mk(Session, lt.session), Endpoint: mk(Endpoint, lt.endpoint), ResourceMustGrant: lt.mustGrant}
	if lt.resource != "" {
		kind := lt.kind
		if kind == Identity {
			kind = Resource
		}
		l.Resource = compile(t, kind, doc(lt.resource))
	}
	for _, s := range lt.scps {
		l.SCPs = append(l.SCPs, mk(SCP, s))
	}
	for _, s := range lt.rcps {
		l.RCPs = append(l.RCPs, mk(RCP, s))
	}
	return l
}

func TestEvaluate(t *testing.T) {
	fullRCP := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	linked := *session
	linked.ServiceLinked = true
	for _, tc := range []struct {
		name   string
		who    *Principal
		owner  string
		layers layersText
		reason Reason
		layer  Layer
	}{
		// Identity policies alone.
		{"nothing", alice, acctA, layersText{}, ImplicitDeny, LayerIdentity},
		{"identity allows", alice, acctA, layersText{identity: allowGet}, Allowed, LayerIdentity},
		{"identity allows something else", alice, acctA, layersText{identity: allowPut}, ImplicitDeny, LayerIdentity},
		{"identity denies and allows", alice, acctA, layersText{identity: allowAll + "," + denyGet}, ExplicitDeny, LayerIdentity},
		{"identity denies first", alice, acctA, layersText{identity: denyGet + "," + allowAll}, ExplicitDeny, LayerIdentity},
		{"owner unknown", alice, "", layersText{identity: allowGet}, ImplicitDeny, LayerResource},

		// Boundaries.
		{"boundary and identity allow", alice, acctA, layersText{identity: allowGet, boundary: allowAll}, Allowed, LayerIdentity},
		{"boundary does not allow", alice, acctA, layersText{identity: allowGet, boundary: allowPut}, ImplicitDeny, LayerBoundary},
		{"boundary is empty", alice, acctA, layersText{identity: allowGet, boundary: "-"}, ImplicitDeny, LayerBoundary},
		{"boundary grants nothing", alice, acctA, layersText{boundary: allowAll}, ImplicitDeny, LayerIdentity},
		{"boundary denies", alice, acctA, layersText{identity: allowGet, boundary: allowAll + "," + denyGet}, ExplicitDeny, LayerBoundary},

		// Session policies.
		{"session and role allow", session, acctA, layersText{identity: allowAll, session: allowGet}, Allowed, LayerIdentity},
		{"session policy does not allow", session, acctA, layersText{identity: allowAll, session: allowPut}, ImplicitDeny, LayerSession},
		{"session policy is empty", session, acctA, layersText{identity: allowAll, session: "-"}, ImplicitDeny, LayerSession},
		{"session policy grants nothing", session, acctA, layersText{session: allowAll}, ImplicitDeny, LayerIdentity},
		{"session policy denies", session, acctA, layersText{identity: allowAll, session: allowAll + "," + denyGet}, ExplicitDeny, LayerSession},
		{"no session policy", session, acctA, layersText{identity: allowAll}, Allowed, LayerIdentity},
		{"federated user without session policy", fed, acctA, layersText{identity: allowAll}, ImplicitDeny, LayerSession},
		{"federated user with session policy", fed, acctA, layersText{identity: allowAll, session: allowGet}, Allowed, LayerIdentity},
		{"federated user, user is not allowed", fed, acctA, layersText{identity: allowPut, session: allowAll}, ImplicitDeny, LayerIdentity},

		// SCPs: every level must allow; they bind root, too.
		{"SCPs allow", alice, acctA, layersText{identity: allowGet, scps: []string{allowAll, allowGet}}, Allowed, LayerIdentity},
		{"one SCP level does not allow", alice, acctA, layersText{identity: allowGet, scps: []string{allowAll, allowPut}}, ImplicitDeny, LayerSCP},
		{"the first SCP level does not allow", alice, acctA, layersText{identity: allowGet, scps: []string{allowPut, allowAll}}, ImplicitDeny, LayerSCP},
		{"SCP level without policies", alice, acctA, layersText{identity: allowGet, scps: []string{allowAll, "-"}}, ImplicitDeny, LayerSCP},
		{"SCP grants nothing", alice, acctA, layersText{scps: []string{allowAll}}, ImplicitDeny, LayerIdentity},
		{"SCP denies", alice, acctA, layersText{identity: allowGet, scps: []string{allowAll + "," + denyGet}}, ExplicitDeny, LayerSCP},
		{"SCP binds root", root, acctA, layersText{scps: []string{allowPut}}, ImplicitDeny, LayerSCP},
		{"SCP denies root", root, acctA, layersText{scps: []string{allowAll, denyGet + "," + allowAll}}, ExplicitDeny, LayerSCP},
		{"SCP binds a direct grant", alice, acctA, layersText{resource: resAllow(awsName(alice.ARN)), scps: []string{allowPut}}, ImplicitDeny, LayerSCP},
		{"SCP does not bind service-linked roles", &linked, acctA, layersText{identity: allowGet, scps: []string{denyGet}}, Allowed, LayerIdentity},

		// RCPs.
		{"RCP allows", alice, acctA, layersText{identity: allowGet, rcps: []string{fullRCP, fullRCP}}, Allowed, LayerIdentity},
		{"RCP detached", alice, acctA, layersText{identity: allowGet, rcps: []string{fullRCP, "-"}}, ImplicitDeny, LayerRCP},
		{"RCP denies", alice, acctA, layersText{identity: allowGet, rcps: []string{fullRCP + "," + `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`}}, ExplicitDeny, LayerRCP},
		{"RCP denies anonymous", anyone, acctA, layersText{resource: resAllow(`"*"`), rcps: []string{fullRCP + "," + `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`}}, ExplicitDeny, LayerRCP},
		{"RCP does not bind service-linked roles", &linked, acctA, layersText{identity: allowGet, rcps: []string{"-"}}, Allowed, LayerIdentity},

		// Endpoint policies.
		{"endpoint allows", alice, acctA, layersText{identity: allowGet, endpoint: resAllow(`"*"`)}, Allowed, LayerIdentity},
		{"endpoint does not allow", alice, acctA, layersText{identity: allowGet, endpoint: resOthers}, ImplicitDeny, LayerEndpoint},
		{"endpoint for someone else", alice, acctA, layersText{identity: allowGet, endpoint: resAllow(awsName(acctB))}, ImplicitDeny, LayerEndpoint},
		{"endpoint denies", alice, acctA, layersText{identity: allowGet, endpoint: resAllow(`"*"`) + "," + resDeny(`"*"`)}, ExplicitDeny, LayerEndpoint},

		// Same account: the union with the resource's policy.
		{"resource names the user", alice, acctA, layersText{resource: resAllow(awsName(alice.ARN))}, Allowed, LayerResource},
		{"resource names the user, boundary does not allow", alice, acctA, layersText{boundary: allowPut, resource: resAllow(awsName(alice.ARN))}, Allowed, LayerResource},
		{"resource names the user, boundary denies", alice, acctA, layersText{boundary: denyGet, resource: resAllow(awsName(alice.ARN))}, ExplicitDeny, LayerBoundary},
		{"resource names the user, identity denies", alice, acctA, layersText{identity: denyGet, resource: resAllow(awsName(alice.ARN))}, ExplicitDeny, LayerIdentity},
		{"resource names everyone, boundary does not allow", alice, acctA, layersText{boundary: allowPut, resource: resAllow(`"*"`)}, Allowed, LayerResource},
		{"resource names the account", alice, acctA, layersText{resource: resAllow(awsName(acctA))}, ImplicitDeny, LayerIdentity},
		{"resource names the account, identity allows", alice, acctA, layersText{identity: allowGet, resource: resAllow(awsName(acctA))}, Allowed, LayerIdentity},
		{"resource names another user", alice, acctA, layersText{resource: resAllow(awsName("arn:aws:iam::" + acctA + ":user/bob"))}, ImplicitDeny, LayerIdentity},
		{"resource denies", alice, acctA, layersText{identity: allowAll, resource: resDeny(awsName(alice.ARN))}, ExplicitDeny, LayerResource},
		{"resource denies the account", alice, acctA, layersText{identity: allowAll, resource: resDeny(awsName(acctA))}, ExplicitDeny, LayerResource},
		{"resource denies someone else", alice, acctA, layersText{identity: allowAll, resource: resDeny(awsName(acctB))}, Allowed, LayerIdentity},
		{"resource denies root", root, acctA, layersText{resource: resDeny(`"*"`)}, ExplicitDeny, LayerResource},
		{"resource names the role", session, acctA, layersText{resource: resAllow(awsName(session.RoleARN))}, Allowed, LayerResource},
		{"resource names the role, boundary does not allow", session, acctA, layersText{boundary: allowPut, resource: resAllow(awsName(session.RoleARN))}, ImplicitDeny, LayerBoundary},
		{"resource names the role, session policy does not allow", session, acctA, layersText{session: allowPut, resource: resAllow(awsName(session.RoleARN))}, ImplicitDeny, LayerSession},
		{"resource names the session, nothing else allows", session, acctA, layersText{boundary: allowPut, session: allowPut, resource: resAllow(awsName(session.ARN))}, Allowed, LayerResource},
		{"resource names the session, session policy denies", session, acctA, layersText{session: denyGet, resource: resAllow(awsName(session.ARN))}, ExplicitDeny, LayerSession},
		{"resource names the federated user", fed, acctA, layersText{resource: resAllow(awsName(fed.ARN))}, Allowed, LayerResource},
		{"resource names the user behind the federated user", fed, acctA, layersText{session: allowGet, resource: resAllow(awsName(alice.ARN))}, Allowed, LayerResource},
		{"the same, limited by the session policy", fed, acctA, layersText{session: allowPut, resource: resAllow(awsName(alice.ARN))}, ImplicitDeny, LayerSession},
		{"the same, without session policy", fed, acctA, layersText{resource: resAllow(awsName(alice.ARN))}, ImplicitDeny, LayerSession},
		{"resource allows all but others, which is not supported", session, acctA, layersText{resource: `{"Effect":"Allow","NotPrincipal":{"AWS":"` + acctB + `"},"Action":"*","Resource":"*"}`}, ImplicitDeny, LayerIdentity},
		{"the same for anybody", anyone, acctA, layersText{resource: `{"Effect":"Allow","NotPrincipal":{"AWS":"` + acctB + `"},"Action":"*","Resource":"*"}`}, ImplicitDeny, LayerResource},

		// Root.
		{"root", root, acctA, layersText{}, Allowed, LayerIdentity},
		{"root of another account", root, acctB, layersText{}, ImplicitDeny, LayerResource},
		{"root of a named account", root, acctB, layersText{resource: resAllow(awsName(acctA))}, Allowed, LayerIdentity},
		{"AssumeRoot without its task policy", task, acctA, layersText{}, ImplicitDeny, LayerSession},
		{"AssumeRoot within its task policy", task, acctA, layersText{session: allowGet}, Allowed, LayerIdentity},
		{"AssumeRoot outside its task policy", task, acctA, layersText{session: allowPut}, ImplicitDeny, LayerSession},
		{"AssumeRoot, everyone is allowed", task, acctA, layersText{session: allowPut, resource: resAllow(`"*"`)}, ImplicitDeny, LayerSession},

		// Across accounts both sides are needed.
		{"cross account, identity only", alice, acctB, layersText{identity: allowAll}, ImplicitDeny, LayerResource},
		{"cross account, resource only", alice, acctB, layersText{resource: resAllow(awsName(alice.ARN))}, ImplicitDeny, LayerIdentity},
		{"cross account, everyone, resource only", alice, acctB, layersText{resource: resAllow(`"*"`)}, ImplicitDeny, LayerIdentity},
		{"cross account, both, account named", alice, acctB, layersText{identity: allowGet, resource: resAllow(awsName(acctA))}, Allowed, LayerIdentity},
		{"cross account, both, user named", alice, acctB, layersText{identity: allowGet, resource: resAllow(awsName(alice.ARN))}, Allowed, LayerIdentity},
		{"cross account, boundary does not allow", alice, acctB, layersText{identity: allowGet, boundary: allowPut, resource: resAllow(awsName(alice.ARN))}, ImplicitDeny, LayerBoundary},
		{"cross account, session named, session policy does not allow", session, acctB, layersText{identity: allowGet, session: allowPut, resource: resAllow(awsName(session.ARN))}, ImplicitDeny, LayerSession},
		{"cross account, other account named", alice, acctB, layersText{identity: allowGet, resource: resAllow(awsName(acctB))}, ImplicitDeny, LayerResource},
		{"cross account, resource denies", alice, acctB, layersText{identity: allowGet, resource: resAllow(awsName(acctA)) + "," + resDeny(awsName(alice.ARN))}, ExplicitDeny, LayerResource},
		{"cross account, SCP does not allow", alice, acctB, layersText{identity: allowGet, resource: resAllow(awsName(acctA)), scps: []string{allowPut}}, ImplicitDeny, LayerSCP},
		{"cross account, RCP does not allow", alice, acctB, layersText{identity: allowGet, resource: resAllow(awsName(acctA)), rcps: []string{"-"}}, ImplicitDeny, LayerRCP},

		// Callers without policies of their own.
		{"anonymous", anyone, acctA, layersText{}, ImplicitDeny, LayerResource},
		{"anonymous, everyone", anyone, acctA, layersText{resource: resAllow(`"*"`)}, Allowed, LayerResource},
		{"anonymous, account", anyone, acctA, layersText{resource: resAllow(awsName(acctA))}, ImplicitDeny, LayerResource},
		{"anonymous, identity policies do not count", anyone, acctA, layersText{identity: allowAll}, ImplicitDeny, LayerResource},
		{"service, named", ec2, acctA, layersText{resource: resAllow(`{"Service":"ec2.amazonaws.com"}`)}, Allowed, LayerResource},
		{"service, other", ec2, acctA, layersText{resource: resAllow(`{"Service":"s3.amazonaws.com"}`)}, ImplicitDeny, LayerResource},

		// KMS keys grant by themselves.
		{"key without policy", alice, acctA, layersText{identity: allowAll, mustGrant: true}, ImplicitDeny, LayerResource},
		{"key does not name", alice, acctA, layersText{identity: allowAll, resource: resAllow(awsName(acctB)), kind: KeyPolicy}, ImplicitDeny, LayerResource},
		{"key names the account", alice, acctA, layersText{identity: allowAll, resource: resAllow(awsName(acctA)), kind: KeyPolicy}, Allowed, LayerIdentity},
		{"key names the account, identity does not allow", alice, acctA, layersText{resource: resAllow(awsName(acctA)), kind: KeyPolicy}, ImplicitDeny, LayerIdentity},
		{"key names the user", alice, acctA, layersText{resource: resAllow(awsName(alice.ARN)), kind: KeyPolicy}, Allowed, LayerResource},
		{"key, root is not named", root, acctA, layersText{resource: resAllow(awsName(alice.ARN)), kind: KeyPolicy}, ImplicitDeny, LayerResource},
	} {
		l := tc.layers.build(t)
		req := &Request{Principal: tc.who, Action: get, Resource: bucketA, ResourceAccount: tc.owner}
		d := Evaluate(req, l)
		if d.Reason != tc.reason || d.Layer != tc.layer {
			t.Errorf("%s: %s by %s, want %s by %s", tc.name, d.Reason, d.Layer, tc.reason, tc.layer)
		}
		checkExplanation(t, tc.name, req, l, d)
	}
}

// TestTrust has the rules for assuming a role.
func TestTrust(t *testing.T) {
	role := "arn:aws:iam::" + acctA + ":role/target"
	trust := func(principal string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:*"}`
	}
	may := statementText("Allow", "sts:AssumeRole", role)
	bob := user(acctB, "bob")
	for _, tc := range []struct {
		name   string
		who    *Principal
		action string
		layers layersText
		reason Reason
		layer  Layer
	}{
		{"user named", alice, "sts:AssumeRole", layersText{resource: trust(awsName(alice.ARN))}, Allowed, LayerTrust},
		{"account named", alice, "sts:AssumeRole", layersText{resource: trust(awsName(acctA))}, ImplicitDeny, LayerIdentity},
		{"account named, identity allows", alice, "sts:AssumeRole", layersText{identity: may, resource: trust(awsName(acctA))}, Allowed, LayerIdentity},
		{"not named, identity allows", alice, "sts:AssumeRole", layersText{identity: may, resource: trust(awsName(acctB))}, ImplicitDeny, LayerTrust},
		{"denied by the trust policy", alice, "sts:AssumeRole", layersText{identity: may, resource: trust(awsName(acctA)) + `,{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`}, ExplicitDeny, LayerTrust},
		{"role named, chaining", session, "sts:AssumeRole", layersText{resource: trust(awsName(session.RoleARN))}, Allowed, LayerTrust},
		{"role named, session policy does not allow", session, "sts:AssumeRole", layersText{session: allowPut, resource: trust(awsName(session.RoleARN))}, ImplicitDeny, LayerSession},
		{"user denied by its identity policy", alice, "sts:AssumeRole", layersText{identity: statementText("Deny", "sts:*", "*"), resource: trust(awsName(alice.ARN))}, ExplicitDeny, LayerIdentity},
		{"cross account, user named only", bob, "sts:AssumeRole", layersText{resource: trust(awsName(bob.ARN))}, ImplicitDeny, LayerIdentity},
		{"cross account, both", bob, "sts:AssumeRole", layersText{identity: may, resource: trust(awsName(acctB))}, Allowed, LayerIdentity},
		{"cross account, identity only", bob, "sts:AssumeRole", layersText{identity: may, resource: trust(awsName(acctA))}, ImplicitDeny, LayerTrust},
		{"service", ec2, "sts:AssumeRole", layersText{resource: trust(`{"Service":"ec2.amazonaws.com"}`)}, Allowed, LayerTrust},
		{"other service", ec2, "sts:AssumeRole", layersText{resource: trust(`{"Service":"lambda.amazonaws.com"}`)}, ImplicitDeny, LayerTrust},
		{"service under everyone", ec2, "sts:AssumeRole", layersText{resource: trust(`"*"`)}, ImplicitDeny, LayerTrust},
		{"web identity", web, "sts:AssumeRoleWithWebIdentity", layersText{resource: trust(`{"Federated":"accounts.google.com"}`)}, Allowed, LayerTrust},
		{"web identity under everyone", web, "sts:AssumeRoleWithWebIdentity", layersText{resource: trust(`"*"`)}, ImplicitDeny, LayerTrust},
		{"SAML", saml, "sts:AssumeRoleWithSAML", layersText{resource: trust(`{"Federated":"` + saml.Provider + `"}`)}, Allowed, LayerTrust},
		{"other SAML provider", saml, "sts:AssumeRoleWithSAML", layersText{resource: trust(`{"Federated":"arn:aws:iam::` + acctB + `:saml-provider/idp"}`)}, ImplicitDeny, LayerTrust},
	} {
		tc.layers.kind = Trust
		l := tc.layers.build(t)
		req := &Request{Principal: tc.who, Action: tc.action, Resource: role, ResourceAccount: acctA}
		d := Evaluate(req, l)
		if d.Reason != tc.reason || d.Layer != tc.layer {
			t.Errorf("%s: %s by %s, want %s by %s", tc.name, d.Reason, d.Layer, tc.reason, tc.layer)
		}
		checkExplanation(t, tc.name, req, l, d)
	}
}

// TestTrustConditions is the MFA and ExternalId of every guide.
func TestTrustConditions(t *testing.T) {
	trust := compile(t, Trust, doc(`{"Effect":"Allow","Principal":{"AWS":"`+alice.ARN+`"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"StringEquals":{"sts:ExternalId":"42"}}}`))
	for _, tc := range []struct {
		ctx  Context
		want bool
	}{
		{nil, false},
		{NewContext().Set("sts:ExternalId", String("42")), false},
		{NewContext().Set("sts:ExternalId", String("42")).Set("aws:MultiFactorAuthPresent", Bool(false)), false},
		{NewContext().Set("sts:ExternalId", String("41")).Set("aws:MultiFactorAuthPresent", Bool(true)), false},
		{NewContext().Set("sts:ExternalId", String("42")).Set("aws:MultiFactorAuthPresent", Bool(true)), true},
	} {
		req := &Request{Principal: alice, Action: "sts:AssumeRole", Resource: "arn:aws:iam::" + acctA + ":role/r", ResourceAccount: acctA, Context: tc.ctx}
		if got := Evaluate(req, &Layers{Resource: trust}).Allowed(); got != tc.want {
			t.Errorf("%v: %v", tc.ctx, got)
		}
	}
}

// TestNoResourceAction: an action on no resource is the caller's own account's
// business, and only what reaches "*" grants it.
func TestNoResourceAction(t *testing.T) {
	for text, want := range map[string]bool{
		statementText("Allow", "s3:ListAllMyBuckets", "*"):                                      true,
		statementText("Allow", "s3:ListAllMyBuckets", "arn:aws:s3:::*"):                         false,
		`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","NotResource":"arn:aws:s3:::secret"}`: true,
		`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","NotResource":"*"}`:                   false,
	} {
		req := &Request{Principal: alice, Action: "s3:ListAllMyBuckets", Resource: "*"}
		if got := Evaluate(req, &Layers{Identity: set(t, Identity, text)}).Allowed(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestDenyOnNoResource: NotResource reaches a request without a resource, and
// a Deny with it denies.
func TestDenyOnNoResource(t *testing.T) {
	for text, want := range map[string]bool{
		`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::secret"}`: true,
		`{"Effect":"Deny","Action":"s3:*","NotResource":"*"}`:                   false,
		`{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*"}`:         false,
		`{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::b","*"]}`:   true,
	} {
		req := &Request{Principal: alice, Action: "s3:ListAllMyBuckets", Resource: "*"}
		if got := Evaluate(req, &Layers{Identity: set(t, Identity, allowAll, text)}).Reason == ExplicitDeny; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestDenyWithUnknownVariable: a variable without a value makes a statement
// not match, a Deny as well, in Resource, NotResource and conditions; a default
// is a value.
func TestDenyWithUnknownVariable(t *testing.T) {
	for text, want := range map[string]bool{
		`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::bucket-a/${t:v}"}`:                                             false,
		`{"Effect":"Deny","Action":"*","Resource":["arn:aws:s3:::bucket-a/${t:v}","arn:aws:s3:::bucket-a/*"]}`:                 true,
		`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::bucket-b/${t:v}"}`:                                          false,
		`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::bucket-b/${t:v, 'x'}"}`:                                     true,
		`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::bucket-a/${t:v, 'key'}"}`:                                      true,
		`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"t:k":"${t:v}"}}}`:                       false,
		`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"t:none":"${t:v}"}}}`:            true,
		`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ForAllValues:StringNotEquals":{"t:k":"${t:v, 'other'}"}}}`: true,
	} {
		req := &Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA, Context: one(String("a"))}
		if got := Evaluate(req, &Layers{Identity: set(t, Identity, allowAll, text)}).Reason == ExplicitDeny; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestRevokeSessions is the policy by which IAM's console revokes the sessions
// of a role that are older than a moment.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
func TestRevokeSessions(t *testing.T) {
	l := &Layers{Identity: set(t, Identity, allowAll, `{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2024-05-01T12:00:00.500Z"}}}`)}
	for issued, want := range map[string]bool{"2024-05-01T12:00:00Z": false, "2024-05-01T12:00:00.5Z": true, "2024-05-01T13:59:59+02:00": false, "2024-05-01T12:00:01Z": true} {
		req := &Request{Principal: session, Action: get, Resource: bucketA, ResourceAccount: acctA, Context: NewContext().Set("aws:TokenIssueTime", String(issued))}
		if got := Evaluate(req, l).Allowed(); got != want {
			t.Errorf("a session of %s: %v", issued, got)
		}
	}
	// A long-term key has no issue time.
	if !Evaluate(&Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}, l).Allowed() {
		t.Error("a long-term key is revoked")
	}
}

// TestTagKeysInAnyCase: the whole of a condition key is without regard to
// case, the tag's part too; the tag's value is not.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
func TestTagKeysInAnyCase(t *testing.T) {
	l := &Layers{Identity: set(t, Identity, `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::bucket-a/${AWS:principaltag/TEAM}","Condition":{"StringEquals":{"aws:ResourceTag/CostCenter":"a"}}}`)}
	for value, want := range map[string]bool{"a": true, "A": false} {
		ctx := NewContext().Set("aws:resourcetag/costcenter", String(value)).Set("aws:PrincipalTag/Team", String("key"))
		if got := Evaluate(&Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA, Context: ctx}, l).Allowed(); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}

// TestMissingMFA is the well-known trap: aws:MultiFactorAuthPresent is absent,
// not false, with long-term keys, so that only BoolIfExists denies them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
func TestMissingMFA(t *testing.T) {
	for operator, want := range map[string]bool{"Bool": true, "BoolIfExists": false} {
		l := &Layers{Identity: set(t, Identity, allowAll, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"`+operator+`":{"aws:MultiFactorAuthPresent":"false"}}}`)}
		if got := Evaluate(&Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}, l).Allowed(); got != want {
			t.Errorf("%s: %v", operator, got)
		}
	}
}

// TestWrongKind: a policy of another kind in the resource's place denies,
// since its Deny statements could not be asked.
func TestWrongKind(t *testing.T) {
	l := &Layers{Identity: set(t, Identity, allowAll), Resource: compile(t, Identity, doc(denyGet))}
	req := &Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}
	if d := Evaluate(req, l); d.Reason != ImplicitDeny || d.Layer != NoLayer {
		t.Errorf("%s by %s", d.Reason, d.Layer)
	}
	if e := Explain(req, l); e.Decision != "implicitDeny" {
		t.Error(e)
	}
	l.Resource, l.S3 = compile(t, KeyPolicy, doc(resAllow(`"*"`))), &S3{}
	if d := Evaluate(req, l); d.Reason != ImplicitDeny || d.Layer != NoLayer {
		t.Errorf("ACLs with a key policy: %s by %s", d.Reason, d.Layer)
	}
}

func TestDecisionStatement(t *testing.T) {
	p := compile(t, Identity, doc(allowPut, allowGet))
	req := &Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}
	d := Evaluate(req, &Layers{Identity: NewSet(p)})
	if got, i := d.Statement(); got != p || i != 1 {
		t.Errorf("decided by %v %d", got, i)
	}
	if got, i := (Decision{}).Statement(); got != nil || i != -1 {
		t.Errorf("nothing decided by %v %d", got, i)
	}
}
