package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// A permission is an operation and what it takes to be allowed it: its action on
// one resource, with values of the condition keys that it has. Only exactly
// these may do; each part of them matters.
type permission struct {
	action, resource string
	right, wrong     string // Condition elements: one that holds, one that does not; "" for an operation without keys
	also             string // a further statement that is needed, such as for iam:PassRole
	prepare          func(*testing.T, *iam.Client)
	call             func(*iam.Client) error
}

// stringIs and keysAre are Condition elements.
func stringIs(key, value string) string { return fmt.Sprintf(`{"StringEquals":{%q:%q}}`, key, value) }

func keysAre(value string) string {
	return fmt.Sprintf(`{"ForAllValues:StringEquals":{"aws:TagKeys":%q},"Null":{"aws:TagKeys":"false"}}`, value)
}

// document is a policy of one statement for the permission, and what it takes besides.
func (p *permission) document(action, resource, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q%s}`, action, resource, condition)
	if p.also != "" {
		text += "," + p.also
	}
	return text + "]}"
}

// permissions are those of all operations on roles, instance profiles, tags and
// the account, after
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html.
func permissions(t *testing.T, bound, otherBound, device string) []permission {
	ctx := t.Context()
	role, profile, tag := aws.String("target"), aws.String("target"), tagList("Team", "blue")
	const (
		roleARN    = accountARN + "role/x/target"
		profileARN = accountARN + "instance-profile/x/target"
		userARN    = accountARN + "user/x/target"
	)
	bounded, unbounded := stringIs("iam:PermissionsBoundary", bound), stringIs("iam:PermissionsBoundary", otherBound)
	onTag, offTag := stringIs("aws:ResourceTag/Owner", "me"), stringIs("aws:ResourceTag/Owner", "you")
	sent, unsent := stringIs("aws:RequestTag/Team", "blue"), stringIs("aws:RequestTag/Team", "red")
	keys, otherKeys := keysAre("Team"), keysAre("Zone")
	passing := func(condition string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":"iam:PassRole","Resource":%q,"Condition":%s}`, roleARN, condition)
	}
	toEC2 := stringIs("iam:PassedToService", "ec2.amazonaws.com")
	alias := func(t *testing.T, c *iam.Client) {
		must(t, errOf(c.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("taken")})))
	}
	withRole := func(t *testing.T, c *iam.Client) {
		must(t, errOf(c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role})))
	}
	createRole := func(tags []types.Tag, boundary *string) func(c *iam.Client) error {
		return func(c *iam.Client) error {
			return errOf(c.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: aws.String("new"), Path: aws.String("/y/"), AssumeRolePolicyDocument: aws.String(ec2Trust), Tags: tags, PermissionsBoundary: boundary,
			}))
		}
	}
	createProfile := func(c *iam.Client) error {
		return errOf(c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("new"), Path: aws.String("/y/"), Tags: tag}))
	}
	const newRole, newProfile = accountARN + "role/y/new", accountARN + "instance-profile/y/new"
	andTag := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
	}
	all := []permission{
		{action: "CreateRole", resource: newRole, call: createRole(nil, nil)},
		{action: "CreateRole", resource: newRole, right: bounded, wrong: unbounded, call: createRole(nil, &bound)},
		{action: "CreateRole", resource: newRole, right: sent, wrong: unsent, also: andTag("iam:TagRole", newRole), call: createRole(tag, nil)},
		{action: "TagRole", resource: newRole, right: sent, wrong: unsent, also: andTag("iam:CreateRole", newRole), call: createRole(tag, nil)},
		{action: "CreateRole", resource: newRole, right: keys, wrong: otherKeys, also: andTag("iam:TagRole", newRole), call: createRole(tag, nil)},
		{action: "GetRole", resource: roleARN, right: bounded, wrong: unbounded, call: func(c *iam.Client) error {
			return errOf(c.GetRole(ctx, &iam.GetRoleInput{RoleName: role}))
		}},
		{action: "GetRole", resource: roleARN, right: onTag, wrong: offTag, call: func(c *iam.Client) error {
			return errOf(c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("TARGET")}))
		}},
		{action: "ListRoles", resource: "*", call: func(c *iam.Client) error { return errOf(c.ListRoles(ctx, &iam.ListRolesInput{})) }},
		{action: "UpdateRole", resource: roleARN, right: bounded, wrong: unbounded, call: func(c *iam.Client) error {
			return errOf(c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: role, MaxSessionDuration: aws.Int32(4000)}))
		}},
		{action: "UpdateRoleDescription", resource: roleARN, right: bounded, wrong: unbounded, call: func(c *iam.Client) error {
			return errOf(c.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: role, Description: aws.String("d")}))
		}},
		{action: "UpdateAssumeRolePolicy", resource: roleARN, right: bounded, wrong: unbounded, call: func(c *iam.Client) error {
			return errOf(c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: role, PolicyDocument: aws.String(ec2Trust)}))
		}},
		{action: "DeleteRole", resource: roleARN, right: bounded, wrong: unbounded, call: func(c *iam.Client) error {
			return errOf(c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role}))
		}},
		// The boundary that counts is the one to be, not the one that is.
		{action: "PutRolePermissionsBoundary", resource: roleARN, right: unbounded, wrong: bounded, call: func(c *iam.Client) error {
			return errOf(c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: &otherBound}))
		}},
		{action: "DeleteRolePermissionsBoundary", resource: roleARN, right: bounded, wrong: unbounded, call: func(c *iam.Client) error {
			return errOf(c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: role}))
		}},

		{action: "CreateInstanceProfile", resource: newProfile, right: sent, wrong: unsent, also: andTag("iam:TagInstanceProfile", newProfile), call: createProfile},
		{action: "TagInstanceProfile", resource: newProfile, right: keys, wrong: otherKeys, also: andTag("iam:CreateInstanceProfile", newProfile), call: createProfile},
		{action: "GetInstanceProfile", resource: profileARN, right: onTag, wrong: offTag, call: func(c *iam.Client) error {
			return errOf(c.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: profile}))
		}},
		{action: "ListInstanceProfiles", resource: "*", call: func(c *iam.Client) error {
			return errOf(c.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{}))
		}},
		{action: "ListInstanceProfilesForRole", resource: roleARN, right: onTag, wrong: offTag, call: func(c *iam.Client) error {
			return errOf(c.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: role}))
		}},
		{action: "DeleteInstanceProfile", resource: profileARN, right: onTag, wrong: offTag, call: func(c *iam.Client) error {
			return errOf(c.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: profile}))
		}},
		{action: "AddRoleToInstanceProfile", resource: profileARN, right: onTag, wrong: offTag, also: passing(toEC2), call: func(c *iam.Client) error {
			return errOf(c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role}))
		}},
		{
			action: "PassRole", resource: roleARN, right: toEC2, wrong: stringIs("iam:PassedToService", "lambda.amazonaws.com"),
			also: andTag("iam:AddRoleToInstanceProfile", profileARN), call: func(c *iam.Client) error {
				return errOf(c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role}))
			},
		},
		{action: "RemoveRoleFromInstanceProfile", resource: profileARN, right: onTag, wrong: offTag, prepare: withRole, call: func(c *iam.Client) error {
			return errOf(c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: profile, RoleName: role}))
		}},

		{action: "CreateAccountAlias", resource: "*", call: func(c *iam.Client) error {
			return errOf(c.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("mine")}))
		}},
		{action: "DeleteAccountAlias", resource: "*", prepare: alias, call: func(c *iam.Client) error {
			return errOf(c.DeleteAccountAlias(ctx, &iam.DeleteAccountAliasInput{AccountAlias: aws.String("taken")}))
		}},
		{action: "ListAccountAliases", resource: "*", call: func(c *iam.Client) error {
			return errOf(c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{}))
		}},
		{action: "GetAccountSummary", resource: "*", call: func(c *iam.Client) error {
			return errOf(c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{}))
		}},
		{action: "GetAccountAuthorizationDetails", resource: "*", call: func(c *iam.Client) error {
			return errOf(c.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{}))
		}},
		{action: "SetSecurityTokenServicePreferences", resource: "*", call: func(c *iam.Client) error {
			return errOf(c.SetSecurityTokenServicePreferences(ctx, &iam.SetSecurityTokenServicePreferencesInput{
				GlobalEndpointTokenVersion: types.GlobalEndpointTokenVersionV2Token,
			}))
		}},
	}
	// The tagging operations, on each kind with the keys that it has.
	untag := []string{"Team"}
	policy := accountARN + "policy/Bound"
	for _, k := range []struct {
		kind, resource   string
		tag, untag, list func(*iam.Client) error
	}{
		{"User", userARN, func(c *iam.Client) error {
			return errOf(c.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("target"), Tags: tag}))
		}, func(c *iam.Client) error {
			return errOf(c.UntagUser(ctx, &iam.UntagUserInput{UserName: aws.String("target"), TagKeys: untag}))
		}, func(c *iam.Client) error {
			return errOf(c.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: aws.String("target")}))
		}},
		{"Role", roleARN, func(c *iam.Client) error {
			return errOf(c.TagRole(ctx, &iam.TagRoleInput{RoleName: role, Tags: tag}))
		}, func(c *iam.Client) error {
			return errOf(c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: role, TagKeys: untag}))
		}, func(c *iam.Client) error {
			return errOf(c.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: role}))
		}},
		{"InstanceProfile", profileARN, func(c *iam.Client) error {
			return errOf(c.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: profile, Tags: tag}))
		}, func(c *iam.Client) error {
			return errOf(c.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: profile, TagKeys: untag}))
		}, func(c *iam.Client) error {
			return errOf(c.ListInstanceProfileTags(ctx, &iam.ListInstanceProfileTagsInput{InstanceProfileName: profile}))
		}},
		{"Policy", policy, func(c *iam.Client) error {
			return errOf(c.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &policy, Tags: tag}))
		}, func(c *iam.Client) error {
			return errOf(c.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &policy, TagKeys: untag}))
		}, func(c *iam.Client) error {
			return errOf(c.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: &policy}))
		}},
		{"MFADevice", device, func(c *iam.Client) error {
			return errOf(c.TagMFADevice(ctx, &iam.TagMFADeviceInput{SerialNumber: &device, Tags: tag}))
		}, func(c *iam.Client) error {
			return errOf(c.UntagMFADevice(ctx, &iam.UntagMFADeviceInput{SerialNumber: &device, TagKeys: untag}))
		}, func(c *iam.Client) error {
			return errOf(c.ListMFADeviceTags(ctx, &iam.ListMFADeviceTagsInput{SerialNumber: &device}))
		}},
	} {
		all = append(all,
			permission{action: "Tag" + k.kind, resource: k.resource, right: sent, wrong: unsent, call: k.tag},
			permission{action: "Tag" + k.kind, resource: k.resource, right: keys, wrong: otherKeys, call: k.tag},
			permission{action: "Untag" + k.kind, resource: k.resource, right: keys, wrong: otherKeys, call: k.untag},
			permission{action: "List" + k.kind + "Tags", resource: k.resource, right: onTag, wrong: offTag, call: k.list},
		)
	}
	return all
}

