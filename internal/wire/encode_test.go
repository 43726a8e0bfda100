package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/awserr"
)

const metadata = "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>"

func TestAppendQueryResponse(t *testing.T) {
	when := time.Date(2025, 1, 2, 4, 4, 5, 999, time.FixedZone("", 3600))
	const iamNS, stsNS = ` xmlns="https://iam.amazonaws.com/doc/2010-05-08/"`, ` xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`
	for _, test := range []struct {
		svc  *api.Service
		op   string
		out  any
		want string
	}{
		{&iam.Service, "CreateUser", &iam.CreateUserResponse{User: &iam.User{
			Path: new("/"), UserName: new("a"), UserId: new("AIDA1"), Arn: new("arn"), CreateDate: &when}},
			`<CreateUserResponse` + iamNS + `><CreateUserResult><User><Path>/</Path><UserName>a</UserName><UserId>AIDA1</UserId><Arn>arn</Arn>` +
				`<CreateDate>2025-01-02T03:04:05Z</CreateDate></User></CreateUserResult>` + metadata + `</CreateUserResponse>`},
		{&iam.Service, "DeleteUser", nil, `<DeleteUserResponse` + iamNS + `>` + metadata + `</DeleteUserResponse>`},
		{&iam.Service, "DeleteUser", &api.None{}, `<DeleteUserResponse` + iamNS + `>` + metadata + `</DeleteUserResponse>`},
		{&iam.Service, "ListUserTags", &iam.ListUserTagsResponse{Tags: []iam.Tag{{Key: new("k"), Value: new("")}}, IsTruncated: new(false)},
			`<ListUserTagsResponse` + iamNS + `><ListUserTagsResult><Tags><member><Key>k</Key><Value></Value></member></Tags>` +
				`<IsTruncated>false</IsTruncated></ListUserTagsResult>` + metadata + `</ListUserTagsResponse>`},
		{&iam.Service, "ListAccessKeys", &iam.ListAccessKeysResponse{AccessKeyMetadata: []iam.AccessKeyMetadata{}, IsTruncated: new(true), Marker: new("m")},
			`<ListAccessKeysResponse` + iamNS + `><ListAccessKeysResult><AccessKeyMetadata/><IsTruncated>true</IsTruncated><Marker>m</Marker>` +
				`</ListAccessKeysResult>` + metadata + `</ListAccessKeysResponse>`},
		// A list that the model requires is there even if the service left it nil.
		{&iam.Service, "ListUsers", &iam.ListUsersResponse{},
			`<ListUsersResponse` + iamNS + `><ListUsersResult><Users/></ListUsersResult>` + metadata + `</ListUsersResponse>`},
		{&iam.Service, "ListGroupPolicies", &iam.ListGroupPoliciesResponse{PolicyNames: []string{"a<b", "c"}},
			`<ListGroupPoliciesResponse` + iamNS + `><ListGroupPoliciesResult><PolicyNames><member>a&lt;b</member><member>c</member></PolicyNames>` +
				`</ListGroupPoliciesResult>` + metadata + `</ListGroupPoliciesResponse>`},
		{&iam.Service, "GetAccountSummary", &iam.GetAccountSummaryResponse{SummaryMap: map[string]int32{"Users": 2, "Groups": 1}},
			`<GetAccountSummaryResponse` + iamNS + `><GetAccountSummaryResult><SummaryMap><entry><key>Groups</key><value>1</value></entry>` +
				`<entry><key>Users</key><value>2</value></entry></SummaryMap></GetAccountSummaryResult>` + metadata + `</GetAccountSummaryResponse>`},
		{&iam.Service, "GetAccountSummary", &iam.GetAccountSummaryResponse{},
			`<GetAccountSummaryResponse` + iamNS + `><GetAccountSummaryResult/>` + metadata + `</GetAccountSummaryResponse>`},
		{&iam.Service, "GetCredentialReport", &iam.GetCredentialReportResponse{Content: []byte("a,b\n")},
			`<GetCredentialReportResponse` + iamNS + `><GetCredentialReportResult><Content>YSxiCg==</Content></GetCredentialReportResult>` + metadata + `</GetCredentialReportResponse>`},
		{&sts.Service, "GetCallerIdentity", &sts.GetCallerIdentityResponse{UserId: new("u"), Account: new("1"), Arn: new("arn")},
			`<GetCallerIdentityResponse` + stsNS + `><GetCallerIdentityResult><UserId>u</UserId><Account>1</Account><Arn>arn</Arn>` +
				`</GetCallerIdentityResult>` + metadata + `</GetCallerIdentityResponse>`},
	} {
		got := AppendQueryResponse(nil, test.svc, test.svc.Operation(test.op), test.out, "id-1")
		if string(got) != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.op, got, test.want)
		}
		wellFormed(t, got)
	}
}

