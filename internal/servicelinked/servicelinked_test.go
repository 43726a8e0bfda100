package servicelinked_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/awspolicies"
	"github.com/warder-iam/warder/internal/servicelinked"
)

func TestOf(t *testing.T) {
	for principal, want := range map[string]servicelinked.Role{
		"ecs.amazonaws.com": {
			Service: "ecs.amazonaws.com", Name: "AWSServiceRoleForECS",
			Policy: "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy",
		},
		"autoscaling.amazonaws.com": {
			Service: "autoscaling.amazonaws.com", Name: "AWSServiceRoleForAutoScaling",
			Policy: "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy", Suffix: true,
		},
		"dynamodb.application-autoscaling.amazonaws.com": {
			Service: "dynamodb.application-autoscaling.amazonaws.com", Name: "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
			Policy: "arn:aws:iam::aws:policy/aws-service-role/AWSApplicationAutoscalingDynamoDBTablePolicy",
		},
	} {
		if got, ok := servicelinked.Of(principal); !ok || got != want {
			t.Errorf("%s: %+v, %v", principal, got, ok)
		}
	}
	for _, principal := range []string{"", "ecs", "ECS.amazonaws.com", "ec2.amazonaws.com", "# service principal"} {
		if got, ok := servicelinked.Of(principal); ok {
			t.Errorf("%q: %+v", principal, got)
		}
	}
}

// Every line of the table is found, is well formed, and makes a role that IAM
// could have: names are unique and no longer than 64 characters.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("roles.tsv")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^([a-z0-9.-]+\.amazonaws\.com)\t(AWSServiceRoleFor[\w-]+)\t[\w-]+\t(suffix|-)\t(recorded|policies|observed|documentation)$`)
	names := make(map[string]string)
	last := ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := form.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Errorf("line %q", line)
			continue
		}
		if m[1] <= last {
			t.Errorf("%s is not in order", m[1])
		}
		last = m[1]
		if other := names[m[2]]; other != "" || len(m[2]) > 64 {
			t.Errorf("%s of %s (and %s)", m[2], m[1], other)
		}
		names[m[2]] = m[1]
		if r, ok := servicelinked.Of(m[1]); !ok || r.Name != m[2] || r.Suffix != (m[3] == "suffix") {
			t.Errorf("%s: %+v", m[1], r)
		}
	}
	if len(names) < 200 {
		t.Errorf("%d roles", len(names))
	}
}

// Every role has a policy that exists.
func TestPolicies(t *testing.T) {
	text, err := os.ReadFile("roles.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		principal, _, _ := strings.Cut(line, "\t")
		if r, ok := servicelinked.Of(principal); ok {
			if awspolicies.Find(r.Policy) == nil {
				t.Errorf("%s: there is no policy %s", principal, r.Policy)
			}
		}
	}
}

// The roles that AWS's managed policies name by their ARN are in the table,
// under the principal that stands there.
func TestNamedByPolicies(t *testing.T) {
	named := regexp.MustCompile(`role/aws-service-role/([a-z0-9.-]+\.amazonaws\.com)/(AWSServiceRoleFor[\w-]+)"`)
	seen := 0
	for _, p := range awspolicies.Open().Policies() {
		document, err := p.Document(p.Default)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(document, -1) {
			if otherwise[m[1]] {
				continue
			}
			seen++
			if r, ok := servicelinked.Of(m[1]); !ok || r.Name != m[2] && !(r.Suffix && r.Name+"_" == m[2]) {
				t.Errorf("%s names %s of %s; the table has %+v", p.Name, m[2], m[1], r)
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d roles are named", seen)
	}
}

// otherwise are principals that a managed policy names with the role of another
// one: the services' pages know them with a role of their own, or not at all.
var otherwise = map[string]bool{
	"maintenance.elasticbeanstalk.amazonaws.com": true, "managedupdates.elasticbeanstalk.amazonaws.com": true,
	"redshift-data.amazonaws.com": true,
}
