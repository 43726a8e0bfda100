package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
)

func lookUp(body string) (*cloudtrail.LookupEventsRequest, error) {
	in, err := DecodeJSON(&cloudtrail.Service, cloudtrail.Service.Operation("LookupEvents"), []byte(body))
	if err != nil {
		return nil, err
	}
	return in.(*cloudtrail.LookupEventsRequest), nil
}

func TestDecodeJSON(t *testing.T) {
	at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	half := at.Add(500 * time.Millisecond)
	for body, want := range map[string]*cloudtrail.LookupEventsRequest{
		``:                                     {},
		` {} `:                                 {},
		`{"MaxResults":5}`:                     {MaxResults: new(int32(5))},
		`{"MaxResults":5.0}`:                   {MaxResults: new(int32(5))},
		`{"MaxResults":1e1}`:                   {MaxResults: new(int32(10))},
		`{"MaxResults":null}`:                  {},
		`{"StartTime":1735787045}`:             {StartTime: &at},
		`{"StartTime":1735787045.5}`:           {StartTime: &half},
		`{"StartTime":"2025-01-02T03:04:05Z"}`: {StartTime: &at},
		`{"LookupAttributes":[]}`:              {LookupAttributes: []cloudtrail.LookupAttribute{}},
		`{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"\u00e9\ud83d\ude00"}]}`: {
			LookupAttributes: []cloudtrail.LookupAttribute{{AttributeKey: new("EventName"), AttributeValue: new("é😀")}}},
		`{"Unknown":{"a":[1,{"b":null}]},"NextToken":"x"}`: {NextToken: new("x")},
	} {
		if got, err := lookUp(body); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %s, %v; want %s", body, dump(got), err, dump(want))
		}
	}
}

func TestDecodeJSONRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{`:                                 "not valid JSON",
		`{"MaxResults":5`:                   "not valid JSON",
		`{} {}`:                             "data after",
		`[]`:                                "structure expected",
		`"x"`:                               "structure expected",
		`null`:                              "structure expected",
		"{\"NextToken\":\"\xff\"}":          "UTF-8",
		`{"MaxResults":"5"}`:                "STRING_VALUE can not be converted to an Integer",
		`{"MaxResults":5.5}`:                "NUMBER_VALUE can not be converted to an Integer",
		`{"MaxResults":2147483648}`:         "NUMBER_VALUE can not be converted to an Integer",
		`{"MaxResults":1e300}`:              "NUMBER_VALUE can not be converted to an Integer",
		`{"MaxResults":true}`:               "TRUE_VALUE can not be converted to an Integer",
		`{"NextToken":5}`:                   "NUMBER_VALUE can not be converted to a String",
		`{"NextToken":{}}`:                  "Start of structure or map found where not expected.",
		`{"NextToken":[]}`:                  "Start of list found where not expected",
		`{"LookupAttributes":{}}`:           "Start of structure or map found where not expected.",
		`{"LookupAttributes":"x"}`:          "Unexpected field type",
		`{"LookupAttributes":["x"]}`:        "Unexpected field type",
		`{"StartTime":"yesterday"}`:         "STRING_VALUE can not be converted to a Timestamp",
		`{"StartTime":1e40}`:                "NUMBER_VALUE can not be converted to a Timestamp",
		`{"NextToken":"a","NextToken":"b"}`: "NextToken is given more than once",
		`{"Other":1,"Other":2}`:             "Other is given more than once",
		`{"X":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: "too deep",
	} {
		_, err := lookUp(body)
		if e := awserr.From(err); err == nil || e.Code != "SerializationException" || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for target, want := range map[string]string{
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents": "LookupEvents",
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.lookupEvents": "",
		"CloudTrail_20131101.LookupEvents":                                    "LookupEvents",
		"v20131101.CloudTrail_20131101.LookupEvents":                          "",
		"LookupEvents": "",
		"":             "",
	} {
		op, err := Target(&cloudtrail.Service, target)
		if want == "" {
			if err == nil || awserr.From(err).Code != "UnknownOperationException" {
				t.Errorf("%s: %v", target, err)
			}
		} else if err != nil || op.Name != want {
			t.Errorf("%s: %v, %v", target, op, err)
		}
	}
}

func TestAppendJSONError(t *testing.T) {
	status, body := AppendJSONError(nil, &cloudtrail.Service, awserr.New("TrailNotFoundException", "Unknown trail: \"a\"\n<b>"))
	if want := `{"__type":"TrailNotFoundException","message":"Unknown trail: \"a\"\n<b>"}`; string(body) != want || status != 400 {
		t.Errorf("%d %s, want %s", status, body, want)
	}
	if status, body := AppendJSONError(nil, &cloudtrail.Service, awserr.New("UnknownOperationException", "")); string(body) != `{"__type":"UnknownOperationException"}` || status != 400 {
		t.Errorf("%d %s", status, body)
	}
}

func TestJSONErrorCodes(t *testing.T) {
	for code, want := range map[string]string{
		"AccessDenied": "400 AccessDeniedException", "InvalidClientTokenId": "400 UnrecognizedClientException",
		"SignatureDoesNotMatch": "400 InvalidSignatureException", "InternalFailure": "500 InternalFailure", "NotImplemented": "501 NotImplemented",
		"SomethingElse": "500 SomethingElse", "SerializationException": "400 SerializationException",
	} {
		status, body := AppendJSONError(nil, &cloudtrail.Service, awserr.New(code, ""))
		if got := fmt.Sprintf("%d %s", status, strings.TrimSuffix(strings.TrimPrefix(string(body), `{"__type":"`), `"}`)); got != want {
			t.Errorf("%s is %s, want %s", code, got, want)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"MaxResults":5,"LookupAttributes":[{"AttributeKey":"EventName"}],"StartTime":1735787045.5}`))
	f.Add([]byte(`{"X":[[{"a":null}]]}`))
	op := cloudtrail.Service.Operation("LookupEvents")
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := DecodeJSON(&cloudtrail.Service, op, body)
		if err != nil {
			return
		}
		// What was read is written and read as the same.
		text := appendJSON(nil, servicePlanOf(&cloudtrail.Service).of(op.InputShape), reflect.ValueOf(in).Elem())
		again, err := DecodeJSON(&cloudtrail.Service, op, text)
		if err != nil || !reflect.DeepEqual(in, again) {
			t.Fatalf("%s: %s, %v", text, dump(again), err)
		}
	})
}
