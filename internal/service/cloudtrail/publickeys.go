package cloudtrail

import (
	"cmp"

	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// listPublicKeys lists the keys of the request's region that digests were signed
// with between two times; without them, the present one
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html).
func (s *Service) listPublicKeys(c *service.Call, _ *state.Snapshot, in *api.ListPublicKeysRequest) (*api.ListPublicKeysResponse, error) {
	if in.NextToken != nil {
		return nil, awserr.New("InvalidTokenException", "The specified NextToken is not valid.")
	}
	now := c.Now()
	from, to := *cmp.Or(in.StartTime, &now), *cmp.Or(in.EndTime, &now)
	if from.After(to) {
		return nil, awserr.New("InvalidTimeRangeException", "The start time must be before the end time.")
	}
	out := &api.ListPublicKeysResponse{PublicKeyList: []api.PublicKey{}}
	if s.delivery == nil {
		return out, nil
	}
	for _, k := range s.delivery.PublicKeys(c.Region, from, to) {
		out.PublicKeyList = append(out.PublicKeyList, api.PublicKey{
			Value: k.PKCS1, Fingerprint: &k.Fingerprint, ValidityStartTime: &k.From, ValidityEndTime: &k.Until,
		})
	}
	return out, nil
}
