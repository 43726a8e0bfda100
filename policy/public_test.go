package policy

import "testing"

// TestIsPublic has the examples of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
// and what is next to them.
func TestIsPublic(t *testing.T) {
	allow := func(principal, condition string) string {
		s := `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:PutObject","Resource":"*"`
		if condition != "" {
			s += `,"Condition":` + condition
		}
		return s + `}`
	}
	const star = `"*"`
	for _, tc := range []struct {
		name string
		text string
		want bool
	}{
		{"Facebook", allow(`{"Federated":"graph.facebook.com"}`, ""), true},
		{"everyone", allow(star, ""), true},
		{"everyone, long form", allow(`{"AWS":"*"}`, ""), true},
		{"everyone among others", allow(`{"AWS":["111111111111","*"]}`, ""), true},
		{"a wildcard for a VPC", allow(star, `{"StringLike":{"aws:SourceVpc":"vpc-*"}}`), true},
		{"a VPC", allow(star, `{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}`), false},
		{"one of the statements", allow(`{"AWS":"111111111111"}`, "") + "," + allow(star, ""), true},
		{"CloudTrail and an account", allow(`{"Service":"cloudtrail.amazonaws.com"}`, "") + "," + allow(`{"AWS":"111111111111"}`, ""), false},
		{"a user, a role, a session", allow(`{"AWS":["arn:aws:iam::111111111111:user/u","arn:aws:iam::111111111111:role/r","arn:aws:sts::111111111111:assumed-role/r/s"]}`, ""), false},
		{"a canonical user", allow(`{"CanonicalUser":"79a5"}`, ""), false},
		{"a SAML provider", allow(`{"Federated":"arn:aws:iam::111111111111:saml-provider/idp"}`, ""), true},
		{"all but one", `{"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*"}`, true},
		{"all but one, from a VPC", `{"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}`, false},
		{"a deny", `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`, false},
		{"a deny does not mend it", allow(star, "") + `,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`, true},

		{"an organization", allow(star, `{"StringEquals":{"aws:PrincipalOrgID":"o-12345"}}`), false},
		{"an account as a condition", allow(star, `{"StringEquals":{"AWS:principalaccount":["111111111111","222222222222"]}}`), false},
		{"a principal as a condition", allow(star, `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/r"}}`), false},
		{"a wildcard for a principal", allow(star, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/r"}}`), true},
		{"a topic", allow(star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111111111111:t"}}`), false},
		{"topics", allow(star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:t"}}`), true},
		{"a short ARN", allow(star, `{"ArnLike":{"aws:SourceArn":"arn:aws:sns"}}`), true},
		{"a variable", allow(star, `{"StringEquals":{"aws:SourceAccount":"${aws:PrincipalAccount}"}}`), true},
		{"one value of two is not fixed", allow(star, `{"StringLike":{"aws:SourceVpce":["vpce-1","vpce-*"]}}`), true},
		{"an endpoint", allow(star, `{"StringEqualsIgnoreCase":{"aws:SourceVpce":"vpce-1"}}`), false},
		{"only if the key exists", allow(star, `{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`), true},
		{"all values, none too", allow(star, `{"ForAllValues:StringEquals":{"aws:SourceVpce":"vpce-1"}}`), true},
		{"any value", allow(star, `{"ForAnyValue:StringEquals":{"aws:SourceVpce":"vpce-1"}}`), false},
		{"all but a VPC", allow(star, `{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`), true},
		{"has a VPC", allow(star, `{"Null":{"aws:SourceVpc":"false"}}`), true},
		{"another key", allow(star, `{"StringEquals":{"aws:UserAgent":"x"}}`), true},
		{"a referer", allow(star, `{"StringEquals":{"aws:Referer":"https://example.com/"}}`), true},
		{"TLS", allow(star, `{"Bool":{"aws:SecureTransport":"true"}}`), true},
		{"another key and a VPC", allow(star, `{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:UserAgent":"x","aws:SourceVpc":"vpc-1"}}`), false},

		{"a network", allow(star, `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}`), false},
		{"a wide network", allow(star, `{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}`), true},
		{"any address", allow(star, `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`), true},
		{"just not too wide", allow(star, `{"IpAddress":{"aws:SourceIp":"11.0.0.0/8"}}`), false},
		{"just too wide", allow(star, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/7"}}`), true},
		{"just too wide, IPv6", allow(star, `{"IpAddress":{"aws:SourceIp":"2001:db8::/31"}}`), true},
		{"one of two too wide", allow(star, `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","::/0"]}}`), true},
		{"private", allow(star, `{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16"]}}`), false},
		{"all but a network", allow(star, `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), true},
		{"a network as a VPC", allow(star, `{"IpAddress":{"aws:SourceVpc":"203.0.113.0/24"}}`), true},
		{"a network as text", allow(star, `{"StringEquals":{"aws:SourceIp":"203.0.113.0/24"}}`), true},

		{"a user id", allow(star, `{"StringEquals":{"aws:userid":"AIDAJQABLZS4A3QDU576Q"}}`), false},
		{"the sessions of a role id", allow(star, `{"StringLike":{"aws:userid":"AROAJQABLZS4A3QDU576Q:*"}}`), true},
		{"a session of a role id", allow(star, `{"StringLike":{"aws:userid":"AROAJQABLZS4A3QDU576Q:s"}}`), true},
		{"the access points of an account", allow(star, `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:111111111111:accesspoint/*"}}`), false},
		{"any access points", allow(star, `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:*:accesspoint/*"}}`), true},
		{"an access point account", allow(star, `{"StringEquals":{"s3:DataAccessPointAccount":"111111111111"}}`), false},
	} {
		p := compile(t, Resource, doc(tc.text))
		if got := p.Document().IsPublic(); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
		if p.more.public != tc.want {
			t.Errorf("%s: compiled as %v", tc.name, p.more.public)
		}
	}
}

func TestPublicAccessBlockOr(t *testing.T) {
	a := PublicAccessBlock{BlockPublicAcls: true, RestrictPublicBuckets: true}
	b := PublicAccessBlock{IgnorePublicAcls: true}
	if got, want := a.Or(b), (PublicAccessBlock{true, true, false, true}); got != want {
		t.Errorf("%+v", got)
	}
	if got := b.Or(PublicAccessBlock{BlockPublicPolicy: true}); got != (PublicAccessBlock{false, true, true, false}) {
		t.Errorf("%+v", got)
	}
}
