package wire

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/awserr"
)

const formType = "application/x-www-form-urlencoded; charset=utf-8"

// decode runs a body through all that a request runs through.
func decode(svc *api.Service, body string) (any, error) {
	form, err := ParseForm([]byte(body), "", formType)
	if err != nil {
		return nil, err
	}
	op, err := Operation(svc, form)
	if err != nil {
		return nil, err
	}
	in, err := DecodeQuery(svc, op, form)
	if err != nil {
		return nil, err
	}
	return in, Validate(svc, op, in)
}

// iamBody is a request for an IAM operation.
func iamBody(action, params string) string {
	return "Action=" + action + "&Version=2010-05-08&" + params
}

func stsBody(action, params string) string {
	return "Action=" + action + "&Version=2011-06-15&" + params
}

func TestDecodeQuery(t *testing.T) {
	const roleARN = "arn:aws:iam::123456789012:role/R"
	for _, test := range []struct {
		name string
		svc  *api.Service
		body string
		want any
	}{
		{"scalars", &iam.Service, iamBody("CreateRole", "RoleName=R&AssumeRolePolicyDocument=%7B%7D&MaxSessionDuration=3600"),
			&iam.CreateRoleRequest{RoleName: new("R"), AssumeRolePolicyDocument: new("{}"), MaxSessionDuration: new(int32(3600))}},
		{"plus is a space", &iam.Service, iamBody("CreateRole", "RoleName=R&AssumeRolePolicyDocument=%7B+%2B+%7D"),
			&iam.CreateRoleRequest{RoleName: new("R"), AssumeRolePolicyDocument: new("{ + }")}},
		{"booleans", &iam.Service, iamBody("UpdateAccountPasswordPolicy", "RequireSymbols=true&RequireNumbers=0"),
			&iam.UpdateAccountPasswordPolicyRequest{RequireSymbols: new(true), RequireNumbers: new(false)}},
		{"structures in a list", &iam.Service, iamBody("TagUser", "UserName=u&Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=2"),
			&iam.TagUserRequest{UserName: new("u"), Tags: []iam.Tag{{Key: new("a"), Value: new("")}, {Key: new("b"), Value: new("2")}}}},
		{"out of order, past ten and with gaps", &iam.Service, iamBody("UntagUser", "UserName=u&TagKeys.member.10=ten&TagKeys.member.2=two&TagKeys.member.1=one&TagKeys.member.1000000000=last"),
			&iam.UntagUserRequest{UserName: new("u"), TagKeys: []string{"one", "two", "ten", "last"}}},
		{"an empty list", &iam.Service, iamBody("TagUser", "UserName=u&Tags="),
			&iam.TagUserRequest{UserName: new("u"), Tags: []iam.Tag{}}},
		{"a list in a list", &iam.Service, iamBody("SimulateCustomPolicy", "PolicyInputList.member.1=%7B%7D&ActionNames.member.1=s3:Get&"+
			"ContextEntries.member.1.ContextKeyName=aws:x&ContextEntries.member.1.ContextKeyType=string&"+
			"ContextEntries.member.1.ContextKeyValues.member.2=b&ContextEntries.member.1.ContextKeyValues.member.1=a"),
			&iam.SimulateCustomPolicyRequest{PolicyInputList: []string{"{}"}, ActionNames: []string{"s3:Get"}, ContextEntries: []iam.ContextEntry{
				{ContextKeyName: new("aws:x"), ContextKeyType: new("string"), ContextKeyValues: []string{"a", "b"}}}}},
		{"names alike", &iam.Service, iamBody("UpdateUser", "UserName=a&NewUserName=b&NewPath=/c/&NewPathX=d"),
			&iam.UpdateUserRequest{UserName: new("a"), NewUserName: new("b"), NewPath: new("/c/")}},
		{"unknown parameters", &iam.Service, iamBody("GetUser", "UserName=a&Color=red&X-Amz-Date=x&username=b"),
			&iam.GetUserRequest{UserName: new("a")}},
		{"a nested structure", &sts.Service, stsBody("AssumeRoot", "TargetPrincipal=123456789012&TaskPolicyArn.arn=arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"),
			&sts.AssumeRootRequest{TargetPrincipal: new("123456789012"), TaskPolicyArn: &sts.PolicyDescriptorType{
				Arn: new("arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials")}}},
		{"assume role", &sts.Service, stsBody("AssumeRole", "RoleArn="+roleARN+"&RoleSessionName=s1&PolicyArns.member.1.arn="+roleARN+"&TransitiveTagKeys.member.1=k&Tags.member.1.Key=k&Tags.member.1.Value=v"),
			&sts.AssumeRoleRequest{RoleArn: new(roleARN), RoleSessionName: new("s1"), PolicyArns: []sts.PolicyDescriptorType{{Arn: new(roleARN)}},
				TransitiveTagKeys: []string{"k"}, Tags: []sts.Tag{{Key: new("k"), Value: new("v")}}}},
		{"no input", &iam.Service, iamBody("GetAccountSummary", ""), &api.None{}},
		{"input of no members", &sts.Service, stsBody("GetCallerIdentity", ""), &sts.GetCallerIdentityRequest{}},
		{"a blob", &iam.Service, iamBody("CreateVirtualMFADevice", "VirtualMFADeviceName=m"),
			&iam.CreateVirtualMFADeviceRequest{VirtualMFADeviceName: new("m")}},
	} {
		got, err := decode(test.svc, test.body)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.name, dump(got), dump(test.want))
		}
	}
}