// TestWhoMay calls every operation with no permission, with every permission but
// one part of the right one, and with exactly the right one.
func TestWhoMay(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	bound, otherBound := makePolicy(t, admin, "Bound"), makePolicy(t, admin, "Other")
	must(t, errOf(admin.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &bound, Tags: tagList("Owner", "me")})))
	device, err := admin.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("d"), Tags: tagList("Owner", "me")})
	must(t, err)
	name, path := aws.String("target"), aws.String("/x/")
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: path, Tags: tagList("Owner", "me")})))

	n := 0
	for _, p := range permissions(t, bound, otherBound, *device.VirtualMFADevice.SerialNumber) {
		t.Run(p.action, func(t *testing.T) {
			// Each case has a role and an instance profile of its own.
			_, _ = admin.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: name})
			for _, old := range []*string{name, aws.String("new")} {
				_, _ = admin.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: old})
				_, _ = admin.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: old})
			}
			must(t, errOf(admin.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: name, Path: path, AssumeRolePolicyDocument: aws.String(ec2Trust), PermissionsBoundary: &bound, Tags: tagList("Owner", "me"),
			})))
			must(t, errOf(admin.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name, Path: path, Tags: tagList("Owner", "me")})))
			if p.prepare != nil {
				p.prepare(t, admin)
			}
			try := func(policy string) (user string, err error) {
				n++
				user = fmt.Sprintf("caller%d", n)
				return user, p.call(s.IAM(s.User(s.Admin, user, policy)))
			}
			refused := func(policy string) {
				t.Helper()
				user, err := try(policy)
				wantError(t, err, "AccessDenied", fmt.Sprintf(
					"User: %suser/%s is not authorized to perform: iam:%s on resource: %s because no identity-based policy allows the iam:%s action",
					accountARN, user, p.action, p.resource, p.action))
			}
			action := "iam:" + p.action
			if p.also == "" {
				refused("")
			}
			refused(p.document("iam:ListGroups", "*", ""))
			if p.resource != "*" {
				refused(p.document(action, p.resource+"x", ""))
				refused(p.document(action, accountARN+"*/Target", "")) // resources have their case
			}
			if p.wrong != "" {
				refused(p.document(action, p.resource, p.wrong))
			}
			if _, err := try(p.document(action, p.resource, p.right)); err != nil {
				t.Errorf("refused with exactly the right policy: %v", err)
			}
		})
	}
}

