package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
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
	"github.com/warder-iam/warder/internal/awserr"
)

// These tests have botocore, which the aws CLI and boto3 are made of, write the
// requests that are decoded here and read the responses that are encoded here:
// every operation with every member, and cases that are known to be awkward.
// What botocore answers to the awkward ones is also recorded, so that they are
// tested where there is no Python.

var record = flag.Bool("record", false, "record botocore's answers in testdata")

const recording = "testdata/botocore.json"

type question struct {
	Service, Operation string
	Request            any    `json:",omitempty"`
	Response           string `json:",omitempty"`
	Status             int    `json:",omitempty"`
}

type answer struct {
	Body, ContentType string         `json:",omitempty"`
	Target            string         `json:",omitempty"`
	Parsed            map[string]any `json:",omitempty"`
}

// exchange is a question and what botocore answered.
type exchange struct {
	Question question
	Answer   answer
}

var errNoBotocore = errors.New("no python3 with botocore")

func ask(questions []question) ([]answer, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, errNoBotocore
	}
	if err := exec.Command(python, "-c", "import botocore").Run(); err != nil {
		return nil, errNoBotocore
	}
	in, err := json.Marshal(questions)
	if err != nil {
		return nil, err
	}
	var out, complaint bytes.Buffer
	cmd := exec.Command(python, "testdata/botocore_peer.py", "../api/models")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, complaint.String())
	}
	var answers []answer
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil {
		return nil, err
	}
	if len(answers) != len(questions) {
		return nil, fmt.Errorf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers, nil
}

