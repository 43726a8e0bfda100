package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
)

// The sentences with which AWS refuses a document.
const (
	reasonLegacy       = "The policy failed legacy parsing"
	reasonNoActions    = "Policy statement must contain actions."
	reasonNoResources  = "Policy statement must contain resources."
	reasonVendor       = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	reasonVendorWild   = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards"
	reasonOneColon     = "Actions/Condition can contain only one colon."
	reasonSIDUnique    = "Statement IDs (SID) in a single policy must be unique."
	reasonSIDChars     = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	reasonNoPrincipal  = "Policy document should not specify a principal."
	reasonWantTrust    = "Missing required field Principal"
	reasonTrustNot     = "Has prohibited field NotPrincipal"
	reasonHasResource  = "Has prohibited field Resource"
	reasonTrustActions = "AssumeRole policy may only specify STS AssumeRole actions."
	reasonFullVendor   = "Resource vendor must be fully qualified and cannot contain regexes."
)

// check applies the rules that the shape of a document does not show, each to
// all statements before the next, in the order of AWS's answers: what its old
// parser cannot read, then statement ids, what is missing, and the forms of
// resources before those of actions.
func (d *Document) check() error {
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html#scp-syntax-version
	// and the same for RCPs.
	if !d.Variables && (d.Kind == SCP || d.Kind == RCP) {
		return &ParseError{Pos{1, 1, 0}, ReasonSyntax, "Version must be 2012-10-17"}
	}
	sids := map[string]bool{}
	unique := func(st *Statement) error {
		sid := st.Sid.Value
		if sid != "" && sids[sid] {
			return &ParseError{st.Sid.Pos, reasonSIDUnique, "duplicate " + sid}
		}
		sids[sid] = true
		return nil
	}
	for _, f := range []func(*Statement) error{
		d.checkLegacy, unique, d.checkSID, d.checkPrincipals, d.wantActions, d.wantResources,
		d.checkResources, d.checkActions, d.checkKeys, d.checkRCP,
	} {
		for i := range d.Statements {
			if err := f(&d.Statements[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkLegacy finds what AWS's old parser does not read: resources that lack
// fields and leave others empty, and values that are not of their operator's type.
func (d *Document) checkLegacy(st *Statement) error {
	for _, r := range st.Resources {
		if d.Kind != Trust && d.checkResource(r.Value) == reasonLegacy {
			return &ParseError{r.Pos, reasonLegacy, r.Value}
		}
	}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		if len(c.Values) == 0 {
			return &ParseError{c.Key.Pos, reasonLegacy, "no values"}
		}
		for _, v := range c.Values {
			if !d.validValue(c.Operator, v.Value) {
				return &ParseError{v.Pos, reasonLegacy, "unreadable value for " + c.Operator.String()}
			}
		}
	}
	return nil
}

// checkSID: identity policies take alphanumeric Sids only; resource policies
// of several services take more
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html).
func (d *Document) checkSID(st *Statement) error {
	switch d.Kind {
	case Resource, KeyPolicy, Endpoint:
		return nil
	case Identity, Session, Trust, SCP, RCP:
	}
	for _, c := range []byte(st.Sid.Value) {
		if !alphanumeric(c) {
			return &ParseError{st.Sid.Pos, reasonSIDChars, ""}
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func (d *Document) checkPrincipals(st *Statement) error {
	switch d.Kind {
	case Identity, Session, SCP:
		if st.Principals != nil {
			return &ParseError{st.Pos, reasonNoPrincipal, ""}
		}
		return nil
	case Resource, Trust, KeyPolicy, RCP, Endpoint:
	}
	if len(st.Principals) == 0 {
		return &ParseError{st.Pos, reasonWantTrust, ""}
	}
	if d.Kind == Trust && st.NotPrincipal {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
		return &ParseError{st.Principals[0].Pos, reasonTrustNot, ""}
	}
	for _, p := range st.Principals {
		if !validPrincipal(p) {
			return &ParseError{p.Pos, fmt.Sprintf("Invalid principal in policy: %q:%q", p.Type, p.Value), ""}
		}
	}
	return nil
}

// validPrincipal refuses wildcards within a principal and anything that can
// name nobody. Whether the named one exists is the service's to ask.
func validPrincipal(p PrincipalItem) bool {
	if p.Value == "*" {
		return p.Type == AWSPrincipal || p.Type == EveryonePrincipal
	}
	if p.Value == "" || strings.ContainsAny(p.Value, "*? \t\r\n$") {
		return false
	}
	switch p.Type {
	case AWSPrincipal:
		if arn.IsAccountID(p.Value) || isUniqueID(p.Value) {
			return true
		}
		a, err := arn.Parse(p.Value)
		if err != nil || a.Region != "" || !arn.IsAccountID(a.Account) {
			return false
		}
		switch a.Service {
		case "iam":
			return a.Resource == "root" || (a.ResourceType() == "user" || a.ResourceType() == "role") && a.ResourceID() != "" && !strings.HasSuffix(a.Resource, "/")
		case "sts":
			id := a.ResourceID()
			switch a.ResourceType() {
			case "assumed-role":
				role, session, ok := strings.Cut(id, "/")
				return ok && role != "" && session != "" && !strings.Contains(session, "/")
			case "federated-user":
				return id != ""
			}
		}
		return false
	case ServicePrincipal:
		return strings.Contains(p.Value, ".") && !strings.ContainsAny(p.Value, ":/")
	case FederatedPrincipal, CanonicalUserPrincipal:
		return true
	case EveryonePrincipal:
	}
	return false
}

// isUniqueID recognises the unique id of a user or role, which is what a
// stored principal reads as once its owner is gone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func isUniqueID(s string) bool {
	if len(s) < 16 || len(s) > 128 || !strings.HasPrefix(s, "AIDA") && !strings.HasPrefix(s, "AROA") {
		return false
	}
	for _, c := range []byte(s) {
		if !alphanumeric(c) {
			return false
		}
	}
	return true
}

func (d *Document) wantActions(st *Statement) error {
	if len(st.Actions) == 0 {
		return &ParseError{st.Pos, reasonNoActions, ""}
	}
	return nil
}

func (d *Document) checkActions(st *Statement) error {
	for _, a := range st.Actions {
		if reason := checkAction(a.Value); reason != "" {
			return &ParseError{a.Pos, reason, a.Value}
		}
		if d.Kind == Trust && !strings.HasPrefix(strings.ToLower(a.Value), "sts:") {
			return &ParseError{a.Pos, reasonTrustActions, a.Value}
		}
	}
	return nil
}

// checkAction: "*", or a service prefix without wildcards, a colon and a name.
func checkAction(s string) string {
	if s == "*" {
		return ""
	}
	vendor, name, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return reasonVendor
	case strings.Contains(name, ":"):
		return reasonOneColon
	case vendor == "":
		return fmt.Sprintf("Vendor %s is not valid", vendor)
	}
	if strings.ContainsAny(vendor, "*?") {
		return reasonVendorWild
	}
	for _, c := range []byte(vendor) {
		if !alphanumeric(c) && c != '-' && c != '.' {
			return fmt.Sprintf("Vendor %s is not valid", vendor)
		}
	}
	if name == "" {
		return reasonLegacy
	}
	// AWS stores names with stray characters (its own managed policies have
	// some with spaces); they match no action.
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' {
			return reasonLegacy
		}
	}
	return ""
}

func (d *Document) wantResources(st *Statement) error {
	switch d.Kind {
	case Trust:
		if st.Resources != nil {
			return &ParseError{st.Pos, reasonHasResource, ""}
		}
		return nil
	case Resource, KeyPolicy:
		// Repositories and keys have policies without Resource: it is the one
		// that the policy is attached to.
		if st.Resources == nil {
			return nil
		}
	case Identity, Session, SCP, RCP, Endpoint:
	}
	if len(st.Resources) == 0 {
		return &ParseError{st.Pos, reasonNoResources, ""}
	}
	return nil
}

func (d *Document) checkResources(st *Statement) error {
	for _, r := range st.Resources {
		if reason := d.checkResource(r.Value); reason != "" {
			return &ParseError{r.Pos, reason, r.Value}
		}
	}
	return nil
}

// checkResource says what is wrong with a resource. AWS does not read the
// first field before it has read the second.
func (d *Document) checkResource(s string) string {
	if s == "*" {
		return ""
	}
	f := splitPattern(s)
	n := 1
	for i := len(f[0]); i < len(s); i += 1 + len(f[n-1]) {
		n++
	}
	if n == 1 {
		return notARN(s)
	}
	if !validPartition(f[1]) {
		return fmt.Sprintf("Partition \"%s\" is not valid for resource \"arn:%s\".", f[1], strings.Join(f[1:], ":"))
	}
	if f[0] != "arn" {
		return notARN(s)
	}
	if n < 3 || strings.ContainsAny(f[2], "?$") {
		return reasonFullVendor
	}
	if f[2] == "" || n < 6 && slices.Contains(f[3:n], "") {
		return reasonLegacy
	}
	// The guide allows variables in the last field only, but AWS's own managed
	// policies use ${aws:PrincipalAccount} as the account.
	if d.Variables && strings.Contains(s, "${") {
		if _, err := parseTemplate(s, true); err != nil {
			return reasonLegacy
		}
	}
	if n == 6 && f[2] == "iam" {
		if f[3] != "" && !open(f[3]) {
			return fmt.Sprintf("IAM resource %s cannot contain region information.", s)
		}
		return checkIAMPath(f[5])
	}
	// Some resources of S3 are regional, such as access points. They have an account.
	if n == 6 && f[2] == "s3" && f[3] != "" && !open(f[3]) && f[4] == "" {
		return fmt.Sprintf("Resource %s can not contain region information.", s)
	}
	return ""
}

func notARN(s string) string {
	return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", s)
}

// iamPaths are the types of IAM's resources as AWS's refusal lists them.
var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// checkIAMPath refuses what can be no resource of IAM's. Delegation requests
// are younger than AWS's list.
func checkIAMPath(s string) string {
	kind, _, ok := strings.Cut(s, "/")
	if open(kind) || s == "root" || ok && (kind == "delegation-request" || slices.Contains(iamPaths, kind+"/")) {
		return ""
	}
	return "IAM resource path must either be \"*\", root, or start with " + strings.Join(iamPaths, ", ") + "."
}

// validPartition accepts AWS's partitions by their form, and wildcards.
func validPartition(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if c != '-' && c != '*' && !('a' <= c && c <= 'z') {
			return false
		}
	}
	return strings.HasPrefix(s, "aws") || strings.HasPrefix(s, "*")
}

// checkKeys refuses condition keys that no request can have. AWS takes keys
// without a service too; they are in no request of AWS's.
func (d *Document) checkKeys(st *Statement) error {
	for i := range st.Conditions {
		c := &st.Conditions[i]
		service, key, ok := strings.Cut(c.Key.Value, ":")
		if service == "" || ok && key == "" || strings.ContainsAny(c.Key.Value, "${}") {
			return &ParseError{c.Key.Pos, reasonVendor, c.Key.Value}
		}
	}
	return nil
}

// validValue says whether a value can be read as what its operator compares.
func (d *Document) validValue(op Operator, s string) bool {
	if d.Variables && op.takesVariables() && strings.Contains(s, "${") {
		_, err := parseTemplate(s, true)
		return err == nil
	}
	ok := true
	switch op.typ() {
	case typeString, typePattern:
	case typeARN:
		ok = s == "*" || strings.HasPrefix(s, "arn:")
	case typeNumber:
		_, ok = parseDecimal(s)
	case typeDate:
		_, ok = parseMoment(s)
	case typeBool, typeNull:
		ok = strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
	case typeBinary:
		_, ok = canonicalBase64(s)
	case typeAddress:
		_, ok = parsePrefix(s)
	}
	return ok
}

// checkRCP: resource control policies deny only, for everyone; the one that
// allows is AWS's own RCPFullAWSAccess.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func (d *Document) checkRCP(st *Statement) error {
	if d.Kind != RCP {
		return nil
	}
	if st.NotPrincipal || len(st.Principals) != 1 || st.Principals[0].Value != "*" || st.NotAction {
		return &ParseError{st.Pos, ReasonSyntax, "a resource control policy names Principal \"*\" and Action"}
	}
	full := !st.NotResource && len(st.Conditions) == 0 &&
		len(st.Actions) == 1 && st.Actions[0].Value == "*" && len(st.Resources) == 1 && st.Resources[0].Value == "*"
	if st.Effect == Allow && !full {
		return &ParseError{st.Pos, ReasonSyntax, "a resource control policy cannot allow"}
	}
	for _, a := range st.Actions {
		if a.Value == "*" && st.Effect == Deny {
			return &ParseError{a.Pos, ReasonSyntax, "a resource control policy names the service of its actions"}
		}
	}
	return nil
}
