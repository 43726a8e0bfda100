package reference

import (
	"regexp"
	"slices"
	"strings"

	"github.com/warder-iam/warder/policy"
)

// What the S3 User Guide says of ACLs, owners and Block Public Access.

// permitted says which ACL permissions stand for an action, on the bucket's
// list and on the object's, in lower case.
var permitted = map[string]struct{ bucket, object policy.ACLPermission }{
	"s3:listbucket":                 {bucket: policy.ACLRead},
	"s3:listbucketversions":         {bucket: policy.ACLRead},
	"s3:listbucketmultipartuploads": {bucket: policy.ACLRead},
	"s3:getbucketacl":               {bucket: policy.ACLReadACP},
	"s3:putbucketacl":               {bucket: policy.ACLWriteACP},
	"s3:putobject":                  {bucket: policy.ACLWrite},
	"s3:deleteobject":               {bucket: policy.ACLWrite},
	"s3:deleteobjectversion":        {bucket: policy.ACLWrite},
	"s3:getobject":                  {object: policy.ACLRead},
	"s3:getobjectversion":           {object: policy.ACLRead},
	"s3:getobjectacl":               {object: policy.ACLReadACP},
	"s3:getobjectversionacl":        {object: policy.ACLReadACP},
	"s3:putobjectacl":               {object: policy.ACLWriteACP},
	"s3:putobjectversionacl":        {object: policy.ACLWriteACP},
}

// bucketOwners are the actions on any object that its bucket's owner allows.
var bucketOwners = regexp.MustCompile(`^s3:(listbucket.*|.*bucketacl|putobject|deleteobject|deleteobjectversion|abortmultipartupload|listmultipartuploadparts|restoreobject|(get|put|delete)objecttagging)$`)

var (
	bucketARN = regexp.MustCompile(`^arn:[^:]*:s3:::[^/]*$`)
	objectARN = regexp.MustCompile(`^arn:[^:]*:s3:::[^/]+/`)
)

func (c *Case) bucketOwner() string {
	if c.Account == "" && c.Resource == "*" {
		return c.Principal.Account
	}
	return c.Account
}

// owner is the account whose the resource is: the bucket's or the object's.
func (c *Case) owner() string {
	if c.S3 == nil || c.S3.Object == nil || c.Account != "" && c.S3.Object.Account == c.Account || bucketOwners.MatchString(strings.ToLower(c.Action)) {
		return c.bucketOwner()
	}
	if !objectARN.MatchString(c.Resource) || c.S3.Object.Account == "" {
		return "nobody"
	}
	return c.S3.Object.Account
}

// byACL says whether a list grants in a way.
func (c *Case) byACL(how string) bool {
	if c.S3 == nil {
		return false
	}
	action := strings.ToLower(c.Action)
	list, needs := c.S3.Bucket, permitted[action].bucket
	if permitted[action].object != 0 {
		list, needs = c.S3.Object, permitted[action].object
	}
	onObject := strings.Contains(action, "object")
	switch {
	case list == nil || needs == 0:
		return false
	case onObject && !objectARN.MatchString(c.Resource), !onObject && !bucketARN.MatchString(c.Resource):
		return false
	case c.S3.PublicAccess.IgnorePublicAcls && slices.ContainsFunc(list.Grants, func(g policy.ACLGrant) bool {
		return strings.HasPrefix(g.Grantee, "http://acs.amazonaws.com/groups/global/")
	}):
		return false
	}
	ownsBucket := c.S3.Bucket != nil && c.member(c.S3.Bucket.Owner) == "account"
	ownsObject := c.S3.Object != nil && c.member(c.S3.Object.Owner) == "account"
	switch {
	case action == "s3:putobject" && c.S3.Object != nil && !ownsObject && !ownsBucket,
		action == "s3:deleteobject" && !ownsObject && !ownsBucket,
		action == "s3:deleteobjectversion" && !ownsBucket:
		return false
	}
	return slices.ContainsFunc(list.Grants, func(g policy.ACLGrant) bool {
		return (g.Permission == needs || g.Permission == policy.ACLFullControl) && c.member(g.Grantee) == how
	})
}

// member says how the requester is one of a grantee.
func (c *Case) member(grantee string) string {
	p := c.Principal
	account := !slices.Contains([]policy.PrincipalKind{policy.Anonymous, policy.Service, policy.WebIdentity, policy.SAML}, p.Kind)
	switch {
	case grantee == policy.AllUsers && account:
		return "identity"
	case grantee == policy.AllUsers && (p.Kind == policy.Anonymous || p.Kind == policy.Service):
		return "self"
	case grantee == policy.LogDelivery && p.Kind == policy.Service && p.Service == "logging.s3.amazonaws.com":
		return "self"
	case account && (grantee == policy.AuthenticatedUsers || grantee != "" && grantee == p.CanonicalUser):
		return "account"
	}
	return ""
}

// restricted says whether RestrictPublicBuckets keeps the requester out.
func (c *Case) restricted() bool {
	if c.S3 == nil || !c.S3.PublicAccess.RestrictPublicBuckets || c.Resources == "" || c.ResourceKind != policy.Resource {
		return false
	}
	own := (&evaluator{Case: c}).ofAccount() && c.bucketOwner() != "" && c.bucketOwner() == c.Principal.Account
	return c.Principal.Kind != policy.Service && !own && public(read(c.Resources))
}

// fixed are the keys, of those that generated policies use, that a value
// without wildcard or variable binds to.
var fixed = []string{"aws:sourcevpc", "aws:principalaccount"}

func public(d document) bool {
	return slices.ContainsFunc(d.Statements, func(st statement) bool {
		if st.Effect == "Deny" {
			return false
		}
		open := st.Principal == nil
		if st.Principal != nil {
			for typ, names := range *st.Principal {
				open = open || typ == "Federated" || slices.Contains(names, "*")
			}
		}
		for op, keys := range st.Condition {
			positive := (strings.Contains(op, "String") || strings.Contains(op, "Arn")) && !strings.Contains(op, "Not") && !strings.Contains(op, "ForAllValues") && !strings.Contains(op, "IfExists")
			for key, values := range keys {
				wide := slices.ContainsFunc(values, func(v string) bool {
					return v == "" || strings.Contains(op, "Arn") && strings.Count(v, ":") < 5 || strings.ContainsAny(v, "*?") || strings.Contains(v, "${")
				})
				open = open && !(positive && !wide && slices.Contains(fixed, strings.ToLower(key)))
			}
		}
		return open
	})
}
