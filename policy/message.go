package policy

import "strings"

// AccessDeniedMessage is the sentence in which AWS refuses the request, in the
// forms of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
// An explicit deny names the policy by its ARN if it has one and the resource
// is of the requester's own account
// (https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns/);
// AWS also names it within an organization, of which a Request does not tell.
// The message is "" for an allowed request.
func (d Decision) AccessDeniedMessage(req *Request) string {
	if d.Reason == Allowed {
		return ""
	}
	var b strings.Builder
	b.WriteString("User: ")
	b.WriteString(callerName(req.Principal))
	b.WriteString(" is not authorized to perform: ")
	b.WriteString(req.Action)
	if req.Resource != "" {
		b.WriteString(" on resource: ")
		b.WriteString(req.Resource)
	}
	switch {
	case d.Layer == NoLayer || d.Layer >= layerEnd:
	case d.Reason == ExplicitDeny:
		b.WriteString(" with an explicit deny in ")
		b.WriteString(d.Layer.withArticle())
		if p, _ := d.Statement(); p != nil && p.source.ARN != "" && d.Layer.named() && req.sameAccount() {
			b.WriteString(": ")
			b.WriteString(p.source.ARN)
		}
	default:
		b.WriteString(" because no ")
		b.WriteString(d.Layer.String())
		b.WriteString(" allows the ")
		b.WriteString(req.Action)
		b.WriteString(" action")
	}
	return b.String()
}

// withArticle is the name of the layer after "an explicit deny in".
func (l Layer) withArticle() string {
	switch l {
	case LayerIdentity:
		return "an identity-based policy"
	case LayerTrust:
		return "the role trust policy"
	case NoLayer, LayerBoundary, LayerSession, LayerResource, LayerEndpoint, LayerSCP, LayerRCP:
	}
	return "a " + l.String()
}

// named says whether AWS names policies of the layer by their ARNs.
func (l Layer) named() bool {
	switch l {
	case LayerIdentity, LayerBoundary, LayerSession, LayerSCP, LayerRCP:
		return true
	case NoLayer, LayerResource, LayerTrust, LayerEndpoint:
	}
	return false
}

func callerName(p *Principal) string {
	switch {
	case p == nil:
		return "anonymous"
	case p.ARN != "":
		return p.ARN
	case p.Service != "":
		return p.Service
	case p.Provider != "":
		return p.Provider
	}
	return "anonymous"
}
