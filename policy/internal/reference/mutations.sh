#!/bin/sh
# Breaks the engine in one way after another and shows that the tests of this
# folder notice each. It fails if a mutation survives or no longer applies.
#
#	policy/internal/reference/mutations.sh [cases]
set -eu
cases=${1:-100000}
cd "$(dirname "$0")/../../.."
root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# try NAME FILE SED-EXPRESSION: the rule that is broken, and how. The build
# takes the broken file in place of the real one, which stays as it is.
try() {
	sed "$3" "policy/$2" >"$work/$2"
	if cmp -s "policy/$2" "$work/$2"; then
		echo "STALE    $1"
		failed=1
		return
	fi
	printf '{"Replace":{"%s/policy/%s":"%s/%s"}}' "$root" "$2" "$work" "$2" >"$work/overlay.json"
	if ! go test -overlay "$work/overlay.json" -c -o "$work/test" ./policy/internal/reference >/dev/null 2>&1; then
		echo "INVALID  $1"
		failed=1
	elif (cd policy/internal/reference && "$work/test" -test.failfast -cases "$cases") >/dev/null 2>&1; then
		echo "SURVIVED $1"
		failed=1
	else
		echo "caught   $1"
	fi
}

try 'identity denies are not looked at' evaluate.go 's/l\.Identity\.deny(m); st != nil/l.Identity.deny(m); st != nil \&\& false/'
try 'resource denies are not looked at' evaluate.go 's/l\.resourceSet()\.deny(m); st != nil/l.resourceSet().deny(m); st != nil \&\& false/'
try 'a boundary does not limit' evaluate.go 's/l\.Boundary != nil && l\.Boundary\.allow(m) == nil/l.Boundary == nil \&\& false/'
try 'a session policy does not limit' evaluate.go 's/needed := l\.Session != nil/needed := false/'
try 'a federated user needs no session policy' principal.go 's/case FederatedUser, AssumeRootSession:$/case AssumeRootSession:/'
try 'SCPs need not allow' evaluate.go 's/if s\.allow(m) == nil {/if s.allow(m) == nil \&\& i > 9 {/'
try 'the endpoint need not allow' evaluate.go 's/l\.Endpoint != nil && l/false \&\& l/'
try 'SCPs bind service-linked roles' evaluate.go 's/if !m\.principal\.ServiceLinked {/{/'
try 'cross-account needs no resource policy' evaluate.go 's/if !same && named == notNamed {/if false {/'
try 'trust and key policies can be replaced' evaluate.go 's/case same && named == notNamed && l\.mustGrant():/case false:/'
try 'naming the account grants' evaluate.go 's/case same && named == byIdentity:/case same \&\& named >= byAccount:/'
try 'an unknown owner is the own account' evaluate.go 's/owner == "" \&\& req\.Resource == "\*"/owner == ""/'
try 'AssumeRoot is not bound to its task' evaluate.go 's/p\.Kind == AssumeRootSession && named == directly/false/'
try 'an ACL grant to an account grants to its users' acl.go 's/return byAccount$/return directly/'
try 'authenticated users are everyone' acl.go '/^	case AuthenticatedUsers:/,/^	case LogDelivery:/s/p\.Kind\.hasAccount()/true/'
try 'AllUsers reaches past a boundary' acl.go 's/return byIdentity$/return directly/'
try 'log delivery is any service' acl.go 's/p\.Kind == Service \&\& p\.Service == logDeliveryService/p.Kind == Service/'
try 'READ on a bucket reads its objects' acl.go 's/return s\.Object$/return s.Bucket/'
try 'any ACL permission will do' acl.go 's/p != m\.acl\.permission \&\& p != ACLFullControl/p == 0/'
try 'WRITE overwrites' acl.go 's/return s\.Object == nil || s\.Object\.ownedBy/return true || s.Object.ownedBy/'
try 'WRITE deletes' acl.go 's/return s\.Object\.ownedBy(m\.principal) || s/return true || s/'
try 'a bucket policy opens objects of others' evaluate.go 's/^	if !m\.foreign {/	if true {/'
try 'a bucket owner owns the objects of others' acl.go 's/m\.foreign = true/return/'
try 'the owner of an object owns the bucket' acl.go 's/m\.same = m\.onObject() \&\& /m.same = /'
try 'an ACL goes for any resource' acl.go 's/case a\.object \&\& !m\.onObject() || !a\.object \&\& !m\.onBucket():/case false:/'
try 'public ACLs are not ignored' acl.go 's/s\.PublicAccess\.IgnorePublicAcls \&\& list/false \&\& list/'
try 'public buckets are not restricted' public.go 's/return l\.S3 != nil \&\& l\.S3/return false \&\& l.S3/'
try 'public buckets are restricted to no one' public.go 's/m\.principal\.Kind != Service \&\& !m\.req\.sameAccount()/m.principal.Kind != Service/'
try 'a policy with a wildcard is not public' public.go 's/!strings\.ContainsAny(s, "\*?")/true/'
try 'a federated principal is fixed' public.go 's/case FederatedPrincipal, EveryonePrincipal:/case EveryonePrincipal:/'
try 'one public statement is not enough' public.go 's/st\.Effect == Allow \&\& !st\.fixedPrincipals()/i > 0 \&\& st.Effect == Allow \&\& !st.fixedPrincipals()/'
try 'a role named is a session named' principal.go 's/return byIdentity$/return directly/'
try 'a service is named by an account' principal.go 's/if p\.Kind\.hasAccount() \&\& p\.Account/if p.Account/'
try 'unique ids are ignored' principal.go 's/if s\.id != "" {/if false {/'
try 'a trust policy trusts any service' principal.go 's/l\.trust \&\& effect == Allow \&\& !p\.Kind\.hasAccount()/false/'
try 'NotPrincipal exempts by the session alone' principal.go 's/exempt = self && identity && account/exempt = self/'
try 'NotPrincipal exempts in spite of a boundary' principal.go 's/exempt && !bounded/exempt/'
try 'a star matches no empty text' glob.go 's/return matchSuffix(pattern, s)$/return s != "" \&\& matchSuffix(pattern, s)/'
try 'a question mark is one byte' glob.go 's/i += runeLen(s\[i:\])$/i++/'
try 'a wildcard reaches over colons' pattern.go 's/tail < 0 || tail > maxHead || strings.ContainsAny(text\[:tail\], "\*?")/tail < 0 || tail > maxHead/'
try 'missing ARN fields match nothing' pattern.go 's/return true \/\/ the rest stands for.*/return false/'
try 'a resource with variables is not cut into fields' match.go 's/case patFields, patTemplate:/case patFields:/'
try 'an unknown variable in NotResource is ignored' match.go 's/pat\.kind == patTemplate && st\.notResource/false/'
try 'actions are case-sensitive' match.go 's/if lowerByte(s\[i\]) != prefix\[i\] {/if s[i] != prefix[i] {/'
try 'NotAction is Action' match.go 's/st\.matchAction(m\.req\.Action) != st\.notAction/st.matchAction(m.req.Action)/'
try 'one condition suffices' match.go 's/if !p\.more\.conditions\[k\]\.holds(p, m\.req\.Context, st\.effect) {/if k == st.conditions.from \&\& !p.more.conditions[k].holds(p, m.req.Context, st.effect) {/'
try 'set qualifiers are swapped' operator.go 's/o\.Quantifier, s = ForAnyValue, rest/o.Quantifier, s = ForAllValues, rest/'
try 'ForAllValues stops at the first value' condition.go 's/for i := range n {/for i := range min(n, 1) {/'
try 'a set operator is negated after the values' condition.go 's/if !c\.value(p, ctx, &v, i, negated, effect) {/if !c.value(p, ctx, \&v, i, false, effect) != negated {/'
try 'several values are a single one' condition.go 's/return effect == Deny$/return c.value(p, ctx, \&v, 0, negated, effect)/'
try 'IfExists is ignored' condition.go 's/if !ok && c\.op\.IfExists {/if false {/'
try 'a missing key fulfils a positive operator' condition.go 's/^		return negated$/		return true/'
try 'an unreadable value passes a negated operator' condition.go 's/return negated && effect == Deny/return negated/'
try 'Null is turned round' condition.go 's/strings\.EqualFold(pat\.text, "true") == missing/strings.EqualFold(pat.text, "true") != missing/'
try 'less is less or equal' condition.go 's/return c < 0/return c <= 0/'
try 'numbers are compared as text' values.go 's/case len(d\.int) != len(e\.int):/case false:/'
try 'zones of dates are ignored' values.go 's/- int64(offset)\*60/- int64(offset)*0/'
try 'an address block is its first address' condition.go 's/if n\.Contains(a) {/if n.Addr() == a {/'
try 'variables in old documents' parse.go 's/^	case "2008-10-17":/	case "2008-10-17":\n		p.doc.Variables = true/'
try 'a filter is too strict' filter.go 's/tailBytes(resource, int(f\.tailEnd)) == f\.tail/tailBytes(resource, int(f.tailEnd)) == f.tail \&\& f.tailEnd != 13/'
try 'the index looks at one service only' set.go 's/^	if st := x\.service(entries, m, 0); st != nil {/	if st := x.service(entries, m, m.service); st != nil {/'
try 'the index forgets exact actions' set.go 's/^	if len(x\.actions) > 0 {/	if false {/'
try 'the index misses the last of a run' set.go 's/run := entries\[gr\.from:gr\.to\]/run := entries[gr.from:max(gr.from, gr.to-1)]/'

exit $failed
