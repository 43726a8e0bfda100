package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// String renders the explanation as text.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s may", e.Decision, e.Principal)
	if e.Decision != Allowed.String() {
		b.WriteString(" not")
	}
	fmt.Fprintf(&b, " %s on %s (%s)\n", e.Action, e.Resource, e.Layer)
	if e.Message != "" {
		fmt.Fprintf(&b, "  %s\n", e.Message)
	}
	if e.Deciding != nil {
		fmt.Fprintf(&b, "  decided by %s\n", e.Deciding)
	}
	for i := range e.Layers {
		e.Layers[i].write(&b)
	}
	if len(e.MissingContextKeys) > 0 {
		fmt.Fprintf(&b, "missing context keys: %s\n", strings.Join(e.MissingContextKeys, ", "))
	}
	for _, g := range e.Needed {
		if g.ACL != nil {
			fmt.Fprintf(&b, "needed in the object's ACL: %s for %s\n", g.ACL.Permission, g.ACL.Grantee)
			continue
		}
		text, err := json.Marshal(g.Statement)
		if err != nil {
			continue // a struct of strings marshals
		}
		fmt.Fprintf(&b, "needed in %s", g.layer.withArticle())
		if g.Level > 0 {
			fmt.Fprintf(&b, " at level %d", g.Level)
		}
		fmt.Fprintf(&b, ": %s\n", text)
	}
	return b.String()
}

func (t *LayerTrace) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s", t.Layer)
	if t.layer == LayerSCP || t.layer == LayerRCP {
		fmt.Fprintf(b, " level %d", t.Level)
	}
	fmt.Fprintf(b, ": %s (%d considered)\n", t.Result, len(t.Considered))
	for i := range t.Matched {
		fmt.Fprintf(b, "  matched: %s\n", &t.Matched[i])
	}
	for _, g := range t.ACLGrants {
		fmt.Fprintf(b, "  matched: ACL grant of %s to %s\n", g.Permission, g.Grantee)
	}
	if t.Note != "" {
		fmt.Fprintf(b, "  %s\n", t.Note)
	}
	for i := range t.NearMisses {
		s := &t.NearMisses[i]
		fmt.Fprintf(b, "  missed:  %s\n", s)
		for _, miss := range s.Misses {
			fmt.Fprintf(b, "           %s\n", miss)
		}
	}
}

// String names the statement and where it stands.
func (t *StatementTrace) String() string {
	name := t.Policy.Name
	if name == "" {
		name = t.Policy.ARN
	}
	s := fmt.Sprintf("%s statement %d", name, t.Index)
	if t.Sid != "" {
		s += fmt.Sprintf(" (%s)", t.Sid)
	}
	return fmt.Sprintf("%s: %s at line %d, column %d", s, t.Effect, t.Start.Line, t.Start.Column)
}

// String says what was expected and what was there.
func (m Miss) String() string {
	var b strings.Builder
	b.WriteString(m.Element)
	if m.Key != "" {
		fmt.Fprintf(&b, " %s %s", m.Operator, m.Key)
	}
	fmt.Fprintf(&b, " at line %d: expected %q", m.Pos.Line, m.Expected)
	if m.Missing {
		b.WriteString(", not in the request")
	} else {
		fmt.Fprintf(&b, ", was %q", m.Actual)
	}
	if m.Note != "" {
		b.WriteString(": " + m.Note)
	}
	return b.String()
}
