package policy

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	acctC   = "333333333333"
	idA     = "aaaa"
	idB     = "bbbb"
	idC     = "cccc"
	bucketB = "arn:aws:s3:::bucket-b"
	objectB = bucketB + "/dir/key"
	logging = "logging.s3.amazonaws.com"
)

// acl makes a list; pairs of grantee and permission.
func acl(owner, account string, pairs ...any) *ACL {
	a := &ACL{Owner: owner, Account: account}
	for i := 0; i < len(pairs); i += 2 {
		a.Grants = append(a.Grants, ACLGrant{pairs[i].(string), pairs[i+1].(ACLPermission)})
	}
	return a
}

func withCanonical(p *Principal, id string) *Principal {
	q := *p
	q.CanonicalUser = id
	return &q
}

// TestACL has requests on bucket-b, which account B owns.
func TestACL(t *testing.T) {
	ann := withCanonical(alice, idA)
	ben := withCanonical(user(acctB, "ben"), idB)
	cat := withCanonical(user(acctC, "cat"), idC)
	rootA := withCanonical(root, idA)
	fedA := withCanonical(fed, idA)
	annRole := withCanonical(session, idA)
	logger := &Principal{Kind: Service, Service: logging}
	all := layersText{identity: allowAll}
	none := layersText{}
	own := func(pairs ...any) *ACL { return acl(idB, acctB, append([]any{idB, ACLFullControl}, pairs...)...) }
	foreign := func(pairs ...any) *ACL { return acl(idC, acctC, append([]any{idC, ACLFullControl}, pairs...)...) }
	everyone := `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`
	for _, tc := range []struct {
		name     string
		who      *Principal
		action   string
		resource string
		layers   layersText
		s3       S3
		reason   Reason
		layer    Layer
	}{
		// What each permission maps to.
		{"READ lists a bucket", ann, "s3:ListBucket", bucketB, all, S3{Bucket: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"READ lists versions", ann, "S3:listbucketVERSIONS", bucketB, all, S3{Bucket: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"READ lists uploads", ann, "s3:ListBucketMultipartUploads", bucketB, all, S3{Bucket: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"READ on the bucket reads no object", ann, "s3:GetObject", objectB, all, S3{Bucket: own(idA, ACLRead), Object: own()}, ImplicitDeny, LayerResource},
		{"READ on the bucket reads no ACL", ann, "s3:GetBucketAcl", bucketB, all, S3{Bucket: own(idA, ACLRead)}, ImplicitDeny, LayerResource},
		{"READ on the bucket is not its policy", ann, "s3:GetBucketPolicy", bucketB, all, S3{Bucket: own(idA, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"READ_ACP reads the bucket's ACL", ann, "s3:GetBucketAcl", bucketB, all, S3{Bucket: own(idA, ACLReadACP)}, Allowed, LayerIdentity},
		{"READ_ACP does not write it", ann, "s3:PutBucketAcl", bucketB, all, S3{Bucket: own(idA, ACLReadACP)}, ImplicitDeny, LayerResource},
		{"WRITE_ACP writes the bucket's ACL", ann, "s3:PutBucketAcl", bucketB, all, S3{Bucket: own(idA, ACLWriteACP)}, Allowed, LayerIdentity},
		{"FULL_CONTROL on the bucket", ann, "s3:PutBucketAcl", bucketB, all, S3{Bucket: own(idA, ACLFullControl)}, Allowed, LayerIdentity},
		{"FULL_CONTROL does not delete the bucket", ann, "s3:DeleteBucket", bucketB, all, S3{Bucket: own(idA, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"READ on the object", ann, "s3:GetObject", objectB, all, S3{Object: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"READ on a version", ann, "s3:GetObjectVersion", objectB, all, S3{Object: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"READ on the object does not write it", ann, "s3:PutObject", objectB, all, S3{Object: own(idA, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"READ on the object does not tag it", ann, "s3:PutObjectTagging", objectB, all, S3{Object: own(idA, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"READ_ACP on the object", ann, "s3:GetObjectAcl", objectB, all, S3{Object: own(idA, ACLReadACP)}, Allowed, LayerIdentity},
		{"READ_ACP on a version", ann, "s3:GetObjectVersionAcl", objectB, all, S3{Object: own(idA, ACLReadACP)}, Allowed, LayerIdentity},
		{"READ_ACP does not read the object", ann, "s3:GetObject", objectB, all, S3{Object: own(idA, ACLReadACP)}, ImplicitDeny, LayerResource},
		{"WRITE_ACP on the object", ann, "s3:PutObjectAcl", objectB, all, S3{Object: own(idA, ACLWriteACP)}, Allowed, LayerIdentity},
		{"WRITE_ACP on a version", ann, "s3:PutObjectVersionAcl", objectB, all, S3{Object: own(idA, ACLWriteACP)}, Allowed, LayerIdentity},
		{"no such permission", ann, "s3:GetObject", objectB, all, S3{Object: own(idA, ACLPermission(0), idA, ACLPermission(99))}, ImplicitDeny, LayerResource},
		{"an object's list is none of the bucket", ann, "s3:ListBucket", bucketB, all, S3{Object: own(idA, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"a bucket action on an object", ann, "s3:ListBucket", objectB, all, S3{Bucket: own(idA, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"an access point has no ACL", ann, "s3:GetObject", "arn:aws:s3:eu-west-1:" + acctB + ":accesspoint/p/object/k", all, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerResource},
		{"another service", ann, "sqs:GetObject", objectB, all, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerResource},

		// WRITE makes new objects; what is there is for owners.
		{"WRITE puts a new object", ann, "s3:PutObject", objectB, all, S3{Bucket: own(idA, ACLWrite)}, Allowed, LayerIdentity},
		{"WRITE does not overwrite the bucket owner's", ann, "s3:PutObject", objectB, all, S3{Bucket: own(idA, ACLWrite), Object: own()}, ImplicitDeny, LayerResource},
		{"WRITE does not overwrite another's", ann, "s3:PutObject", objectB, all, S3{Bucket: own(idA, ACLWrite), Object: foreign()}, ImplicitDeny, LayerResource},
		{"WRITE overwrites one's own", cat, "s3:PutObject", objectB, all, S3{Bucket: own(idC, ACLWrite), Object: foreign()}, Allowed, LayerIdentity},
		{"owning the object does not overwrite it", cat, "s3:PutObject", objectB, all, S3{Bucket: own(), Object: foreign()}, ImplicitDeny, LayerResource},
		{"WRITE deletes one's own", cat, "s3:DeleteObject", objectB, all, S3{Bucket: own(idC, ACLWrite), Object: foreign()}, Allowed, LayerIdentity},
		{"WRITE does not delete another's", ann, "s3:DeleteObject", objectB, all, S3{Bucket: own(idA, ACLWrite), Object: foreign()}, ImplicitDeny, LayerResource},
		{"WRITE does not delete what is not there", ann, "s3:DeleteObject", objectB, all, S3{Bucket: own(idA, ACLWrite)}, ImplicitDeny, LayerResource},
		{"WRITE does not delete a version", cat, "s3:DeleteObjectVersion", objectB, all, S3{Bucket: own(idC, ACLWrite), Object: foreign()}, ImplicitDeny, LayerResource},
		{"anyone puts into a bucket open to all", anyone, "s3:PutObject", objectB, none, S3{Bucket: own(AllUsers, ACLWrite)}, Allowed, LayerResource},
		{"anyone overwrites nothing", anyone, "s3:PutObject", objectB, none, S3{Bucket: own(AllUsers, ACLFullControl), Object: own()}, ImplicitDeny, LayerResource},
		{"anyone deletes nothing", anyone, "s3:DeleteObject", objectB, none, S3{Bucket: own(AllUsers, ACLFullControl), Object: own()}, ImplicitDeny, LayerResource},

		// Who is named.
		{"an account is granted, its user is not allowed", ann, "s3:GetObject", objectB, none, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerIdentity},
		{"an account is granted, its root is", rootA, "s3:GetObject", objectB, none, S3{Object: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"an account is granted, its user is bounded", ann, "s3:GetObject", objectB, layersText{identity: allowAll, boundary: allowPut}, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerBoundary},
		{"an account is granted, its role session", annRole, "s3:GetObject", objectB, layersText{identity: allowAll, session: allowGet}, S3{Object: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"an account is granted, its role session is limited", annRole, "s3:GetObject", objectB, layersText{identity: allowAll, session: allowPut}, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerSession},
		{"an account is granted, its federated user", fedA, "s3:GetObject", objectB, layersText{identity: allowAll, session: allowGet}, S3{Object: own(idA, ACLRead)}, Allowed, LayerIdentity},
		{"another account is granted", ann, "s3:GetObject", objectB, all, S3{Object: own(idC, ACLRead)}, ImplicitDeny, LayerResource},
		{"an account whose canonical id is not known", alice, "s3:GetObject", objectB, all, S3{Object: own("", ACLRead)}, ImplicitDeny, LayerResource},
		{"the owner's account is granted, its user is not allowed", ben, "s3:GetObject", objectB, none, S3{Object: own()}, ImplicitDeny, LayerIdentity},
		{"the owner's user needs no ACL", ben, "s3:GetObject", objectB, all, S3{Object: acl(idB, acctB)}, Allowed, LayerIdentity},
		{"AllUsers, anonymous", anyone, "s3:GetObject", objectB, none, S3{Object: own(AllUsers, ACLRead)}, Allowed, LayerResource},
		{"AllUsers, a service", ec2, "s3:GetObject", objectB, none, S3{Object: own(AllUsers, ACLRead)}, Allowed, LayerResource},
		{"AllUsers, a user of the account", ben, "s3:GetObject", objectB, none, S3{Object: own(AllUsers, ACLRead)}, Allowed, LayerResource},
		{"AllUsers, a user of the account, bounded", ben, "s3:GetObject", objectB, layersText{boundary: allowPut}, S3{Object: own(AllUsers, ACLRead)}, ImplicitDeny, LayerBoundary},
		{"AllUsers, a user of another account without policy", ann, "s3:GetObject", objectB, none, S3{Object: own(AllUsers, ACLRead)}, ImplicitDeny, LayerIdentity},
		{"AllUsers, a user of another account", ann, "s3:GetObject", objectB, all, S3{Object: own(AllUsers, ACLRead)}, Allowed, LayerIdentity},
		{"AuthenticatedUsers, anonymous", anyone, "s3:GetObject", objectB, none, S3{Object: own(AuthenticatedUsers, ACLRead)}, ImplicitDeny, LayerResource},
		{"AuthenticatedUsers, a user", ann, "s3:GetObject", objectB, all, S3{Object: own(AuthenticatedUsers, ACLRead)}, Allowed, LayerIdentity},
		{"AuthenticatedUsers, a user without policy", ann, "s3:GetObject", objectB, none, S3{Object: own(AuthenticatedUsers, ACLRead)}, ImplicitDeny, LayerIdentity},
		{"AuthenticatedUsers, a user of the account without policy", ben, "s3:GetObject", objectB, none, S3{Object: own(AuthenticatedUsers, ACLRead)}, ImplicitDeny, LayerIdentity},
		{"AuthenticatedUsers, a service", ec2, "s3:GetObject", objectB, none, S3{Object: own(AuthenticatedUsers, ACLRead)}, ImplicitDeny, LayerResource},
		{"LogDelivery", logger, "s3:PutObject", objectB, none, S3{Bucket: own(LogDelivery, ACLWrite)}, Allowed, LayerResource},
		{"LogDelivery, another service", ec2, "s3:PutObject", objectB, none, S3{Bucket: own(LogDelivery, ACLWrite)}, ImplicitDeny, LayerResource},
		{"LogDelivery, a user", ann, "s3:PutObject", objectB, all, S3{Bucket: own(LogDelivery, ACLWrite)}, ImplicitDeny, LayerResource},
		{"the closest of policy and ACL counts", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: everyone}, S3{Object: own()}, Allowed, LayerIdentity},

		// An explicit deny or a limit anywhere wins.
		{"denied by the bucket policy", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`}, S3{Object: own(idA, ACLFullControl)}, ExplicitDeny, LayerResource},
		{"anonymous, denied by the bucket policy", anyone, "s3:GetObject", objectB, layersText{resource: `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`}, S3{Object: own(AllUsers, ACLRead)}, ExplicitDeny, LayerResource},
		{"denied by the identity policy", ann, "s3:GetObject", objectB, layersText{identity: allowAll + "," + denyGet}, S3{Object: own(idA, ACLRead)}, ExplicitDeny, LayerIdentity},
		{"not allowed by an SCP", ann, "s3:GetObject", objectB, layersText{identity: allowAll, scps: []string{allowPut}}, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerSCP},
		{"not allowed by an RCP", anyone, "s3:GetObject", objectB, layersText{rcps: []string{"-"}}, S3{Object: own(AllUsers, ACLRead)}, ImplicitDeny, LayerRCP},
		{"not allowed by the endpoint", ann, "s3:GetObject", objectB, layersText{identity: allowAll, endpoint: resOthers}, S3{Object: own(idA, ACLRead)}, ImplicitDeny, LayerEndpoint},

		// An object of account C in the bucket of B.
		{"the bucket owner's root reads not", withCanonical(&Principal{Kind: Root, ARN: "arn:aws:iam::" + acctB + ":root", Account: acctB}, idB), "s3:GetObject", objectB, none, S3{Bucket: own(), Object: foreign()}, ImplicitDeny, LayerResource},
		{"the bucket owner reads not", ben, "s3:GetObject", objectB, all, S3{Bucket: own(), Object: foreign()}, ImplicitDeny, LayerResource},
		{"not by his policy either", ben, "s3:GetObject", objectB, layersText{identity: allowAll, resource: everyone}, S3{Bucket: own(), Object: foreign()}, ImplicitDeny, LayerResource},
		{"anonymous, by the bucket policy", anyone, "s3:GetObject", objectB, layersText{resource: everyone}, S3{Object: foreign()}, ImplicitDeny, LayerResource},
		{"the bucket owner is granted", ben, "s3:GetObject", objectB, all, S3{Object: foreign(idB, ACLFullControl)}, Allowed, LayerIdentity},
		{"the bucket owner is granted, his user is not allowed", ben, "s3:GetObject", objectB, none, S3{Object: foreign(idB, ACLFullControl)}, ImplicitDeny, LayerIdentity},
		{"a third account is granted", ann, "s3:GetObject", objectB, all, S3{Object: foreign(idA, ACLRead)}, Allowed, LayerIdentity},
		{"a third account is granted, the bucket policy denies", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: `{"Effect":"Deny","Principal":{"AWS":"` + acctA + `"},"Action":"s3:*","Resource":"*"}`}, S3{Object: foreign(idA, ACLRead)}, ExplicitDeny, LayerResource},
		{"the object's owner reads", cat, "s3:GetObject", objectB, all, S3{Object: foreign()}, Allowed, LayerIdentity},
		{"the object's owner is not allowed", cat, "s3:GetObject", objectB, none, S3{Object: foreign()}, ImplicitDeny, LayerIdentity},
		{"the object's owner, denied by the bucket policy", cat, "s3:GetObject", objectB, layersText{identity: allowAll, resource: `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`}, S3{Object: foreign()}, ExplicitDeny, LayerResource},
		{"the object's owner does not list the bucket", cat, "s3:ListBucket", bucketB, all, S3{Bucket: own(), Object: foreign()}, ImplicitDeny, LayerResource},
		{"nor read its policy", cat, "s3:GetBucketPolicy", bucketB, all, S3{Bucket: own(), Object: foreign()}, ImplicitDeny, LayerResource},
		{"the bucket owner deletes it", ben, "s3:DeleteObject", objectB, all, S3{Bucket: own(), Object: foreign()}, Allowed, LayerIdentity},
		{"the bucket owner archives it", ben, "s3:RestoreObject", objectB, all, S3{Object: foreign()}, Allowed, LayerIdentity},
		{"the bucket owner tags it", ben, "s3:PutObjectTagging", objectB, all, S3{Object: foreign()}, Allowed, LayerIdentity},
		{"the bucket owner does not see its attributes", ben, "s3:GetObjectAttributes", objectB, all, S3{Object: foreign(idB, ACLFullControl)}, ImplicitDeny, LayerResource},
		{"the object's owner is not known", ann, "s3:GetObject", objectB, all, S3{Object: acl("", "", idC, ACLRead)}, ImplicitDeny, LayerResource},

		// Block Public Access.
		{"IgnorePublicAcls, AllUsers", anyone, "s3:GetObject", objectB, none, S3{Object: own(AllUsers, ACLRead), PublicAccess: PublicAccessBlock{IgnorePublicAcls: true}}, ImplicitDeny, LayerResource},
		{"IgnorePublicAcls, AuthenticatedUsers", ann, "s3:GetObject", objectB, all, S3{Object: own(AuthenticatedUsers, ACLRead), PublicAccess: PublicAccessBlock{IgnorePublicAcls: true}}, ImplicitDeny, LayerResource},
		{"IgnorePublicAcls ignores the whole list", ann, "s3:GetObject", objectB, all, S3{Object: own(idA, ACLRead, AllUsers, ACLReadACP), PublicAccess: PublicAccessBlock{IgnorePublicAcls: true}}, ImplicitDeny, LayerResource},
		{"IgnorePublicAcls, no public ACL", ann, "s3:GetObject", objectB, all, S3{Object: own(idA, ACLRead), PublicAccess: PublicAccessBlock{IgnorePublicAcls: true}}, Allowed, LayerIdentity},
		{"IgnorePublicAcls leaves policies", anyone, "s3:GetObject", objectB, layersText{resource: everyone}, S3{Object: own(AllUsers, ACLRead), PublicAccess: PublicAccessBlock{IgnorePublicAcls: true}}, Allowed, LayerResource},
		{"the other settings do not matter to a decision", anyone, "s3:GetObject", objectB, layersText{resource: everyone}, S3{PublicAccess: PublicAccessBlock{BlockPublicAcls: true, BlockPublicPolicy: true}}, Allowed, LayerResource},
		{"RestrictPublicBuckets, anonymous", anyone, "s3:GetObject", objectB, layersText{resource: everyone}, S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, ExplicitDeny, LayerResource},
		{"RestrictPublicBuckets, another account", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: everyone}, S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, ExplicitDeny, LayerResource},
		{"RestrictPublicBuckets, another account that is named", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: everyone + `,{"Effect":"Allow","Principal":{"AWS":"` + acctA + `"},"Action":"s3:*","Resource":"*"}`}, S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, ExplicitDeny, LayerResource},
		{"RestrictPublicBuckets, another account with an ACL grant", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: everyone}, S3{Object: own(idA, ACLRead), PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, ExplicitDeny, LayerResource},
		{"RestrictPublicBuckets, the object's owner", cat, "s3:GetObject", objectB, layersText{identity: allowAll, resource: everyone}, S3{Object: foreign(), PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, ExplicitDeny, LayerResource},
		{"RestrictPublicBuckets, the bucket's account", ben, "s3:GetObject", objectB, layersText{resource: everyone}, S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, Allowed, LayerResource},
		{"RestrictPublicBuckets, a service", ec2, "s3:GetObject", objectB, layersText{resource: everyone}, S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, Allowed, LayerResource},
		{"RestrictPublicBuckets, the policy is not public", ann, "s3:GetObject", objectB, layersText{identity: allowAll, resource: `{"Effect":"Allow","Principal":{"AWS":"` + acctA + `"},"Action":"s3:*","Resource":"*"}`}, S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, Allowed, LayerIdentity},
		{"RestrictPublicBuckets leaves ACLs", anyone, "s3:GetObject", objectB, none, S3{Object: own(AllUsers, ACLRead), PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}, Allowed, LayerResource},
	} {
		l := tc.layers.build(t)
		l.S3 = &tc.s3
		req := &Request{Principal: tc.who, Action: tc.action, Resource: tc.resource, ResourceAccount: acctB}
		d := Evaluate(req, l)
		if d.Reason != tc.reason || d.Layer != tc.layer {
			t.Errorf("%s: %s by %s, want %s by %s", tc.name, d.Reason, d.Layer, tc.reason, tc.layer)
		}
		if n := testing.AllocsPerRun(10, func() { Evaluate(req, l) }); n > 0 {
			t.Errorf("%s: %v allocations", tc.name, n)
		}
		checkACLExplanation(t, tc.name, req, l, d)
	}
}

// checkACLExplanation is checkExplanation where a grant may be one of an ACL,
// and where there may be none that helps.
func checkACLExplanation(t *testing.T, name string, req *Request, l *Layers, d Decision) {
	t.Helper()
	e := Explain(req, l)
	if e.Decision != d.Reason.String() || e.Layer != d.Layer.String() {
		t.Errorf("%s: Explain says %s by %s", name, e.Decision, e.Layer)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	denied := false
	for _, layer := range e.Layers {
		denied = denied || layer.Result == ExplicitDeny.String()
	}
	if denied != (d.Reason == ExplicitDeny) {
		t.Errorf("%s: %s, but\n%s", name, d.Reason, e)
	}
	if len(e.Needed) == 0 {
		return
	}
	var rest []Grant
	s3 := *l.S3
	for _, g := range e.Needed {
		if g.ACL == nil {
			rest = append(rest, g)
			continue
		}
		s3.Object = &ACL{Owner: s3.Object.Owner, Account: s3.Object.Account, Grants: append([]ACLGrant{*g.ACL}, s3.Object.Grants...)}
	}
	granted := addGrants(t, l, rest)
	granted.S3 = &s3
	if !Evaluate(req, granted).Allowed() {
		t.Errorf("%s: not allowed with %+v", name, e.Needed)
	}
}

// TestExplainACL: the explanation tells of lists and settings, and AWS's
// sentences are those of resource-based policies
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html).
func TestExplainACL(t *testing.T) {
	ann := withCanonical(alice, idA)
	public := compile(t, Resource, doc(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`))
	identity := set(t, Identity, allowAll)
	req := &Request{Principal: ann, Action: get, Resource: objectB, ResourceAccount: acctB}
	for _, tc := range []struct {
		layers Layers
		want   []string
	}{
		{Layers{Identity: identity, S3: &S3{Object: acl(idB, acctB, idA, ACLRead)}}, []string{"resource-based policy: allowed", "matched: ACL grant of READ to " + idA}},
		{Layers{Identity: identity, S3: &S3{Object: acl(idB, acctB, AllUsers, ACLRead), PublicAccess: PublicAccessBlock{IgnorePublicAcls: true}}},
			[]string{"IgnorePublicAcls", " because no resource-based policy allows the s3:GetObject action"}},
		{Layers{Identity: identity, Resource: public, S3: &S3{PublicAccess: PublicAccessBlock{RestrictPublicBuckets: true}}},
			[]string{"RestrictPublicBuckets", " with an explicit deny in a resource-based policy", "resource-based policy: explicitDeny"}},
		{Layers{Identity: identity, Resource: public, S3: &S3{Object: acl(idC, acctC, idC, ACLFullControl)}},
			[]string{"resource-based policy: implicitDeny", "the object is owned by another account", "needed in the object's ACL: READ for " + idA}},
	} {
		e := Explain(req, &tc.layers)
		for _, want := range tc.want {
			if !strings.Contains(e.String(), want) {
				t.Errorf("no %q in\n%s", want, e)
			}
		}
		if strings.Contains(e.String(), "RestrictPublicBuckets") && len(e.Needed) > 0 {
			t.Errorf("nothing helps, but\n%s", e)
		}
	}
}

func TestACLPermissionNames(t *testing.T) {
	for p := ACLRead; p < aclPermissionEnd; p++ {
		if got, ok := ACLPermissionOf(p.String()); !ok || got != p {
			t.Errorf("%d is %q", p, p)
		}
	}
	if _, ok := ACLPermissionOf("none"); ok {
		t.Error("none is a permission")
	}
	if s := ACLPermission(99).String(); s != "none" {
		t.Error(s)
	}
}
