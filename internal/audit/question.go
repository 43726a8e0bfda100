package audit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// Source and type of the data events about questions. They are Warder's own: AWS has
// no such service.
const (
	QuestionSource   = "authzen.warder"
	questionName     = "Evaluate"
	questionResource = "Warder::Application::Resource"
)

// Question is a question that a service has put to Warder about one of its own
// requests: may this principal do this? Its event is a data event, of the caller who
// asked. The embedded Request has no Service, Operation, Input, Output and Err.
type Question struct {
	Request
	SubjectType, SubjectID string // as it was asked
	Principal              string // the subject's ARN
	Account                string // of the subject
	Action, Resource       string
	ResourceAccount        string
	Allowed                bool
	Record                 []byte // how it was decided (internal/audit/decision)
}

// Event is the event of the question.
func (q *Question) Event(id string) *Event {
	w := writers.Get().(*writer)
	defer w.free()
	w.reset()
	w.raw(`{"eventVersion":"1.11"`)
	w.key("userIdentity").identity(&q.Request)
	w.key("eventTime").stamp(q.Time)
	w.key("eventSource").text(QuestionSource)
	w.key("eventName").text(questionName)
	w.key("awsRegion").text(q.Region)
	w.key("sourceIPAddress").address(q.SourceIP)
	w.key("userAgent").text(cut(q.UserAgent))
	w.key("requestParameters").raw("{")
	w.key("subject").raw("{").key("type").text(q.SubjectType).key("id").text(cut(q.SubjectID)).raw("}")
	w.key("action").text(cut(q.Action)).key("resource").text(cut(q.Resource)).raw("}")
	w.key("responseElements").raw("{").key("decision").bool(q.Allowed).raw("}")
	w.key("additionalEventData").raw("{").key("principal").text(q.Principal).raw("}")
	w.key("requestID").text(q.ID)
	w.key("eventID").text(id)
	w.key("readOnly").bool(true)
	w.key("resources").raw("[").item().raw("{")
	w.key("accountId").text(q.ResourceAccount).key("type").text(questionResource).key("ARN").text(cut(q.Resource)).raw("}]")
	w.raw(`,"eventType":"AwsApiCall","managementEvent":false`)
	w.key("recipientAccountId").text(q.Account)
	w.raw(`,"eventCategory":"Data"`)
	if q.TLS != nil {
		w.tls(q.TLS, q.Host)
	}
	w.raw("}")
	return &Event{
		ID: id, Name: questionName, Source: QuestionSource, Username: username(q.Caller), AccessKeyID: keyID(q.Caller), Account: q.Account, Time: q.Time,
		ReadOnly: true, Category: trail.Data, Resources: []Resource{{questionResource, q.Resource}}, JSON: slices.Clone(w.buf), Record: q.Record,
	}
}

// Level says which questions have an event. The zero Level is all of them.
type Level struct {
	every   int  // one in as many of those that were allowed, at random; 0: all; below: none
	nothing bool // not those that were denied either
}

// UnmarshalText reads a level: "all"; "denied"; "1/N", which is all that were denied
// and one in N of the others; or "none".
func (l *Level) UnmarshalText(text []byte) error {
	switch text := string(text); text {
	case "all":
		*l = Level{}
	case "denied":
		*l = Level{every: -1}
	case "none":
		*l = Level{every: -1, nothing: true}
	default:
		n, err := strconv.Atoi(strings.TrimPrefix(text, "1/"))
		if err != nil || n < 1 || !strings.HasPrefix(text, "1/") {
			return fmt.Errorf(`%q is no level of data events: use "all", "denied", "1/N" or "none"`, text)
		}
		*l = Level{every: n}
	}
	return nil
}

// MarshalText is the reverse of UnmarshalText.
func (l Level) MarshalText() ([]byte, error) {
	switch {
	case l.nothing:
		return []byte("none"), nil
	case l.every < 0:
		return []byte("denied"), nil
	case l.every == 0:
		return []byte("all"), nil
	}
	return fmt.Appendf(nil, "1/%d", l.every), nil
}

// Takes says whether a question that was answered so has an event.
func (l Level) Takes(allowed bool) bool {
	if !allowed {
		return !l.nothing
	}
	return l.every == 0 || l.every > 0 && rand.IntN(l.every) == 0
}
