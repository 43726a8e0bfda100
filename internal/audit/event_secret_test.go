package audit

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/policy"
)

var update = flag.Bool("update", false, "write testdata/members.txt anew")

var services = []*api.Service{&iam.Service, &sts.Service, &cloudtrail.Service, &events.Service, &sns.Service}

// secretNames are members that hold secrets, whatever the model says of them. It
// is written apart from the rules of event_secret.go, to be a check on them.
var secretNames = []string{
	"AddPrivateKey", "ApiKeyValue", "AuthenticationCode1", "AuthenticationCode2", "Base32StringSeed", "ClientSecret", "ContextAssertion",
	"DecodedMessage", "NewPassword", "OldPassword", "Password", "PrivateKey", "QRCodePNG", "SAMLAssertion",
	"SecretAccessKey", "ServiceCredentialSecret", "ServicePassword", "SessionToken", "TokenCode",
	"TradeInToken", "WebIdentityToken",
}

const canary = "CANARY-7f3e"

// TestNoSecret fills every member of every input and output, the secret ones
// with a canary, and looks for it in all that an event holds, of requests that
// went well and of such that were refused in words that quote the secrets.
func TestNoSecret(t *testing.T) {
	met := map[string]bool{}
	for _, svc := range services {
		for i := range svc.Operations {
			op := &svc.Operations[i]
			in, out := op.NewInput(), op.NewOutput()
			fill(svc, op.InputShape, reflect.ValueOf(in).Elem(), "", met)
			fill(svc, op.OutputShape, reflect.ValueOf(out).Elem(), "", met)
			for _, err := range []*awserr.Error{nil, awserr.New("ValidationError", "Value '%s' at 'code' is wrong, and so is %[1]s.", canary)} {
				r := request(svc, op.Name, root(), in, out)
				r.Err = err
				for _, e := range r.Events(uuids()) {
					all := fmt.Sprintf("%s %+v", e.JSON, e)
					// A message is scrubbed of what the input holds: no more can be done for it.
					if err != nil && !holdsCanary(in) {
						continue
					}
					if strings.Contains(all, canary) || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte(canary))) {
						t.Errorf("%s:%s: a secret in %s", svc.SigningName, op.Name, e.JSON)
					}
				}
			}
		}
	}
	for _, name := range secretNames {
		if !met[name] {
			t.Errorf("no operation has a member %s", name)
		}
	}
}

func holdsCanary(in any) bool {
	return strings.Contains(dump(reflect.ValueOf(in)), canary)
}

// dump gives all the strings under a value.
func dump(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return dump(v.Elem())
	case reflect.Struct:
		all := ""
		if v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				all += dump(v.Field(i))
			}
		}
		return all
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes())
		}
		all := ""
		for i := range v.Len() {
			all += dump(v.Index(i))
		}
		return all
	case reflect.String:
		return v.String()
	}
	return ""
}

// fill sets a value and all below it: a member that is secret to canary, other
// texts to their own name.
func fill(svc *api.Service, i api.ShapeIndex, v reflect.Value, name string, met map[string]bool) {
	shape := svc.Shape(i)
	if shape == nil {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	secret := shape.Sensitive || shape.Kind == api.Blob || slices.Contains(secretNames, name)
	switch shape.Kind {
	case api.Structure:
		for j, m := range shape.Members {
			met[m.Name] = true
			fill(svc, m.Shape, v.Field(j), m.Name, met)
		}
	case api.List:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for j := range 2 {
			fill(svc, shape.Elem, v.Index(j), name, met)
		}
	case api.Map:
		v.Set(reflect.MakeMap(v.Type()))
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(svc, shape.Elem, elem, name, met)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), elem)
	case api.String:
		if v.SetString("text of " + name); secret {
			v.SetString(canary)
		}
	case api.Blob:
		v.SetBytes([]byte(canary))
	case api.Integer, api.Long:
		v.SetInt(7)
	case api.Boolean:
		v.SetBool(true)
	case api.Timestamp:
		v.Set(reflect.ValueOf(at))
	}
}

