package cloudtrail

import (
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Resource-based policies of event data stores, channels and dashboards
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/security_iam_resource-based-policy-examples.html).
// Every operation on such a resource is decided with its policy. Other accounts
// cannot name it, whatever its policy says.

// compiled is the program of the policy of a resource; nil if it has none.
func compiled(doc *state.Document, arn string) (*policy.Policy, error) {
	if doc == nil {
		return nil, nil
	}
	return doc.CompileAs(policy.Resource, func() policy.Source {
		return policy.Source{Type: policy.SourceResource, Name: arn, ARN: arn}
	})
}

// findGoverned finds a resource that can have a policy.
func findGoverned(c *service.Call, s *state.Snapshot, text string) (lakeResource, error) {
	r, err := findResource(c, s, text)
	if awserr.Code(err) != "ResourceTypeNotSupportedException" && err != nil {
		return nil, awserr.New("ResourceARNNotValidException", "%s", awserr.From(err).Message)
	}
	lake, ok := r.(lakeResource)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, awserr.New("ResourceNotFoundException", "The resource %s was not found.", text)
	case !ok:
		return nil, awserr.New("ResourceTypeNotSupportedException", "Trails cannot have resource-based policies.")
	}
	return lake, nil
}

func (s *Service) putResourcePolicy(c *service.Call, tx *state.Tx, in *api.PutResourcePolicyRequest) (*api.PutResourcePolicyResponse, error) {
	r, err := findGoverned(c, &tx.Snapshot, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	doc, err := policy.ParseText(policy.Resource, *in.ResourcePolicy)
	if err != nil {
		return nil, &awserr.Error{Code: "ResourcePolicyNotValidException", Message: "The resource policy is not valid: " + err.Error(), Cause: err}
	}
	ids, unknown := tx.Resolve(doc)
	if unknown != "" {
		return nil, awserr.New("ResourcePolicyNotValidException", "The resource policy is not valid: the principal %s does not exist.", unknown)
	}
	r.govern(tx, &state.Document{Text: *in.ResourcePolicy, Principals: ids})
	return &api.PutResourcePolicyResponse{ResourceArn: in.ResourceArn, ResourcePolicy: in.ResourcePolicy}, nil
}

func (s *Service) getResourcePolicy(c *service.Call, snap *state.Snapshot, in *api.GetResourcePolicyRequest) (*api.GetResourcePolicyResponse, error) {
	r, err := findGoverned(c, snap, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	doc := r.lake().Policy
	if doc == nil {
		return nil, noPolicy(*in.ResourceArn)
	}
	return &api.GetResourcePolicyResponse{ResourceArn: in.ResourceArn, ResourcePolicy: new(snap.Shown(policy.Resource, doc))}, nil
}

func (s *Service) deleteResourcePolicy(c *service.Call, tx *state.Tx, in *api.DeleteResourcePolicyRequest) (*api.DeleteResourcePolicyResponse, error) {
	r, err := findGoverned(c, &tx.Snapshot, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if r.lake().Policy == nil {
		return nil, noPolicy(*in.ResourceArn)
	}
	r.govern(tx, nil)
	return nil, nil
}

func noPolicy(arn string) error {
	return awserr.New("ResourcePolicyNotFoundException", "The resource %s has no resource-based policy.", arn)
}
