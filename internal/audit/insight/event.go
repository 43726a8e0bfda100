package insight

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// attributes are who called, by attribute and value.
type attributes map[string]map[string]int64

const maxValues = 50 // of one attribute; others are not counted

func (a attributes) add(name, value string, n int64) {
	if a[name] == nil {
		a[name] = map[string]int64{}
	}
	if _, known := a[name][value]; known || len(a[name]) < maxValues {
		a[name][value] += n
	}
}

func (a attributes) addAll(b attributes) {
	for name, values := range b {
		for value, n := range values {
			a.add(name, value, n)
		}
	}
}

func (a attributes) count(r *record) {
	for _, v := range []struct{ name, value string }{{attrIdentity, r.Identity.ARN}, {attrAgent, r.Agent}, {attrError, cmp.Or(r.Error, "null")}} {
		if v.value != "" {
			a.add(v.name, v.value, 1)
		}
	}
}

// The attributes to which calls are attributed.
const (
	attrIdentity = "userIdentityArn"
	attrAgent    = "userAgent"
	attrError    = "errorCode"
)

// The form of an Insights event
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html).
type event struct {
	Version   string  `json:"eventVersion"`
	Time      string  `json:"eventTime"`
	Region    string  `json:"awsRegion"`
	ID        string  `json:"eventID"`
	Type      string  `json:"eventType"`
	Recipient string  `json:"recipientAccountId"`
	Shared    string  `json:"sharedEventID"`
	Details   details `json:"insightDetails"`
	Category  string  `json:"eventCategory"`
}

type details struct {
	State          string     `json:"state"`
	Source         string     `json:"eventSource"`
	Name           string     `json:"eventName"`
	Type           string     `json:"insightType"`
	Error          string     `json:"errorCode,omitempty"`
	SourceCategory string     `json:"sourceEventCategory"`
	Context        background `json:"insightContext"`
}

type background struct {
	Statistics   statistics    `json:"statistics"`
	Attributions []attribution `json:"attributions,omitempty"`
}

type statistics struct {
	Baseline         rate  `json:"baseline"`
	Insight          rate  `json:"insight"`
	Duration         int64 `json:"insightDuration"` // minutes
	BaselineDuration int64 `json:"baselineDuration"`
}

type rate struct {
	Average float64 `json:"average"` // calls a minute
}

type attribution struct {
	Attribute string  `json:"attribute"`
	Insight   []share `json:"insight"`
	Baseline  []share `json:"baseline"`
}

type share struct {
	Value   string  `json:"value"`
	Average float64 `json:"average"`
}

// event is the event of the beginning or the end of what is open, by the minute.
func (s *series) event(state string, at int64) *trail.Entry {
	o := s.Open
	shared := uuid(s.API.Account, s.API.key(), fmt.Sprint(o.Start))
	id := uuid(shared, state)
	duration := at - o.Start + 1
	when := time.Unix(o.Start*60, 0).UTC()
	if state == "End" {
		when = time.Unix((at+1)*60, 0).UTC()
	}
	text, err := json.Marshal(&event{
		Version: "1.09", Time: when.Format(time.RFC3339), Region: s.API.Region, ID: id, Type: "AwsCloudTrailInsight", Recipient: s.API.Account, Shared: shared,
		Details: details{
			State: state, Source: s.API.Source, Name: s.API.Name, Type: s.API.Type, Error: s.API.Error, SourceCategory: "Management",
			Context: background{
				Statistics: statistics{
					Baseline: rate{o.Average}, Insight: rate{float64(o.Calls) / float64(duration)}, Duration: duration, BaselineDuration: o.Minutes,
				},
				Attributions: s.attributions(duration),
			},
		},
		Category: string(trail.Insight),
	})
	if err != nil {
		panic(err) // of our own types, which marshal
	}
	return &trail.Entry{ID: id, Name: s.API.Name, Source: s.API.Source, Account: s.API.Account, Time: when, Category: trail.Insight, JSON: text}
}

// most is how many values an attribution names.
const most = 5

func (s *series) attributions(duration int64) (out []attribution) {
	for _, name := range []string{attrIdentity, attrAgent, attrError} {
		insight := shares(s.Open.Who[name], duration)
		baseline := shares(s.Baseline[name], s.Open.Minutes)
		if len(insight)+len(baseline) > 0 {
			out = append(out, attribution{name, insight, baseline})
		}
	}
	return out
}

func shares(counts map[string]int64, minutes int64) []share {
	out := []share{}
	for _, value := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		if len(out) == most {
			break
		}
		out = append(out, share{value, float64(counts[value]) / float64(minutes)})
	}
	return out
}

// uuid is an id that is the same for the same parts.
func uuid(parts ...string) string {
	text, _ := json.Marshal(parts) // strings marshal
	b := sha256.Sum256(text)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8: of our own making
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