// Whoever may not see a resource does not learn whether it is there.
func TestRefusalsDoNotTellWhatIsThere(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, admin, "secret")
	nobody := s.IAM(s.User(s.Admin, "nobody", ""))
	for _, name := range []string{"secret", "ghost"} {
		_, err := nobody.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		wantError(t, err, "AccessDenied", "User: "+accountARN+"user/nobody is not authorized to perform: iam:GetRole on resource: "+
			accountARN+"role/"+name+" because no identity-based policy allows the iam:GetRole action")
	}
}

// To rename is to act on both names.
func TestRenamingNeedsBothNames(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	from, to := accountARN+"user/a/Bob", accountARN+"user/b/Robert"
	for i, c := range []struct {
		may           []string
		newName, path *string
		refusedOn     string
	}{
		{[]string{from}, aws.String("Robert"), aws.String("/b/"), to},
		{[]string{to}, aws.String("Robert"), aws.String("/b/"), from},
		{[]string{from, accountARN + "user/a/Robert"}, aws.String("Robert"), aws.String("/b/"), to},
		{[]string{from}, nil, aws.String("/b/"), accountARN + "user/b/Bob"},
		{[]string{from}, aws.String("Robert"), nil, accountARN + "user/a/Robert"},
		{[]string{from}, aws.String("bob"), nil, accountARN + "user/a/bob"},
		{[]string{from}, nil, nil, ""},
		{[]string{from, to}, aws.String("Robert"), aws.String("/b/"), ""},
	} {
		_, _ = admin.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Bob")})
		must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Bob"), Path: aws.String("/a/")})))
		name := fmt.Sprintf("caller%d", i)
		caller := s.User(s.Admin, name, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:UpdateUser","Resource":%s}]}`, dump(c.may)))
		_, err := s.IAM(caller).UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("BOB"), NewUserName: c.newName, NewPath: c.path})
		if c.refusedOn == "" {
			must(t, err)
			continue
		}
		wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+name+" is not authorized to perform: iam:UpdateUser on resource: "+
			c.refusedOn+" because no identity-based policy allows the iam:UpdateUser action")
	}
	// A name out of a Deny's reach is no way around it.
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("guarded")})))
	sly := s.User(s.Admin, "sly", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},
		{"Effect":"Deny","Action":"iam:UpdateUser","Resource":"`+accountARN+`user/admins/*"}]}`)
	_, err := s.IAM(sly).UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("guarded"), NewPath: aws.String("/admins/")})
	wardertest.WantCode(t, err, "AccessDenied")
}