func TestAppendQueryResponseOtherKinds(t *testing.T) {
	svc := everythingService()
	when := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	out := &everything{Long: new(int64(-3)), Double: new(1.5), Float: new(float32(0.1)), Time: &when, Blob: []byte{}, Map: map[string]string{"b": "&", "a": ""},
		Deep: map[string]everything{"k": {Double: new(math.Inf(-1)), Float: new(float32(math.NaN()))}}, Next: &everything{}, Numbers: []int32{1, 2}}
	want := `<DoResponse><DoResult><Long>-3</Long><Double>1.5</Double><Float>0.1</Float><Time>2025-01-02T03:04:05Z</Time><Blob></Blob>` +
		`<Map><entry><key>a</key><value></value></entry><entry><key>b</key><value>&amp;</value></entry></Map>` +
		`<Deep><entry><Name>k</Name><Attribute><Double>-Infinity</Double><Float>NaN</Float></Attribute></entry></Deep>` +
		`<Next/><Numbers><number>1</number><number>2</number></Numbers></DoResult>` + metadata + `</DoResponse>`
	if got := AppendQueryResponse(nil, svc, &svc.Operations[0], out, "id-1"); string(got) != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

// TestWrongTypesPanic: a service that hands over the wrong struct must not be
// taken for one that succeeded.
func TestWrongTypesPanic(t *testing.T) {
	op := iam.Service.Operation("GetUser")
	for name, call := range map[string]func(){
		"another output": func() { AppendQueryResponse(nil, &iam.Service, op, &iam.CreateUserResponse{}, "") },
		"no output":      func() { AppendQueryResponse(nil, &iam.Service, op, nil, "") },
		"a nil output":   func() { AppendQueryResponse(nil, &iam.Service, op, (*iam.GetUserResponse)(nil), "") },
		"a value":        func() { AppendQueryResponse(nil, &iam.Service, op, iam.GetUserResponse{}, "") },
		"another input":  func() { Validate(&iam.Service, op, &iam.CreateUserRequest{}) },
		"no input":       func() { Validate(&iam.Service, op, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s passes", name)
				}
			}()
			call()
		}()
	}
}

func TestAppendQueryError(t *testing.T) {
	for _, test := range []struct {
		svc    *api.Service
		err    *awserr.Error
		status int
		want   string
	}{
		{&iam.Service, awserr.New("NoSuchEntity", "The user with name %s cannot be found.", "<bob>"), 404,
			`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>` +
				`<Message>The user with name &lt;bob&gt; cannot be found.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		{&sts.Service, awserr.Internal(errors.New("the secret is hunter2")), 500,
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type><Code>InternalFailure</Code>` +
				`<Message>The request processing has failed because of an unknown error, exception or failure.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		{nil, awserr.New("MissingAuthenticationToken", "Request is missing Authentication Token"), 403,
			`<ErrorResponse><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>` +
				`<Message>Request is missing Authentication Token</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		{&iam.Service, awserr.New("NotImplemented", "no"), 501,
			`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Receiver</Type><Code>NotImplemented</Code>` +
				`<Message>no</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
	} {
		status, got := AppendQueryError(nil, test.svc, test.err, "id-1")
		if status != test.status || string(got) != test.want {
			t.Errorf("%s: %d\n%s\nwant %d\n%s", test.err.Code, status, got, test.status, test.want)
		}
	}
}

// TestText runs every character, and what is none, through a reader.
func TestText(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{`<a href="x">&'</a>`, `<a href="x">&'</a>`},
		{"]]>", "]]>"},
		{"a\tb\nc\rd\r\n", "a\tb\nc\rd\r\n"},
		{"\x00\x01\x1f\x7f", "\uFFFD\uFFFD\uFFFD\x7f"},
		{"\uFFFE\uFFFF\uFFFD\uFDD0", "\uFFFD\uFFFD\uFFFD\uFDD0"},
		{"é\U0001F600\U0010FFFF", "é\U0001F600\U0010FFFF"},
		{"\xff\xc3(\xed\xa0\x80", "\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD"},
	} {
		doc := "<a>" + string(appendText(nil, test.in)) + "</a>"
		var got string
		if err := xml.Unmarshal([]byte(doc), &got); err != nil || got != test.want {
			t.Errorf("%q reads as %q, %v, want %q", test.in, got, err, test.want)
		}
	}
	for r := range rune(0x11000) {
		doc := "<a>" + string(appendText(nil, string(r))) + "</a>"
		wellFormed(t, []byte(doc))
	}
}

func wellFormed(t *testing.T, doc []byte) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(string(doc)))
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %q", err, doc)
		}
	}
}

func BenchmarkEncodeListUsers(b *testing.B) {
	now := time.Now()
	out := &iam.ListUsersResponse{IsTruncated: new(true), Marker: new("AAAA")}
	for i := range 100 {
		name := fmt.Sprintf("user-%d", i)
		out.Users = append(out.Users, iam.User{Path: new("/"), UserName: &name, UserId: new("AIDAQUERYEXAMPLE1234"),
			Arn: new("arn:aws:iam::123456789012:user/" + name), CreateDate: &now, PasswordLastUsed: &now})
	}
	op := iam.Service.Operation("ListUsers")
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendQueryResponse(buf[:0], &iam.Service, op, out, "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE")
	}
}
