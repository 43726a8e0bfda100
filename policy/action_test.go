package policy

import "testing"

func TestMatchActionNames(t *testing.T) {
	for _, c := range []struct {
		pattern, action string
		want            bool
	}{
		{"*", "s3:GetObject", true},
		{"s3:*", "s3:GetObject", true},
		{"S3:get*", "s3:GetObject", true},
		{"s3:GetObject", "S3:GETOBJECT", true},
		{"s3:Get?bject", "s3:GetObject", true},
		{"s3:*Object", "s3:GetObjectAcl", false},
		{"s3:*", "s3-outposts:GetObject", false},
		{"ec2:*", "s3:GetObject", false},
		{"s3:Get", "s3:GetObject", false},
	} {
		if got := MatchAction(c.pattern, c.action); got != c.want {
			t.Errorf("MatchAction(%q, %q) = %v", c.pattern, c.action, got)
		}
	}
}

func TestDeniesOutright(t *testing.T) {
	for text, want := range map[string]bool{
		`"Effect":"Deny","Action":"s3:*","Resource":"*"`:                                                      true,
		`"Effect":"Deny","NotAction":"s3:*","Resource":["arn:aws:s3:::b","*"]`:                                true,
		`"Effect":"Allow","Action":"s3:*","Resource":"*"`:                                                     false,
		`"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b"`:                                         false,
		`"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b"`:                                      false,
		`"Effect":"Deny","Action":"s3:*","NotResource":"*"`:                                                   false,
		`"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`: false,
	} {
		doc, err := ParseText(Identity, `{"Version":"2012-10-17","Statement":{`+text+`}}`)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Statements[0].DeniesOutright(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
