package policy

import (
	"slices"
	"strings"
)

// roles looks over who may hand roles to services and have service-linked
// roles made, since that is how permissions grow.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func (l *linter) roles(s *lintStatement) {
	if s.effect != Allow || l.kind != Identity && l.kind != Session {
		return
	}
	if !s.hasKey("iam:PassedToService", "iam:AssociatedResourceArn") {
		l.role(s, "PASS_ROLE", "iam:PassRole")
	}
	if !s.hasKey("iam:AWSServiceName") {
		l.role(s, "CREATE_SLR", "iam:CreateServiceLinkedRole")
	}
}

// role reports how a statement allows an action on more roles than are named.
func (l *linter) role(s *lintStatement, code, action string) {
	var where []at
	star := false
	switch i := slices.IndexFunc(s.actions, func(a *lintNode) bool { return reaches(a.text, action) }); {
	case s.notAction != nil && i < 0:
		where = []at{s.notAction.at()}
	case s.notAction != nil || i < 0:
		return
	default:
		if named := slices.IndexFunc(s.actions, func(a *lintNode) bool { return strings.EqualFold(a.text, action) }); named >= 0 {
			i = named
		}
		star = wild(s.actions[i].text)
		where = []at{s.actions[i].at()}
	}
	code += "_WITH"
	switch i := slices.IndexFunc(s.resources, anyRole); {
	case s.notResource != nil:
		switch {
		case s.notAction != nil:
			code += "_NOT_ACTION_AND"
		case star:
			code += "_STAR_IN_ACTION_AND"
		}
		l.reportAll(code+"_NOT_RESOURCE", append(where, s.notResource.at()))
	case i < 0:
	case s.notAction != nil:
		l.reportAll(code+"_STAR_IN_RESOURCE_AND_NOT_ACTION", append(where, s.resources[i].at()))
	case star:
		l.reportAll(code+"_STAR_IN_ACTION_AND_RESOURCE", append(where, s.resources[i].at()))
	default:
		l.reportAll(code+"_STAR_IN_RESOURCE", append(where, s.resources[i].at()))
	}
}

// anyRole says whether a resource reaches roles of any name. A pattern with a
// part of the name or of the path does not count.
func anyRole(n *lintNode) bool {
	if n.text == "*" {
		return true
	}
	f, count := lintFields(n.text)
	return count == 6 && f[0] == "arn" && glob(f[2], "iam") && glob(f[5], "role/any/name") && glob(f[5], "role/other")
}

// trust looks over what only trust policies have.
func (l *linter) trust(s *lintStatement) {
	if l.kind != Trust || s.principal == nil {
		return
	}
	l.parentRoles(s)
	if s.effect != Allow {
		return
	}
	l.assumeActions(s)
	l.anywhere(s)
	l.sessionKeys(s)
	for _, p := range s.principals {
		if p.typ == FederatedPrincipal && providerOf(p.node.text) == oidcProvider {
			l.oidc(s, p)
		}
	}
}

// parentRoles reports sessions of roles that are named themselves.
func (l *linter) parentRoles(s *lintStatement) {
	roles := map[string]string{}
	for _, p := range s.principals {
		if f, ok := splitARN(p.node.text); ok && f[2] == "iam" && strings.HasPrefix(f[5], "role/") {
			roles[f[4]+"/"+f[5][strings.LastIndexByte(f[5], '/')+1:]] = p.node.text
		}
	}
	for _, p := range s.principals {
		f, ok := splitARN(p.node.text)
		if !ok || f[2] != "sts" {
			continue
		}
		rest, ok := strings.CutPrefix(f[5], "assumed-role/")
		name, _, _ := strings.Cut(rest, "/")
		if role := roles[f[4]+"/"+name]; ok && role != "" {
			l.report("REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", p.node.at(), p.node.text, role)
		}
	}
}

const (
	assumeRole     = "sts:AssumeRole"
	assumeWithSAML = "sts:AssumeRoleWithSAML"
	assumeWithWeb  = "sts:AssumeRoleWithWebIdentity"
)

// assumeAction is the action by which a principal assumes roles, or "".
func assumeAction(p lintPrincipal) string {
	if p.typ != FederatedPrincipal {
		return assumeRole
	}
	switch providerOf(p.node.text) {
	case samlProvider:
		return assumeWithSAML
	case oidcProvider:
		return assumeWithWeb
	case noProvider:
	}
	return ""
}

// assumeActions compares the actions with the principals: one that no
// principal of the statement can do, and principals that can do none.
func (l *linter) assumeActions(s *lintStatement) {
	if s.action == nil {
		return
	}
	for _, a := range s.actions {
		if !slices.ContainsFunc([]string{assumeRole, assumeWithSAML, assumeWithWeb}, func(name string) bool { return strings.EqualFold(a.text, name) }) {
			continue
		}
		var names []string
		for _, p := range s.principals {
			own := assumeAction(p)
			if own != "" && !slices.ContainsFunc(s.actions, func(a *lintNode) bool { return reaches(a.text, own) }) {
				names = append(names, p.node.text)
			}
		}
		if names != nil {
			l.report("MISMATCHED_ACTION_FOR_PRINCIPAL", a.at(), a.text, strings.Join(names, ", "))
		}
	}
}

// does says whether the statement names the action.
func (s *lintStatement) does(action string) bool {
	return s.action != nil && slices.ContainsFunc(s.actions, func(a *lintNode) bool { return reaches(a.text, action) })
}

