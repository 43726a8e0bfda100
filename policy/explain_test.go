package policy

import (
	"encoding/json"
	"strings"
	"testing"
)

// checkExplanation checks that Explain agrees with the decision, that it
// marshals, and that the grants it asks for do allow the request.
func checkExplanation(t *testing.T, name string, req *Request, l *Layers, d Decision) {
	t.Helper()
	e := Explain(req, l)
	if e.Decision != d.Reason.String() || e.Layer != d.Layer.String() {
		t.Errorf("%s: Explain says %s by %s", name, e.Decision, e.Layer)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if e.String() == "" {
		t.Errorf("%s: no text", name)
	}
	if (len(e.Needed) > 0) != (d.Reason == ImplicitDeny) {
		t.Errorf("%s: %s, needs %v", name, d.Reason, e.Needed)
	}
	if d.Reason != ImplicitDeny {
		return
	}
	granted := addGrants(t, l, e.Needed)
	if !Evaluate(req, granted).Allowed() {
		t.Errorf("%s: not allowed with %v", name, e.Needed)
	}
	// Each of them is needed.
	for i := range e.Needed {
		fewer := append(append([]Grant{}, e.Needed[:i]...), e.Needed[i+1:]...)
		if Evaluate(req, addGrants(t, l, fewer)).Allowed() {
			t.Errorf("%s: allowed without %v", name, e.Needed[i])
		}
	}
}

// addGrants makes layers with further statements.
func addGrants(t *testing.T, l *Layers, grants []Grant) *Layers {
	t.Helper()
	out := *l
	out.SCPs, out.RCPs = append([]*Set{}, l.SCPs...), append([]*Set{}, l.RCPs...)
	for _, g := range grants {
		text, err := json.Marshal(g.Statement)
		if err != nil {
			t.Fatal(err)
		}
		with := func(kind Kind, s *Set) *Set {
			return NewSet(append(append([]*Policy{}, s.Policies()...), compile(t, kind, doc(string(text))))...)
		}
		switch g.layer {
		case LayerIdentity:
			out.Identity = with(Identity, out.Identity)
		case LayerBoundary:
			out.Boundary = with(Identity, out.Boundary)
		case LayerSession:
			out.Session = with(Session, out.Session)
		case LayerEndpoint:
			out.Endpoint = with(Endpoint, out.Endpoint)
		case LayerSCP:
			out.SCPs[g.Level] = with(SCP, out.SCPs[g.Level])
		case LayerRCP:
			out.RCPs[g.Level] = with(RCP, out.RCPs[g.Level])
		case LayerResource, LayerTrust:
			kind, statements := Resource, []string{string(text)}
			if l.Resource != nil {
				kind = l.Resource.kind
				var old struct{ Statement []json.RawMessage }
				if err := json.Unmarshal([]byte(l.Resource.text), &old); err != nil {
					t.Fatal(err)
				}
				for _, s := range old.Statement {
					statements = append(statements, string(s))
				}
			}
			out.Resource = compile(t, kind, doc(statements...))
		default:
			t.Fatalf("grant in %s", g.Layer)
		}
	}
	return &out
}

func TestExplain(t *testing.T) {
	text := `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket-a/${aws:username}/*"},
    {"Sid": "Office", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*",
     "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:PrincipalTag/team": "x"}, "StringLike": {"aws:TagKeys": "a"}}},
    {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
  ]
}`
	doc, err := Parse(Identity, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p := Compile(Source{Type: SourceUser, Name: "mine"}, doc)
	req := &Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA,
		Context: NewContext().Set("aws:SourceIp", String("192.0.2.1")).Set("aws:TagKeys", Strings("a", "b"))}
	e := Explain(req, &Layers{Identity: NewSet(p)})
	if e.Decision != "implicitDeny" || len(e.Layers) != 1 {
		t.Fatalf("%+v", e)
	}
	layer := e.Layers[0]
	if len(layer.Considered) != 1 || layer.Considered[0].Name != "mine" || len(layer.Matched) != 0 || len(layer.NearMisses) != 2 {
		t.Fatalf("%+v", layer)
	}
	read, office := layer.NearMisses[0], layer.NearMisses[1]
	if read.Sid != "Read" || read.Start.Line != 4 || read.Start.Column != 5 || len(read.Misses) != 1 || read.Misses[0].Element != "Resource" || read.Misses[0].Note != "no value for ${aws:username}" {
		t.Errorf("%+v", read)
	}
	if office.Index != 1 || len(office.Misses) != 3 {
		t.Fatalf("%+v", office)
	}
	ip, tag, keys := office.Misses[0], office.Misses[1], office.Misses[2]
	if ip.Operator != "IpAddress" || ip.Key != "aws:SourceIp" || ip.Expected[0] != "10.0.0.0/8" || ip.Actual[0] != "192.0.2.1" || ip.Missing || ip.Pos.Line != 6 {
		t.Errorf("%+v", ip)
	}
	if tag.Key != "aws:PrincipalTag/team" || !tag.Missing || tag.Actual != nil {
		t.Errorf("%+v", tag)
	}
	if !strings.Contains(keys.Note, "several values") || len(keys.Actual) != 2 {
		t.Errorf("%+v", keys)
	}
	if got := strings.Join(e.MissingContextKeys, " "); got != "aws:username aws:PrincipalTag/team" {
		t.Error(got)
	}
	for _, want := range []string{
		"implicitDeny: " + alice.ARN + " may not s3:GetObject",
		"missed:  mine statement 0 (Read): Allow at line 4, column 5",
		`Condition IpAddress aws:SourceIp at line 6: expected ["10.0.0.0/8"], was ["192.0.2.1"]`,
		`needed in an identity-based policy: {"Effect":"Allow","Action":"s3:GetObject"`,
	} {
		if !strings.Contains(e.String(), want) {
			t.Errorf("no %q in\n%s", want, e)
		}
	}
}

func TestExplainMatched(t *testing.T) {
	a := compile(t, Identity, doc(allowGet, denyGet))
	e := Explain(&Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}, &Layers{Identity: NewSet(a), SCPs: []*Set{set(t, SCP, allowAll)}})
	if e.Deciding == nil || e.Deciding.Index != 1 || e.Deciding.Effect != "Deny" {
		t.Fatalf("%+v", e.Deciding)
	}
	if len(e.Layers) != 2 || len(e.Layers[1].Matched) != 2 || e.Layers[0].Result != "allowed" || e.Layers[1].Result != "explicitDeny" {
		t.Errorf("%+v", e.Layers)
	}
	if e.Needed != nil {
		t.Errorf("an explicit deny needs %v", e.Needed)
	}
}

