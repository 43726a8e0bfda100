package policy

import "testing"

var (
	alice   = user(acctA, "alice")
	session = roleSession(acctA, "path/deploy", "s1")
	fed     = &Principal{Kind: FederatedUser, ARN: "arn:aws:sts::" + acctA + ":federated-user/bob", UserARN: alice.ARN, Account: acctA, UniqueID: alice.UniqueID}
	root    = &Principal{Kind: Root, ARN: "arn:aws:iam::" + acctA + ":root", Account: acctA}
	task    = &Principal{Kind: AssumeRootSession, ARN: "arn:aws:sts::" + acctA + ":assumed-root", Account: acctA}
	anyone  = &Principal{Kind: Anonymous}
	ec2     = &Principal{Kind: Service, Service: "ec2.amazonaws.com"}
	web     = &Principal{Kind: WebIdentity, Provider: "accounts.google.com"}
	saml    = &Principal{Kind: SAML, Provider: "arn:aws:iam::" + acctA + ":saml-provider/idp"}
	canon   = &Principal{Kind: User, ARN: "arn:aws:iam::" + acctA + ":user/c", Account: acctA, CanonicalUser: "79a5"}
)

func TestPrincipalGrades(t *testing.T) {
	aws := func(s string) string { return `{"AWS":"` + s + `"}` }
	for _, tc := range []struct {
		name      string
		principal string
		who       *Principal
		want      grade
	}{
		{"everyone is anonymous too", `"*"`, anyone, directly},
		{"everyone", `"*"`, alice, directly},
		{"everyone, long form", aws("*"), anyone, directly},
		{"everyone, a service", `"*"`, ec2, directly},
		{"account id", aws(acctA), alice, byAccount},
		{"account root ARN", aws("arn:aws:iam::" + acctA + ":root"), alice, byAccount},
		{"account, root user", aws(acctA), root, byAccount},
		{"account, session", aws(acctA), session, byAccount},
		{"account, federated user", aws(acctA), fed, byAccount},
		{"account, AssumeRoot", aws(acctA), task, byAccount},
		{"other account", aws(acctB), alice, notNamed},
		{"account, anonymous", aws(acctA), anyone, notNamed},
		{"account, service", aws(acctA), ec2, notNamed},
		{"user", aws(alice.ARN), alice, directly},
		{"user in another case", aws("arn:aws:iam::" + acctA + ":user/Alice"), alice, notNamed},
		{"other user", aws("arn:aws:iam::" + acctA + ":user/bob"), alice, notNamed},
		{"same name in another account", aws("arn:aws:iam::" + acctB + ":user/alice"), alice, notNamed},
		{"user, its root", aws(alice.ARN), root, notNamed},
		{"user behind a federated user", aws(alice.ARN), fed, byIdentity},
		{"federated user", aws(fed.ARN), fed, directly},
		{"federated user is not the user", aws(fed.ARN), alice, notNamed},
		{"role", aws(session.RoleARN), session, byIdentity},
		{"role without its path", aws("arn:aws:iam::" + acctA + ":role/deploy"), session, notNamed},
		{"role session", aws(session.ARN), session, directly},
		{"other session", aws("arn:aws:sts::" + acctA + ":assumed-role/deploy/s2"), session, notNamed},
		{"unique id of the user", aws(alice.UniqueID), alice, directly},
		{"unique id of the role", aws(session.UniqueID), session, byIdentity},
		{"other unique id", aws("AIDAOTHER0000000000"), alice, notNamed},
		{"service", `{"Service":"ec2.amazonaws.com"}`, ec2, directly},
		{"other service", `{"Service":"s3.amazonaws.com"}`, ec2, notNamed},
		{"service, not a user", `{"Service":"ec2.amazonaws.com"}`, alice, notNamed},
		{"one of several types", `{"AWS":"` + acctB + `","Service":["s3.amazonaws.com","ec2.amazonaws.com"]}`, ec2, directly},
		{"web identity", `{"Federated":"accounts.google.com"}`, web, directly},
		{"other provider", `{"Federated":"graph.facebook.com"}`, web, notNamed},
		{"SAML", `{"Federated":"` + saml.Provider + `"}`, saml, directly},
		{"provider, not a user", `{"Federated":"accounts.google.com"}`, alice, notNamed},
		{"canonical user", `{"CanonicalUser":"79a5"}`, canon, byAccount},
		{"no canonical user", `{"CanonicalUser":"79a5"}`, alice, notNamed},
		{"the closest name counts", `{"AWS":["` + acctA + `","` + alice.ARN + `"]}`, alice, directly},
	} {
		p := compile(t, Resource, doc(`{"Effect":"Allow","Principal":`+tc.principal+`,"Action":"*","Resource":"*"}`))
		if got := p.statements[0].principals.grade(tc.who, Allow, false); got != tc.want {
			t.Errorf("%s: grade %d, want %d", tc.name, got, tc.want)
		}
	}
}