// anywhere: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
func (l *linter) anywhere(s *lintStatement) {
	for _, p := range s.principals {
		if p.typ == ServicePrincipal && p.node.text == "rolesanywhere.amazonaws.com" &&
			!(s.does(assumeRole) && s.does("sts:SetSourceIdentity") && s.does("sts:TagSession")) {
			l.report("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", p.node.at())
		}
	}
}

// sessionKeys reports keys of what a session is given, where the statement
// does not allow to give it.
func (l *linter) sessionKeys(s *lintStatement) {
	for _, c := range s.conditions {
		action := ""
		switch low := strings.ToLower(c.key); {
		case low == "sts:sourceidentity":
			action = "sts:SetSourceIdentity"
		case low == "sts:transitivetagkeys", low == "aws:tagkeys", strings.HasPrefix(low, "aws:requesttag/"):
			action = "sts:TagSession"
		}
		if action != "" && !c.op.IfExists && c.op.Comparison != OpNull && !s.does(action) {
			l.report("MISSING_ACTION_FOR_CONDITION_KEY", c.keyAt, action, c.key)
		}
	}
}

const github = "token.actions.githubusercontent.com"

// oidc looks over what a provider's tokens must hold.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
func (l *linter) oidc(s *lintStatement, p lintPrincipal) {
	name := providerName(p.node.text)
	any, claims := false, false
	for _, c := range s.conditions {
		claim, ok := cutFold(c.key, name+":")
		any = any || ok
		claims = claims || ok && !strings.EqualFold(claim, "aud") && !strings.EqualFold(claim, "oaud") && c.op.Comparison != OpNull
	}
	isGitHub := strings.EqualFold(name, github) || len(name) > len(github) && strings.EqualFold(name[:len(github)+1], github+"/")
	switch {
	case isGitHub && !s.hasKey(name+":sub", name+":job_workflow_ref", name+":repository", name+":repository_id"):
		l.report("MISSING_GITHUB_REPO_CONDITION_KEY", p.node.at())
	case !any:
		l.report("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", p.node.at())
	case !claims && !isGitHub:
		l.report("WARDER_OIDC_TRUST_WITHOUT_SUBJECT", p.node.at(), name, name+":sub")
	}
	if !isGitHub || s.hasKey(name+":ref") {
		return
	}
	for _, c := range s.conditions {
		if !strings.EqualFold(c.key, name+":sub") {
			continue
		}
		for _, v := range c.values {
			if c.op.typ() == typePattern && wild(v.text) {
				l.report("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", v.at())
			}
		}
	}
}

// cutFold is strings.CutPrefix in any case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// organization looks over what only resource control policies have.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func (l *linter) organization(s *lintStatement) {
	if l.kind != RCP {
		return
	}
	everyone := s.notPrincipal == nil && len(s.principals) == 1 && s.principals[0].node.text == "*"
	if n := either(s.principal, s.notPrincipal); n != nil && !everyone {
		l.report("RCP_SYNTAX_ERROR_PRINCIPAL", n.at())
	}
	if key, ok := s.keys["NotAction"]; ok {
		l.report("RCP_SYNTAX_ERROR_NOTACTION", key)
	}
	full := everyone && s.action != nil && len(s.actions) == 1 && s.actions[0].text == "*" &&
		s.resource != nil && len(s.resources) == 1 && s.resources[0].text == "*" && s.condition == nil
	switch {
	case s.effect == Allow && !full:
		l.report("RCP_SYNTAX_ERROR_ALLOW", s.effectNode.at())
	case s.effect == Deny:
		l.rcpActions(s)
		l.rcpKeys(s)
	}
}

// rcpActions: a policy of one's own names the services that it is about.
func (l *linter) rcpActions(s *lintStatement) {
	for _, a := range s.actions {
		prefix, _, ok := strings.Cut(a.text, ":")
		var service *CatalogService
		if ok && l.catalog != nil {
			service = l.catalog.Service(prefix)
		}
		if a.text == "*" || service != nil && !service.RCP {
			l.report("RCP_SYNTAX_ERROR_ACTION", a.at())
		}
	}
}

// rcpKeys: keys of principals are missing where a service calls, and those of
// the source where a principal does, so that a Deny with them hits the wrong ones.
func (l *linter) rcpKeys(s *lintStatement) {
	byService := ""
	nullCheck := false
	for _, c := range s.conditions {
		switch low := strings.ToLower(c.key); {
		case low == "aws:principalisawsservice" && len(c.values) == 1:
			byService = strings.ToLower(c.values[0].text)
		case c.op.Comparison == OpNull && (low == "aws:sourceaccount" || low == "aws:sourcearn"):
			nullCheck = true
		}
	}
	for _, c := range s.conditions {
		if c.op.Comparison == OpNull {
			continue
		}
		switch low := strings.ToLower(c.key); {
		case slices.Contains([]string{"aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn"}, low), strings.HasPrefix(low, "aws:principaltag/"):
			if byService != "false" {
				l.report("RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", c.keyAt, c.key)
			}
		case slices.Contains([]string{"aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount", "aws:sourcearn"}, low):
			if byService != "true" {
				l.report("RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY", c.keyAt, c.key)
			}
			if !nullCheck {
				l.report("RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", c.keyAt, c.key)
			}
		}
	}
}
