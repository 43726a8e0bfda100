package arn_test

import (
	"fmt"
	"testing"

	"github.com/warder-iam/warder/arn"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		in      string
		want    arn.ARN
		typ, id string
		ok      bool
	}{
		{"arn:aws:iam::123456789012:user/division/Jo", arn.ARN{"aws", "iam", "", "123456789012", "user/division/Jo"}, "user", "division/Jo", true},
		{"arn:aws:s3:::my-bucket/a:b", arn.ARN{"aws", "s3", "", "", "my-bucket/a:b"}, "my-bucket", "a:b", true},
		{"arn:aws:sns:eu-west-1:123456789012:topic", arn.ARN{"aws", "sns", "eu-west-1", "123456789012", "topic"}, "topic", "", true},
		{"arn:aws:iam::aws:policy/X", arn.ARN{"aws", "iam", "", "aws", "policy/X"}, "policy", "X", true},
		{in: ""}, {in: "*"}, {in: "arn:aws:iam"}, {in: "arn:aws:iam::1"}, {in: "ARN:aws:iam::1:x"}, {in: "arn::iam::1:x"}, {in: "arn:aws:::1:x"}, {in: "arn:aws:iam::1:"},
	} {
		got, err := arn.Parse(tc.in)
		if (err == nil) != tc.ok || got != tc.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", tc.in, got, err, tc.want)
		}
		if tc.ok && (got.String() != tc.in || got.ResourceType() != tc.typ || got.ResourceID() != tc.id) {
			t.Errorf("Parse(%q): %q %q %q", tc.in, got.String(), got.ResourceType(), got.ResourceID())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:iam::123456789012:user/division/Jo")
	f.Add("arn:aws:s3:::b/a:b")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := arn.Parse(s); err == nil && a.String() != s {
			t.Errorf("%q reads back as %q", s, a.String())
		}
	})
}

func ExampleParse() {
	a, _ := arn.Parse("arn:aws:iam::123456789012:user/division/Jo")
	fmt.Println(a.Account, a.ResourceType(), a.ResourceID())
	// Output: 123456789012 user division/Jo
}
