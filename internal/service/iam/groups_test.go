package iam_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func makeGroup(t *testing.T, client *iam.Client, path, name string) types.Group {
	t.Helper()
	out, err := client.CreateGroup(t.Context(), &iam.CreateGroupInput{Path: &path, GroupName: &name})
	must(t, err)
	return *out.Group
}

func groupNames(groups []types.Group) (names []string) {
	for _, g := range groups {
		names = append(names, *g.GroupName)
	}
	return names
}

func TestGroupLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	made := makeGroup(t, client, "/division_abc/", "Managers")
	if made.CreateDate == nil || made.CreateDate.Nanosecond() != 0 || made.CreateDate.Location() != time.UTC {
		t.Errorf("created %v, want whole seconds in UTC", made.CreateDate)
	}
	if id := *made.GroupId; len(id) != 21 || id[:4] != "AGPA" {
		t.Errorf("unique id %s", id)
	}
	want := types.Group{
		Path: aws.String("/division_abc/"), GroupName: aws.String("Managers"), GroupId: made.GroupId, CreateDate: made.CreateDate,
		Arn: aws.String("arn:aws:iam::" + wardertest.Account + ":group/division_abc/Managers"),
	}
	same(t, "CreateGroup", made, want)

	_, err := client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("managers")})
	wantError(t, err, "EntityAlreadyExists", "Group with name managers already exists.")

	got, err := client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("MANAGERS")})
	must(t, err)
	same(t, "GetGroup", *got.Group, want)
	if len(got.Users) != 0 || got.IsTruncated || got.Marker != nil {
		t.Errorf("members of a new group: %v", got)
	}

	makeGroup(t, client, "/", "Other")
	_, err = client.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("managers"), NewGroupName: aws.String("other")})
	wantError(t, err, "EntityAlreadyExists", "Group with name other already exists.")
	_, err = client.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("managers"), NewGroupName: aws.String("MANAGERS")})
	must(t, err) // its own name in other letters
	_, err = client.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("managers"), NewGroupName: aws.String("MGRs"), NewPath: aws.String("/x/y/")})
	must(t, err)
	got, err = client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("mgrs")})
	must(t, err)
	want.GroupName, want.Path, want.Arn = aws.String("MGRs"), aws.String("/x/y/"), aws.String("arn:aws:iam::"+wardertest.Account+":group/x/y/MGRs")
	same(t, "renamed group", *got.Group, want)

	_, err = client.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: aws.String("MGRs")})
	must(t, err)
	noGroup := "The group with name MGRs cannot be found."
	_, err = client.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: aws.String("MGRs")})
	wantError(t, err, "NoSuchEntity", noGroup)
	_, err = client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("MGRs")})
	wantError(t, err, "NoSuchEntity", noGroup)
	_, err = client.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("MGRs")})
	wantError(t, err, "NoSuchEntity", noGroup)
}

