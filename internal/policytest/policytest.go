// Package policytest is unit tests of policies: a file says which policies
// there are, who asks for what, and whether that is to be allowed or denied and
// by which statement. The test command of cmd/warder runs them in CI.
//
// The package reads the files (YAML) and compares; who decides is the caller's
// choice: the engine in this process (Engine), or a running server. The policies
// are those of the file, or of an exported account that it names. What it leaves
// out: reports, which are the command's.
package policytest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

// The outcomes that a test can expect. Denied is either kind of deny.
const (
	Allowed      = "allowed"
	Denied       = "denied"
	ExplicitDeny = "explicitDeny"
	ImplicitDeny = "implicitDeny"
)

// Suite is one file.
type Suite struct {
	File  string
	Cases []Case
}

// Case is one request and what is expected. A test with several actions or
// resources is a case for each.
type Case struct {
	Name     string
	Line     int    // of the test in the file
	Account  string // the exported account that the principal is from, or ""
	Question question.Question
	Policies question.Policies
	Expect   string
	Because  string // "POLICY" or "POLICY/SID"; "" for any reason
}

// Answer is what was decided.
type Answer struct {
	Decision string // Allowed, ExplicitDeny, ImplicitDeny, or Denied if it is not known which
	// Policy and Sid name the statement that decided, if one did and it is
	// known. A statement without a Sid goes by its index.
	Policy, Sid string
	Explanation string // for people, of several lines
}

// Because is the statement as a test names it.
func (a *Answer) Because() string {
	if a.Policy == "" {
		return ""
	}
	return a.Policy + "/" + a.Sid
}

// Decider answers a case.
type Decider func(context.Context, *Case) (*Answer, error)

// Result is a case that was decided.
type Result struct {
	Case   *Case
	Answer *Answer
	Passed bool
}

// Run decides every case. An error means that one could not be decided, not
// that it came out wrong.
func (s *Suite) Run(ctx context.Context, decide Decider) ([]Result, error) {
	var out []Result
	for i := range s.Cases {
		c := &s.Cases[i]
		a, err := decide(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", s.File, c.Line, c.Name, err)
		}
		out = append(out, Result{c, a, c.met(a)})
	}
	return out, nil
}

// met says whether the answer is the one that is expected. Nothing is taken for
// met that is not known.
func (c *Case) met(a *Answer) bool {
	switch {
	case c.Expect == Denied && a.Decision != Denied && a.Decision != ExplicitDeny && a.Decision != ImplicitDeny:
		return false
	case c.Expect != Denied && c.Expect != a.Decision:
		return false
	case c.Because == "":
		return true
	}
	return a.Policy != "" && (c.Because == a.Policy || c.Because == a.Because())
}

// Engine decides in this process.
func Engine(_ context.Context, c *Case) (*Answer, error) {
	req, err := c.Question.Request(time.Now())
	if err != nil {
		return nil, err
	}
	layers, err := c.Policies.Layers(req.Action, req.Resource)
	if err != nil {
		return nil, err
	}
	e := policy.Explain(req, layers)
	if e.Layer == policy.NoLayer.String() {
		return nil, fmt.Errorf("%q is no action such as s3:GetObject", req.Action)
	}
	a := &Answer{Decision: e.Decision, Explanation: e.String()}
	if d := e.Deciding; d != nil {
		a.Policy, a.Sid = d.Policy.Name, StatementName(d.Sid, d.Index)
	}
	return a, nil
}

// StatementName is how a test names a statement of a policy.
func StatementName(sid string, index int) string {
	if sid == "" {
		return strconv.Itoa(index)
	}
	return sid
}

// Summary is Diff in one line.
func (r *Result) Summary() string {
	return "expected " + outcome(r.Case.Expect, r.Case.Because) + ", got " + outcome(r.Answer.Decision, r.Answer.Because())
}

// Diff says what was expected and what came instead, in lines for people.
func (r *Result) Diff() string {
	var b strings.Builder
	c, a := r.Case, r.Answer
	q := &c.Question
	fmt.Fprintf(&b, "%s does %s on %s\n", q.Principal, q.Action, q.Resource)
	fmt.Fprintf(&b, "- expected: %s\n", outcome(c.Expect, c.Because))
	fmt.Fprintf(&b, "+ got:      %s\n", outcome(a.Decision, a.Because()))
	if c.Because != "" && a.Policy == "" && a.Decision != ImplicitDeny {
		b.WriteString("  which statement decided is not known\n")
	}
	for line := range strings.Lines(a.Explanation) {
		b.WriteString("  " + line)
	}
	return b.String()
}

func outcome(decision, because string) string {
	if because == "" {
		return decision
	}
	return decision + " because of " + because
}
