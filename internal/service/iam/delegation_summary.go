package iam

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// maxSummary bounds a summary, by the model's summaryContentType.
const maxSummary = 10000

// getHumanReadableSummary says what a delegation request asks for. AWS has a
// language model write it; Warder's is made of the policy's own parts, so that
// it is true, and the same each time. It is in English only
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetHumanReadableSummary.html).
func (s *Service) getHumanReadableSummary(c *service.Call, snap *state.Snapshot, in *api.GetHumanReadableSummaryRequest) (*api.GetHumanReadableSummaryResponse, error) {
	id, err := delegationID(c, *in.EntityArn)
	if err != nil {
		return nil, err
	}
	r := delegationFor(c, snap, id)
	if r == nil {
		return nil, noSuchDelegation(id)
	}
	locale := "en"
	if in.Locale != nil {
		locale = *in.Locale
	}
	out := &api.GetHumanReadableSummaryResponse{Locale: ptr(locale)}
	language, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	if !strings.EqualFold(language, "en") {
		out.SummaryState = ptr(api.SummaryStateTypeNOTSUPPORTED)
		return out, nil
	}
	text := summary(r)
	if len([]rune(text)) > maxSummary {
		out.SummaryState = ptr(api.SummaryStateTypeNOTAVAILABLE)
		return out, nil
	}
	out.SummaryState, out.SummaryContent = ptr(api.SummaryStateTypeAVAILABLE), ptr(text)
	return out, nil
}

func summary(r *state.DelegationRequest) string {
	doc, err := policy.ParseText(policy.Session, r.Policy)
	if err != nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Account %s asks to act for you for %s. It could do no more than you can, and of that only what follows.\n", r.Requestor, hours(r.Seconds))
	allows := false
	for _, st := range doc.Statements {
		b.WriteString("- " + sentence(&st, doc.Variables) + "\n")
		allows = allows || st.Effect == policy.Allow
	}
	if !allows {
		b.WriteString("Nothing is allowed.\n")
	}
	if arns := roleRestrictions(r.Policy); len(arns) > 0 {
		for i := range arns {
			arns[i] = quoted(arns[i])
		}
		fmt.Fprintf(&b, "Roles that it creates last beyond that time. They must have a permissions boundary: %s.\n", list(arns, "or"))
	}
	return b.String()
}

// hours is a duration in words.
func hours(seconds int) string {
	d := time.Duration(seconds) * time.Second
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / unit.size; n > 0 {
			name := unit.name
			if n > 1 {
				name += "s"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
			d -= n * unit.size
		}
	}
	return list(parts, "and")
}

// sentence is a statement in words.
func sentence(st *policy.Statement, variables bool) string {
	verb := "Allowed"
	if st.Effect == policy.Deny {
		verb = "Never allowed"
	}
	text := verb + ": " + things(st.Actions, st.NotAction, "any action", "action") + " on " + things(st.Resources, st.NotResource, "any resource", "resource")
	for i, c := range st.Conditions {
		if i == 0 {
			text += ", if "
		} else {
			text += ", and "
		}
		text += clause(&c)
	}
	text += "."
	if variables && strings.Contains(text, "${") {
		text += " What stands in ${…} is known at the time of each request."
	}
	return text
}

// things is a list of patterns, or all but those.
func things(items []policy.Item, but bool, any, one string) string {
	var names []string
	for _, item := range items {
		if item.Value == "*" {
			names = []string{any}
			break
		}
		names = append(names, quoted(item.Value))
	}
	if but {
		if len(names) == 1 && names[0] == any {
			return "no " + one
		}
		return any + " except " + list(names, "and")
	}
	return list(names, "and")
}

// comparisons are the operators in words. Others are named as they are.
var comparisons = map[string]string{
	"StringEquals": "is", "StringEqualsIgnoreCase": "is, in upper or lower case,", "StringLike": "is like",
	"StringNotEquals": "is not", "StringNotEqualsIgnoreCase": "is not, in upper or lower case,", "StringNotLike": "is not like",
	"NumericEquals": "is", "NumericNotEquals": "is not", "NumericLessThan": "is below", "NumericLessThanEquals": "is at most",
	"NumericGreaterThan": "is above", "NumericGreaterThanEquals": "is at least",
	"DateEquals": "is", "DateNotEquals": "is not", "DateLessThan": "is before", "DateLessThanEquals": "is not after",
	"DateGreaterThan": "is after", "DateGreaterThanEquals": "is not before",
	"Bool": "is", "IpAddress": "is in", "NotIpAddress": "is not in",
	"ArnEquals": "is like", "ArnLike": "is like", "ArnNotEquals": "is not like", "ArnNotLike": "is not like",
}

// clause is a condition in words.
func clause(c *policy.Condition) string {
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = quoted(v.Value)
	}
	name, key := c.Operator.String(), quoted(c.Key.Value)
	if name == "Null" {
		if len(c.Values) == 1 && strings.EqualFold(c.Values[0].Value, "true") {
			return key + " is not there"
		}
		return key + " is there"
	}
	subject, end := key, ""
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, subject = rest, "each value of "+key
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		name, subject = rest, "a value of "+key
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		name, end = rest, ", where it is there at all"
	}
	verb := comparisons[name]
	if verb == "" {
		verb = "meets " + name
	}
	join := "or"
	if strings.HasPrefix(verb, "is not") && !strings.HasPrefix(name, "Date") {
		join = "nor"
	}
	return subject + " " + verb + " " + list(values, join) + end
}

// unquoted is what of a policy stands in a sentence as it is.
var unquoted = regexp.MustCompile(`^[A-Za-z0-9_@$*?{}:/+=%.-]*[A-Za-z0-9_@$*?{}/+=%-]$`)

// quoted is a string out of the policy, which its author chose: it is quoted
// where it could pass for words of the sentence or for another line.
func quoted(text string) string {
	if unquoted.MatchString(text) {
		return text
	}
	return strconv.QuoteToASCII(text)
}

// list joins words as a sentence does.
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
