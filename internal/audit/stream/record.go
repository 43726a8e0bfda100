package stream

import (
	"encoding/json"
	"strings"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/trail"
)

// record is what a receiver is told of an event beside the event itself, from its
// CloudTrail record
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
type record struct {
	EventVersion  string          `json:"eventVersion"`
	UserIdentity  identity        `json:"userIdentity"`
	EventSource   string          `json:"eventSource"`
	EventName     string          `json:"eventName"`
	EventType     string          `json:"eventType"`
	EventCategory string          `json:"eventCategory"`
	APIVersion    string          `json:"apiVersion"`
	Region        string          `json:"awsRegion"`
	SourceIP      string          `json:"sourceIPAddress"`
	UserAgent     string          `json:"userAgent"`
	ErrorCode     string          `json:"errorCode"`
	ErrorMessage  string          `json:"errorMessage"`
	Parameters    json.RawMessage `json:"requestParameters"`
	Response      json.RawMessage `json:"responseElements"`
	Additional    struct {
		MFAUsed string `json:"MFAUsed"`
		LoginTo string `json:"LoginTo"`
	} `json:"additionalEventData"`
	RequestID        string     `json:"requestID"`
	EventID          string     `json:"eventID"`
	SharedEventID    string     `json:"sharedEventID"`
	VPCEndpoint      string     `json:"vpcEndpointId"`
	RecipientAccount string     `json:"recipientAccountId"`
	Management       *bool      `json:"managementEvent"`
	ReadOnly         *bool      `json:"readOnly"`
	Resources        []accessed `json:"resources"`
	TLS              tlsDetails `json:"tlsDetails"`
}

type accessed struct {
	Account string `json:"accountId"`
	Type    string `json:"type"`
	ARN     string `json:"ARN"`
}

type tlsDetails struct {
	Version string `json:"tlsVersion"`
	Cipher  string `json:"cipherSuite"`
	Host    string `json:"clientProvidedHostHeader"`
}

type identity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	Account     string `json:"accountId"`
	AccessKeyID string `json:"accessKeyId"`
	UserName    string `json:"userName"`
	Provider    string `json:"identityProvider"`
	InvokedBy   string `json:"invokedBy"`
	Session     struct {
		Issuer struct {
			Type        string `json:"type"`
			PrincipalID string `json:"principalId"`
			ARN         string `json:"arn"`
			Account     string `json:"accountId"`
			UserName    string `json:"userName"`
		} `json:"sessionIssuer"`
		WebIdentity struct {
			Provider string `json:"federatedProvider"`
		} `json:"webIdFederationData"`
		Attributes struct {
			Created string `json:"creationDate"`
			MFA     string `json:"mfaAuthenticated"`
		} `json:"attributes"`
	} `json:"sessionContext"`
}

// readRecord reads the record of an event. With an error there is what could be
// read, and what the entry says.
func readRecord(e *trail.Entry) (*record, error) {
	r := new(record)
	err := json.Unmarshal(e.JSON, r)
	for _, f := range []struct {
		field *string
		value string
	}{{&r.EventID, e.ID}, {&r.EventName, e.Name}, {&r.EventSource, e.Source}, {&r.RecipientAccount, e.Account}, {&r.UserIdentity.AccessKeyID, e.AccessKeyID}} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	return r, err
}

// outcome is how an event is rated: a receiver that looks at severities alone sees
// the refusals.
type outcome int

const (
	succeeded outcome = iota
	failed            // the request was in error
	refused           // it was not allowed, or a sign-in failed
)

func (r *record) outcome() outcome {
	answer := r.answer()
	switch {
	case strings.Contains(r.ErrorCode, "AccessDenied"), strings.Contains(r.ErrorCode, "UnauthorizedOperation"),
		answer.ConsoleLogin == "Failure", answer.Decision != nil && !*answer.Decision:
		return refused
	case r.ErrorCode != "":
		return failed
	}
	return succeeded
}

// answer is what came of signing in to the console, and of a question that a
// service has asked
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html,
// audit.Question).
type answer struct {
	ConsoleLogin string `json:"ConsoleLogin"`
	Decision     *bool  `json:"decision"`
}

func (r *record) answer() (a answer) {
	if r.EventName == consoleLogin || r.EventSource == audit.QuestionSource {
		_ = json.Unmarshal(r.Response, &a) // null has none
	}
	return a
}

const consoleLogin = "ConsoleLogin"
