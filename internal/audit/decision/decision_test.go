package decision

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
	"github.com/warder-iam/warder/policy"
)

const account = "111122223333"

var noon = time.Date(2026, 5, 1, 12, 0, 0, 5, time.UTC)

func snapshot(t testing.TB) *state.Snapshot {
	t.Helper()
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	err = st.Update(t.Context(), noon, func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: account})
		tx.Users.Put(&state.User{Entity: state.Entity{Account: account, ID: "AIDAALICE", Name: "alice", Path: "/"}})
		tx.Roles.Put(&state.Role{Entity: state.Entity{Account: account, ID: "AROAAPP", Name: "app", Path: "/deep/"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return st.Snapshot()
}

// keys are what a policy may ask of a caller and its request.
var keys = []string{
	"aws:username", "aws:userid", "aws:PrincipalArn", "aws:PrincipalType", "aws:PrincipalAccount", "aws:PrincipalTag/t", "aws:SourceIdentity", "aws:TokenIssueTime",
	"aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:FederatedProvider", "saml:sub", "idp.example.com:aud", "aws:SourceIp", "aws:CurrentTime", "aws:SecureTransport",
	"aws:UserAgent", "aws:Referer", "aws:RequestedRegion", "aws:RequestTag/r", "aws:TagKeys", "aws:ResourceTag/o", "iam:PolicyARN", "iam:multi", "aws:ChainedSession",
}

// seen evaluates a policy that asks for every key, and gives what it saw.
func seen(t *testing.T, r *authz.Request, c *authz.Check) (lines []string) {
	t.Helper()
	layers := &policy.Layers{Identity: policy.NewSet()}
	_, req := authz.Evaluate(layers, r, c)
	for _, k := range keys {
		v, ok := req.Context.Lookup(policy.KeyOf(k))
		line := k + " absent"
		if ok {
			line = k + " ="
			if v.Multivalued() {
				line = k + " (list) ="
			}
			for i := range v.Len() {
				line += " " + v.At(i)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// Every kind of caller comes back from its record as it was: with the same
// principal, the same rights and the same answers for every condition key.
func TestRoundTrip(t *testing.T) {
	s := snapshot(t)
	mfa := noon.Add(-time.Minute)
	session := authn.Session{
		KeyID: "ASIAX", Secret: "canary-secret", Kind: authn.AssumedRole, Account: account, Principal: "AROAAPP", Name: "night", Issued: noon.Add(-time.Hour), Expires: noon.Add(time.Hour),
		MFA: &mfa, SourceIdentity: "me", Tags: []state.Tag{{Key: "t", Value: "v"}, {Key: "u", Value: "é\t\""}}, Transitive: []string{"t"}, Policy: `{"Version": "2012-10-17"}`,
		PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, Chained: true, Provider: "idp.example.com", Claims: authn.Claims{"idp.example.com:aud": {"a"}},
	}
	of := func(change func(*authn.Session)) *authn.Caller {
		copied := session
		change(&copied)
		c, err := authn.OfSession(s, &copied)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	owner := func(id string) *authn.Caller {
		c, err := authn.OfOwner(s, account, id)
		if err != nil {
			t.Fatal(err)
		}
		c.KeyID = "AKIAX"
		return c
	}
	for name, caller := range map[string]*authn.Caller{
		"user":              owner("AIDAALICE"),
		"root":              owner(account),
		"role session":      of(func(*authn.Session) {}),
		"session token":     of(func(s *authn.Session) { s.Kind, s.Principal, s.Name = authn.SessionToken, "AIDAALICE", "" }),
		"federated user":    of(func(s *authn.Session) { s.Kind, s.Principal, s.Name = authn.FederatedUser, "AIDAALICE", "fed" }),
		"delegated":         of(func(s *authn.Session) { s.Kind, s.Delegate = authn.Delegated, "999999999999" }),
		"bearer of a token": authn.Federated(policy.WebIdentity, "idp.example.com", authn.Claims{"idp.example.com:aud": {"a", "b"}}),
		"bearer of SAML":    authn.Federated(policy.SAML, "arn:aws:iam::"+account+":saml-provider/p", authn.Claims{"saml:sub": {"x"}}),
		"nobody":            authn.Anonymous(),
	} {
		t.Run(name, func(t *testing.T) {
			r := &authz.Request{
				Caller: caller, Time: noon, Region: "eu-west-1", SourceIP: netip.MustParseAddr("2001:db8::1"), Secure: true, UserAgent: "agent <&\xff>", Referer: "r", MFA: &mfa,
			}
			check := authz.Check{
				Action: "iam:CreateUser", Resource: "*", Account: account, Tags: []state.Tag{{Key: "o", Value: "1"}, {Key: "O", Value: "2"}},
				Boundary: "arn:b", TagKeys: []string{"k"},
			}
			check.RequestTag("r", "s")
			check.Set("iam:PolicyARN", policy.String("arn:p"))
			check.Set("iam:multi", policy.Strings("a", "b"))
			decided := new(authz.Decided)
			err := authz.New().RequireAll(s, r, []authz.Check{check, {Action: "iam:TagUser", Resource: "*", Account: account}}, decided)
			rec := Of(r, decided)
			text, appendErr := rec.Append([]byte("x"))
			if appendErr != nil || text[0] != 'x' {
				t.Fatal(appendErr)
			}
			if bytes.Contains(text, []byte("canary")) {
				t.Fatal("the session's secret is in the record")
			}
			got, parseErr := Parse(text[1:])
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			if got.Allowed() != (err == nil) {
				t.Errorf("allowed %t, %v", got.Allowed(), err)
			}
			was, parseErr := ParseCaller(got.Caller)
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			back, parseErr := was.In(s)
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			if !reflect.DeepEqual(back.Principal, caller.Principal) || back.KeyID != caller.KeyID {
				t.Errorf("the caller is %+v, was %+v", back.Principal, caller.Principal)
			}
			if caller.Session != nil {
				want := *caller.Session
				want.Secret, want.Expires = "", time.Time{} // not needed to decide
				if !reflect.DeepEqual(*back.Session, want) {
					t.Errorf("the session is %+v, was %+v", *back.Session, want)
				}
			}
			r.UserAgent = strings.ToValidUTF8(r.UserAgent, "\ufffd")
			if got, want := seen(t, got.Request(back), got.Checks[0].Check()), seen(t, r, &check); !reflect.DeepEqual(got, want) {
				t.Errorf("the context is\n%s\nand was\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if first := got.Checks[0].Outcome; first == nil || err != nil && got.Checks[1].Outcome != nil || err == nil && got.Checks[1].Outcome == nil {
				t.Errorf("outcomes %+v, %+v after %v", first, got.Checks[1].Outcome, err)
			}
		})
	}
}

// Who is gone cannot be decided about, and what is of another program is refused.
func TestGone(t *testing.T) {
	s := snapshot(t)
	for _, text := range []string{
		`{"kind":"user","account":"111122223333","id":"AIDABOB"}`,
		`{"kind":"user","account":"999999999999","id":"AIDAALICE"}`,
		`{"kind":"role session","account":"111122223333","id":"AROANONE"}`,
		`{"kind":"role session","account":"999999999999","id":"AROAAPP"}`,
		`{"kind":"root","account":"999999999999","id":"999999999999"}`,
		`{"kind":"emperor"}`,
		`{"kind":"role session","account":"111122223333","id":"AROAAPP","session":{"kind":"assumed-root","issued":"2026-05-01T12:00:00Z"}}`,
	} {
		c, err := ParseCaller([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.In(s); err == nil {
			t.Errorf("%s is %+v", text, got)
		}
	}
	for _, text := range []string{``, `{`, `[]`, `{"revision":"x"}`, `{"revision":1,"revision":2}`, `{"checks":[{"keys":{"k":1}}]}`, `{} {}`, `{"new":1}`} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// No text makes Parse and what follows panic, and what is read is written the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"revision":1,"caller":{"kind":"user","account":"111122223333","id":"AIDAALICE"},"time":"2026-05-01T12:00:00Z","checks":[{"action":"iam:GetUser","resource":"*","keys":{"a":"b","c":["d"]},"tags":[["a","b"]],"outcome":{"decision":"allowed","statement":0}}]}`))
	f.Add([]byte(`{"caller":{"kind":"role session","session":{"kind":"role","issued":"2026-05-01T12:00:00Z","claims":{"a":["b"]}}},"checks":[{"context":{"aws:x":[]}}]}`))
	s := snapshot(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		r.Allowed()
		for i := range r.Checks {
			r.Checks[i].Check()
			r.Checks[i].Values()
		}
		if c, err := ParseCaller(r.Caller); err == nil {
			_, _ = c.In(s)
		}
		out, err := r.Append(nil)
		if err != nil {
			return // a year beyond 9999, or a caller that is no JSON
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%s is not read again: %v", out, err)
		}
		if second, err := again.Append(nil); err != nil || !bytes.Equal(out, second) {
			t.Fatalf("%s came back as %s, %v", out, second, err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := snapshot(b)
	c, err := authn.OfOwner(s, account, "AIDAALICE")
	if err != nil {
		b.Fatal(err)
	}
	r := &authz.Request{Caller: c, Time: noon, Region: "eu-west-1", SourceIP: netip.MustParseAddr("192.0.2.1"), UserAgent: "Boto3/1.43.1 md/Botocore#1.43.1 ua/2.0 os/linux"}
	decided := new(authz.Decided)
	_ = authz.New().RequireAll(s, r, []authz.Check{{Action: "iam:GetUser", Resource: "*", Account: account}}, decided) // denied, which is recorded too
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = Of(r, decided).Append(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"revision":1,"caller":{"kind":"user","account":"111122223333","id":"AIDAALICE","arn":"arn:aws:iam::111122223333:user/alice"},"time":"2026-05-01T12:00:00Z","region":"us-east-1","sourceIp":"10.0.0.1","userAgent":"Boto3/1.43.1","checks":[{"action":"iam:GetUser","resource":"*","account":"111122223333","outcome":{"decision":"allowed","layer":"identity-based policy","policy":"p","statement":0}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
