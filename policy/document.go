package policy

import (
	"fmt"
	"strings"
)

// Kind is the type of a policy. It decides the grammar: which elements a
// statement takes, and which of them it needs.
type Kind uint8

// The policy types of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#access_policy-types.
// A permissions boundary is a managed policy, so it is of kind Identity.
const (
	Identity  Kind = iota // of a user, group or role; also a permissions boundary
	Session               // passed to AssumeRole or GetFederationToken
	Resource              // of a bucket, queue, secret, ...
	Trust                 // of a role: who may assume it
	KeyPolicy             // of a KMS key: like Resource, but must grant by itself
	SCP                   // service control policy
	RCP                   // resource control policy
	Endpoint              // of a VPC endpoint
	kindEnd
)

var kindNames = [kindEnd]string{"identity", "session", "resource", "trust", "key", "scp", "rcp", "endpoint"}

// String is the lower-case name of the kind ("identity").
func (k Kind) String() string {
	if k < kindEnd {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// KindOf is the inverse of Kind.String.
func KindOf(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// Pos is a place in the text of a document.
type Pos struct {
	Line   int32 `json:"line"`   // from 1
	Column int32 `json:"column"` // from 1, in bytes
	Offset int32 `json:"offset"` // from 0, in bytes
}

// Item is a string of a document and where it stands.
type Item struct {
	Value string
	Pos   Pos
}

// Open says whether a value has no text of its own: it is nothing but wildcards
// and variables, so that what it matches is up to the request.
func (i Item) Open() bool { return strings.Trim(withoutVariables(i.Value), "*?") == "" }

// Effect is what a statement does.
type Effect uint8

// A statement allows or denies. The zero Effect is neither.
const (
	Allow Effect = iota + 1
	Deny
)

func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	}
	return "none"
}

// PrincipalType is the key of a principal in a Principal element.
type PrincipalType uint8

// The principal types of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html.
const (
	AWSPrincipal PrincipalType = iota
	ServicePrincipal
	FederatedPrincipal
	CanonicalUserPrincipal
	EveryonePrincipal // the bare "*"
)

func (t PrincipalType) String() string {
	return [...]string{"AWS", "Service", "Federated", "CanonicalUser", "*"}[t]
}

// PrincipalItem is one principal that a document names.
type PrincipalItem struct {
	Type  PrincipalType
	Value string // as written; "*" for everyone
	Pos   Pos
}

// Condition is one line of a Condition element: an operator, a key and the
// values that the key is compared with.
type Condition struct {
	Operator Operator
	Key      Item
	Values   []Item
	Pos      Pos // of the operator
}

// Statement is one statement of a document.
type Statement struct {
	Pos, End     Pos // of its opening brace, and just past its closing brace
	Sid          Item
	Effect       Effect
	NotAction    bool // Actions came as NotAction
	Actions      []Item
	NotResource  bool // Resources came as NotResource
	Resources    []Item
	NotPrincipal bool // Principals came as NotPrincipal
	Principals   []PrincipalItem
	Conditions   []Condition
}

// Document is a policy as it was written. It is immutable once Parse returned it.
type Document struct {
	Kind       Kind
	Variables  bool // Version is 2012-10-17, so that ${...} are variables
	Version    Item // "2012-10-17", "2008-10-17" or "" when absent
	ID         Item
	Statements []Statement
	source     string
}

// Source is the text of the document, byte for byte.
func (d *Document) Source() []byte { return []byte(d.source) }

// Text is Source as a string, without a copy.
func (d *Document) Text() string { return d.source }

// Principals lists every principal of every Principal and NotPrincipal
// element, in order, so that a service can resolve ARNs to unique ids when it
// stores the document (see WithPrincipalIDs).
func (d *Document) Principals() []PrincipalItem {
	var out []PrincipalItem
	for i := range d.Statements {
		out = append(out, d.Statements[i].Principals...)
	}
	return out
}

// ContextKeys lists the context keys that the document uses, in conditions and
// as policy variables, each spelling of them once, in order of appearance. It
// answers GetContextKeysForCustomPolicy.
func (d *Document) ContextKeys() []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	vars := func(text string) {
		if !d.Variables || !strings.Contains(text, "${") {
			return
		}
		t, err := parseTemplate(text, true)
		if err != nil {
			return
		}
		for _, s := range t {
			if s.kind == segVariable {
				add(s.text)
			}
		}
	}
	for i := range d.Statements {
		st := &d.Statements[i]
		for _, r := range st.Resources {
			vars(r.Value)
		}
		for _, c := range st.Conditions {
			add(c.Key.Value)
			if c.Operator.takesVariables() {
				for _, v := range c.Values {
					vars(v.Value)
				}
			}
		}
	}
	return out
}

// NonWhitespaceLen counts the characters of a document as the size quotas do:
// white space does not count.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func NonWhitespaceLen(src []byte) int {
	n := 0
	for _, r := range string(src) {
		switch r {
		case ' ', '\t', '\n', '\r':
		default:
			n++
		}
	}
	return n
}