func dump(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestDecodeRefuses(t *testing.T) {
	const (
		malformed = "MalformedInput"
		query     = "MalformedQueryString"
	)
	var many strings.Builder
	for i := range MaxParams {
		fmt.Fprintf(&many, "&p%d=", i)
	}
	for _, test := range []struct{ name, body, code, text string }{
		{"no action", "Version=2010-05-08", "MissingAction", "Missing Action"},
		{"an empty request", "", "MissingAction", ""},
		{"unknown action", iamBody("MakeUser", ""), "InvalidAction", "Could not find operation MakeUser for version 2010-05-08"},
		{"action in another case", iamBody("createUser", ""), "InvalidAction", ""},
		{"another version", "Action=GetUser&Version=2011-06-15", "InvalidAction", "Could not find operation GetUser for version 2011-06-15"},
		{"no version", "Action=GetUser", "InvalidAction", "Could not find operation GetUser for version NO_VERSION_SPECIFIED"},
		{"a parameter twice", iamBody("GetUser", "UserName=a&UserName=b"), query, "The parameter UserName is given more than once"},
		{"a parameter twice, the same", iamBody("GetUser", "UserName=a&UserName=a"), query, ""},
		{"a parameter twice, in disguise", iamBody("GetUser", "UserName=a&User%4Eame=a"), query, ""},
		{"an unknown parameter twice", iamBody("GetUser", "X=a&X=b"), query, ""},
		{"a cut escape", iamBody("GetUser", "UserName=%4"), query, "percent"},
		{"a wrong escape", iamBody("GetUser", "UserName=%zz"), query, "percent"},
		{"an escape across parameters", iamBody("GetUser", "UserName=%&1=2"), query, "percent"},
		{"UTF-8 cut", iamBody("GetUser", "UserName=%C3"), query, "UTF-8"},
		{"UTF-8 cut in a name", iamBody("GetUser", "%C3=1"), query, "UTF-8"},
		{"UTF-8 halves in name and value", iamBody("GetUser", "%C3=%A9"), query, "UTF-8"},
		{"UTF-8 surrogate", iamBody("GetUser", "UserName=%ED%A0%80"), query, "UTF-8"},
		{"UTF-8 overlong", iamBody("GetUser", "UserName=%C0%AF"), query, "UTF-8"},
		{"no name", iamBody("GetUser", "=a"), query, "no name"},
		{"too many parameters", iamBody("GetUser", many.String()), query, "more than 10000 parameters"},
		{"a long name", iamBody("GetUser", strings.Repeat("a", maxNameLen+1)+"=1"), query, "longer than"},
		{"no number", iamBody("CreateRole", "MaxSessionDuration=many"), malformed, "many can not be converted to Integer"},
		{"an empty number", iamBody("CreateRole", "MaxSessionDuration="), malformed, "Integer"},
		{"a number too big", iamBody("CreateRole", "MaxSessionDuration=2147483648"), malformed, "Integer"},
		{"a fraction", iamBody("CreateRole", "MaxSessionDuration=3600.0"), malformed, "Integer"},
		{"no boolean", iamBody("CreateLoginProfile", "PasswordResetRequired=True"), malformed, "True can not be converted to Boolean"},
		{"no boolean, of blanks", iamBody("CreateLoginProfile", "PasswordResetRequired=+true"), malformed, " true can not be converted to Boolean"},
		{"an empty boolean", iamBody("CreateLoginProfile", "PasswordResetRequired="), malformed, "Boolean"},
		{"members of a scalar", iamBody("GetUser", "UserName.member.1=a"), malformed, "Start of structure or map found where not expected"},
		{"scalar and members", iamBody("GetUser", "UserName=a&UserName.x=a"), malformed, "Start of structure or map"},
		{"a scalar for a list", iamBody("TagUser", "Tags=a"), malformed, "Unexpected list element termination"},
		{"empty list and members", iamBody("TagUser", "Tags=&Tags.member.1.Key=a"), malformed, "Unexpected list element termination"},
		{"a list without member", iamBody("TagUser", "Tags.1.Key=a"), malformed, "Top level element may not be treated as a list"},
		{"a list with something else", iamBody("TagUser", "Tags.member.1.Key=a&Tags.x=1"), malformed, "Top level element"},
		{"a nested list without member", iamBody("SimulateCustomPolicy", "ContextEntries.member.1.ContextKeyValues.1=a"), malformed, "Start of list found where not expected"},
		{"a group in two parts", iamBody("TagUser", "TagKeys.member.1=a&Tags.member.1.Key=a&Tags.member.1-=b&Tags.member.1=c"), malformed, "index"},
		{"index zero", iamBody("TagUser", "Tags.member.0.Key=a"), malformed, "index"},
		{"index with zeros", iamBody("TagUser", "Tags.member.01.Key=a"), malformed, "index"},
		{"index below zero", iamBody("TagUser", "Tags.member.-1.Key=a"), malformed, "index"},
		{"index of letters", iamBody("TagUser", "Tags.member.x.Key=a"), malformed, "index"},
		{"index missing", iamBody("TagUser", "Tags.member.=a"), malformed, "index"},
		{"index very long", iamBody("TagUser", "Tags.member.99999999999999999999.Key=a"), malformed, "index"},
		{"member without index", iamBody("TagUser", "Tags.member=a"), malformed, "Top level element"},
		{"a scalar for a structure", iamBody("TagUser", "Tags.member.1=a"), malformed, "Unexpected complex element termination"},
		{"a structure for a scalar", iamBody("UntagUser", "TagKeys.member.1.Key=a"), malformed, "Start of structure or map"},
		{"scalar and structure", iamBody("UntagUser", "TagKeys.member.1=a&TagKeys.member.1.Key=a"), malformed, "Start of structure or map"},
	} {
		_, err := decode(&iam.Service, test.body)
		if awserr.Code(err) != test.code || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %s: %s", test.name, err, test.code, test.text)
		}
	}
}

