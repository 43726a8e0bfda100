package policy

import "strings"

// S3 is what Amazon S3 weighs on the resource's side besides the bucket
// policy: access control lists and Block Public Access. With it, the
// ResourceAccount of a Request is the owner of the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
type S3 struct {
	// Bucket is the list of the bucket. It is nil where ACLs are disabled by
	// Object Ownership "bucket owner enforced", and then Object is nil, too.
	Bucket *ACL
	// Object is the list of the object that the request is about, as it is
	// before the request. It must be given if ACLs are enabled and the object
	// exists: a list on the bucket that lets others write does not let them
	// overwrite.
	Object *ACL
	// PublicAccess are the settings that hold for the bucket, see
	// PublicAccessBlock.Or.
	PublicAccess PublicAccessBlock
}

// ACL is an access control list of a bucket or an object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
type ACL struct {
	Owner   string // the canonical user id of the owner
	Account string // the owner's account id
	Grants  []ACLGrant
}

// ACLGrant is one grant of an ACL.
type ACLGrant struct {
	// Grantee is a canonical user id, which stands for an account, or the URI
	// of a group.
	Grantee    string        `json:"grantee"`
	Permission ACLPermission `json:"permission"`
}

// The predefined groups of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups.
const (
	AllUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	AuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	LogDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// logDeliveryService is the only member of the group LogDelivery.
const logDeliveryService = "logging.s3.amazonaws.com"

// ACLPermission is what a grant permits. The zero permission permits nothing.
type ACLPermission uint8

// The permissions of an ACL.
const (
	ACLRead ACLPermission = iota + 1
	ACLWrite
	ACLReadACP
	ACLWriteACP
	ACLFullControl
	aclPermissionEnd
)

var aclPermissionNames = [aclPermissionEnd]string{"none", "READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"}

// String is the permission's name in S3's API.
func (p ACLPermission) String() string {
	if p < aclPermissionEnd {
		return aclPermissionNames[p]
	}
	return "none"
}

// MarshalText writes the name of the permission.
func (p ACLPermission) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ACLPermissionOf is the inverse of ACLPermission.String.
func ACLPermissionOf(name string) (ACLPermission, bool) {
	for p := ACLRead; p < aclPermissionEnd; p++ {
		if aclPermissionNames[p] == name {
			return p, true
		}
	}
	return 0, false
}

// IsPublic says whether the list grants anything to everyone or to every
// account, which BlockPublicAcls refuses and IgnorePublicAcls ignores.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#public-acls
func (a *ACL) IsPublic() bool {
	for i := range a.Grants {
		if g := a.Grants[i].Grantee; g == AllUsers || g == AuthenticatedUsers {
			return true
		}
	}
	return false
}

// aclAction is an action that an ACL can permit, or that is the bucket owner's
// to permit whoever owns the object.
type aclAction struct {
	name       string // in lower case
	on         aclTarget
	permission ACLPermission
	object     bool // its resource is an object
}

type aclTarget uint8

const (
	onBucket aclTarget = iota // decided by the bucket's owner
	onObject                  // decided by the object's owner
)

// aclActions is the mapping of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
// and, without permission, the actions on objects that the bucket's owner may
// do and allow by default according to the S3 API Reference.
var aclActions = [...]aclAction{
	{"s3:listbucket", onBucket, ACLRead, false},
	{"s3:listbucketversions", onBucket, ACLRead, false},
	{"s3:listbucketmultipartuploads", onBucket, ACLRead, false},
	{"s3:putobject", onBucket, ACLWrite, true},
	{"s3:deleteobject", onBucket, ACLWrite, true},
	{"s3:deleteobjectversion", onBucket, ACLWrite, true},
	{"s3:getbucketacl", onBucket, ACLReadACP, false},
	{"s3:putbucketacl", onBucket, ACLWriteACP, false},
	{"s3:getobject", onObject, ACLRead, true},
	{"s3:getobjectversion", onObject, ACLRead, true},
	{"s3:getobjectacl", onObject, ACLReadACP, true},
	{"s3:getobjectversionacl", onObject, ACLReadACP, true},
	{"s3:putobjectacl", onObject, ACLWriteACP, true},
	{"s3:putobjectversionacl", onObject, ACLWriteACP, true},

	{"s3:abortmultipartupload", onBucket, 0, true},
	{"s3:listmultipartuploadparts", onBucket, 0, true},
	{"s3:restoreobject", onBucket, 0, true},
	{"s3:getobjecttagging", onBucket, 0, true},
	{"s3:putobjecttagging", onBucket, 0, true},
	{"s3:deleteobjecttagging", onBucket, 0, true},
}

func aclActionOf(action string) *aclAction {
	for i := range aclActions {
		if a := &aclActions[i]; len(a.name) == len(action) && hasPrefixFold(action, a.name) {
			return a
		}
	}
	return nil
}

// own takes the owner of the object in place of the bucket's where it is his
// to decide. The bucket policy then cannot allow, but only deny.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html
func (s *S3) own(m *match) {
	m.acl = aclActionOf(m.req.Action)
	if s.Object == nil || s.Object.Account != "" && s.Object.Account == m.req.ResourceAccount {
		return
	}
	if m.acl != nil && m.acl.on == onBucket {
		return
	}
	m.foreign = true
	p := m.principal
	m.same = m.onObject() && p.Kind.hasAccount() && p.Account != "" && p.Account == s.Object.Account
}

// onObject says whether the resource is an object in a bucket. Access points
// have no ACLs and are not followed to their bucket.
func (m *match) onObject() bool {
	f, ok := m.resourceFields()
	return ok && f[2] == "s3" && f[3] == "" && f[4] == "" && strings.IndexByte(f[5], '/') > 0
}

// onBucket says whether the resource is a bucket.
func (m *match) onBucket() bool {
	f, ok := m.resourceFields()
	return ok && f[2] == "s3" && f[3] == "" && f[4] == "" && strings.IndexByte(f[5], '/') < 0
}

// list is the ACL that decides the request, nil if none does.
func (s *S3) list(m *match) *ACL {
	a := m.acl
	switch {
	case a == nil || a.permission == 0:
		return nil
	case a.object && !m.onObject() || !a.object && !m.onBucket():
		return nil
	case a.on == onObject:
		return s.Object
	}
	return s.Bucket
}

// grade says how closely the grants name the requester, as the Principal of
// an Allow statement would.
func (s *S3) grade(m *match) (best grade) {
	list := s.list(m)
	if list == nil || s.PublicAccess.IgnorePublicAcls && list.IsPublic() {
		return notNamed
	}
	for i := range list.Grants {
		if s.permits(m, list.Grants[i].Permission) {
			best = max(best, list.Grants[i].names(m.principal))
		}
	}
	return best
}

// permits says whether a permission suffices for the action. WRITE on a bucket
// lets only owners overwrite and delete what is there.
func (s *S3) permits(m *match, p ACLPermission) bool {
	if p != m.acl.permission && p != ACLFullControl {
		return false
	}
	switch m.acl.name {
	case "s3:putobject":
		return s.Object == nil || s.Object.ownedBy(m.principal) || s.Bucket.ownedBy(m.principal)
	case "s3:deleteobject":
		return s.Object.ownedBy(m.principal) || s.Bucket.ownedBy(m.principal)
	case "s3:deleteobjectversion":
		return s.Bucket.ownedBy(m.principal)
	}
	return true
}

func (a *ACL) ownedBy(p *Principal) bool {
	return a != nil && p.Kind.hasAccount() && p.CanonicalUser != "" && p.CanonicalUser == a.Owner
}

// names says how a grant names a requester. A canonical user is an account,
// and so is every member of AuthenticatedUsers, so that their identity
// policies must allow as well ("the grantee cannot be an IAM user"). AllUsers
// grants to a user of the resource's account by itself, but nothing names him,
// and AWS does not say that it reaches past a boundary or a session policy:
// they limit it.
func (g *ACLGrant) names(p *Principal) grade {
	switch g.Grantee {
	case AllUsers:
		switch {
		case p.Kind.hasAccount():
			return byIdentity
		case p.Kind == Anonymous || p.Kind == Service:
			return directly
		}
	case AuthenticatedUsers:
		if p.Kind.hasAccount() {
			return byAccount
		}
	case LogDelivery:
		if p.Kind == Service && p.Service == logDeliveryService {
			return directly
		}
	case "":
	default:
		if p.Kind.hasAccount() && p.CanonicalUser == g.Grantee {
			return byAccount
		}
	}
	return notNamed
}
