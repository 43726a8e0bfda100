package cloudtrail

import (
	"errors"
	"regexp"
	"strings"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// maxTrails is how many trails there may be in a region, those of other regions
// that are for all regions included
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html).
const maxTrails = 5

// prepareCreateTrail asks whether the bucket can be written to, which may take a
// connection, when all else is in order.
func (s *Service) prepareCreateTrail(c *service.Call, snap *state.Snapshot, in *api.CreateTrailRequest) (any, error) {
	t, err := s.newTrail(c, snap, in)
	if err != nil {
		return nil, err
	}
	return nil, s.checkBucket(c, t)
}

func (s *Service) createTrail(c *service.Call, tx *state.Tx, in *api.CreateTrailRequest) (*api.CreateTrailResponse, error) {
	t, err := s.newTrail(c, &tx.Snapshot, in)
	if err != nil {
		return nil, err
	}
	t.ID = s.ids.Request()
	tx.Trails.Put(t)
	out := trailOut(t)
	return &api.CreateTrailResponse{
		Name: out.Name, S3BucketName: out.S3BucketName, S3KeyPrefix: out.S3KeyPrefix, SnsTopicName: out.SnsTopicName, SnsTopicARN: out.SnsTopicARN,
		IncludeGlobalServiceEvents: out.IncludeGlobalServiceEvents, IsMultiRegionTrail: out.IsMultiRegionTrail, TrailARN: out.TrailARN,
		LogFileValidationEnabled: out.LogFileValidationEnabled, IsOrganizationTrail: out.IsOrganizationTrail,
	}, nil
}

// newTrail is the trail that a request asks for, without an id.
func (s *Service) newTrail(c *service.Call, snap *state.Snapshot, in *api.CreateTrailRequest) (*state.Trail, error) {
	if err := checkTrailName(*in.Name); err != nil {
		return nil, err
	}
	tags, err := newTags(in.TagsList)
	if err != nil {
		return nil, err
	}
	t := &state.Trail{
		Account: c.Caller.Account, Region: c.Region, Name: *in.Name, Created: c.Time.UTC(), Tags: tags, GlobalEvents: true,
	}
	if err := s.change(snap, t, &settings{
		bucket: in.S3BucketName, prefix: in.S3KeyPrefix, topic: in.SnsTopicName, globalEvents: in.IncludeGlobalServiceEvents,
		multiRegion: in.IsMultiRegionTrail, validation: in.EnableLogFileValidation, organization: in.IsOrganizationTrail,
		logGroup: in.CloudWatchLogsLogGroupArn, logRole: in.CloudWatchLogsRoleArn, kmsKey: in.KmsKeyId,
	}); err != nil {
		return nil, err
	}
	return t, room(snap, t)
}

// room checks that there is no other trail of the name where a trail will be, and
// not too many.
func room(s *state.Snapshot, t *state.Trail) error {
	there := make(map[string]int) // trails by the regions that they are of
	everywhere := 0
	for other := range s.TrailsOf(t.Account) {
		if other.ID == t.ID {
			continue
		}
		if other.Name == t.Name && (other.Region == t.Region || other.MultiRegion || t.MultiRegion) {
			return awserr.New("TrailAlreadyExistsException", "Trail %s already exists for customer: %s", t.Name, t.Account)
		}
		if other.MultiRegion {
			everywhere++
		} else {
			there[other.Region]++
		}
	}
	regions := map[string]int{t.Region: there[t.Region]}
	if t.MultiRegion {
		regions = there
		regions[t.Region] += 0
	}
	for region, n := range regions {
		if n+everywhere >= maxTrails {
			return awserr.New("MaximumNumberOfTrailsExceededException", "User: %s already has %d trails in %s.", t.Account, maxTrails, region)
		}
	}
	return nil
}

// settings are what creating and updating a trail set; nil leaves it as it is.
type settings struct {
	bucket, prefix, topic     *string
	globalEvents, multiRegion *bool
	validation, organization  *bool
	logGroup, logRole, kmsKey *string
}