func TestContentType(t *testing.T) {
	for _, test := range []struct {
		contentType, body string
		ok                bool
	}{
		{"application/x-www-form-urlencoded", "A=1", true},
		{"application/x-www-form-urlencoded; charset=UTF-8", "A=1", true},
		{"Application/X-WWW-Form-Urlencoded;charset=utf-8", "A=1", true},
		{"", "", true},
		{"application/json", "", true},
		{"", "A=1", false},
		{"application/json", "A=1", false},
		{"application/x-www-form-urlencoded-not", "A=1", false},
		{"application/x-www-form-urlencoded; charset=utf-16", "A=1", false},
		{"multipart/form-data; boundary=x", "A=1", false},
		{"application/x-www-form-urlencoded; charset", "A=1", false},
	} {
		_, err := ParseForm([]byte(test.body), "", test.contentType)
		if test.ok && err != nil || !test.ok && awserr.Code(err) != "MalformedHttpRequestException" {
			t.Errorf("%q with %q: %v", test.contentType, test.body, err)
		}
	}
}

func TestQueryAndBody(t *testing.T) {
	form, err := ParseForm([]byte("Version=2011-06-15"), "Action=GetCallerIdentity&X-Amz-Expires=60", formType)
	if err != nil || Action(form) != "GetCallerIdentity" || Version(form) != "2011-06-15" || form.Len() != 3 {
		t.Errorf("a request in two places: %v, %v", form, err)
	}
	if _, err := ParseForm([]byte("Action=GetCallerIdentity"), "Action=AssumeRole", formType); awserr.Code(err) != "MalformedQueryString" {
		t.Errorf("two actions in two places: %v", err)
	}
	form, err = ParseForm(nil, "&&A=1&&B&", "")
	if b, ok := form.Get("B"); err != nil || form.Len() != 2 || b != "" || !ok {
		t.Errorf("empty pairs: %v, %v", form, err)
	}
	if _, ok := form.Get("C"); ok {
		t.Error("a parameter from nowhere")
	}
}

// everything is a service whose one operation has a member of each kind, for
// what neither IAM nor STS sends.
type everything struct {
	Long    *int64
	Double  *float64
	Float   *float32
	Time    *time.Time
	Blob    []byte
	Map     map[string]string
	Deep    map[string]everything
	Next    *everything
	Numbers []int32
	Blobs   [][]byte
	Secret  *int32
}

