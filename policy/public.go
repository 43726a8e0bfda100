package policy

import (
	"strings"

	"github.com/warder-iam/warder/arn"
)

// PublicAccessBlock are the settings of S3 Block Public Access. Evaluate looks
// at IgnorePublicAcls and RestrictPublicBuckets. The others are for the
// service that stores lists and policies: BlockPublicAcls refuses those whose
// ACL.IsPublic, BlockPublicPolicy those whose Document.IsPublic.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type PublicAccessBlock struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// Or combines the settings of bucket, account and access point: the most
// restrictive hold.
func (b PublicAccessBlock) Or(c PublicAccessBlock) PublicAccessBlock {
	return PublicAccessBlock{
		b.BlockPublicAcls || c.BlockPublicAcls, b.IgnorePublicAcls || c.IgnorePublicAcls,
		b.BlockPublicPolicy || c.BlockPublicPolicy, b.RestrictPublicBuckets || c.RestrictPublicBuckets,
	}
}

// restricted says whether RestrictPublicBuckets refuses the requester: a
// bucket with a public policy is for services and its owner's account only,
// whatever else grants. AWS calls it an explicit deny
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html).
func (l *Layers) restricted(m *match) bool {
	return l.S3 != nil && l.S3.PublicAccess.RestrictPublicBuckets && l.Resource != nil && l.Resource.more.public &&
		m.principal.Kind != Service && !m.req.sameAccount()
}

// IsPublic says whether a bucket policy is public in the sense of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status:
// one of its statements allows someone other than fixed principals and is not
// bound to fixed values of one of the condition keys listed there. In doubt a
// policy is public. The rules of access points, which differ, are not here.
func (d *Document) IsPublic() bool {
	for i := range d.Statements {
		if st := &d.Statements[i]; st.Effect == Allow && !st.fixedPrincipals() && !st.fixedConditions() {
			return true
		}
	}
	return false
}

// fixedPrincipals: accounts, users, roles, sessions and services are fixed.
// Federated principals are not, as AWS's first example of a public policy shows.
func (st *Statement) fixedPrincipals() bool {
	if st.NotPrincipal || len(st.Principals) == 0 {
		return false
	}
	for _, p := range st.Principals {
		switch p.Type {
		case AWSPrincipal:
			if p.Value == "*" {
				return false
			}
		case ServicePrincipal, CanonicalUserPrincipal:
		case FederatedPrincipal, EveryonePrincipal:
			return false
		}
	}
	return true
}

func (st *Statement) fixedConditions() bool {
	for i := range st.Conditions {
		if st.Conditions[i].fixed() {
			return true
		}
	}
	return false
}

// fixed says whether the condition lets nothing pass but fixed values of a
// key. Operators that hold on a missing key do not bind to anything.
func (c *Condition) fixed() bool {
	if c.Operator.IfExists || c.Operator.Quantifier == ForAllValues || c.Operator.negated() {
		return false
	}
	wants := typeString
	var ok func(string) bool
	switch strings.ToLower(c.Key.Value) {
	case "aws:sourceip":
		wants, ok = typeAddress, narrow
	case "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "s3:dataaccesspointaccount",
		"aws:principalorgid", "aws:principalaccount", "aws:principalarn":
		ok = fixedText
	case "aws:userid":
		ok = func(s string) bool { return fixedText(s) && !strings.Contains(s, ":") }
	case "s3:dataaccesspointarn":
		ok = fixedAccessPoint
	default:
		return false
	}
	switch typ := c.Operator.typ(); {
	case typ == wants, wants == typeString && (typ == typePattern || typ == typeARN):
	default:
		return false
	}
	for _, v := range c.Values {
		// An ARN with fewer than six fields leaves the rest open.
		if !ok(v.Value) || c.Operator.typ() == typeARN && strings.Count(v.Value, ":") < 5 {
			return false
		}
	}
	return true
}

// fixedText: without wildcard and without policy variable, even where the
// operator would take them as text.
func fixedText(s string) bool {
	return s != "" && !strings.ContainsAny(s, "*?") && !strings.Contains(s, "${")
}

// fixedAccessPoint: any access point of a fixed account.
func fixedAccessPoint(s string) bool {
	f := splitPattern(s)
	return f[0] == "arn" && f[2] == "s3" && arn.IsAccountID(f[4])
}

// narrow: blocks wider than /8 (IPv6: /32) are as good as everyone. The
// private ranges that AWS excepts are no wider.
func narrow(s string) bool {
	p, ok := parsePrefix(s)
	return ok && (p.Addr().Is4() && p.Bits() >= 8 || p.Addr().Is6() && p.Bits() >= 32)
}