func TestListGroups(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	for _, g := range [][2]string{{"/b/", "delta"}, {"/a/", "Charlie"}, {"/a/x/", "bravo"}, {"/", "Alpha"}} {
		makeGroup(t, client, g[0], g[1])
	}
	out, err := client.ListGroups(ctx, &iam.ListGroupsInput{})
	must(t, err)
	if got := groupNames(out.Groups); out.IsTruncated || !slices.Equal(got, []string{"Alpha", "bravo", "Charlie", "delta"}) {
		t.Errorf("groups %v", got)
	}
	out, err = client.ListGroups(ctx, &iam.ListGroupsInput{PathPrefix: aws.String("/a/")})
	must(t, err)
	if got := groupNames(out.Groups); !slices.Equal(got, []string{"bravo", "Charlie"}) {
		t.Errorf("groups of /a/ are %v", got)
	}
	var paged []string
	pages := iam.NewListGroupsPaginator(client, &iam.ListGroupsInput{MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		paged = append(paged, groupNames(out.Groups)...)
	}
	if !slices.Equal(paged, []string{"Alpha", "bravo", "Charlie", "delta"}) {
		t.Errorf("paged %v", paged)
	}
}

func TestGroupMembers(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	group := makeGroup(t, client, "/", "Admins")
	users := make(map[string]types.User)
	for _, name := range []string{"carol", "Bob", "alice"} {
		out, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		must(t, err)
		out.User.Tags = nil // a group shows its members without them
		users[name] = *out.User
		for range 2 { // again is no error
			_, err = client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("admins"), UserName: &name})
			must(t, err)
		}
	}
	got, err := client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("Admins")})
	must(t, err)
	same(t, "members", got.Users, []types.User{users["alice"], users["Bob"], users["carol"]})
	var paged []types.User
	pages := iam.NewGetGroupPaginator(client, &iam.GetGroupInput{GroupName: aws.String("Admins"), MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		same(t, "group of a page", *out.Group, group)
		paged = append(paged, out.Users...)
	}
	same(t, "paged members", paged, []types.User{users["alice"], users["Bob"], users["carol"]})

	_, err = client.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: aws.String("Admins")})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Bob")})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	for range 2 { // a user who is no member can be removed
		_, err = client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String("Admins"), UserName: aws.String("bob")})
		must(t, err)
	}
	got, err = client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("Admins")})
	must(t, err)
	same(t, "members", got.Users, []types.User{users["alice"], users["carol"]})

	for _, c := range []struct{ group, user, text string }{
		{"Absent", "alice", "The group with name Absent cannot be found."},
		{"Admins", "Absent", "The user with name Absent cannot be found."},
		{"Absent", "Nobody", "The user with name Nobody cannot be found."},
	} {
		_, err = client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: &c.group, UserName: &c.user})
		wantError(t, err, "NoSuchEntity", c.text)
		_, err = client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: &c.group, UserName: &c.user})
		wantError(t, err, "NoSuchEntity", c.text)
	}
}

func TestDeleteGroupWithPolicies(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeGroup(t, client, "/", "Team")
	arn := makePolicyAt(t, client, "/", "P")
	g := grantees[1]
	must(t, g.attach(ctx, client, "Team", arn))
	must(t, g.put(ctx, client, "Team", "inline", listBucket))
	remove := func() error {
		_, err := client.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: aws.String("Team")})
		return err
	}
	wantError(t, remove(), "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	must(t, g.detach(ctx, client, "Team", arn))
	wantError(t, remove(), "DeleteConflict", "Cannot delete entity, must delete policies first.")
	must(t, g.drop(ctx, client, "Team", "inline"))
	must(t, remove())
}

func TestGroupsOfUser(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Bob")})
	must(t, err)
	add := func(group string) error {
		_, err := client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: &group, UserName: aws.String("Bob")})
		return err
	}
	var groups []types.Group
	for i := range 11 {
		groups = append(groups, makeGroup(t, client, "/", fmt.Sprintf("g%02d", i)))
	}
	for i := 9; i >= 0; i-- {
		must(t, add(*groups[i].GroupName))
	}
	wantError(t, add("g10"), "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")
	must(t, add("g03")) // is a member already

	out, err := client.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: aws.String("bob")})
	must(t, err)
	same(t, "groups", out.Groups, groups[:10])
	var paged []types.Group
	pages := iam.NewListGroupsForUserPaginator(client, &iam.ListGroupsForUserInput{UserName: aws.String("Bob"), MaxItems: aws.Int32(4)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		paged = append(paged, out.Groups...)
	}
	same(t, "paged groups", paged, groups[:10])
	_, err = client.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: aws.String("Absent")})
	wantError(t, err, "NoSuchEntity", "The user with name Absent cannot be found.")
}

func TestGroupQuota(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	for i := range 300 {
		makeGroup(t, client, "/", fmt.Sprint("g", i))
	}
	_, err := client.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("more")})
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 300")
}