func everythingService() *api.Service {
	shapes := []api.Shape{
		{Name: "Everything", Kind: api.Structure},
		{Name: "L", Kind: api.Long, HasMin: true, Min: 2}, {Name: "D", Kind: api.Double, HasMax: true, Max: 9}, {Name: "F", Kind: api.Float},
		{Name: "T", Kind: api.Timestamp}, {Name: "B", Kind: api.Blob, HasMax: true, Max: 8}, {Name: "S", Kind: api.String, HasMax: true, Max: 8},
		{Name: "M", Kind: api.Map, Key: 6, Elem: 6, HasMax: true, Max: 2}, {Name: "DM", Kind: api.Map, Key: 6, Elem: 0, KeyName: "Name", ElemName: "Attribute"},
		{Name: "I", Kind: api.Integer, HasMax: true, Max: 5}, {Name: "NL", Kind: api.List, Elem: 9, ElemName: "number"}, {Name: "BL", Kind: api.List, Elem: 5},
		{Name: "Z", Kind: api.Integer, Sensitive: true, HasMax: true, Max: 5},
	}
	for i, name := range []string{"Long", "Double", "Float", "Time", "Blob", "Map", "Deep", "Next", "Numbers", "Blobs", "Secret"} {
		shapes[0].Members = append(shapes[0].Members, api.Member{Name: name, Shape: []api.ShapeIndex{1, 2, 3, 4, 5, 7, 8, 0, 10, 11, 12}[i]})
	}
	typ := reflect.TypeFor[everything]()
	return &api.Service{ID: "X", Version: "1", Shapes: shapes, Operations: []api.Operation{
		{Name: "Do", Input: typ, InputShape: 0, Output: typ, OutputShape: 0, ResultWrapper: "DoResult"}}}
}

func TestDecodeOtherKinds(t *testing.T) {
	svc := everythingService()
	when := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		body string
		want everything
	}{
		{"Long=9223372036854775807", everything{Long: new(int64(9223372036854775807))}},
		{"Double=1.5e0&Float=-2", everything{Double: new(1.5), Float: new(float32(-2))}},
		{"Time=2025-01-02T03:04:05Z", everything{Time: &when}},
		{"Time=2025-01-02T05:04:05%2B02:00", everything{Time: &when}},
		{"Blob=AAECAw%3D%3D", everything{Blob: []byte{0, 1, 2, 3}}},
		{"Map=", everything{Map: map[string]string{}}},
		{"Map.entry.1.key=a&Map.entry.1.value=b&Map.entry.2.key=&Map.entry.2.value=", everything{Map: map[string]string{"a": "b", "": ""}}},
		{"Deep.entry.1.Name=a&Deep.entry.1.Attribute.Long=3", everything{Deep: map[string]everything{"a": {Long: new(int64(3))}}}},
		{"Next.Next.Next.Long=4", everything{Next: &everything{Next: &everything{Next: &everything{Long: new(int64(4))}}}}},
		{"Numbers.number.2=2&Numbers.number.1=1", everything{Numbers: []int32{1, 2}}},
		{"Blobs.member.1=AA%3D%3D", everything{Blobs: [][]byte{{0}}}},
	} {
		got, err := decode(svc, "Action=Do&Version=1&"+test.body)
		if err != nil || !reflect.DeepEqual(got, &test.want) {
			t.Errorf("%s: got %s, %v, want %s", test.body, dump(got), err, dump(test.want))
		}
	}
	for _, body := range []string{
		"Long=1x", "Double=0x1p1", "Double=1_0", "Double=inf", "Float=1e99", "Time=2025-01-02", "Time=1735787045", "Time=2025-13-02T03:04:05Z",
		"Blob=AA", "Blob=A===", "Blob=AB==", "Blob=AA=%3D%0A", "Blob=%C3%A9",
		"Map=a", "Map.1.key=a", "Map.entry.1.key=a", "Map.entry.1.value=a", "Map.entry.1=a", "Map.entry.1.key=a&Map.entry.1.value.x=a",
		"Map.entry.1.key=a&Map.entry.1.value=b&Map.entry.2.key=a&Map.entry.2.value=c", "Map.entry.1.key.x=a&Map.entry.1.value=b",
		"Next=", "Numbers.member.1=1", "Numbers.number.1=x", "Secret=hunter2",
	} {
		_, err := decode(svc, "Action=Do&Version=1&"+body)
		if awserr.Code(err) != "MalformedInput" {
			t.Errorf("%s: %v", body, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret in an error: %v", err)
		}
	}
}

