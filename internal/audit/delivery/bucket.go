package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Buckets is where objects are put: an S3 endpoint or a folder.
type Buckets interface {
	// Check says whether objects could be put into a bucket under a prefix, by
	// putting one: ErrNoBucket, ErrDenied, or another error if that cannot be told.
	Check(ctx context.Context, bucket, prefix string) error
	// Put makes an object, or makes it again: it is there when Put returns. The
	// errors name what is wrong (Code).
	Put(ctx context.Context, bucket, key string, o *Object) error
}

// Object is what is put under a key.
type Object struct {
	Body []byte
	// Metadata goes with it, as x-amz-meta- headers do; digests have some.
	Metadata map[string]string
}

// What is wrong with a bucket.
var (
	ErrNoBucket = errors.New("there is no such bucket")
	ErrDenied   = errors.New("the bucket cannot be written to")
)

// Variables of the environment with the credentials for the buckets. They are not
// AWS's own: those are set for Warder's clients, often in the same shell, and mean
// somebody in Warder.
const (
	variableKeyID  = "WARDER_BUCKETS_ACCESS_KEY_ID"
	variableSecret = "WARDER_BUCKETS_SECRET_ACCESS_KEY"
	variableToken  = "WARDER_BUCKETS_SESSION_TOKEN"
	variableRegion = "WARDER_BUCKETS_REGION"
)

// OpenBuckets opens an S3 endpoint by its URL, with credentials from the
// environment, or a folder in which each bucket is a folder. makes has that folder,
// and buckets in it, made when they are named.
func OpenBuckets(where string, makes bool) (Buckets, error) {
	if !strings.HasPrefix(where, "https://") && !strings.HasPrefix(where, "http://") {
		return openFolder(where, makes)
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the buckets' endpoint %q is not of the form https://host:port", where)
	}
	id, secret := os.Getenv(variableKeyID), os.Getenv(variableSecret)
	if id == "" || secret == "" {
		return nil, fmt.Errorf("the buckets' endpoint needs credentials: set %s and %s", variableKeyID, variableSecret)
	}
	return openS3(u, credential{id: id, secret: secret, token: os.Getenv(variableToken), region: os.Getenv(variableRegion)}), nil
}

// probe is the object by which Check tries a bucket: the "folder" that log files
// get in it.
func probe(prefix string) string { return under(prefix) + "AWSLogs/" }

// under is a trail's prefix as the beginning of a key.
func under(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}
