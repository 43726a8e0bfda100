package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestInstanceProfileLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "Worker")
	name := aws.String("BOX")

	made, err := client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
		InstanceProfileName: aws.String("Box"), Path: aws.String("/fleet/"), Tags: []types.Tag{{Key: aws.String("K"), Value: aws.String("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*made.InstanceProfile.InstanceProfileId, "AIPA") {
		t.Errorf("id %s", *made.InstanceProfile.InstanceProfileId)
	}
	listed := types.InstanceProfile{
		InstanceProfileName: aws.String("Box"), Path: aws.String("/fleet/"), Arn: aws.String(accountARN + "instance-profile/fleet/Box"),
		InstanceProfileId: made.InstanceProfile.InstanceProfileId, CreateDate: made.InstanceProfile.CreateDate, Roles: []types.Role{},
	}
	want := listed
	want.Tags = []types.Tag{{Key: aws.String("K"), Value: aws.String("v")}}
	same(t, "CreateInstanceProfile", made.InstanceProfile, &want)

	must(t, errOf(client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: aws.String("worker")})))
	role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Worker")})
	if err != nil {
		t.Fatal(err)
	}
	role.Role.MaxSessionDuration, role.Role.RoleLastUsed = nil, nil // not shown here
	listed.Roles, want.Roles = []types.Role{*role.Role}, []types.Role{*role.Role}
	got, err := client.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "GetInstanceProfile", got.InstanceProfile, &want)
	all, err := client.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{PathPrefix: aws.String("/fl")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ListInstanceProfiles", all.InstanceProfiles, []types.InstanceProfile{listed})
	of, err := client.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("worker")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ListInstanceProfilesForRole", of.InstanceProfiles, []types.InstanceProfile{listed})

	must(t, errOf(client.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: []string{"k"}})))
	must(t, errOf(client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: aws.String("WORKER")})))
	got, err = client.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name})
	if err != nil {
		t.Fatal(err)
	}
	want.Roles, want.Tags = []types.Role{}, []types.Tag{}
	same(t, "GetInstanceProfile of an empty one", got.InstanceProfile, &want)

	must(t, errOf(client.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name})))
	_, err = client.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: aws.String("Box")})
	wantError(t, err, "NoSuchEntity", "Instance Profile Box cannot be found.")
}

func TestInstanceProfileRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "one")
	makeRole(t, client, "two")
	for _, name := range []string{"full", "empty"} {
		must(t, errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &name})))
	}
	add := func(profile, role string) func() error {
		return func() error {
			return errOf(client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &profile, RoleName: &role}))
		}
	}
	remove := func(profile, role string) func() error {
		return func() error {
			return errOf(client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &profile, RoleName: &role}))
		}
	}
	del := func(profile string) func() error {
		return func() error {
			return errOf(client.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &profile}))
		}
	}
	must(t, add("full", "one")())
	const noProfile, noRole = "Instance Profile ghost cannot be found.", "The role with name ghost cannot be found."
	for _, c := range []struct {
		name          string
		call          func() error
		code, message string
	}{
		{"name taken", func() error {
			return errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("FULL")}))
		}, "EntityAlreadyExists", "Instance Profile FULL already exists."},
		{"second role", add("full", "two"), "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"},
		{"same role again", add("full", "one"), "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"},
		{"add to no profile", add("ghost", "one"), "NoSuchEntity", noProfile},
		{"add no role", add("empty", "ghost"), "NoSuchEntity", noRole},
		{"remove from no profile", remove("ghost", "one"), "NoSuchEntity", noProfile},
		{"remove no role", remove("full", "ghost"), "NoSuchEntity", noRole},
		{"remove a role that is not in it", remove("full", "two"), "NoSuchEntity", "Role two in Instance Profile full cannot be found."},
		{"remove from an empty one", remove("empty", "one"), "NoSuchEntity", "Role one in Instance Profile empty cannot be found."},
		{"delete with a role in it", del("full"), "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."},
		{"delete no profile", del("ghost"), "NoSuchEntity", noProfile},
		{"list for no role", func() error {
			return errOf(client.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("ghost")}))
		}, "NoSuchEntity", noRole},
		{"bad marker", func() error {
			return errOf(client.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{Marker: aws.String("x")}))
		}, "ValidationError", "Invalid Marker."},
		{"bad marker for a role", func() error {
			return errOf(client.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("one"), Marker: aws.String("x")}))
		}, "ValidationError", "Invalid Marker."},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.call(), c.code, c.message) })
	}
}

func TestInstanceProfilePages(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "worker")
	for _, name := range []string{"Delta", "alpha", "Charlie", "bravo", "echo"} {
		must(t, errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &name})))
		must(t, errOf(client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &name, RoleName: aws.String("worker")})))
	}
	want := []string{"alpha", "bravo", "Charlie", "Delta", "echo"}
	all := iam.NewListInstanceProfilesPaginator(client, &iam.ListInstanceProfilesInput{MaxItems: aws.Int32(2)})
	of := iam.NewListInstanceProfilesForRolePaginator(client, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("worker"), MaxItems: aws.Int32(2)})
	var names, ofRole []string
	for all.HasMorePages() {
		out, err := all.NextPage(ctx)
		must(t, err)
		for _, p := range out.InstanceProfiles {
			names = append(names, *p.InstanceProfileName)
		}
	}
	for of.HasMorePages() {
		out, err := of.NextPage(ctx)
		must(t, err)
		for _, p := range out.InstanceProfiles {
			ofRole = append(ofRole, *p.InstanceProfileName)
		}
	}
	same(t, "ListInstanceProfiles", names, want)
	same(t, "ListInstanceProfilesForRole", ofRole, want)
}
