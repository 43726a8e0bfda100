package eventbus

import (
	"bytes"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/audit/selector"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
)

// The events of the trail as EventBridge has them
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html).
const (
	apiCall = "AWS API Call via CloudTrail"
	signIn  = "AWS Console Sign In via CloudTrail"
	insight = "AWS Insight via CloudTrail"
)

// sourceOf is the event's source, "aws.iam" for "iam.amazonaws.com" and
// "warder.authzen" for what is Warder's own, and its detail-type.
func sourceOf(e *trail.Entry) (source, detailType string) {
	service, owner, _ := strings.Cut(e.Source, ".")
	if owner == "amazonaws.com" {
		owner = "aws"
	}
	detailType = apiCall
	switch {
	case e.Category == trail.Insight:
		detailType = insight
	case e.Source == "signin.amazonaws.com":
		detailType = signIn
	}
	return owner + "." + service, detailType
}

// regionOf and identityOf read the awsRegion of a record and the type of its
// userIdentity. Nothing that a caller wrote stands before them with quotes that are
// not escaped (internal/audit).
func regionOf(e *trail.Entry) string   { return text(e, regionMember) }
func identityOf(e *trail.Entry) string { return text(e, identityMember) }

var (
	regionMember   = []byte(`,"awsRegion":"`)
	identityMember = []byte(`,"userIdentity":{"type":"`)
)

func text(e *trail.Entry, behind []byte) string {
	_, rest, _ := bytes.Cut(e.JSON, behind)
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

// envelope is the event that a record becomes. What is put together is of Warder's
// own, and needs no escape.
func envelope(id string, e *trail.Entry, source, detailType, region string) []byte {
	b := make([]byte, 0, len(e.JSON)+300)
	for _, part := range []string{
		`{"version":"0","id":"`, id, `","detail-type":"`, detailType, `","source":"`, source, `","account":"`, e.Account,
		`","time":"`, e.Time.UTC().Format(time.RFC3339), `","region":"`, region, `","resources":[],"detail":`,
	} {
		b = append(b, part...)
	}
	return append(append(b, e.JSON...), '}')
}

// logged says whether a trail logs a data event: others do not reach EventBridge.
func logged(snap *state.Snapshot, e *trail.Entry) bool {
	event := selector.Read(e)
	for t := range snap.TrailsOf(e.Account) {
		if t.Logging && selector.Of(t).Selects(event) {
			return true
		}
	}
	return false
}
