package cloudtrail

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// How trails are named: by a name in the request's region, or by an ARN. A trail
// of all regions can be read in every region by its ARN, and changed in its home
// region only.

// trailARN is the ARN of the trail that a request names. The account of an ARN
// must be the caller's.
func trailARN(c *service.Call, nameOrARN string) (string, error) {
	if !strings.HasPrefix(nameOrARN, "arn:") {
		return (&state.Trail{Region: c.Region, Account: c.Caller.Account, Name: nameOrARN}).ARN(), nil
	}
	return ownARN(c, nameOrARN, "trail", invalidARN["trail"])
}

// ownARN checks that a text is the ARN of a resource of some kind, in the caller's
// account.
func ownARN(c *service.Call, text, kind, code string) (string, error) {
	a, err := arn.Parse(text)
	switch {
	case err != nil || a.Partition != "aws" || a.Service != "cloudtrail" || a.Region == "" || !arn.IsAccountID(a.Account) || a.ResourceType() != kind || a.ResourceID() == "":
		return "", awserr.New(code, "The ARN %s is not valid.", text)
	case a.Account != c.Caller.Account:
		return "", awserr.New(code, "AccountID in ARN is wrong, you can only access resources with AccountID %s.", c.Caller.Account)
	}
	return text, nil
}

// findTrail finds a trail to be read.
func findTrail(c *service.Call, s *state.Snapshot, nameOrARN *string) (*state.Trail, error) {
	text, err := trailARN(c, *nameOrARN)
	if err != nil {
		return nil, err
	}
	if err := checkTrailName(text[strings.IndexByte(text, '/')+1:]); err != nil {
		return nil, err
	}
	t := s.TrailByARN(text)
	switch {
	case t == nil:
		return nil, noSuchTrail(c, text)
	case t.Region != c.Region && !t.MultiRegion:
		return nil, wrongRegion(c, "CloudTrailARNInvalidException")
	}
	return t, nil
}

// findHomeTrail finds a trail to be changed.
func findHomeTrail(c *service.Call, s *state.Snapshot, nameOrARN *string) (*state.Trail, error) {
	t, err := findTrail(c, s, nameOrARN)
	if awserr.Code(err) == "TrailNotFoundException" {
		for other := range s.TrailsOf(c.Caller.Account) {
			if other.MultiRegion && other.Name == *nameOrARN {
				return nil, notHome(other)
			}
		}
	}
	if err == nil && t.Region != c.Region {
		return nil, notHome(t)
	}
	return t, err
}

func noSuchTrail(c *service.Call, trailARN string) error {
	return awserr.New("TrailNotFoundException", "Unknown trail: %s for the user: %s", trailARN, c.Caller.Account)
}

func wrongRegion(c *service.Call, code string) error {
	return awserr.New(code, "Region in ARN is wrong, you can only access resources in region %s.", c.Region)
}

func notHome(t *state.Trail) error {
	return awserr.New("InvalidHomeRegionException", "The trail %s can only be changed in its home region, %s.", t.Name, t.Region)
}

var (
	trailNameChars = regexp.MustCompile(`^[0-9A-Za-z._-]*$`)
	adjacent       = regexp.MustCompile(`[._-]{2}`)
)

// checkTrailName checks a name by the rules of
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html.
func checkTrailName(name string) error {
	invalid := func(format string, args ...any) error {
		return awserr.New("InvalidTrailNameException", format, args...)
	}
	alphanumeric := func(c byte) bool {
		return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	switch n := len(name); {
	case n == 0:
		return invalid("Trail name cannot be blank!")
	case n < 3:
		return invalid("Trail name too short. Minimum allowed length: 3 characters. Specified name length: %d characters.", n)
	case n > 128:
		return invalid("Trail name too long. Maximum allowed length: 128 characters. Specified name length: %d characters.", n)
	case !trailNameChars.MatchString(name):
		return invalid("Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).")
	case !alphanumeric(name[0]):
		return invalid("Trail name must starts with a letter or number.")
	case !alphanumeric(name[n-1]):
		return invalid("Trail name must ends with a letter or number.")
	case adjacent.MatchString(name):
		return invalid("Trail name cannot contain adjacent periods, hyphens or underscores.")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return invalid("Trail name cannot be in the format of an IP address.")
	}
	return nil
}
