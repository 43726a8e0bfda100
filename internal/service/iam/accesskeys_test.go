package iam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

const notAsNonUser = "Must specify userName when calling with non-User credentials"

func makeUser(t testing.TB, client *iam.Client, name string) {
	t.Helper()
	must(t, errOf(client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})))
}

func makeKey(t testing.TB, client *iam.Client, name *string) *types.AccessKey {
	t.Helper()
	out, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	must(t, err)
	return out.AccessKey
}

func listKeys(t testing.TB, client *iam.Client, name *string) []types.AccessKeyMetadata {
	t.Helper()
	out, err := client.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: name})
	must(t, err)
	if out.IsTruncated {
		t.Error("the list of access keys is truncated")
	}
	return out.AccessKeyMetadata
}

func TestAccessKeyLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	same(t, "no keys", listKeys(t, client, aws.String("Bob")), []types.AccessKeyMetadata{})

	k := makeKey(t, client, aws.String("BOB"))
	if !strings.HasPrefix(*k.AccessKeyId, "AKIA") || len(*k.AccessKeyId) != 20 || len(*k.SecretAccessKey) != 40 || k.CreateDate == nil {
		t.Errorf("made %s", dump(k))
	}
	same(t, "CreateAccessKey", k, &types.AccessKey{
		UserName: aws.String("Bob"), AccessKeyId: k.AccessKeyId, SecretAccessKey: k.SecretAccessKey, Status: types.StatusTypeActive, CreateDate: k.CreateDate,
	})
	info, err := s.STS(s.Admin).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: k.AccessKeyId})
	must(t, err)
	same(t, "GetAccessKeyInfo", *info.Account, wardertest.Account)
	want := types.AccessKeyMetadata{UserName: aws.String("Bob"), AccessKeyId: k.AccessKeyId, Status: types.StatusTypeActive, CreateDate: k.CreateDate}
	same(t, "ListAccessKeys", listKeys(t, client, aws.String("bob")), []types.AccessKeyMetadata{want})

	// The key works, until it is made inactive, and again once it is active.
	bob := s.STS(wardertest.KeyCredentials(k))
	call := func() error { return errOf(bob.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})) }
	set := func(status types.StatusType) {
		must(t, errOf(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: k.AccessKeyId, Status: status})))
		same(t, "status", listKeys(t, client, aws.String("Bob"))[0].Status, status)
	}
	must(t, call())
	set(types.StatusTypeInactive)
	wardertest.WantCode(t, call(), "InvalidClientTokenId")
	set(types.StatusTypeActive)
	must(t, call())
	must(t, errOf(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: k.AccessKeyId})))
	wardertest.WantCode(t, call(), "InvalidClientTokenId")
	same(t, "no keys", listKeys(t, client, aws.String("Bob")), []types.AccessKeyMetadata{})
}

// Users and root users work on their own keys without naming themselves.
func TestOwnAccessKeys(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	_, _, root := s.NewAccount()
	bob := s.User(s.Admin, "Bob", allow("iam:*AccessKey*", accountARN+"user/${aws:username}", ""))
	for _, tt := range []struct {
		name     string
		by       wardertest.Credentials
		userName *string
	}{{"user", bob, aws.String("Bob")}, {"root", root, nil}} {
		t.Run(tt.name, func(t *testing.T) {
			client := s.IAM(tt.by)
			k := makeKey(t, client, nil)
			same(t, "UserName", k.UserName, tt.userName)
			keys := listKeys(t, client, nil)
			if len(keys) != 2 {
				t.Fatalf("%d keys, want 2", len(keys))
			}
			for _, key := range keys {
				same(t, "UserName", key.UserName, tt.userName)
			}
			_, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{})
			wantError(t, err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")

			use, err := client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
			must(t, err)
			same(t, "unused", use.AccessKeyLastUsed, &types.AccessKeyLastUsed{ServiceName: aws.String("N/A"), Region: aws.String("N/A")})
			same(t, "UserName", use.UserName, tt.userName)
			must(t, errOf(s.STS(wardertest.KeyCredentials(k)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
			use, err = client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
			must(t, err)
			date := use.AccessKeyLastUsed.LastUsedDate
			if date == nil || time.Since(*date) > time.Hour {
				t.Errorf("used at %v", date)
			}
			same(t, "used", use.AccessKeyLastUsed, &types.AccessKeyLastUsed{LastUsedDate: date, ServiceName: aws.String("sts"), Region: aws.String("us-east-1")})

			must(t, errOf(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{AccessKeyId: k.AccessKeyId, Status: types.StatusTypeInactive})))
			must(t, errOf(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: k.AccessKeyId})))
		})
	}
}

func TestListAccessKeysPages(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	makeUser(t, client, "Bob")
	want := map[string]bool{*makeKey(t, client, aws.String("Bob")).AccessKeyId: true, *makeKey(t, client, aws.String("Bob")).AccessKeyId: true}
	pages := iam.NewListAccessKeysPaginator(client, &iam.ListAccessKeysInput{UserName: aws.String("Bob"), MaxItems: aws.Int32(1)})
	for n := 1; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		if len(page.AccessKeyMetadata) != 1 || !want[*page.AccessKeyMetadata[0].AccessKeyId] || page.IsTruncated != (n == 1) {
			t.Fatalf("page %d: %s", n, dump(page))
		}
		delete(want, *page.AccessKeyMetadata[0].AccessKeyId)
	}
	if len(want) > 0 {
		t.Errorf("left out: %v", want)
	}
}

func TestAccessKeyRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	eves := makeKey(t, client, aws.String("Eve")).AccessKeyId
	_, _, root := s.NewAccount()
	foreign := aws.String(root.AccessKeyID)
	adminARN := accountARN + "user/administrator"

	// A role's session has no keys of its own: it must say whose.
	role := makeRole(t, client, "Keys")
	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("Keys"), PolicyName: aws.String("all"), PolicyDocument: aws.String(allow("*", "*", ""))})))
	session, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	must(t, err)
	asRole := s.IAM(wardertest.SessionCredentials(session.Credentials))

	notFound := func(id *string) string { return "The Access Key with id " + *id + " cannot be found." }
	for _, tt := range []struct {
		name, code, message string
		err                 error
	}{
		{"create for nobody", "NoSuchEntity", "The user with name Nobody cannot be found.",
			errOf(client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("Nobody")}))},
		{"list of nobody", "NoSuchEntity", "The user with name Nobody cannot be found.",
			errOf(client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("Nobody")}))},
		{"update of another user", "NoSuchEntity", notFound(eves),
			errOf(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: eves, Status: types.StatusTypeInactive}))},
		{"delete of another user", "NoSuchEntity", notFound(eves),
			errOf(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: eves}))},
		{"delete of another user, as one's own", "NoSuchEntity", notFound(eves),
			errOf(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: eves}))},
		{"delete of another account", "NoSuchEntity", notFound(foreign),
			errOf(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: foreign}))},
		{"expired", "ValidationError", "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
			errOf(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("Eve"), AccessKeyId: eves, Status: "Expired"}))},
		{"last used of nobody", "AccessDenied", "User: " + adminARN + " is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE",
			errOf(client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")}))},
		{"last used of another account", "AccessDenied", "User: " + adminARN + " is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key " + *foreign,
			errOf(client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: foreign}))},
		{"create as a role", "ValidationError", notAsNonUser, errOf(asRole.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{}))},
		{"list as a role", "ValidationError", notAsNonUser, errOf(asRole.ListAccessKeys(ctx, &iam.ListAccessKeysInput{}))},
		{"update as a role", "ValidationError", notAsNonUser, errOf(asRole.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{AccessKeyId: eves, Status: types.StatusTypeActive}))},
		{"delete as a role", "ValidationError", notAsNonUser, errOf(asRole.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: eves}))},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
	if keys := listKeys(t, client, aws.String("Eve")); len(keys) != 1 || keys[0].Status != types.StatusTypeActive {
		t.Errorf("after all refusals Eve has %s", dump(keys))
	}
}

// Each operation needs its own action on the user that the key belongs to, and
// nothing of it reaches another user or the root user.
func TestAccessKeyAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{
		UserName: aws.String("Bob"), Path: aws.String("/team/"), Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("A")}},
	})))
	bobARN := accountARN + "user/team/Bob"
	for _, op := range []struct {
		action string
		call   func(c *iam.Client, user, key *string) error
	}{
		{"CreateAccessKey", func(c *iam.Client, user, _ *string) error {
			return errOf(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user}))
		}},
		{"ListAccessKeys", func(c *iam.Client, user, _ *string) error {
			return errOf(c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user}))
		}},
		{"UpdateAccessKey", func(c *iam.Client, user, key *string) error {
			return errOf(c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: user, AccessKeyId: key, Status: types.StatusTypeInactive}))
		}},
		{"GetAccessKeyLastUsed", func(c *iam.Client, _, key *string) error {
			return errOf(c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: key}))
		}},
		{"DeleteAccessKey", func(c *iam.Client, user, key *string) error {
			return errOf(c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: key}))
		}},
	} {
		t.Run(op.action, func(t *testing.T) {
			for i, tt := range []struct {
				policy string
				ok     bool
			}{
				{"", false},
				{allow("iam:"+op.action, accountARN+"user/Bob", ""), false}, // the path is part of the name
				{allow("iam:"+op.action, accountARN+"user/other/*", ""), false},
				{allow("iam:Get*User*", "*", ""), false},
				{allow("iam:"+op.action, bobARN, `{"StringEquals":{"aws:ResourceTag/Team":"B"}}`), false},
				{allow("iam:"+op.action, bobARN, `{"StringEquals":{"aws:ResourceTag/Team":"A"}}`), true},
				{allow("iam:"+op.action, bobARN, ""), true},
			} {
				k := makeKey(t, admin, aws.String("Bob"))
				name := op.action + string(rune('a'+i))
				err := op.call(s.IAM(s.User(s.Admin, name, tt.policy)), aws.String("Bob"), k.AccessKeyId)
				if tt.ok {
					wardertest.WantCode(t, err, "")
				} else {
					wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+name+" is not authorized to perform: iam:"+op.action+" on resource: "+bobARN+" because no identity-based policy allows the iam:"+op.action+" action")
				}
				for _, key := range listKeys(t, admin, aws.String("Bob")) {
					must(t, errOf(admin.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: key.AccessKeyId})))
				}
			}
		})
	}
}

// An administrator's permissions do not reach the keys of the root user: it has
// no name to ask for.
func TestNobodyMakesKeysForRoot(t *testing.T) {
	s := wardertest.Start(t)
	account, admin, root := s.NewAccount()
	client, ctx := s.IAM(admin), t.Context()
	for _, name := range []string{account, "root", "warder", ""} {
		_, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
		if err == nil {
			t.Errorf("a key was made for %q", name)
		}
		_, err = client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &name, AccessKeyId: &root.AccessKeyID})
		if err == nil {
			t.Errorf("a key of %q was deleted", name)
		}
	}
	if keys := listKeys(t, s.IAM(root), nil); len(keys) != 1 {
		t.Errorf("the root user has %d keys, want 1", len(keys))
	}
}
