package state

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/warder-iam/warder/policy"
)

// Document is a policy document as it was saved: the text byte for byte, and
// the unique ids that the principals named in it had at that moment. It is
// immutable; its compiled form is made at first use and kept with it, so that a
// record that is copied for another change keeps it too.
type Document struct {
	Text string
	// Principals maps the ARN of a user or role named in a Principal element to
	// the unique id it stood for when the document was saved. Only that id
	// matches from then on: whoever bears the name later is somebody else
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
	Principals map[string]string `json:",omitempty"`

	once     sync.Once
	compiled *policy.Policy
	err      error
}

// CompileAs gives the program of the document. The kind and source of the first
// call stay: a document belongs to one place in one record. An error means that
// the text cannot be read, which saving refuses; who gets it must deny.
func (d *Document) CompileAs(kind policy.Kind, source func() policy.Source) (*policy.Policy, error) {
	d.once.Do(func() {
		var doc *policy.Document
		if doc, d.err = policy.Parse(kind, []byte(d.Text)); d.err == nil {
			d.compiled = policy.Compile(source(), doc, policy.WithPrincipalIDs(d.Principals))
		}
	})
	return d.compiled, d.err
}

// Resolve gives the unique ids that the users and roles named in a document have
// now, for Document.Principals; or one that may not stand in a policy, since it does
// not exist.
func (s *Snapshot) Resolve(doc *policy.Document) (ids map[string]string, unknown string) {
	for _, p := range TrustedPrincipals(doc) {
		id, resolve, ok := s.PrincipalID(p)
		if !ok {
			return nil, p
		}
		if resolve {
			if ids == nil {
				ids = make(map[string]string)
			}
			ids[p] = id
		}
	}
	return ids, ""
}

// Shown is the text of a document as it reads now: byte for byte as it was
// saved, except that a user or role that was deleted since reads as its unique
// id, and one that was renamed as its new ARN
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func (s *Snapshot) Shown(kind policy.Kind, d *Document) string {
	now := make(map[string]string)
	for written, id := range d.Principals {
		if reads := s.PrincipalName(written, id); reads != written {
			now[written] = reads
		}
	}
	if len(now) == 0 {
		return d.Text
	}
	doc, err := policy.ParseText(kind, d.Text)
	if err != nil {
		return d.Text
	}
	var b strings.Builder
	from := 0
	for _, p := range doc.Principals() {
		reads, changed := now[p.Value]
		if !changed || p.Type != policy.AWSPrincipal {
			continue
		}
		at := int(p.Pos.Offset)
		literal := json.NewDecoder(strings.NewReader(d.Text[at:]))
		if _, err := literal.Token(); err != nil {
			return d.Text
		}
		b.WriteString(d.Text[from:at])
		quoted, _ := json.Marshal(reads) // a string always has JSON
		b.Write(quoted)
		from = at + int(literal.InputOffset())
	}
	b.WriteString(d.Text[from:])
	return b.String()
}