func mustAsk(t *testing.T, questions []question) []answer {
	t.Helper()
	answers, err := ask(questions)
	if errors.Is(err, errNoBotocore) {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v, which CI must have", err)
		}
		t.Skipf("NOT TESTED AGAINST BOTOCORE: %v; pip install botocore", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

var botocoreServices = map[string]*api.Service{"iam": &iam.Service, "sts": &sts.Service, "cloudtrail": &cloudtrail.Service, "events": &events.Service, "sns": &sns.Service}

// encode writes a response in the service's protocol.
func encode(svc *api.Service, op *api.Operation, out any) string {
	if svc.Protocol == "json" {
		return string(AppendJSONResponse(nil, svc, op, out))
	}
	return string(AppendQueryResponse(nil, svc, op, out, "id-1"))
}

// decodeAny reads a request to an operation in the service's protocol.
func decodeAny(svc *api.Service, operation string, a answer) (any, error) {
	if svc.Protocol == "json" {
		op, err := Target(svc, a.Target)
		if err != nil || op.Name != operation {
			return nil, fmt.Errorf("the target %s is %v, %v", a.Target, op, err)
		}
		if want := ContentTypeJSON(svc); a.ContentType != want {
			return nil, fmt.Errorf("content type %s, want %s", a.ContentType, want)
		}
		return DecodeJSON(svc, op, []byte(a.Body))
	}
	form, err := ParseForm([]byte(a.Body), "", a.ContentType)
	if err != nil {
		return nil, err
	}
	op, err := Operation(svc, form)
	if err != nil {
		return nil, err
	}
	return DecodeQuery(svc, op, form)
}

// awkwardInputs are inputs as a service gets them.
var awkwardInputs = []struct {
	service, operation string
	in                 any
}{
	{"iam", "CreateUser", &iam.CreateUserRequest{UserName: new("a+b=c,d.e@f-g")}},
	{"iam", "CreateUser", &iam.CreateUserRequest{UserName: new(""), Tags: []iam.Tag{}}},
	{"iam", "TagUser", &iam.TagUserRequest{UserName: new("u"), Tags: []iam.Tag{
		{Key: new("é ~ 日本 😀"), Value: new("")}, {Key: new(""), Value: new("a&b=c%20+d;e\r\n\t")}, {Key: new("Tags.member.1.Key"), Value: new("%")}}}},
	{"iam", "UntagUser", &iam.UntagUserRequest{UserName: new("u"), TagKeys: strings.Split("a b c d e f g h i j k l m n o p q r s t u v w", " ")}},
	{"iam", "UntagUser", &iam.UntagUserRequest{UserName: new("u"), TagKeys: []string{""}}},
	{"iam", "UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyRequest{MinimumPasswordLength: new(int32(6)), RequireSymbols: new(false), HardExpiry: new(true)}},
	{"iam", "SimulateCustomPolicy", &iam.SimulateCustomPolicyRequest{PolicyInputList: []string{"{\n \"a\": [\"+&=\"]\n}", ""}, ActionNames: []string{"s3:*"},
		ContextEntries: []iam.ContextEntry{{ContextKeyName: new("k"), ContextKeyValues: []string{}}, {ContextKeyValues: []string{"1", "2", "3"}, ContextKeyType: new("stringList")}}}},
	{"iam", "CreateSAMLProvider", &iam.CreateSAMLProviderRequest{SAMLMetadataDocument: new("<a xmlns=\"x\">&amp;</a>"), Name: new("n")}},
	{"iam", "GetAccountSummary", &api.None{}},
	{"sts", "GetCallerIdentity", &sts.GetCallerIdentityRequest{}},
	{"sts", "AssumeRole", &sts.AssumeRoleRequest{RoleArn: new("arn:aws:iam::123456789012:role/p/R"), RoleSessionName: new("s"), DurationSeconds: new(int32(900)),
		PolicyArns: []sts.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/A")}, {Arn: new("b")}}, Tags: []sts.Tag{{Key: new("k"), Value: new("v")}},
		TransitiveTagKeys: []string{"k"}, Policy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}}`)}},
	{"sts", "AssumeRoot", &sts.AssumeRootRequest{TargetPrincipal: new("1"), TaskPolicyArn: &sts.PolicyDescriptorType{Arn: new("a")}}},
}

var awkwardTime = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)

var awkwardOutputs = []struct {
	service, operation string
	out                any
}{
	{"iam", "DeleteUser", &api.None{}},
	{"iam", "ListUsers", &iam.ListUsersResponse{Users: []iam.User{}, IsTruncated: new(false)}},
	{"iam", "GetUser", &iam.GetUserResponse{User: &iam.User{UserName: new(""), CreateDate: &awkwardTime, Tags: []iam.Tag{{Key: new("é 😀 <&>\"'"), Value: new(" a\r\nb ")}}}}},
	{"iam", "GetRole", &iam.GetRoleResponse{Role: &iam.Role{AssumeRolePolicyDocument: new("%7B%22a%22%3A1%7D"), MaxSessionDuration: new(int32(3600)), RoleLastUsed: &iam.RoleLastUsed{}}}},
	{"iam", "GetAccountSummary", &iam.GetAccountSummaryResponse{SummaryMap: map[string]int32{"Users": 1, "Groups": 0}}},
	{"iam", "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceResponse{VirtualMFADevice: &iam.VirtualMFADevice{Base32StringSeed: []byte{0, 255, 10}, QRCodePNG: []byte("png")}}},
	{"iam", "SimulateCustomPolicy", &iam.SimulatePolicyResponse{EvaluationResults: []iam.EvaluationResult{{EvalActionName: new("a"),
		MatchedStatements:   []iam.Statement{{SourcePolicyId: new("p"), StartPosition: &iam.Position{Line: new(int32(1)), Column: new(int32(0))}}},
		EvalDecisionDetails: map[string]string{"x": "allowed"}, MissingContextValues: []string{}}}}},
	{"sts", "AssumeRole", &sts.AssumeRoleResponse{Credentials: &sts.Credentials{AccessKeyId: new("ASIA"), SecretAccessKey: new("a/b+c="), SessionToken: new("t"), Expiration: &awkwardTime},
		PackedPolicySize: new(int32(6))}},
}

func awkward(t *testing.T) (questions []question, want []any) {
	for _, c := range awkwardInputs {
		svc := botocoreServices[c.service]
		params := asParams(svc, svc.Operation(c.operation).InputShape, c.in)
		questions = append(questions, question{Service: c.service, Operation: c.operation, Request: params})
		want = append(want, c.in)
	}
	for _, c := range awkwardOutputs {
		svc := botocoreServices[c.service]
		op := svc.Operation(c.operation)
		questions = append(questions, question{Service: c.service, Operation: c.operation, Response: encode(svc, op, c.out), Status: 200})
		want = append(want, withMetadata(asParams(svc, op.OutputShape, c.out)))
	}
	for _, message := range []string{"plain", "<&>\"' é 😀\r\n"} {
		status, body := AppendQueryError(nil, &iam.Service, awserr.New("NoSuchEntity", "%s", message), "id-1")
		questions = append(questions, question{Service: "iam", Operation: "GetUser", Response: string(body), Status: status})
		want = append(want, withMetadata(map[string]any{"Error": map[string]any{"Type": "Sender", "Code": "NoSuchEntity", "Message": message}}))
	}
	return questions, want
}

func withMetadata(m map[string]any) map[string]any {
	m["ResponseMetadata"] = map[string]any{"RequestId": "id-1"}
	return m
}

// check holds an answer to what was meant.
func check(t *testing.T, q question, a answer, want any) {
	t.Helper()
	if q.Request == nil {
		if !reflect.DeepEqual(a.Parsed, want) {
			t.Errorf("%s: botocore reads %s\nin %s\nwant %s", q.Operation, dump(a.Parsed), q.Response, dump(want))
		}
		return
	}
	got, err := decodeAny(botocoreServices[q.Service], q.Operation, a)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %s\nis read as %s, %v\nwant %s", q.Operation, a.Body, dump(got), err, dump(want))
	}
}

func TestBotocoreRecorded(t *testing.T) {
	questions, want := awkward(t)
	if *record {
		var exchanges []exchange
		for i, a := range mustAsk(t, questions) {
			exchanges = append(exchanges, exchange{questions[i], a})
		}
		text, err := json.MarshalIndent(exchanges, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(recording, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	var exchanges []exchange
	if err := json.Unmarshal(text, &exchanges); err != nil {
		t.Fatal(err)
	}
	if len(exchanges) != len(questions) {
		t.Fatalf("%d exchanges are recorded, want %d; run with -record", len(exchanges), len(questions))
	}
	for i, e := range exchanges {
		if dump(e.Question) != dump(questions[i]) {
			t.Errorf("%s has changed since it was recorded:\nwas %s\nis  %s", questions[i].Operation, dump(e.Question), dump(questions[i]))
			continue
		}
		check(t, questions[i], e.Answer, want[i])
	}
}

func TestBotocoreLive(t *testing.T) {
	questions, want := awkward(t)
	for _, name := range slices.Sorted(maps.Keys(botocoreServices)) {
		svc := botocoreServices[name]
		for i := range svc.Operations {
			op := &svc.Operations[i]
			f := filler{}
			in := op.NewInput()
			if p := servicePlanOf(svc).of(op.InputShape); p != nil {
				f.structure(p, reflect.ValueOf(in).Elem())
			}
			questions = append(questions, question{Service: name, Operation: op.Name, Request: asParams(svc, op.InputShape, in)})
			want = append(want, in)

			out := op.NewOutput()
			if p := servicePlanOf(svc).of(op.OutputShape); p != nil {
				f.structure(p, reflect.ValueOf(out).Elem())
			}
			questions = append(questions, question{Service: name, Operation: op.Name, Response: encode(svc, op, out), Status: 200})
			want = append(want, withMetadata(asParams(svc, op.OutputShape, out)))
		}
	}
	for i, a := range mustAsk(t, questions) {
		check(t, questions[i], a, want[i])
	}
}

// filler sets every member to something, each time something else.
type filler struct{ n int }

func (f *filler) structure(p *plan, v reflect.Value) {
	for i := range p.members {
		field := v.Field(i)
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		f.value(p.members[i].plan, field)
	}
}

func (f *filler) value(p *plan, v reflect.Value) {
	f.n++
	switch p.shape.Kind {
	case api.Structure:
		f.structure(p, v)
	case api.List:
		v.Set(reflect.MakeSlice(p.typ, 1+f.n%12, 1+f.n%12))
		for i := range v.Len() {
			f.value(p.elem, v.Index(i))
		}
	case api.Map:
		v.Set(reflect.MakeMap(p.typ))
		for _, key := range []string{"k1", "k <2>"} {
			elem := reflect.New(p.typ.Elem()).Elem()
			f.value(p.elem, elem)
			v.SetMapIndex(reflect.ValueOf(key), elem)
		}
	case api.String:
		v.SetString(fmt.Sprintf("%s %d", []string{"a&b=c", "é😀", "<x>", "\"'", "%41+", "x\ny"}[f.n%6], f.n))
	case api.Integer, api.Long:
		v.SetInt(int64(f.n))
	case api.Float, api.Double:
		v.SetFloat(float64(f.n) / 4)
	case api.Boolean:
		v.SetBool(f.n%2 == 0)
	case api.Timestamp:
		v.Set(reflect.ValueOf(awkwardTime.Add(time.Duration(f.n) * time.Hour)))
	case api.Blob:
		v.SetBytes(fmt.Appendf(nil, "\x00\xff%d", f.n))
	}
}

// asParams is a struct as botocore's callers see it, in JSON's types.
func asParams(svc *api.Service, i api.ShapeIndex, v any) map[string]any {
	params := map[string]any{}
	if p := servicePlanOf(svc).of(i); p != nil {
		text, err := json.Marshal(asPython(p, reflect.ValueOf(v).Elem()))
		if err == nil {
			err = json.Unmarshal(text, &params)
		}
		if err != nil {
			panic(err)
		}
	}
	return params
}

func asPython(p *plan, v reflect.Value) any {
	switch p.shape.Kind {
	case api.Structure:
		m := map[string]any{}
		for i, member := range p.shape.Members {
			field := v.Field(i)
			if field.IsNil() {
				continue
			}
			if field.Kind() == reflect.Pointer {
				field = field.Elem()
			}
			m[member.Name] = asPython(p.members[i].plan, field)
		}
		return m
	case api.List:
		list := []any{}
		for i := range v.Len() {
			list = append(list, asPython(p.elem, v.Index(i)))
		}
		return list
	}
	return v.Interface() // JSON has the rest as botocore's side writes it
}
