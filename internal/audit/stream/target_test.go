package stream

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		text string
		want Target
	}{
		{"stdout", Target{Kind: "stdout"}},
		{"stdout?format=ocsf&events=management", Target{Kind: "stdout", OCSF: true, ManagementOnly: true}},
		{"file:/var/log/a b.jsonl?format=cloudtrail&events=all", Target{Kind: "file", Address: "/var/log/a b.jsonl"}},
		{"file:events", Target{Kind: "file", Address: "events"}},
		{"syslog:udp://127.0.0.1:514", Target{Kind: "syslog", Network: "udp", Address: "127.0.0.1:514"}},
		{"syslog:tcp://[::1]:601", Target{Kind: "syslog", Network: "tcp", Address: "[::1]:601"}},
		{"syslog:tls://logs.example.com:6514?ca=/ca.pem&cert=c&key=k", Target{Kind: "syslog", Network: "tls", Address: "logs.example.com:6514", CA: "/ca.pem", Cert: "c", Key: "k"}},
		{"syslog:unix:/dev/log", Target{Kind: "syslog", Network: "unix", Address: "/dev/log"}},
		{"otlp:http://127.0.0.1:4318", Target{Kind: "otlp", Address: "http://127.0.0.1:4318/v1/logs"}},
		{"otlp:https://o.example.com/base/?ca=x", Target{Kind: "otlp", Address: "https://o.example.com/base/v1/logs", CA: "x"}},
		{"otlp:http://h:1/v1/logs", Target{Kind: "otlp", Address: "http://h:1/v1/logs"}},
	} {
		got, err := Parse([]string{tc.text})
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if g, w := got[0], tc.want; g.String() != w.String() || g.OCSF != w.OCSF || g.ManagementOnly != w.ManagementOnly || g.CA != w.CA || g.Cert != w.Cert || g.Key != w.Key {
			t.Errorf("%s: %+v, want %+v", tc.text, g, w)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "stdout:", "stdout:x", "stderr", "file:", "syslog:", "syslog:tcp:127.0.0.1:1", "syslog:tcp://127.0.0.1", "syslog:tcp://:514", "syslog:udp://h:port9",
		"syslog:unix:dev/log", "syslog:unix:", "syslog:quic://h:1", "otlp:", "otlp:h:4318", "otlp:grpc://h:4317", "otlp:http://user:secret@h:1", "otlp:http://",
		"stdout?format=xml", "stdout?format=", "stdout?events=data", "stdout?colour=red", "stdout?format=ocsf&format=ocsf", "stdout?%zz",
		"syslog:tcp://h:1?ca=x", "otlp:http://h:1?ca=x", "syslog:tls://h:1?cert=x", "file:a?ca=x",
	} {
		if got, err := Parse([]string{text}); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
	if _, err := Parse([]string{"file:a", "file:b", "file:a?format=ocsf"}); err == nil || !strings.Contains(err.Error(), "same place") {
		t.Errorf("two streams to one place: %v", err)
	}
}

// The text of a target, which is in the log and names its position, does not change
// by being read again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"stdout", "file:/x?format=ocsf", "syslog:tcp://h:1", "syslog:unix:/dev/log", "otlp:http://h:1?events=management", "otlp:https://h/%2f/v1/logs"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse([]string{text})
		if err != nil || strings.Contains(got[0].String(), "?") {
			return
		}
		again, err := Parse([]string{got[0].String()})
		if err != nil || again[0].String() != got[0].String() {
			t.Errorf("%q: %q becomes %v, %v", text, got[0], again, err)
		}
	})
}

func TestParseHeaders(t *testing.T) {
	got, err := ParseHeaders(" authorization=Bearer%20abc , x-team=sec=1,")
	if err != nil || len(got) != 2 || got["authorization"] != "Bearer abc" || got["x-team"] != "sec=1" {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"novalue", "=x", "a b=secret", "a=secret%zz", "a=secret%0d%0ab: c", "a:b=secret"} {
		if got, err := ParseHeaders(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
