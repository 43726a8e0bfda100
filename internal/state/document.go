package state

import (
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
