package policy

import (
	"strings"
	"unique"
)

// SourceType says what a policy is attached to, in the words that
// SimulatePrincipalPolicy uses in its MatchedStatements.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html
type SourceType uint8

// The source types of IAM's policy simulator.
const (
	SourceNone SourceType = iota
	SourceUser
	SourceGroup
	SourceRole
	SourceAWSManaged
	SourceUserManaged
	SourceResource
)

func (t SourceType) String() string {
	return [...]string{"none", "user", "group", "role", "aws-managed", "user-managed", "resource"}[t]
}

// MarshalText writes the name of the type.
func (t SourceType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Source is how a policy is named in decisions and explanations.
type Source struct {
	Type SourceType `json:"type"`
	Name string     `json:"name"`          // the policy's name, or what it is the policy of
	ARN  string     `json:"arn,omitempty"` // of a managed policy, SCP or RCP, or of the resource; may be empty
}

// Policy is a compiled document. It is immutable and safe for concurrent use.
// It refers to the text of its document and not to the Document.
type Policy struct {
	source     Source
	text       string
	statements []statement
	patterns   []pattern // the actions, resources and textual condition values of all statements
	more       *more
	kind       Kind
}

// more is what not every policy has.
type more struct {
	conditions []condition
	templates  []compiledTemplate
	set        *Set // of this policy alone, for the kinds with Principal
	public     bool // Document.IsPublic, for Resource
}

// extend makes more on first use.
func (p *Policy) extend() *more {
	if p.more == nil {
		p.more = &more{}
	}
	return p.more
}

// Source is how the policy was named to Compile.
func (p *Policy) Source() Source { return p.source }

// Kind is the kind of the document.
func (p *Policy) Kind() Kind { return p.kind }

// Text is the text of the document.
func (p *Policy) Text() string { return p.text }

// Document reads the text again. Compiled policies keep no Document, since a
// server holds very many of them and explains few.
func (p *Policy) Document() *Document {
	doc, err := ParseText(p.kind, p.text)
	if err != nil {
		panic("policy: a compiled text does not parse: " + err.Error())
	}
	return doc
}

// statement is a compiled statement. Its lists are ranges of its policy's.
type statement struct {
	policy       *Policy
	principals   *principalList // nil if the kind has none
	actions      span
	resources    span // empty if the document has no Resource: any
	conditions   span
	index        uint16
	effect       Effect
	notAction    bool
	notResource  bool
	anyResources bool
}

// span is a range of one of the policy's lists.
type span struct{ from, to uint16 }

// Option changes how a document is compiled.
type Option func(*options)

type options struct {
	ids map[string]string
}

// WithPrincipalIDs gives, for principals as written in the document, the
// unique id (AIDA…, AROA…) that each was resolved to when the policy was
// stored. Such a principal matches only a requester with that id, so that a
// user or role that is deleted and created again does not regain access
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func WithPrincipalIDs(ids map[string]string) Option { return func(o *options) { o.ids = ids } }

// Compile makes a document ready to evaluate. The document must have come from
// Parse, unchanged: Compile relies on what Parse refuses, and panics on a
// Document that was put together by hand.
func Compile(id Source, doc *Document, opts ...Option) *Policy {
	if doc.source == "" {
		panic("policy: Compile of a Document that is not from Parse")
	}
	var o options
	for _, f := range opts {
		f(&o)
	}
	p := &Policy{source: id, text: doc.source, kind: doc.Kind}
	patterns, conditions := 0, 0
	for i := range doc.Statements {
		st := &doc.Statements[i]
		patterns += len(st.Actions) + len(st.Resources)
		conditions += len(st.Conditions)
		for j := range st.Conditions {
			patterns += len(st.Conditions[j].Values)
		}
	}
	p.statements = make([]statement, len(doc.Statements))
	p.patterns = make([]pattern, 0, patterns)
	if conditions > 0 {
		p.extend().conditions = make([]condition, 0, conditions)
	}
	for i := range doc.Statements {
		p.compileStatement(i, doc, &o)
	}
	if doc.Kind == Resource || doc.Kind == Trust || doc.Kind == KeyPolicy {
		p.extend().set = NewSet(p)
		p.more.public = doc.Kind == Resource && doc.IsPublic()
	}
	return p
}

func (p *Policy) compileStatement(i int, doc *Document, o *options) {
	src, st := &doc.Statements[i], &p.statements[i]
	st.policy, st.index, st.effect = p, uint16(i), src.Effect
	st.notAction, st.notResource = src.NotAction, src.NotResource
	st.anyResources = src.Resources == nil
	if src.Principals != nil {
		st.principals = compilePrincipals(src, o)
		st.principals.trust = doc.Kind == Trust
	}

	from := len(p.patterns)
	for _, a := range src.Actions {
		p.patterns = append(p.patterns, compileGlob(unique.Make(lowerASCII(a.Value)).Value()))
	}
	st.actions = span{uint16(from), uint16(len(p.patterns))}

	from = len(p.patterns)
	for _, r := range src.Resources {
		p.patterns = append(p.patterns, p.compileValue(r.Value, typeARN, doc.Variables))
	}
	st.resources = span{uint16(from), uint16(len(p.patterns))}

	if len(src.Conditions) == 0 {
		return
	}
	m := p.extend()
	from = len(m.conditions)
	for j := range src.Conditions {
		m.conditions = append(m.conditions, p.compileCondition(&src.Conditions[j], doc.Variables))
	}
	st.conditions = span{uint16(from), uint16(len(m.conditions))}
}

// compileValue compiles a resource or a string-like condition value.
func (p *Policy) compileValue(text string, typ valueType, variables bool) pattern {
	if variables && strings.Contains(text, "${") {
		ct, err := compileTemplate(text, typ == typeARN, typ == typePattern || typ == typeARN)
		if err != nil {
			panic("policy: a document that Parse did not accept")
		}
		m := p.extend()
		m.templates = append(m.templates, ct)
		return pattern{kind: patTemplate, text: text, n: uint16(len(m.templates) - 1)}
	}
	switch typ {
	case typePattern:
		return compileGlob(text)
	case typeARN:
		return compileARN(text)
	case typeString, typeNumber, typeDate, typeBool, typeBinary, typeAddress, typeNull:
	}
	return pattern{kind: patExact, text: text}
}

// compileCondition reads the values of a condition once and for all.
func (p *Policy) compileCondition(src *Condition, variables bool) condition {
	c := condition{op: src.Operator, key: KeyOf(src.Key.Value)}
	typ := src.Operator.typ()
	switch typ {
	case typeNumber, typeDate, typeAddress:
		c.typed = &typedValues{}
		for _, v := range src.Values {
			switch typ {
			case typeNumber:
				d, _ := parseDecimal(v.Value)
				c.typed.numbers = append(c.typed.numbers, d)
			case typeDate:
				m, _ := parseMoment(v.Value)
				c.typed.moments = append(c.typed.moments, m)
			default:
				n, _ := parsePrefix(v.Value)
				c.typed.networks = append(c.typed.networks, n)
			}
		}
		return c
	case typeString, typePattern, typeARN, typeBool, typeBinary, typeNull:
	}
	from := len(p.patterns)
	for _, v := range src.Values {
		text := v.Value
		if typ == typeBinary {
			text, _ = canonicalBase64(text)
		}
		pat := p.compileValue(text, typ, variables && src.Operator.takesVariables())
		if pat.kind == patTemplate && p.more.templates[pat.n].hasVariables() {
			c.variables = true
		}
		p.patterns = append(p.patterns, pat)
	}
	c.values = span{uint16(from), uint16(len(p.patterns))}
	return c
}