// TestResolvedPrincipals: a principal that was resolved to a unique id means
// that user or role and not another of the same name.
func TestResolvedPrincipals(t *testing.T) {
	reborn := *alice
	reborn.UniqueID = "AIDAREBORN0000000000"
	rebornRole := *session
	rebornRole.UniqueID = "AROAREBORN0000000000"
	ids := WithPrincipalIDs(map[string]string{alice.ARN: alice.UniqueID, session.RoleARN: session.UniqueID})
	p := compile(t, Resource, doc(`{"Effect":"Allow","Principal":{"AWS":["`+alice.ARN+`","`+session.RoleARN+`"]},"Action":"*","Resource":"*"}`), ids)
	for _, tc := range []struct {
		who  *Principal
		want grade
	}{{alice, directly}, {&reborn, notNamed}, {session, byIdentity}, {&rebornRole, notNamed}, {fed, byIdentity}} {
		if got := p.statements[0].principals.grade(tc.who, Allow, false); got != tc.want {
			t.Errorf("%s %s: grade %d, want %d", tc.who.ARN, tc.who.UniqueID, got, tc.want)
		}
	}
	// NotPrincipal with Deny exempts the one that was meant only.
	deny := compile(t, Resource, doc(`{"Effect":"Deny","NotPrincipal":{"AWS":["`+alice.ARN+`","`+acctA+`"]},"Action":"*","Resource":"*"}`), ids)
	if deny.statements[0].principals.grade(&reborn, Deny, false) == notNamed {
		t.Error("a user of the same name is exempt")
	}
}

func TestNotPrincipal(t *testing.T) {
	list := func(names ...string) string {
		s := `{"AWS":["` + names[0] + `"`
		for _, n := range names[1:] {
			s += `,"` + n + `"`
		}
		return s + `]}`
	}
	for _, tc := range []struct {
		name    string
		not     string
		who     *Principal
		bounded bool
		denied  bool // with Deny; with Allow it allows nobody
	}{
		{"user and account", list(alice.ARN, acctA), alice, false, false},
		{"user without account", list(alice.ARN), alice, false, true},
		{"account only", list(acctA), alice, false, true},
		{"other user", list("arn:aws:iam::"+acctA+":user/x", acctB), alice, false, true},
		{"user and account, with a boundary", list(alice.ARN, acctA), alice, true, true},
		{"session, role and account", list(session.ARN, session.RoleARN, acctA), session, false, false},
		{"session without role", list(session.ARN, acctA), session, false, true},
		{"role without session", list(session.RoleARN, acctA), session, false, true},
		{"session and role without account", list(session.ARN, session.RoleARN), session, false, true},
		{"federated user, user and account", list(fed.ARN, alice.ARN, acctA), fed, false, false},
		{"federated user without user", list(fed.ARN, acctA), fed, false, true},
		{"root", list(acctA), root, false, false},
		{"other root", list(acctB), root, false, true},
		{"service", `{"Service":"ec2.amazonaws.com"}`, ec2, false, false},
		{"other service", `{"Service":"s3.amazonaws.com"}`, ec2, false, true},
		{"anonymous", list(acctA), anyone, false, true},
		{"everyone is exempt", `"*"`, anyone, false, false},
	} {
		deny := compile(t, Resource, doc(`{"Effect":"Deny","NotPrincipal":`+tc.not+`,"Action":"*","Resource":"*"}`))
		if got := deny.statements[0].principals.grade(tc.who, Deny, tc.bounded) != notNamed; got != tc.denied {
			t.Errorf("Deny %s: %v", tc.name, got)
		}
		allow := compile(t, Resource, doc(`{"Effect":"Allow","NotPrincipal":`+tc.not+`,"Action":"*","Resource":"*"}`))
		if got := allow.statements[0].principals.grade(tc.who, Allow, tc.bounded); got != notNamed {
			t.Errorf("Allow %s: grade %d", tc.name, got)
		}
	}
}

// TestTrustEveryone: "*" in a trust policy allows AWS principals only; denied
// is everyone.
func TestTrustEveryone(t *testing.T) {
	allow := compile(t, Trust, doc(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}`)).statements[0].principals
	deny := compile(t, Trust, doc(`{"Effect":"Deny","Principal":"*","Action":"sts:*"}`)).statements[0].principals
	for _, p := range []*Principal{alice, session, anyone, ec2, web, saml} {
		if got, want := allow.grade(p, Allow, false) != notNamed, p == alice || p == session; got != want {
			t.Errorf("Allow %v: %v", p.Kind, got)
		}
		if deny.grade(p, Deny, false) == notNamed {
			t.Errorf("Deny %v does not match", p.Kind)
		}
	}
}
