package authzen

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/decision"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// The permissions that the caller needs on the subject.
const (
	actionEvaluate = SigningName + ":Evaluate"
	actionExplain  = "iam:SimulatePrincipalPolicy"
)

// decided is the answer to one question
// (https://openid.net/specs/authorization-api-1_0.html#name-decision).
type decided struct {
	Decision bool             `json:"decision"`
	Context  *decisionContext `json:"context,omitempty"`
}

type decisionContext struct {
	Reason      string              `json:"reason,omitempty"` // AWS's AccessDenied sentence
	Error       *failure            `json:"error,omitempty"`  // why there was nothing to decide
	Explanation *policy.Explanation `json:"explanation,omitempty"`
	// EncodedMessage is for sts:DecodeAuthorizationMessage.
	EncodedMessage string `json:"encoded_authorization_message,omitempty"`
}

// failed is the denial of a question that cannot be decided.
func failed(f *failure) *decided { return &decided{Context: &decisionContext{Error: f}} }

// evaluation answers one question.
func (s *Service) evaluation(c *call, in map[string]any) (any, *failure) {
	_, explain, f := readOptions(in)
	if f != nil {
		return nil, f
	}
	c.explain = explain
	return c.single(in)
}

func (c *call) single(in map[string]any) (any, *failure) {
	d, f := c.decide(in, nil)
	if f != nil && f.Status == http.StatusNotFound {
		// The caller may ask about the subject: that there is none is an answer.
		return failed(f), nil
	}
	if f != nil {
		return nil, f
	}
	return d, nil
}

// evaluations answers a list of questions, in its order. What is wrong with one
// of them is its own denial
// (https://openid.net/specs/authorization-api-1_0.html#name-access-evaluations-api).
func (s *Service) evaluations(c *call, in map[string]any) (any, *failure) {
	semantic, explain, f := readOptions(in)
	if f != nil {
		return nil, f
	}
	c.explain = explain
	list, isList := in["evaluations"].([]any)
	switch {
	case in["evaluations"] != nil && !isList:
		return nil, malformed("evaluations is not a list")
	case len(list) == 0:
		return c.single(in)
	case len(list) > maxEvaluations:
		return nil, malformed("evaluations has more than %d members", maxEvaluations)
	}
	out := make([]*decided, 0, len(list))
	for _, item := range list {
		d := c.item(item, in)
		out = append(out, d)
		if semantic == denyOnDeny && !d.Decision || semantic == permitOnPerm && d.Decision {
			break
		}
	}
	return map[string]any{"evaluations": out}, nil
}

func (c *call) item(item any, defaults map[string]any) *decided {
	o, ok := item.(map[string]any)
	if !ok {
		return failed(malformed("a member of evaluations is not an object"))
	}
	d, f := c.decide(o, defaults)
	if f != nil {
		return failed(f)
	}
	return d
}

// decide answers a question: who is it about, may the caller ask, what does the
// engine say.
func (c *call) decide(o, defaults map[string]any) (*decided, *failure) {
	t, f := readTuple(o, defaults)
	if f != nil {
		return nil, f
	}
	sub, f := c.findSubject(&t.subject)
	if f != nil {
		return nil, f
	}
	if f := c.permit(sub); f != nil {
		return nil, f
	}
	who, f := sub.caller()
	if f != nil {
		return nil, f
	}
	req, f := c.request(t, sub, who)
	if f != nil {
		return nil, f
	}
	layers, err := c.service.Authz.Layers(c.snap, who)
	if err == nil {
		err = c.resourcePolicy(req, layers)
	}
	if err != nil {
		return nil, c.service.internal(err)
	}
	if !c.explain {
		c.used(req, sub)
	}
	d := policy.Evaluate(req, layers)
	if !c.explain {
		c.kept(t, req, who, d)
	}
	return c.answer(req, layers, d.Allowed())
}

// kept has the question kept in the audit trail.
func (c *call) kept(t *tuple, req *policy.Request, who *authn.Caller, d policy.Decision) {
	s := c.service
	if s.Asked == nil || !s.Takes(d.Allowed()) {
		return
	}
	about := &authz.Request{Caller: who, Time: c.Time}
	record, err := decision.OfQuestion(about, req, d, c.snap.Revision).Append(nil)
	if err != nil {
		s.Log.Error("how a question was decided cannot be written", "error", err)
	}
	s.Asked(c.http, &c.Request, &audit.Question{
		SubjectType: t.subject.kind, SubjectID: t.subject.id, Principal: who.ARN, Account: who.Account,
		Action: req.Action, Resource: req.Resource, ResourceAccount: req.ResourceAccount, Allowed: d.Allowed(), Record: record,
	})
}

// used notes that the subject tried to do what the question is about: that is
// how Warder learns of the use of services that are not its own. Whoever wants
// an explanation looks into policies, and nobody is about to do anything.
func (c *call) used(req *policy.Request, sub *subject) {
	service, action, _ := strings.Cut(req.Action, ":")
	if known := catalog.Open().Action(req.Action); known != nil {
		action = known.Name
	}
	use := &state.Use{Principal: req.Principal.UniqueID, Service: strings.ToLower(service), Action: action, Time: c.Time}
	if a, err := arn.Parse(req.Resource); err == nil {
		use.Region = a.Region
	}
	if sub.role != nil {
		use.LastUsed = sub.role.ID
	}
	c.service.State.Used(use)
}

// permit checks that the caller may ask about the subject.
func (c *call) permit(sub *subject) *failure {
	actions := []string{actionEvaluate}
	if c.explain {
		actions = append(actions, actionExplain)
	}
	for _, action := range actions {
		if err := c.service.Authz.Require(c.snap, &c.Request, sub.check(action)); err != nil {
			e := awserr.From(err)
			if e.Code != awserr.CodeAccessDenied {
				return c.service.internal(err)
			}
			return &failure{http.StatusForbidden, e.Message}
		}
	}
	return nil
}

// resourcePolicy adds the policy of the resource where Warder has it: a role's
// trust policy. Where there must be one that is not known, nothing is granted.
func (c *call) resourcePolicy(req *policy.Request, layers *policy.Layers) (err error) {
	switch question.PolicyKind(req.Action, req.Resource) {
	case policy.Trust:
		layers.ResourceMustGrant = true
		r := c.snap.RoleByARN(req.Resource)
		if r != nil && r.Account == c.Caller.Account {
			layers.Resource, err = authz.TrustPolicy(r)
		}
	case policy.KeyPolicy:
		layers.ResourceMustGrant = true
	}
	return err
}

func (c *call) answer(req *policy.Request, layers *policy.Layers, allowed bool) (*decided, *failure) {
	if allowed && !c.explain {
		return &decided{Decision: true}, nil
	}
	e := policy.Explain(req, layers)
	out := &decided{Decision: allowed, Context: &decisionContext{Reason: e.Message}}
	if c.explain {
		out.Context.Explanation = e
	}
	if !allowed {
		text, err := json.Marshal(messageOf(req, e))
		if err != nil {
			return nil, c.service.internal(err)
		}
		out.Context.EncodedMessage = authz.SealMessage(c.service.Ring, c.Caller.Account, string(text))
	}
	return out, nil
}
