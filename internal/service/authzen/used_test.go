package authzen_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// lastAccessed is what a user's or role's last accessed information says of each
// service that was used: the region and the actions that were used.
func (w *world) lastAccessed(arn string) map[string]string {
	w.t.Helper()
	ctx := w.t.Context()
	job, err := w.iam.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{
		Arn: &arn, Granularity: types.AccessAdvisorUsageGranularityTypeActionLevel,
	})
	w.must(err)
	out, err := w.iam.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job.JobId})
	w.must(err)
	used := map[string]string{}
	for _, s := range out.ServicesLastAccessed {
		if s.LastAuthenticated == nil {
			continue
		}
		if *s.LastAuthenticatedEntity != arn || *s.TotalAuthenticatedEntities != 1 {
			w.t.Errorf("%s: by %s", *s.ServiceName, *s.LastAuthenticatedEntity)
		}
		text := *s.ServiceName + " in " + aws.ToString(s.LastAuthenticatedRegion) + ":"
		for _, a := range s.TrackedActionsLastAccessed {
			if a.LastAccessedTime != nil {
				text += " " + *a.ActionName
			}
		}
		used[*s.ServiceNamespace] = text
	}
	return used
}

// TestUsed: questions are uses by their subject, denied ones too; those of who
// wants an explanation are not.
func TestUsed(t *testing.T) {
	w := start(t)
	w.put("pep", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["warder:Evaluate","iam:SimulatePrincipalPolicy"],"Resource":"*"}}`)
	question := func(subject, action, resource, more string) {
		t.Helper()
		kind, id, _ := strings.Cut(subject, ":")
		w.ask(`{"subject":{"type":"` + kind + `","id":"` + id + `"},"action":{"name":"` + action + `"},"resource":{"type":"record","id":"` + resource + `"}` + more + `}`)
	}
	question("user:alice", "record:read", "7", "")
	question("user:alice", "record:Erase", "7", "")                                     // denied: what it is granted on does not hold
	question("user:alice", "s3:DeleteObject", "arn:aws:s3:eu-west-1::home/alice/x", "") // no action of alice's at all
	question("user:alice", "S3:getobject", "arn:aws:s3:eu-west-1::home/alice/x", "")
	question("user:alice", "sqs:SendMessage", "arn:aws:sqs:eu-north-1:123456789012:q", `,"options":{"explain":true}`)
	question("user:alice", "ec2:RunInstances", "*", "") // a service that alice has nothing of
	question("user:nobody", "record:read", "7", "")
	question("session:"+w.app+":night", "record:read", "7", "")

	got := w.lastAccessed(account + "user/eng/alice")
	want := map[string]string{"record": "record in : Erase read", "s3": "Amazon S3 in eu-west-1: GetObject"}
	if len(got) != len(want) || got["record"] != want["record"] || got["s3"] != want["s3"] {
		t.Errorf("alice used %q, want %q", got, want)
	}
	if got := w.lastAccessed(account + "role/svc/App"); len(got) != 1 || got["record"] != "record in : read" {
		t.Errorf("the role used %q", got)
	}
	role, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("App")})
	w.must(err)
	if role.Role.RoleLastUsed.LastUsedDate == nil {
		t.Error("the role was not used")
	}
	// Who asks used Warder.
	w.put("pep", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"warder:Evaluate","Resource":"*"}}`)
	if got := w.lastAccessed(account + "user/pep"); len(got) != 1 || got["warder"] != "warder in us-east-1:" {
		t.Errorf("the caller used %q", got)
	}
}
