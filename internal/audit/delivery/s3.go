package delivery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/warder-iam/warder/internal/awserr"
)

// credential is what the endpoint knows Warder by.
type credential struct{ id, secret, token, region string }

// endpoint is an S3 endpoint, AWS's or another's.
type endpoint struct{ client *s3.Client }

func openS3(u *url.URL, c credential) *endpoint {
	return &endpoint{s3.New(s3.Options{
		BaseEndpoint: aws.String(u.String()),
		Region:       cmp.Or(c.region, "us-east-1"),
		Credentials:  credentials.NewStaticCredentialsProvider(c.id, c.secret, c.token),
		UsePathStyle: true, // other systems' endpoints seldom have a name for each bucket
		// The outbox tries again, and knows better when.
		RetryMaxAttempts: 1,
		// Not every endpoint knows the newer checksums; the signature covers the body.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})}
}

func (e *endpoint) Check(ctx context.Context, bucket, prefix string) error {
	err := e.Put(ctx, bucket, probe(prefix), &Object{})
	switch Code(err) {
	case "":
		return nil
	case "NoSuchBucket":
		return ErrNoBucket
	case "AccessDenied", "AllAccessDisabled", "AccountProblem":
		return ErrDenied
	}
	return err
}

func (e *endpoint) Put(ctx context.Context, bucket, key string, o *Object) error {
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(o.Body), Metadata: o.Metadata}
	if len(o.Body) > 0 {
		in.ContentType, in.ContentEncoding = aws.String("application/json"), aws.String("gzip")
	}
	_, err := e.client.PutObject(ctx, in)
	if err != nil {
		return fmt.Errorf("s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// Code is the error as GetTrailStatus names it: the code of S3 or SNS where there was
// an answer with one; "" for nil.
func Code(err error) string {
	if err == nil {
		return ""
	}
	switch {
	case errors.Is(err, ErrNoBucket):
		return "NoSuchBucket"
	case errors.Is(err, ErrDenied):
		return "AccessDenied"
	case errors.Is(err, context.DeadlineExceeded):
		return "RequestTimeout"
	}
	if e, ok := errors.AsType[*awserr.Error](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() != "" {
		return e.ErrorCode()
	}
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && http.StatusText(e.HTTPStatusCode()) != "" {
		return http.StatusText(e.HTTPStatusCode())
	}
	return "ServiceUnavailable" // nobody answered
}
