package iam_test

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

const codecommit, bedrock = "codecommit.amazonaws.com", "bedrock.amazonaws.com"

func makeCredential(t testing.TB, client *iam.Client, user, service string, days *int32) *types.ServiceSpecificCredential {
	t.Helper()
	out, err := client.CreateServiceSpecificCredential(t.Context(), &iam.CreateServiceSpecificCredentialInput{UserName: &user, ServiceName: &service, CredentialAgeDays: days})
	must(t, err)
	return out.ServiceSpecificCredential
}

func credentialsOf(t testing.TB, client *iam.Client, in *iam.ListServiceSpecificCredentialsInput) []types.ServiceSpecificCredentialMetadata {
	t.Helper()
	out, err := client.ListServiceSpecificCredentials(t.Context(), in)
	must(t, err)
	if out.IsTruncated || out.Marker != nil {
		t.Error("the list of credentials is truncated")
	}
	return out.ServiceSpecificCredentials
}

// metadata is a credential as lists show it.
func metadata(k *types.ServiceSpecificCredential) types.ServiceSpecificCredentialMetadata {
	return types.ServiceSpecificCredentialMetadata{
		CreateDate: k.CreateDate, ExpirationDate: k.ExpirationDate, ServiceName: k.ServiceName, Status: k.Status, UserName: k.UserName,
		ServiceUserName: k.ServiceUserName, ServiceCredentialAlias: k.ServiceCredentialAlias, ServiceSpecificCredentialId: k.ServiceSpecificCredentialId,
	}
}

var (
	credentialID = regexp.MustCompile(`^ACCA[A-Z2-7]{17}$`)
	password     = regexp.MustCompile(`^[A-Za-z0-9+/]{59}=$`)
)

func TestServiceCredentialForms(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	makeUser(t, client, "Bob")
	for service, prefix := range map[string]string{
		codecommit: "", "cassandra.amazonaws.com": "", bedrock: "ABSK", "logs.amazonaws.com": "ACWL",
		"cloudwatch.amazonaws.com": "APIAACWM", "aws-external-anthropic.amazonaws.com": "AEAA",
	} {
		t.Run(service, func(t *testing.T) {
			var made []types.ServiceSpecificCredentialMetadata
			for i, login := range []string{"Bob-at-" + wardertest.Account, "Bob+1-at-" + wardertest.Account} {
				var days *int32
				if i == 0 {
					days = aws.Int32(30)
				}
				k := makeCredential(t, client, "BOB", strings.ToUpper(service), days)
				want := &types.ServiceSpecificCredential{
					CreateDate: k.CreateDate, ServiceName: &service, Status: types.StatusTypeActive, UserName: aws.String("Bob"),
					ServiceSpecificCredentialId: k.ServiceSpecificCredentialId,
				}
				if days != nil {
					want.ExpirationDate = aws.Time(k.CreateDate.Add(30 * 24 * time.Hour))
				}
				if prefix == "" {
					want.ServiceUserName, want.ServicePassword = &login, k.ServicePassword
					if !password.MatchString(*k.ServicePassword) {
						t.Errorf("password %q", *k.ServicePassword)
					}
				} else {
					want.ServiceCredentialAlias, want.ServiceCredentialSecret = &login, k.ServiceCredentialSecret
					text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(*k.ServiceCredentialSecret, prefix))
					alias, secret, _ := strings.Cut(string(text), ":")
					if err != nil || !strings.HasPrefix(*k.ServiceCredentialSecret, prefix) || alias != login || !password.MatchString(secret) {
						t.Errorf("API key %q, %v", *k.ServiceCredentialSecret, err)
					}
				}
				same(t, "CreateServiceSpecificCredential", k, want)
				if !credentialID.MatchString(*k.ServiceSpecificCredentialId) {
					t.Errorf("id %q", *k.ServiceSpecificCredentialId)
				}
				made = append(made, metadata(k))
			}
			slices.SortFunc(made, func(a, b types.ServiceSpecificCredentialMetadata) int {
				return strings.Compare(*a.ServiceSpecificCredentialId, *b.ServiceSpecificCredentialId)
			})
			same(t, "list", credentialsOf(t, client, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("bob"), ServiceName: aws.String(strings.ToUpper(service))}), made)
		})
	}
	if all := credentialsOf(t, client, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob"), ServiceName: aws.String("")}); len(all) != 12 {
		t.Errorf("Bob has %d credentials, want 12", len(all))
	}
	if strings.Contains(s.Log.String(), "ABSK") {
		t.Error("an API key is in the log")
	}
}

func TestServiceCredentialLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	bob := s.User(s.Admin, "Bob", allow("iam:*ServiceSpecificCredential*", accountARN+"user/Bob", ""))
	k := makeCredential(t, client, "Bob", bedrock, aws.Int32(1))
	status := func(want types.StatusType) {
		t.Helper()
		m := metadata(k)
		m.Status = want
		same(t, "list", credentialsOf(t, client, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob")}), []types.ServiceSpecificCredentialMetadata{m})
	}
	set := func(to types.StatusType) error {
		return errOf(s.IAM(bob).UpdateServiceSpecificCredential(ctx, &iam.UpdateServiceSpecificCredentialInput{ServiceSpecificCredentialId: k.ServiceSpecificCredentialId, Status: to}))
	}
	status(types.StatusTypeActive)
	must(t, set(types.StatusTypeInactive))
	status(types.StatusTypeInactive)

	// A reset changes the secret and nothing else.
	reset := func() (*types.ServiceSpecificCredential, error) {
		out, err := s.IAM(bob).ResetServiceSpecificCredential(ctx, &iam.ResetServiceSpecificCredentialInput{ServiceSpecificCredentialId: k.ServiceSpecificCredentialId})
		if err != nil {
			return nil, err
		}
		return out.ServiceSpecificCredential, nil
	}
	again, err := reset()
	must(t, err)
	if *again.ServiceCredentialSecret == *k.ServiceCredentialSecret {
		t.Error("the secret is the same after a reset")
	}
	want := *k
	want.Status, want.ServiceCredentialSecret = types.StatusTypeInactive, again.ServiceCredentialSecret
	same(t, "ResetServiceSpecificCredential", again, &want)
	must(t, set(types.StatusTypeActive))
	wantError(t, set(types.StatusTypeExpired), "InvalidInput", "Operation does not support status Expired")

	// After a day it has expired, for good.
	s.Clock.Add(24*time.Hour - time.Minute)
	status(types.StatusTypeActive)
	s.Clock.Add(time.Minute)
	status(types.StatusTypeExpired)
	over := "The service specific credential " + *k.ServiceSpecificCredentialId + " has expired. Delete it and create another."
	wantError(t, set(types.StatusTypeActive), "InvalidInput", over)
	_, err = reset()
	wantError(t, err, "InvalidInput", over)
	must(t, errOf(s.IAM(bob).DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{ServiceSpecificCredentialId: k.ServiceSpecificCredentialId})))
	same(t, "after deletion", credentialsOf(t, s.IAM(bob), &iam.ListServiceSpecificCredentialsInput{}), []types.ServiceSpecificCredentialMetadata{})
}

// A renamed user keeps its credentials and their names, so that another user of
// the old name gets other ones.
func TestServiceCredentialsOfRenamedUser(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	k := makeCredential(t, client, "Bob", codecommit, nil)
	must(t, errOf(client.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("Bob"), NewUserName: aws.String("Robert")})))
	kept := metadata(k)
	kept.UserName = aws.String("Robert")
	same(t, "Robert's", credentialsOf(t, client, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Robert")}), []types.ServiceSpecificCredentialMetadata{kept})

	makeUser(t, client, "Bob")
	same(t, "new Bob's", *makeCredential(t, client, "Bob", codecommit, nil).ServiceUserName, "Bob+1-at-"+wardertest.Account)
	same(t, "new Bob's, elsewhere", *makeCredential(t, client, "Bob", "cassandra.amazonaws.com", nil).ServiceUserName, "Bob-at-"+wardertest.Account)
	makeUser(t, client, "Bob+1") // whose name is what Bob's second credential is called
	same(t, "Bob+1's", *makeCredential(t, client, "Bob+1", codecommit, nil).ServiceUserName, "Bob+1+1-at-"+wardertest.Account)

	const conflict = "Cannot delete entity, must remove referenced objects first."
	_, err := client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Robert")})
	wantError(t, err, "DeleteConflict", conflict)
	must(t, errOf(client.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: aws.String("Robert"), ServiceSpecificCredentialId: k.ServiceSpecificCredentialId})))
	must(t, errOf(client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Robert")})))
}

func TestListServiceCredentialsOfAllUsers(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	_, other, _ := s.NewAccount()
	makeUser(t, s.IAM(other), "Elsewhere")
	makeCredential(t, s.IAM(other), "Elsewhere", bedrock, nil)
	var want []string
	for _, name := range []string{"Bob", "Eve", "Ann"} {
		makeUser(t, client, name)
		makeCredential(t, client, name, codecommit, nil)
		want = append(want, *makeCredential(t, client, name, bedrock, nil).ServiceSpecificCredentialId)
	}
	slices.Sort(want)
	list := func(in *iam.ListServiceSpecificCredentialsInput) (ids []string, pages int) {
		t.Helper()
		for {
			out, err := client.ListServiceSpecificCredentials(ctx, in)
			must(t, err)
			pages++
			for _, k := range out.ServiceSpecificCredentials {
				ids = append(ids, *k.ServiceSpecificCredentialId)
			}
			if in.Marker = out.Marker; !out.IsTruncated {
				return ids, pages
			}
		}
	}
	ids, pages := list(&iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true), ServiceName: aws.String(bedrock), MaxItems: aws.Int32(2)})
	same(t, "bedrock", ids, want)
	same(t, "pages", pages, 2)
	ids, _ = list(&iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true), MaxItems: aws.Int32(1)})
	same(t, "all", len(ids), 6)
	ids, pages = list(&iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(false), UserName: aws.String("Bob"), MaxItems: aws.Int32(1)})
	same(t, "Bob's", len(ids), 2)
	same(t, "pages", pages, 2)
}

func TestServiceCredentialRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	_, other, root := s.NewAccount()
	makeUser(t, s.IAM(other), "Elsewhere")
	foreign := makeCredential(t, s.IAM(other), "Elsewhere", codecommit, nil).ServiceSpecificCredentialId
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	bobs := makeCredential(t, client, "Bob", codecommit, nil).ServiceSpecificCredentialId
	makeCredential(t, client, "Bob", codecommit, nil)
	missing := aws.String("ACCA1234567890EXAMPLE")

	create := func(c *iam.Client, user, service string, days int32) error {
		in := &iam.CreateServiceSpecificCredentialInput{UserName: &user, ServiceName: &service}
		if days != 1 {
			in.CredentialAgeDays = &days
		}
		return errOf(c.CreateServiceSpecificCredential(ctx, in))
	}
	list := func(c *iam.Client, in iam.ListServiceSpecificCredentialsInput) error {
		return errOf(c.ListServiceSpecificCredentials(ctx, &in))
	}
	const nobody = "The user with name Nobody cannot be found."
	no := func(id *string) string { return "No such credential " + *id + " exists" }
	notEves := "User Eve does not have a service specific credential with id " + *bobs
	type refusal struct {
		name, code, message string
		err                 error
	}
	tests := []refusal{
		{"create for nobody", "NoSuchEntity", nobody, create(client, "Nobody", codecommit, 1)},
		{"create for another service", "NoSuchEntity", "No such service SQS.amazonaws.com is supported for Service Specific Credentials", create(client, "Bob", "SQS.amazonaws.com", 1)},
		{"create for what is no service", "ValidationError", "ServiceName must match [a-zA-Z0-9.-]*", create(client, "Bob", "sqs_amazonaws", 1)},
		{"create a third", "LimitExceeded", "Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2", create(client, "Bob", codecommit, 1)},
		{"create for no day", "ValidationError", "…Member must have value greater than or equal to 1", create(client, "Bob", bedrock, 0)},
		{"create for ever and ever", "ValidationError", "…Member must have value less than or equal to 36600", create(client, "Bob", bedrock, 36601)},
		{"list nobody's", "NoSuchEntity", nobody, list(client, iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Nobody")})},
		{"list the root user's", "ValidationError", notAsNonUser, list(s.IAM(root), iam.ListServiceSpecificCredentialsInput{})},
		{"list everybody's and Bob's", "InvalidInput", "Cannot list credentials for all users if a username is given",
			list(client, iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob"), AllUsers: aws.Bool(true)})},
		{"list another service's", "NoSuchEntity", "No such service codecommit.amazonaws.com.cn is supported for Service Specific Credentials",
			list(client, iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob"), ServiceName: aws.String("codecommit.amazonaws.com.cn")})},
		{"list what is no service's", "ValidationError", "ServiceName must match [a-zA-Z0-9.-]*",
			list(client, iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob"), ServiceName: aws.String("a b")})},
		{"list after no marker", "ValidationError", "Invalid Marker.", list(client, iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob"), Marker: aws.String("no")})},
	}
	for name, call := range map[string]func(user string, id *string) error{
		"update": func(user string, id *string) error {
			return errOf(client.UpdateServiceSpecificCredential(ctx, &iam.UpdateServiceSpecificCredentialInput{UserName: &user, ServiceSpecificCredentialId: id, Status: types.StatusTypeInactive}))
		},
		"reset": func(user string, id *string) error {
			return errOf(client.ResetServiceSpecificCredential(ctx, &iam.ResetServiceSpecificCredentialInput{UserName: &user, ServiceSpecificCredentialId: id}))
		},
		"delete": func(user string, id *string) error {
			return errOf(client.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: &user, ServiceSpecificCredentialId: id}))
		},
	} {
		tests = append(tests,
			refusal{name + " for nobody", "NoSuchEntity", nobody, call("Nobody", bobs)},
			refusal{name + " a missing one", "NoSuchEntity", no(missing), call("Bob", missing)},
			refusal{name + " another account's", "NoSuchEntity", no(foreign), call("Bob", foreign)},
			refusal{name + " Bob's as Eve's", "ValidationError", notEves, call("Eve", bobs)},
		)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
	if left := credentialsOf(t, client, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("Bob")}); len(left) != 2 || left[0].Status != types.StatusTypeActive || left[1].Status != types.StatusTypeActive {
		t.Errorf("after all refusals Bob has %s", dump(left))
	}
}

// Each operation is authorized on the user, with the service, and creation with
// the age as well.
func TestServiceCredentialAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Bob"), Path: aws.String("/team/")})))
	bob, bobARN := aws.String("Bob"), accountARN+"user/team/Bob"
	is := func(service string) string {
		return stringIs("iam:ServiceSpecificCredentialServiceName", service)
	}
	atMost := func(days int) string {
		return fmt.Sprintf(`{"NumericLessThanEquals":{"iam:ServiceSpecificCredentialAgeDays":"%d"}}`, days)
	}
	callers := 0
	for _, op := range []struct {
		action, resource string
		grants           []string // conditions that allow it
		others           []string // conditions that do not
		call             func(c *iam.Client, id *string) error
	}{
		{"CreateServiceSpecificCredential", bobARN, []string{"", is(bedrock), atMost(30)}, []string{is("Bedrock.amazonaws.com"), is(codecommit), atMost(29)},
			func(c *iam.Client, _ *string) error {
				return errOf(c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: bob, ServiceName: aws.String("Bedrock.amazonaws.com"), CredentialAgeDays: aws.Int32(30)}))
			}},
		{"CreateServiceSpecificCredential", bobARN, []string{is(bedrock)}, []string{atMost(36600)}, // no age is not a short one
			func(c *iam.Client, _ *string) error {
				return errOf(c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: bob, ServiceName: aws.String(bedrock)}))
			}},
		{"ListServiceSpecificCredentials", bobARN, []string{""}, []string{is(bedrock)},
			func(c *iam.Client, _ *string) error {
				return errOf(c.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: bob, ServiceName: aws.String(bedrock)}))
			}},
		{"ListServiceSpecificCredentials", accountARN + "user/*", []string{""}, nil,
			func(c *iam.Client, _ *string) error {
				return errOf(c.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true)}))
			}},
		{"UpdateServiceSpecificCredential", bobARN, []string{"", is(bedrock)}, []string{is(codecommit)},
			func(c *iam.Client, id *string) error {
				return errOf(c.UpdateServiceSpecificCredential(ctx, &iam.UpdateServiceSpecificCredentialInput{UserName: bob, ServiceSpecificCredentialId: id, Status: types.StatusTypeInactive}))
			}},
		{"ResetServiceSpecificCredential", bobARN, []string{"", is(bedrock)}, []string{is(codecommit)},
			func(c *iam.Client, id *string) error {
				return errOf(c.ResetServiceSpecificCredential(ctx, &iam.ResetServiceSpecificCredentialInput{UserName: bob, ServiceSpecificCredentialId: id}))
			}},
		{"DeleteServiceSpecificCredential", bobARN, []string{"", is(bedrock)}, []string{is(codecommit)},
			func(c *iam.Client, id *string) error {
				return errOf(c.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: bob, ServiceSpecificCredentialId: id}))
			}},
	} {
		try := func(policy string) (string, error) {
			t.Helper()
			for _, k := range credentialsOf(t, admin, &iam.ListServiceSpecificCredentialsInput{UserName: bob}) {
				must(t, errOf(admin.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: bob, ServiceSpecificCredentialId: k.ServiceSpecificCredentialId})))
			}
			k := makeCredential(t, admin, "Bob", bedrock, nil)
			callers++
			name := fmt.Sprint("caller", callers)
			return name, op.call(s.IAM(s.User(s.Admin, name, policy)), k.ServiceSpecificCredentialId)
		}
		others := []string{"", allow("iam:"+op.action, accountARN+"user/Bob", ""), allow("iam:List*", accountARN+"user/other/*", "")}
		for _, condition := range op.others {
			others = append(others, allow("iam:"+op.action, op.resource, condition))
		}
		for _, policy := range others {
			name, err := try(policy)
			wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+name+" is not authorized to perform: iam:"+op.action+" on resource: "+op.resource+" because no identity-based policy allows the iam:"+op.action+" action")
		}
		for _, condition := range op.grants {
			_, err := try(allow("iam:"+op.action, op.resource, condition))
			must(t, err)
		}
	}
}
