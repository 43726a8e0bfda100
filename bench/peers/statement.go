package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// statement is a statement of a workload's document, read for translation into
// a peer's language. Only what the workloads use is understood; anything else
// is an error.
type statement struct {
	deny      bool
	actions   []pattern
	resources []pattern
	team      string // aws:PrincipalTag/team must be this; "" if it does not matter
	network   string // aws:SourceIp must be in this; "" if it does not matter
}

// pattern is a text that ends in "*" or has no wildcard.
type pattern struct {
	text   string // without the "*"
	prefix bool
}

// statements reads the documents, in their order.
func statements(docs ...*document) ([]statement, error) {
	var out []statement
	for _, d := range docs {
		var doc struct {
			Statement []struct {
				Effect    string
				Action    list
				Resource  list
				Condition map[string]map[string]string
			}
		}
		if err := json.Unmarshal([]byte(d.text), &doc); err != nil {
			return nil, err
		}
		for _, s := range doc.Statement {
			st := statement{deny: s.Effect == "Deny"}
			var err error
			if st.actions, err = patterns(s.Action); err != nil {
				return nil, err
			}
			if st.resources, err = patterns(s.Resource); err != nil {
				return nil, err
			}
			for op, keys := range s.Condition {
				for key, value := range keys {
					switch {
					case op == "StringEquals" && key == "aws:PrincipalTag/team":
						st.team = value
					case op == "IpAddress" && key == "aws:SourceIp":
						st.network = value
					default:
						return nil, fmt.Errorf("condition %s on %s has no translation", op, key)
					}
				}
			}
			out = append(out, st)
		}
	}
	return out, nil
}

func patterns(texts []string) ([]pattern, error) {
	var out []pattern
	for _, s := range texts {
		p := pattern{text: s}
		p.text, p.prefix = strings.CutSuffix(s, "*")
		if strings.ContainsAny(p.text, "*?$") {
			return nil, fmt.Errorf("pattern %s has no translation", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// list is a JSON list, or a single string.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*l = list{s}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}
