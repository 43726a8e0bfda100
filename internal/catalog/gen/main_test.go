package main

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// input is a package with one service.
func input() fstest.MapFS {
	keys := "export const globalConditionKeys = [\n"
	for i := range 40 {
		keys += "{\n key: 'aws:K" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "',\n category: 'x',\n type: 'String',\n description: ''\n},\n"
	}
	fs := fstest.MapFS{}
	for name, text := range map[string]string{
		"package.json":                     `{"name": "data", "version": "1"}`,
		"data/services.json":               `["svc"]`,
		"data/serviceNames.json":           `{"svc": "A service"}`,
		"data/rcpSupportedServices.json":   `["svc"]`,
		"data/unassociatedConditions.json": `{"idp.example.com": ["svc"]}`,
		"data/conditionKeys/svc.json":      `{"svc:a": {"key": "svc:A", "type": "String"}}`,
		"data/resourceTypes/svc.json":      `{"thing": {"key": "thing", "arn": "arn:${Partition}:svc:::${Name}", "conditionKeys": ["svc:A"]}}`,
		"data/actions/svc.json":            `{"do": {"name": "Do", "accessLevel": "Tagging, Write", "resourceTypes": [{"name": "thing", "required": true, "conditionKeys": ["svc:a"]}], "conditionKeys": ["svc:A"]}}`,
		"dist/esm/globalConditionKeys.js":  keys + "];\n",
	} {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func TestService(t *testing.T) {
	got, err := service(input(), "svc")
	want := "K\tsvc:A\tString\nR\tthing\t0\tarn:${Partition}:svc:::${Name}\nA\tDo\tT\t0\t!0:0\n"
	if err != nil || got != want {
		t.Errorf("service = %q, %v, want %q", got, err, want)
	}
}

func TestGenerate(t *testing.T) {
	one, err := generate(input())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"V\tdata 1\n", "G\taws:Kaa\tString\n", "A\tidp.example.com\tsvc\n", "S\tsvc\tA service\ttrue\t0\t"} {
		if !strings.Contains(string(one), line) {
			t.Errorf("no %q in the head", line)
		}
	}
	if two, err := generate(input()); err != nil || string(one) != string(two) {
		t.Error("the same input gives another output")
	}
}

// TestRefused: what the format has no place for must not be lost.
func TestRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"dependent actions":     {"data/actions/svc.json", `{"do": {"name": "Do", "accessLevel": "Read", "dependentActions": ["iam:PassRole"]}}`},
		"unknown level":         {"data/actions/svc.json", `{"do": {"name": "Do", "accessLevel": "Reads"}}`},
		"unknown resource type": {"data/actions/svc.json", `{"do": {"name": "Do", "accessLevel": "Read", "resourceTypes": [{"name": "other"}]}}`},
		"unknown key":           {"data/actions/svc.json", `{"do": {"name": "Do", "accessLevel": "Read", "conditionKeys": ["svc:B"]}}`},
		"no JSON":               {"data/services.json", `[`},
		"other JavaScript":      {"dist/esm/globalConditionKeys.js", `export const x = 1`},
	} {
		in := maps.Clone(input())
		in[change[0]] = &fstest.MapFile{Data: []byte(change[1])}
		if _, err := generate(in); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}