// TestMembers compares the treatment of every text and blob that an input or
// output may have with the one that was reviewed. Look at what is new in it
// before it is written anew with -update: is it a secret?
func TestMembers(t *testing.T) {
	var list bytes.Buffer
	for _, svc := range services {
		seen := map[string]bool{}
		for i := range svc.Shapes {
			for j := range svc.Shapes[i].Members {
				m := &svc.Shapes[i].Members[j]
				leaf := svc.Shape(m.Shape)
				for leaf.Kind == api.List || leaf.Kind == api.Map {
					leaf = svc.Shape(leaf.Elem)
				}
				if leaf.Kind == api.String || leaf.Kind == api.Blob {
					seen[fmt.Sprintf("%s %s %s\n", svc.SigningName, m.Name, treatmentOf(svc, m))] = true
				}
			}
		}
		lines := make([]string, 0, len(seen))
		for line := range seen {
			lines = append(lines, line)
		}
		slices.Sort(lines)
		list.WriteString(strings.Join(lines, ""))
	}
	const file = "testdata/members.txt"
	if *update {
		if err := os.WriteFile(file, list.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(want, list.Bytes()) {
		return
	}
	reviewed := strings.SplitAfter(string(want), "\n")
	for line := range strings.SplitAfterSeq(list.String(), "\n") {
		if !slices.Contains(reviewed, line) {
			t.Errorf("not reviewed: %s", line)
		}
	}
	t.Errorf("%s is not what the models have", file)
}

// TestTables keeps what is named in tables from outliving the models.
func TestTables(t *testing.T) {
	known := map[string]bool{}
	for _, svc := range services {
		for i := range svc.Shapes {
			for _, m := range svc.Shapes[i].Members {
				known[m.Name], known[svc.Shapes[i].Name+"."+m.Name] = true, true
			}
		}
	}
	check := func(table string, names []string) {
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s: no member is called %s", table, name)
			}
		}
	}
	check("harmless", keys(harmless))
	check("inAWS", keys(inAWS))
	check("payloads", keys(payloads))
	check("resourceTypes", keys(resourceTypes))
}

func keys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

// TestScrub: what is quoted of a secret in a message is taken out, in lists too,
// and what is too short to be one stays.
func TestScrub(t *testing.T) {
	in := &sts.AssumeRoleRequest{
		RoleArn: new("arn:aws:iam::111122223333:role/a"), TokenCode: new("81726354"),
		ProvidedContexts: []sts.ProvidedContext{{ProviderArn: new("arn:p"), ContextAssertion: new("assert-me")}},
	}
	r := request(&sts.Service, "AssumeRole", root(), in, nil)
	r.Err = awserr.New("ValidationError", "81726354 and assert-me of arn:aws:iam::111122223333:role/a")
	want := hidden + " and " + hidden + " of arn:aws:iam::111122223333:role/a"
	if got := object(t, r.Events(uuids())[0].JSON)["errorMessage"]; got != want {
		t.Errorf("got %v, want %s", got, want)
	}
	in.TokenCode = new("and")
	if got := object(t, r.Events(uuids())[0].JSON)["errorMessage"]; !strings.Contains(got.(string), " and ") {
		t.Errorf("too much is scrubbed: %v", got)
	}
}

var at = time.Date(2026, 7, 1, 13, 4, 5, 600, time.UTC)

func root() *authn.Caller {
	return &authn.Caller{
		Principal: policy.Principal{Kind: policy.Root, ARN: "arn:aws:iam::111122223333:root", Account: "111122223333", UniqueID: "111122223333"},
		KeyID:     "AKIAROOT",
	}
}

func request(svc *api.Service, operation string, c *authn.Caller, in, out any) *Request {
	return &Request{
		ID: "11111111-2222-3333-4444-555555555555", Time: at, Service: svc, Operation: svc.Operation(operation),
		Caller: c, Region: "us-east-1", UserAgent: "aws-cli/2.0", Input: in, Output: out,
	}
}

// uuids counts.
func uuids() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("00000000-0000-0000-0000-%012d", n) }
}