// change applies settings to a trail. An empty string takes a setting away.
func (s *Service) change(snap *state.Snapshot, t *state.Trail, set *settings) error {
	if set.bucket != nil {
		t.Bucket = *set.bucket
	}
	if err := checkBucketName(t.Bucket); err != nil {
		return err
	}
	if set.prefix != nil {
		t.Prefix = *set.prefix
	}
	if len(t.Prefix) > maxPrefix {
		return awserr.New("InvalidS3PrefixException", "The S3 key prefix is too long. Maximum allowed length: %d characters.", maxPrefix)
	}
	for _, flag := range []struct {
		to   *bool
		from *bool
	}{{&t.GlobalEvents, set.globalEvents}, {&t.MultiRegion, set.multiRegion}, {&t.Validation, set.validation}} {
		if flag.from != nil {
			*flag.to = *flag.from
		}
	}
	if t.MultiRegion && !t.GlobalEvents {
		return invalidCombination("Multi-Region trail must include global service events.")
	}
	if base.Deref(set.organization) {
		return noOrganization()
	}
	if err := notHere(set); err != nil {
		return err
	}
	if set.topic != nil {
		t.Topic = *set.topic
	}
	return s.checkTopic(snap, t)
}

// notHere refuses what there is nothing for: KMS keys and log groups.
func notHere(set *settings) error {
	switch {
	case base.Deref(set.kmsKey) != "":
		return awserr.New("KmsKeyNotFoundException", "There is no KMS key %s.", *set.kmsKey)
	case base.Deref(set.logGroup) != "":
		return awserr.New("InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN.")
	case base.Deref(set.logRole) != "":
		return awserr.New("InvalidCloudWatchLogsRoleArnException", "You must specify a log group with the role ARN.")
	}
	return nil
}

