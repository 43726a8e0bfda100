package authzen

import (
	"maps"
	"slices"
	"strings"

	"github.com/warder-iam/warder/policy"
)

// A message is what an encoded authorization message holds, in the form that
// sts:DecodeAuthorizationMessage answers with
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html).
type message struct {
	Allowed           bool             `json:"allowed"`
	ExplicitDeny      bool             `json:"explicitDeny"`
	MatchedStatements items[statement] `json:"matchedStatements"`
	Failures          items[struct{}]  `json:"failures"`
	Context           messageContext   `json:"context"`
}

type items[T any] struct {
	Items []T `json:"items"`
}

type statement struct {
	ID       string `json:"statementId"`
	Effect   string `json:"effect"`
	PolicyID string `json:"sourcePolicyId"`
	Type     string `json:"sourcePolicyType"`
}

type messageContext struct {
	Principal struct {
		ID  string `json:"id,omitempty"`
		ARN string `json:"arn"`
	} `json:"principal"`
	Action     string           `json:"action"`
	Resource   string           `json:"resource"`
	Conditions items[condition] `json:"conditions"`
}

type condition struct {
	Key    string       `json:"key"`
	Values items[value] `json:"values"`
}

type value struct {
	Value string `json:"value"`
}

// messageOf is the message about a denial.
func messageOf(req *policy.Request, e *policy.Explanation) *message {
	m := &message{
		ExplicitDeny:      e.Decision == policy.ExplicitDeny.String(),
		MatchedStatements: items[statement]{[]statement{}}, Failures: items[struct{}]{[]struct{}{}},
	}
	for _, l := range e.Layers {
		for _, st := range l.Matched {
			m.MatchedStatements.Items = append(m.MatchedStatements.Items, statement{st.Sid, strings.ToUpper(st.Effect), st.Policy.Name, l.Layer})
		}
	}
	c := &m.Context
	c.Principal.ID, c.Principal.ARN, c.Action, c.Resource = req.Principal.UniqueID, req.Principal.ARN, req.Action, req.Resource
	c.Conditions.Items = []condition{}
	keys, _ := req.Context.(policy.Values)
	for _, k := range slices.SortedFunc(maps.Keys(keys), func(a, b policy.Key) int { return strings.Compare(a.String(), b.String()) }) {
		v := keys[k]
		one := condition{Key: k.String(), Values: items[value]{[]value{}}}
		for _, text := range v.All() {
			one.Values.Items = append(one.Values.Items, value{text})
		}
		c.Conditions.Items = append(c.Conditions.Items, one)
	}
	return m
}
