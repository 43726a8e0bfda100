package cloudtrail

import (
	"context"
	"errors"
	"time"

	"github.com/warder-iam/warder/internal/state"
)

// Delivery puts events into buckets and signs digests of what it put there. It is
// somebody else's: the daemon gives it. Without one there are no buckets, and so
// no trails.
type Delivery interface {
	// CheckBucket says whether log files could be written to a bucket under a
	// prefix. It may connect to it. Its errors are ErrNoBucket and
	// ErrBucketDenied; any other is a failure of ours.
	CheckBucket(ctx context.Context, bucket, prefix string) error
	// Status is what became of a trail's deliveries, by the trail's id. The zero
	// value is that of a trail for which there has been none.
	Status(trailID string) DeliveryStatus
	// PublicKeys are those whose private keys signed, or could have signed,
	// digests of a region at some time between two.
	PublicKeys(region string, from, to time.Time) []PublicKey
}

// What CheckBucket finds.
var (
	ErrNoBucket     = errors.New("cloudtrail: there is no such bucket")
	ErrBucketDenied = errors.New("cloudtrail: the bucket cannot be written to")
)

// DeliveryStatus is how the deliveries of a trail went. A time is zero if there
// was none, an error is "" if the last one succeeded; errors are S3's codes.
type DeliveryStatus struct {
	Delivered, DigestDelivered, Notified time.Time
	Error, DigestError, NotifyError      string
	Attempted                            time.Time // the last try, whether or not it succeeded
}

// PublicKey verifies the signatures of digests.
type PublicKey struct {
	PKCS1       []byte // DER
	Fingerprint string // as the digests name the key
	From, Until time.Time
}

// Topics says whether a trail may tell an SNS topic of its deliveries.
type Topics interface {
	MayPublish(s *state.Snapshot, topicARN string, trail *state.Trail) bool
}
