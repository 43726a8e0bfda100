package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

const instance = `{
  "version": "0", "id": "7bf73129", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
  "account": "123456789012", "time": "2015-11-11T21:29:54Z", "region": "us-east-1",
  "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
  "detail": {"instance-id": "i-0123456789", "state": "RUNNING", "quoted": "say \"hi\"\\", "n": 1.50, "list": [{"a": 1}, {"a": "two"}, {}], "none": null, "object": {"k": "v"}}
}`

var example = Rule{ARN: "arn:aws:events:us-east-2:123456789012:rule/example", Name: "example", Ingested: time.Date(2015, 11, 11, 21, 30, 0, 5, time.UTC)}

// TestFill: the examples of AWS's guide, what it was seen to do with variables that
// have no value, and values that would break out of a string.
func TestFill(t *testing.T) {
	paths := map[string]string{
		"instance": "$.detail.instance-id", "state": "$.detail.state", "missing": "$.detail.nothing", "quoted": "$.detail.quoted", "n": "$.detail.n",
		"list": "$.detail.list", "object": "$.detail.object", "none": "$.detail.none", "all": "$.detail.list[*].a", "whole": "$",
	}
	for template, want := range map[string]string{
		`"instance <instance> is in <state>"`:                                      `"instance i-0123456789 is in RUNNING"`,
		`"instance \"<instance>\" is in <state>"`:                                  `"instance \"i-0123456789\" is in RUNNING"`,
		`{ "instance" : <instance>, "state": <state> }`:                            `{"instance":"i-0123456789","state":"RUNNING"}`,
		`{"s": "<state>", "i": "instance \"<instance>\" is in <state>"}`:           `{"s":"RUNNING","i":"instance \"i-0123456789\" is in RUNNING"}`,
		`{"instance": <instance>, "state": [9, <state>, true], "T" : "Yes"}`:       `{"instance":"i-0123456789","state":[9,"RUNNING",true],"T":"Yes"}`,
		`{"ruleArn" : <aws.events.rule-arn>, "ruleName" : <aws.events.rule-name>}`: `{"ruleArn":"arn:aws:events:us-east-2:123456789012:rule/example","ruleName":"example"}`,
		`"<aws.events.rule-name> triggered"`:                                       `"example triggered"`,
		`{"at": <aws.events.event.ingestion-time>}`:                                `{"at":"2015-11-11T21:30:00Z"}`,
		`{"e": <aws.events.event>}`:                                                `{"e":{"version":"0","id":"7bf73129","detailType":"EC2 Instance State-change Notification","source":"aws.ec2","account":"123456789012","time":"2015-11-11T21:29:54Z","region":"us-east-1","resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"]}}`,
		`<aws.events.event.json>`:                                                  string(compact([]byte(instance))),
		`<whole>`:                                                                  string(compact([]byte(instance))),
		`{"m": <missing>}`:                                                         `{"m":""}`,
		`"m <missing>."`:                                                           `"m ."`,
		`{"q": <quoted>, "r": "<quoted>"}`:                                         `{"q":"say \"hi\"\\","r":"say \"hi\"\\"}`,
		`[<n>, "<n>", <list>, <object>, <none>, "<none>", <all>]`:                  `[1.50,"1.50",[{"a":1},{"a":"two"},{}],{"k":"v"},null,"null",[1,"two"]]`,
		`"<object>"`:                `"{\"k\":\"v\"}"`,
		"\"line <n>\"\n\"<state>\"": "\"line 1.50\"\n\"RUNNING\"",
		`<state>`:                   `"RUNNING"`,
		`"a < b"`:                   `"a < b"`,
		`"\\<state>"`:               `"\\RUNNING"`,
	} {
		tm, err := CompileTemplate(template, paths)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if got := string(tm.Fill([]byte(instance), example)); got != want {
			t.Errorf("%s\n got %s\nwant %s", template, got, want)
		}
	}
}

func TestTemplatesRefused(t *testing.T) {
	paths := map[string]string{"a": "$.detail"}
	for template, want := range map[string]error{
		`{"x": <b>}`:             ErrVariable("b"),
		`"<>"`:                   ErrVariable(""),
		`"<aws.events.nothing>"`: ErrVariable("aws.events.nothing"),
		`plain text`:             ErrTemplate,
		`<a> is in state`:        ErrTemplate,
		`{"x": }`:                ErrTemplate,
		`{<a>: 1}`:               ErrTemplate,
		`{"<a>": 1}`:             ErrTemplate,
		`[{"x": {"y<a>": 1}}]`:   ErrTemplate,
		`"unclosed <a>`:          ErrTemplate,
		` `:                      ErrTemplate,
		`<a><a>`:                 ErrTemplate,
		`{"x": 1} y`:             ErrTemplate,
	} {
		if _, err := CompileTemplate(template, paths); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", template, err, want)
		}
	}
	if _, err := CompileTemplate(`"x"`, map[string]string{"AWS.x": "$"}); !errors.Is(err, ErrReserved) {
		t.Error(err)
	}
	if _, err := CompileTemplate(`"x"`, map[string]string{"x": "detail"}); !errors.Is(err, ErrPath) {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	for path, want := range map[string]string{
		"$.detail.state": `"RUNNING"`, "$.resources[0]": `"arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"`, "$.detail-type": `"EC2 Instance State-change Notification"`,
		"$.detail.list[1].a": `"two"`, "$.detail.list[*].a": `[1,"two"]`, "$.detail.list[2]": `{}`, "$.detail.object.*": `["v"]`,
		"$.nothing": "", "$.resources[7]": "", "$.detail.list.a": "", "$.detail.list[3].a": "", "$.detail.state.x": "", "$.detail.list[*].b": "", "$.detail[0]": "",
	} {
		p, err := CompilePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got, ok := p.Find([]byte(instance))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s: %s, %v", path, got, ok)
		}
	}
	for _, path := range []string{"", "detail", "$detail", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "$['a']", "$.a b", `$."a"`, "$.a[99999999999]", "$.a]", "$.a(b)"} {
		if _, err := CompilePath(path); !errors.Is(err, ErrPath) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzTemplate: a template that is taken gives JSON, or lines of it, whatever the
// event says.
func FuzzTemplate(f *testing.F) {
	f.Add(`{"a": <v>, "b": "x <v> \" <aws.events.event>"}`, "$.detail.x", `{"detail":{"x":"\"\\"}}`)
	f.Add("\"<v>\"\n[<aws.events.event.json>]", "$.a[*].b", `{"a":[{"b":1},{"b":null}]}`)
	f.Fuzz(func(t *testing.T, template, path, event string) {
		tm, err := CompileTemplate(template, map[string]string{"v": path})
		if err != nil || !json.Valid([]byte(event)) || membersOf([]byte(event)) == nil {
			return
		}
		out := tm.Fill([]byte(event), example)
		n := 0
		for rest := out; len(rest) > 0; n++ {
			d := json.NewDecoder(bytes.NewReader(rest))
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				if n > 0 && len(bytes.TrimSpace(rest)) == 0 {
					break
				}
				t.Fatalf("%q of %q: %v", out, event, err)
			}
			rest = rest[d.InputOffset():]
		}
	})
}