const maxPrefix = 200 // of keys in the bucket

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	dottedQuad = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$`)
)

// checkBucketName checks a name by the rules of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func checkBucketName(name string) error {
	switch {
	case name == "":
		return awserr.New("InvalidS3BucketNameException", "Bucket name cannot be blank!")
	case !bucketName.MatchString(name) || strings.Contains(name, "..") || dottedQuad.MatchString(name):
		return awserr.New("InvalidS3BucketNameException", "Bucket name %s is not valid.", name)
	}
	return nil
}

// checkBucket asks whether the trail's bucket can be written to.
func (s *Service) checkBucket(c *service.Call, t *state.Trail) error {
	err := ErrNoBucket
	if s.delivery != nil {
		err = s.delivery.CheckBucket(c, t.Bucket, t.Prefix)
	}
	switch {
	case errors.Is(err, ErrNoBucket):
		return &awserr.Error{Code: "S3BucketDoesNotExistException", Message: "S3 bucket " + t.Bucket + " does not exist!", Cause: err}
	case errors.Is(err, ErrBucketDenied):
		return &awserr.Error{Code: "InsufficientS3BucketPolicyException", Message: "Incorrect S3 bucket policy is detected for bucket: " + t.Bucket, Cause: err}
	}
	return err
}

const maxTopic = 256

// checkTopic asks whether the trail may tell its topic.
func (s *Service) checkTopic(snap *state.Snapshot, t *state.Trail) error {
	switch {
	case t.Topic == "":
		return nil
	case len(t.Topic) > maxTopic:
		return awserr.New("InvalidSnsTopicNameException", "SNS Topic name is too long. Maximum allowed length: %d characters.", maxTopic)
	case s.topics == nil || !s.topics.MayPublish(snap, t.TopicARN(), t):
		return awserr.New("InsufficientSnsTopicPolicyException", "SNS Topic does not exist or the topic policy is incorrect!")
	}
	return nil
}

func (s *Service) prepareUpdateTrail(c *service.Call, snap *state.Snapshot, in *api.UpdateTrailRequest) (any, error) {
	t, err := s.updatedTrail(c, snap, in)
	if err != nil || in.S3BucketName == nil && in.S3KeyPrefix == nil {
		return nil, err
	}
	return nil, s.checkBucket(c, t)
}

func (s *Service) updateTrail(c *service.Call, tx *state.Tx, in *api.UpdateTrailRequest) (*api.UpdateTrailResponse, error) {
	t, err := s.updatedTrail(c, &tx.Snapshot, in)
	if err != nil {
		return nil, err
	}
	tx.Trails.Put(t)
	out := trailOut(t)
	return &api.UpdateTrailResponse{
		Name: out.Name, S3BucketName: out.S3BucketName, S3KeyPrefix: out.S3KeyPrefix, SnsTopicName: out.SnsTopicName, SnsTopicARN: out.SnsTopicARN,
		IncludeGlobalServiceEvents: out.IncludeGlobalServiceEvents, IsMultiRegionTrail: out.IsMultiRegionTrail, TrailARN: out.TrailARN,
		LogFileValidationEnabled: out.LogFileValidationEnabled, IsOrganizationTrail: out.IsOrganizationTrail,
	}, nil
}

// updatedTrail is the trail as a request would have it.
func (s *Service) updatedTrail(c *service.Call, snap *state.Snapshot, in *api.UpdateTrailRequest) (*state.Trail, error) {
	found, err := findHomeTrail(c, snap, in.Name)
	if err != nil {
		return nil, err
	}
	t := *found
	if err := s.change(snap, &t, &settings{
		bucket: in.S3BucketName, prefix: in.S3KeyPrefix, topic: in.SnsTopicName, globalEvents: in.IncludeGlobalServiceEvents,
		multiRegion: in.IsMultiRegionTrail, validation: in.EnableLogFileValidation, organization: in.IsOrganizationTrail,
		logGroup: in.CloudWatchLogsLogGroupArn, logRole: in.CloudWatchLogsRoleArn, kmsKey: in.KmsKeyId,
	}); err != nil {
		return nil, err
	}
	if t.MultiRegion && !found.MultiRegion {
		return &t, room(snap, &t)
	}
	return &t, nil
}

func (s *Service) deleteTrail(c *service.Call, tx *state.Tx, in *api.DeleteTrailRequest) (*api.DeleteTrailResponse, error) {
	t, err := findHomeTrail(c, &tx.Snapshot, in.Name)
	if err != nil {
		return nil, err
	}
	tx.Trails.Delete(t)
	return nil, nil
}

func (s *Service) getTrail(c *service.Call, snap *state.Snapshot, in *api.GetTrailRequest) (*api.GetTrailResponse, error) {
	t, err := findTrail(c, snap, in.Name)
	if err != nil {
		return nil, err
	}
	out := trailOut(t)
	return &api.GetTrailResponse{Trail: &out}, nil
}

// describeTrails leaves out what it does not find among the names it is given.
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html)
func (s *Service) describeTrails(c *service.Call, snap *state.Snapshot, in *api.DescribeTrailsRequest) (*api.DescribeTrailsResponse, error) {
	out := &api.DescribeTrailsResponse{TrailList: []api.Trail{}}
	shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails
	for _, nameOrARN := range in.TrailNameList {
		name, err := trailARN(c, nameOrARN)
		if err != nil {
			return nil, err
		}
		if err := checkTrailName(name[strings.IndexByte(name, '/')+1:]); err != nil {
			return nil, err
		}
		if t := snap.TrailByARN(name); t != nil && (shadows || t.Region == c.Region) {
			out.TrailList = append(out.TrailList, trailOut(t))
		}
	}
	if len(in.TrailNameList) == 0 {
		for t := range snap.TrailsOf(c.Caller.Account) {
			if t.Region == c.Region || t.MultiRegion && shadows {
				out.TrailList = append(out.TrailList, trailOut(t))
			}
		}
	}
	return out, nil
}

// listTrails lists the trails of all regions, on one page.
func (s *Service) listTrails(c *service.Call, snap *state.Snapshot, in *api.ListTrailsRequest) (*api.ListTrailsResponse, error) {
	if in.NextToken != nil {
		return nil, invalidToken()
	}
	out := &api.ListTrailsResponse{Trails: []api.TrailInfo{}}
	for t := range snap.TrailsOf(c.Caller.Account) {
		out.Trails = append(out.Trails, api.TrailInfo{TrailARN: new(t.ARN()), Name: &t.Name, HomeRegion: &t.Region})
	}
	return out, nil
}

func trailOut(t *state.Trail) api.Trail {
	out := api.Trail{
		Name: &t.Name, S3BucketName: &t.Bucket, IncludeGlobalServiceEvents: &t.GlobalEvents, IsMultiRegionTrail: &t.MultiRegion,
		HomeRegion: &t.Region, TrailARN: new(t.ARN()), LogFileValidationEnabled: &t.Validation,
		HasCustomEventSelectors: new(t.Selectors.Custom()), HasInsightSelectors: new(len(t.Insights) > 0), IsOrganizationTrail: new(false),
	}
	if t.Prefix != "" {
		out.S3KeyPrefix = &t.Prefix
	}
	if t.Topic != "" {
		out.SnsTopicName, out.SnsTopicARN = &t.Topic, new(t.TopicARN())
	}
	return out
}
