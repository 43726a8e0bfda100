package awscli_test

import (
	"os"
	"strings"
	"testing"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awscli"
)

const inline = `{"UserDetailList":[{"UserName":"jo","UserPolicyList":[{"PolicyName":"p","PolicyDocument":%}]}]}`

func TestDocuments(t *testing.T) {
	const text = `{"Version":"2012-10-17","Statement":[]}`
	for name, tc := range map[string]struct{ document, want string }{
		"an object":         {"{\"Version\": \"2012-10-17\",\n  \"Statement\": []}", text},
		"percent-encoded":   {`"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"`, text},
		"a string of JSON":  {`"{\"Version\":\"2012-10-17\",\"Statement\":[]}"`, text},
		"names keep twice":  {`{"Sid":"a","Sid":"b"}`, ""}, // no parser of policies takes it either
		"a plus is no gap":  {`"%7B%22a%22%3A%221+1%22%7D"`, `{"a":"1+1"}`},
		"HTML is not HTML":  {`{"a":"<&>"}`, `{"a":"<&>"}`},
		"spaces in strings": {`{ "a" : "b c" }`, `{"a":"b c"}`},
	} {
		var out api.GetAccountAuthorizationDetailsResponse
		err := awscli.Unmarshal([]byte(strings.Replace(inline, "%", tc.document, 1)), &out)
		if tc.want == "" {
			if err == nil {
				t.Errorf("%s: taken", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := *out.UserDetailList[0].UserPolicyList[0].PolicyDocument; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":              {``, "ends too early"},
		"a list":               {`[]`, "not an object"},
		"more behind":          {`{} {}`, "data after"},
		"a name twice":         {`{"Users":[],"Users":[]}`, "twice"},
		"twice but for case":   {`{"UserDetailList":[],"userdetaillist":[]}`, "stands twice"},
		"a document, number":   {strings.Replace(inline, "%", "5", 1), "neither"},
		"a document, text":     {strings.Replace(inline, "%", `"x"`, 1), "neither"},
		"a document, bad code": {strings.Replace(inline, "%", `"%7"`, 1), "PolicyDocument"},
		"a document, no UTF-8": {strings.Replace(inline, "%", `"%7B%FF"`, 1), "UTF-8"},
		"a wrong type":         {`{"UserDetailList":5}`, "UserDetailList"},
	} {
		var out api.GetAccountAuthorizationDetailsResponse
		if err := awscli.Unmarshal([]byte(tc.text), &out); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// What Marshal writes, Unmarshal reads as the same.
func TestRoundTrip(t *testing.T) {
	text, err := os.ReadFile("testdata/details.json")
	if err != nil {
		t.Fatal(err)
	}
	var out api.GetAccountAuthorizationDetailsResponse
	if err := awscli.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	again, err := awscli.Marshal(&out)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(text) {
		t.Errorf("read and written again:\n%s", again)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(strings.Replace(inline, "%", `{"a":1}`, 1)))
	f.Add([]byte(strings.Replace(inline, "%", `"%7B%7D"`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		var out api.GetAccountAuthorizationDetailsResponse
		if awscli.Unmarshal(text, &out) != nil {
			return
		}
		written, err := awscli.Marshal(&out)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		var again api.GetAccountAuthorizationDetailsResponse
		if err := awscli.Unmarshal(written, &again); err != nil && !strings.Contains(err.Error(), "ocument") {
			t.Fatalf("what was written cannot be read: %v\n%s", err, written)
		}
	})
}