func TestAccessDeniedMessages(t *testing.T) {
	start := "User: " + alice.ARN + " is not authorized to perform: s3:GetObject on resource: " + bucketA
	for _, tc := range []struct {
		d    Decision
		want string
	}{
		{Decision{Reason: ImplicitDeny, Layer: LayerIdentity}, start + " because no identity-based policy allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerBoundary}, start + " because no permissions boundary allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerSession}, start + " because no session policy allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerResource}, start + " because no resource-based policy allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerTrust}, start + " because no role trust policy allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerEndpoint}, start + " because no VPC endpoint policy allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerSCP}, start + " because no service control policy allows the s3:GetObject action"},
		{Decision{Reason: ImplicitDeny, Layer: LayerRCP}, start + " because no resource control policy allows the s3:GetObject action"},
		{Decision{Reason: ExplicitDeny, Layer: LayerIdentity}, start + " with an explicit deny in an identity-based policy"},
		{Decision{Reason: ExplicitDeny, Layer: LayerBoundary}, start + " with an explicit deny in a permissions boundary"},
		{Decision{Reason: ExplicitDeny, Layer: LayerSession}, start + " with an explicit deny in a session policy"},
		{Decision{Reason: ExplicitDeny, Layer: LayerResource}, start + " with an explicit deny in a resource-based policy"},
		{Decision{Reason: ExplicitDeny, Layer: LayerTrust}, start + " with an explicit deny in the role trust policy"},
		{Decision{Reason: ExplicitDeny, Layer: LayerEndpoint}, start + " with an explicit deny in a VPC endpoint policy"},
		{Decision{Reason: ExplicitDeny, Layer: LayerSCP}, start + " with an explicit deny in a service control policy"},
		{Decision{Reason: ExplicitDeny, Layer: LayerRCP}, start + " with an explicit deny in a resource control policy"},
		{Decision{}, start},
		{Decision{Reason: Allowed, Layer: LayerIdentity}, ""},
	} {
		if got := tc.d.AccessDeniedMessage(&Request{Principal: alice, Action: get, Resource: bucketA}); got != tc.want {
			t.Errorf("%s", got)
		}
	}
}

// TestMessageNamesPolicy: an explicit deny says which policy it was, to those
// who may know.
func TestMessageNamesPolicy(t *testing.T) {
	d, err := Parse(Identity, []byte(doc(denyGet)))
	if err != nil {
		t.Fatal(err)
	}
	deny := NewSet(Compile(Source{Name: "NoReads", ARN: "arn:aws:iam::" + acctA + ":policy/NoReads"}, d))
	req := &Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}
	const named = " with an explicit deny in an identity-based policy: arn:aws:iam::" + acctA + ":policy/NoReads"
	if got := Evaluate(req, &Layers{Identity: deny}).AccessDeniedMessage(req); !strings.HasSuffix(got, named) {
		t.Error(got)
	}
	req.ResourceAccount = acctB
	if got := Evaluate(req, &Layers{Identity: deny}).AccessDeniedMessage(req); !strings.HasSuffix(got, "in an identity-based policy") {
		t.Error(got)
	}
}