// TestDeepNames has the deepest nesting that a name has room for.
func TestDeepNames(t *testing.T) {
	svc := everythingService()
	depth := (maxNameLen - len("Long=")) / len("Next.")
	in, err := decode(svc, "Action=Do&Version=1&"+strings.Repeat("Next.", depth)+"Long=5")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e := in.(*everything); e.Next != nil; e = e.Next {
		n++
	}
	if n != depth {
		t.Errorf("%d levels, want %d", n, depth)
	}
}

// TestConcurrentFirstUse is for the race detector: plans and patterns are made
// on first use, by whoever comes first.
func TestConcurrentFirstUse(t *testing.T) {
	svc := everythingService()
	svc.Shapes[6].Pattern = "[a-z]*"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			in, err := decode(svc, "Action=Do&Version=1&Map.entry.1.key=a&Map.entry.1.value=b")
			if err != nil || in.(*everything).Map["a"] != "b" {
				t.Errorf("%s, %v", dump(in), err)
				return
			}
			AppendQueryResponse(nil, svc, &svc.Operations[0], in, "id")
		})
	}
	wg.Wait()
}

func FuzzDecode(f *testing.F) {
	f.Add(iamBody("TagUser", "UserName=u&Tags.member.1.Key=a&Tags.member.1.Value=%C3%A9"), "")
	f.Add(iamBody("UntagUser", "TagKeys.member.2=a&TagKeys.member.1000000000=b"), "UserName=u")
	f.Add(stsBody("AssumeRole", "PolicyArns.member.1.arn=a&Tags=&DurationSeconds=1"), "X-Amz-Date=1")
	f.Add("Action=Do&Version=1&Map.entry.1.key=a&Map.entry.1.value=b&Next.Next.Long=1&Time=2025-01-02T03:04:05Z&Blob=AA==", "")
	services := []*api.Service{&iam.Service, &sts.Service, everythingService()}
	f.Fuzz(func(t *testing.T, body, query string) {
		form, err := ParseForm([]byte(body), query, formType)
		if err != nil {
			wantRefusal(t, err)
			return
		}
		// What the form holds is what was sent, as another parser reads it.
		if values, err := url.ParseQuery(query + "&" + body); err == nil && len(values) == form.Len() {
			for name := range values {
				if got, _ := form.Get(name); got != values.Get(name) {
					t.Errorf("%q is %q, want %q", name, got, values.Get(name))
				}
			}
		}
		for _, svc := range services {
			op, err := Operation(svc, form)
			if err != nil {
				wantRefusal(t, err)
				continue
			}
			in, err := DecodeQuery(svc, op, form)
			if err == nil {
				err = Validate(svc, op, in)
			}
			if err != nil {
				wantRefusal(t, err)
				_, doc := AppendQueryError(nil, svc, awserr.From(err), "id")
				wellFormed(t, doc)
			}
		}
	})
}

func wantRefusal(t *testing.T, err error) {
	t.Helper()
	switch code := awserr.Code(err); code {
	case "MalformedInput", "MalformedQueryString", "MissingAction", "InvalidAction", "ValidationError":
	default:
		t.Errorf("code %q: %v", code, err)
	}
	if len(err.Error()) > maxViolations*(maxValue*2+4096) {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}

func BenchmarkDecodeAssumeRole(b *testing.B) {
	body := []byte(stsBody("AssumeRole", "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdemo&RoleSessionName=Session1&DurationSeconds=3600&"+
		"Policy=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3APutObject%22%2C%22Resource%22%3A%22%2A%22%7D%7D&"+
		"Tags.member.1.Key=team&Tags.member.1.Value=blue&ExternalId=12345"))
	b.ReportAllocs()
	for b.Loop() {
		form, err := ParseForm(body, "", formType)
		if err != nil {
			b.Fatal(err)
		}
		op, err := Operation(&sts.Service, form)
		if err != nil {
			b.Fatal(err)
		}
		in, err := DecodeQuery(&sts.Service, op, form)
		if err != nil {
			b.Fatal(err)
		}
		if err := Validate(&sts.Service, op, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeManyTags(b *testing.B) {
	var body strings.Builder
	body.WriteString(iamBody("TagUser", "UserName=u"))
	for i := range 50 {
		fmt.Fprintf(&body, "&Tags.member.%d.Key=k%d&Tags.member.%d.Value=v", i+1, i, i+1)
	}
	text := []byte(body.String())
	op := iam.Service.Operation("TagUser")
	b.ReportAllocs()
	for b.Loop() {
		form, err := ParseForm(text, "", formType)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := DecodeQuery(&iam.Service, op, form); err != nil {
			b.Fatal(err)
		}
	}
}
