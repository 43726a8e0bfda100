package state

import (
	"iter"
	"strings"
	"time"
)

// Trail is a CloudTrail trail: which events go to which bucket
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trails.html).
type Trail struct {
	ID      string // a UUID, so that a trail that is made again under an old name is another
	Account string
	Region  string // the home region
	Name    string
	Created time.Time
	Tags    []Tag `json:",omitempty"`

	Bucket string
	Prefix string `json:",omitempty"` // of the keys in the bucket, as it was given
	Topic  string `json:",omitempty"` // the SNS topic that is told of deliveries: its name or ARN, as it was given

	MultiRegion  bool // events of all regions, not of the home region only
	GlobalEvents bool // also those of global services, such as IAM
	Validation   bool // digests are delivered too

	Selectors EventSelectors
	Insights  []InsightSelector `json:",omitempty"`

	// Logging says whether events are delivered; Started and Stopped when that last
	// began and ended, zero if it never did.
	Logging bool
	Started time.Time `json:",omitzero"`
	Stopped time.Time `json:",omitzero"`
}

// ARN is the trail's name in policies.
func (t *Trail) ARN() string { return cloudTrailARN(t.Region, t.Account, "trail", t.Name) }

// TopicARN is the ARN of the topic that is told of deliveries; "" if there is none.
func (t *Trail) TopicARN() string {
	if t.Topic == "" || strings.HasPrefix(t.Topic, "arn:") {
		return t.Topic
	}
	return "arn:aws:sns:" + t.Region + ":" + t.Account + ":" + t.Topic
}

// cloudTrailARN is the ARN of one of CloudTrail's resources.
func cloudTrailARN(region, account, kind, id string) string {
	return "arn:aws:cloudtrail:" + region + ":" + account + ":" + kind + "/" + id
}

const (
	trailByARN = iota
	trailByAccount
)

var trailSchema = schema[Trail]{
	prefix: "cloudtrail/trail/",
	key:    func(t *Trail) string { return t.ID },
	indexes: []index[Trail]{
		trailByARN:     {name: "trail ARN", unique: true, keys: func(t *Trail) []string { return []string{t.ARN()} }},
		trailByAccount: {name: "account", keys: func(t *Trail) []string { return []string{t.Account + "/" + t.Region + "/" + t.Name} }},
	},
}

// TrailByARN finds a trail; nil if there is none.
func (s *Snapshot) TrailByARN(trailARN string) *Trail { return s.Trails.find(trailByARN, trailARN) }

// TrailsOf iterates over an account's trails, by region and name.
func (s *Snapshot) TrailsOf(account string) iter.Seq[*Trail] {
	return values(s.Trails.scan(trailByAccount, account+"/", ""))
}
