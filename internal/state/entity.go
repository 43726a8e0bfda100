package state

import (
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Entity is what all named IAM resources of an account have in common.
type Entity struct {
	Account string    // owner, twelve digits
	ID      string    // unique id: AIDA…, AGPA…, AROA…, ANPA…, AIPA…
	Name    string    // friendly name; unique in the account without regard to case
	Path    string    // "/" or "/division/"
	Created time.Time // UTC, whole seconds
	Tags    []Tag     `json:",omitempty"`
}

// Tag is a key and a value on a resource. Keys of one resource differ even
// without regard to case.
type Tag struct{ Key, Value string }

// Tag finds the value of a tag; keys are compared without regard to case, as
// IAM does (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html).
func (e *Entity) Tag(key string) (string, bool) {
	for _, t := range e.Tags {
		if SameTagKey(t.Key, key) {
			return t.Value, true
		}
	}
	return "", false
}

// SameTagKey says whether two keys name the same tag: they differ in case at
// most. Every comparison of tag keys is this one, or else a key could be new to
// the check of a request and an old one to what the request changes.
//
// Letters beyond ASCII are never taken for ASCII ones, as Unicode's folding does
// with the long s and the Kelvin sign: a policy that guards the key "class" by
// aws:TagKeys does not mean "cla\u017fs", so that must not be the same tag.
func SameTagKey(a, b string) bool {
	for a != "" && b != "" {
		r, n := utf8.DecodeRuneInString(a)
		s, m := utf8.DecodeRuneInString(b)
		if r != s && foldRune(r) != foldRune(s) {
			return false
		}
		a, b = a[n:], b[m:]
	}
	return a == b
}

func foldRune(r rune) rune {
	lower := unicode.ToLower(r)
	if r >= utf8.RuneSelf && lower < utf8.RuneSelf {
		return r
	}
	return lower
}

// nameKey is the key of a name in an index: unique per account, blind to case.
func nameKey(account, name string) string { return account + "/" + strings.ToLower(name) }

func (e *Entity) nameKeys() []string { return []string{nameKey(e.Account, e.Name)} }

// Grants are the policies that hang on a user, group or role.
type Grants struct {
	Inline   []InlinePolicy `json:",omitempty"` // by name
	Attached []string       `json:",omitempty"` // ARNs of managed policies, in the order they were attached
}

// InlinePolicy is a policy that is part of a user, group or role.
type InlinePolicy struct {
	Name     string
	Document *Document
}

// InlinePolicy finds an inline policy by its name, without regard to case; nil if none.
func (g *Grants) InlinePolicy(name string) *InlinePolicy {
	for i := range g.Inline {
		if strings.EqualFold(g.Inline[i].Name, name) {
			return &g.Inline[i]
		}
	}
	return nil
}

// PutInline adds or replaces an inline policy. One that is replaced keeps its name
// as it was first spelled, as in AWS.
func (g *Grants) PutInline(p InlinePolicy) {
	if have := g.InlinePolicy(p.Name); have != nil {
		p.Name = have.Name
	}
	i, found := slices.BinarySearchFunc(g.Inline, p, func(a, b InlinePolicy) int { return strings.Compare(a.Name, b.Name) })
	g.Inline = slices.Clone(g.Inline)
	if found {
		g.Inline[i] = p
	} else {
		g.Inline = slices.Insert(g.Inline, i, p)
	}
}

// DeleteInline removes an inline policy and says whether it was there.
func (g *Grants) DeleteInline(name string) bool {
	n := len(g.Inline)
	g.Inline = slices.DeleteFunc(slices.Clone(g.Inline), func(p InlinePolicy) bool { return strings.EqualFold(p.Name, name) })
	return len(g.Inline) < n
}

// Attach adds a managed policy; attaching it again changes nothing.
func (g *Grants) Attach(policyARN string) {
	if !slices.Contains(g.Attached, policyARN) {
		g.Attached = append(slices.Clone(g.Attached), policyARN)
	}
}

// Detach removes a managed policy and says whether it was attached.
func (g *Grants) Detach(policyARN string) bool {
	n := len(g.Attached)
	g.Attached = slices.DeleteFunc(slices.Clone(g.Attached), func(a string) bool { return a == policyARN })
	return len(g.Attached) < n
}

// inAccount iterates over an index keyed by nameKey: the entities of an
// account in the order of their names, after the entity named after.
func inAccount[R any](t *Table[R], indexNo int, account, after string) iter.Seq[*R] {
	if after != "" {
		after = nameKey(account, after)
	}
	return values(t.scan(indexNo, account+"/", after))
}

func values[K, V any](seq iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range seq {
			if !yield(v) {
				return
			}
		}
	}
}
