package topic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"time"
)

// Retries say how often a delivery is tried again, and after how many seconds
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
type Retries struct {
	MinDelay  int    `json:"minDelayTarget"`
	MaxDelay  int    `json:"maxDelayTarget"`
	Count     int    `json:"numRetries"`         // all phases together
	AtMax     int    `json:"numMaxDelayRetries"` // at the end
	Immediate int    `json:"numNoDelayRetries"`  // at the start
	AtMin     int    `json:"numMinDelayRetries"` // after those
	Backoff   string `json:"backoffFunction"`    // for the others
}

// The retries that are AWS's unless a policy says otherwise. Those of mail cannot be
// changed: 50 attempts over six hours.
var (
	httpRetries = Retries{MinDelay: 20, MaxDelay: 20, Count: 3, Backoff: "linear"}
	mailRetries = Retries{MinDelay: 10, MaxDelay: 600, Count: 50, AtMin: 2, AtMax: 38, Backoff: "exponential"}
)

// maxRetryTime is how long all delays of an HTTP endpoint may be together.
const maxRetryTime = 3600

// After is how long to wait after a number of failed attempts; false if that was the
// last one.
func (r *Retries) After(failed int) (time.Duration, bool) {
	if failed > r.Count {
		return 0, false
	}
	return time.Duration(r.seconds(failed) * float64(time.Second)), true
}

func (r *Retries) seconds(retry int) float64 {
	steps := r.Count - r.Immediate - r.AtMin - r.AtMax // of the backoff phase
	step := retry - r.Immediate - r.AtMin
	low, high := float64(r.MinDelay), float64(r.MaxDelay)
	switch {
	case retry <= r.Immediate:
		return 0
	case step <= 0:
		return low
	case step > steps:
		return high
	case steps == 1:
		return low
	}
	// AWS shows the curves and not the formulas: these begin at the minimum, end at
	// the maximum and rise in the order of AWS's figure, the exponential one last.
	part := float64(step-1) / float64(steps-1)
	switch r.Backoff {
	case "arithmetic":
		part *= (part + 1) / 2
	case "geometric":
		part *= part
	case "exponential":
		return low * math.Pow(high/low, part)
	}
	return low + (high-low)*part
}

func (r *Retries) check() error {
	switch {
	case r.MinDelay < 1 || r.MinDelay > r.MaxDelay:
		return errors.New("minDelayTarget must be at least 1 and at most maxDelayTarget")
	case r.MaxDelay > maxRetryTime:
		return fmt.Errorf("maxDelayTarget must be at most %d", maxRetryTime)
	case r.Count < 0 || r.Count > 100:
		return errors.New("numRetries must be between 0 and 100")
	case r.Immediate < 0 || r.AtMin < 0 || r.AtMax < 0 || r.Immediate+r.AtMin+r.AtMax > r.Count:
		return errors.New("numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries must not be negative, nor more than numRetries together")
	}
	switch r.Backoff {
	case "arithmetic", "exponential", "geometric", "linear":
	default:
		return errors.New("backoffFunction must be arithmetic, exponential, geometric or linear")
	}
	total := 0.0
	for i := 1; i <= r.Count; i++ {
		total += r.seconds(i)
	}
	if total > maxRetryTime {
		return fmt.Errorf("the delays are more than %d seconds together", maxRetryTime)
	}
	return nil
}

// RequestPolicy says how a request is made.
type RequestPolicy struct {
	ContentType string `json:"headerContentType"`
}

// contentTypes are those that a policy may ask for
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy).
var contentTypes = map[string]bool{
	"application/atom+xml": true, "application/json": true, "application/octet-stream": true, "application/soap+xml": true,
	"application/x-www-form-urlencoded": true, "application/xhtml+xml": true, "application/xml": true,
	"text/css": true, "text/csv": true, "text/html": true, "text/plain": true, "text/xml": true,
}

func (p *RequestPolicy) check() error {
	if kind, _, err := mime.ParseMediaType(p.ContentType); err != nil || !contentTypes[kind] {
		return fmt.Errorf("headerContentType must not be %q", p.ContentType)
	}
	return nil
}

// topicPolicy is a topic's delivery policy.
type topicPolicy struct {
	HTTP struct {
		Retry     Retries         `json:"defaultHealthyRetryPolicy"`
		NoChanges bool            `json:"disableSubscriptionOverrides"`
		Throttle  json.RawMessage `json:"defaultThrottlePolicy,omitempty"`
		Request   RequestPolicy   `json:"defaultRequestPolicy"`
	} `json:"http"`
}

// subscriptionPolicy is a subscription's.
type subscriptionPolicy struct {
	Retry    *Retries        `json:"healthyRetryPolicy"`
	Sickly   json.RawMessage `json:"sicklyRetryPolicy"`
	Throttle json.RawMessage `json:"throttlePolicy"`
	Request  *RequestPolicy  `json:"requestPolicy"`
	Assured  bool            `json:"guaranteed"`
}

// plainType is the Content-Type of messages unless a policy says otherwise.
const plainType = "text/plain; charset=UTF-8"

func readTopicPolicy(text string) (*topicPolicy, error) {
	p := new(topicPolicy)
	p.HTTP.Retry, p.HTTP.Request.ContentType = httpRetries, plainType
	if text == "" {
		return p, nil
	}
	if err := strict(text, p); err != nil {
		return nil, err
	}
	if given(p.HTTP.Throttle) {
		return nil, errThrottle
	}
	p.HTTP.Throttle = nil
	return p, errors.Join(p.HTTP.Retry.check(), p.HTTP.Request.check())
}

var errThrottle = errors.New("deliveries are not throttled by Warder")

func given(m json.RawMessage) bool { return len(m) > 0 && string(m) != "null" && string(m) != "{}" }

// strict reads a policy that has nothing in it that is not known: it would have no
// effect.
func strict(text string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errors.New("failed to parse JSON, or it has a member that is not known")
	}
	if d.More() {
		return errors.New("failed to parse JSON: there is more behind it")
	}
	return nil
}

// readSubscriptionPolicy is what holds for a subscription to a topic with a policy.
func readSubscriptionPolicy(text, ofTopic string) (*subscriptionPolicy, error) {
	t, err := readTopicPolicy(ofTopic)
	if err != nil {
		return nil, err
	}
	retry, request := t.HTTP.Retry, t.HTTP.Request
	p := &subscriptionPolicy{Retry: &retry, Request: &request}
	if text == "" || t.HTTP.NoChanges {
		return p, nil
	}
	if err := strict(text, p); err != nil {
		return nil, err
	}
	if given(p.Throttle) {
		return nil, errThrottle
	}
	if given(p.Sickly) || p.Assured {
		return nil, errors.New("sicklyRetryPolicy and guaranteed cannot be set")
	}
	p.Throttle, p.Sickly = nil, nil
	if p.Retry == nil {
		p.Retry = &t.HTTP.Retry
	}
	if p.Request == nil {
		p.Request = &t.HTTP.Request
	}
	return p, errors.Join(p.Retry.check(), p.Request.check())
}

// EffectiveTopicPolicy is a topic's delivery policy with what AWS fills in; an error
// says what is wrong with it.
func EffectiveTopicPolicy(text string) (string, error) {
	p, err := readTopicPolicy(text)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(p)
	return string(out), err
}

// EffectiveSubscriptionPolicy is the same of a subscription's.
func EffectiveSubscriptionPolicy(text, ofTopic string) (string, error) {
	p, err := readSubscriptionPolicy(text, ofTopic)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(p)
	return string(out), err
}
