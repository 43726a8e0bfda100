package main

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/warder-iam/warder/internal/awspolicies"
)

const data = `{
	"Beta": {"arn": "arn:aws:iam::aws:policy/service-role/Beta", "latestVersionId": "v10", "versionsCount": 10,
		"createdDate": "2015-02-06T18:39:46.000Z", "lastUpdatedDate": "2020-02-06T18:39:46.000Z",
		"versions": {
			"v2": {"createdDate": "2016-02-06T18:39:46.000Z", "document": {"Version": "2012-10-17", "Statement": [{"Action": ["a:B", "a:C", "a:D"], "Resource": "*", "Effect": "Allow"}]}},
			"v10": {"createdDate": "2018-02-06T18:39:46.000Z", "document": {"Version": "2012-10-17", "Statement": [{"Action": ["a:A", "a:B", "a:D"], "Resource": "*", "Effect": "Allow"}]}}}},
	"AdministratorAccess": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess", "latestVersionId": "v1", "versionsCount": 1,
		"createdDate": "2015-02-06T18:39:46.000Z", "lastUpdatedDate": "2015-02-06T18:39:46.000Z",
		"versions": {"v1": {"createdDate": "2015-02-06T18:39:46.000Z", "document": {}}}}}`

func input() fstest.MapFS {
	return fstest.MapFS{
		"package.json":              {Data: []byte(`{"name": "policies", "version": "1"}`)},
		"dist/managedPolicies.json": {Data: []byte(data)},
	}
}

func TestGenerate(t *testing.T) {
	one, err := generate(input())
	if err != nil {
		t.Fatal(err)
	}
	if two, err := generate(input()); err != nil || string(one) != string(two) {
		t.Error("the same input gives another output")
	}
	c, err := awspolicies.Read(string(one))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Policies()[0]; p.Name != "AdministratorAccess" || p.ID != "ANPAIWMBCKSKIEE64ZLYK" {
		t.Errorf("first %+v", p)
	}
	p := c.Policies()[1]
	if p.ARN() != "arn:aws:iam::aws:policy/service-role/Beta" || len(p.ID) != 21 || p.Count != 10 || p.Default != "v10" {
		t.Errorf("second %+v", p)
	}
	text, err := p.Document("v2")
	if err != nil || !strings.Contains(text, `"a:C"`) || strings.Contains(text, `"a:A"`) {
		t.Errorf("v2 = %s, %v", text, err)
	}
}

func TestDifference(t *testing.T) {
	// What stays costs little, however long it is.
	long := strings.Repeat("an action,another action,", 1000)
	if d := difference([]byte(long+"the end"), []byte(long+"new,the end")); len(d) > 20 {
		t.Errorf("a difference of %d bytes", len(d))
	}
}

// TestRefused: what the format has no place for must not be lost.
func TestRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"ARN of another account": {"arn:aws:iam::aws:policy/Adm", "arn:aws:iam::111122223333:policy/Adm"},
		"ARN of another name":    {"policy/AdministratorAccess", "policy/Administrator"},
		"an older default":       {`"latestVersionId": "v10"`, `"latestVersionId": "v2"`},
		"bad version":            {`"v2":`, `"two":`},
		"no JSON":                {`{}`, `{`},
	} {
		in := maps.Clone(input())
		in["dist/managedPolicies.json"] = &fstest.MapFile{Data: []byte(strings.Replace(data, change[0], change[1], 1))}
		if _, err := generate(in); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	for _, ids := range []string{"x\n", "x\tANPA\n", "x\tANPAIWMBCKSKIEE64ZLYK\nx\tANPAIWMBCKSKIEE64ZLYK\n"} {
		if _, err := readIDs(ids); err == nil {
			t.Errorf("readIDs(%q) took it", ids)
		}
	}
}
