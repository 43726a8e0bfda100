package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/policy"
)

// generator makes cases. It draws from small pools, so that names meet, and
// the pools love edges.
type generator struct{ *rand.Rand }

func (g generator) one(pool []string) string { return pool[g.IntN(len(pool))] }

// chance is true in one of n cases.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

// some draws up to n, at least one.
func (g generator) some(n int, pool []string) []string {
	var out []string
	for range 1 + g.IntN(n) {
		out = append(out, g.one(pool))
	}
	return out
}

const (
	a1 = "111111111111"
	a2 = "222222222222"
)

var (
	actions        = []string{"s3:GetObject", "s3:getobject", "S3:PutObject", "s3:GetObjectAcl", "s3express:GetObject", "iam:GetUser", "iam:ListUsers", "sqs:SendMessage", "s3:G", "kms:Decrypt"}
	s3Actions      = []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucket", "s3:listbucketversions", "s3:GetBucketAcl", "s3:PutBucketAcl", "s3:GetObjectAcl", "s3:PutObjectVersionAcl", "s3:GetObjectTagging", "s3:RestoreObject", "s3:GetObjectAttributes", "s3:GetBucketPolicy"}
	trustActions   = []string{"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"}
	actionPatterns = []string{"*", "s3:*", "s3:Get*", "s3:*Object", "s3:?etObject", "s3:G*t*", "S3:GetObject", "s3:PutObject", "iam:*", "iam:GetUser", "sqs:Send*", "s3:GetObject*", "s3:G?", "s3:Ge*", "kms:Decrypt", "s3:*?*", "s3:**Acl"}
	trustPatterns  = []string{"sts:*", "sts:AssumeRole", "sts:AssumeRole*", "sts:TagSession", "STS:assumerole"}

	resources = []string{
		"*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/jo/k", "arn:aws:s3:::b", "arn:aws:s3:::b/", "arn:aws:s3:::b/é", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k:l/m",
		"arn:aws:s3:::bb/k", "arn:aws-cn:s3:::b/k", "arn:aws:iam::" + a1 + ":role/r", "arn:aws:iam::" + a1 + ":user/jo", "arn:aws:iam::" + a2 + ":role/p/r",
		"arn:aws:sqs:eu-west-1:" + a1 + ":q", "arn:aws:sqs:us-east-1:" + a2 + ":q", "arn:aws:s3:::", "arn:aws:s3", "record", "arn:aws:kms:eu-west-1:" + a1 + ":key/1",
	}
	resourcePatterns = []string{
		"*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b", "arn:aws:s3:::b*", "arn:aws:s3:::*", "arn:aws:s3:::b/?", "arn:aws:s3:::*/k", "arn:aws:s3",
		"arn:aws:s3:::${aws:username}", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${t:a}", "arn:aws:s3:::b/${t:a, 'k'}", "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${t:m}",
		"arn:*:s3:::b/k", "arn:aws:*:*:" + a1 + ":*", "arn:aws:iam::" + a1 + ":role/*", "arn:aws:iam::*:role/*r", "arn:aws:iam::${aws:PrincipalAccount}:*",
		"arn:aws:sqs:eu-*:*:q", "arn:aws:sqs:*", "arn:aws:sqs:*:q", "arn:aws:sqs:??-????-1:" + a1 + ":?", "arn:aws:s3:::b/k:*", "arn:aws:s3:::?/*/*", "arn:aws:kms:*:*:key/*",
	}
	// strings that stand as condition values and as values of keys.
	words     = []string{"", "a", "A", "ab", "b", "jo", "*", "?", "a*", "true", "false", "1", "10.0.0.1", "é", "${t:a}"}
	templates = []string{"a", "A", "a*", "*", "?", "??", "a?", "*b", "", "jo", "${t:a}", "${aws:username}", "${T:A}*", "${t:a, 'b'}", "x${*}", "${?}", "${t:m}", "${t:none,''}", "true", "1"}
	numbers   = []string{"0", "1", "9", "20", "-1", "1.0", "1.50", "01.5", "9007199254740993", "9007199254740992", "100", "-100.25", "+1"}
	dates     = []string{"2024", "2024-02", "2024-02-29", "2024-02-29T12:00Z", "2024-02-29T12:00:00Z", "2024-02-29T13:00:00+01:00", "2024-02-29T12:00:00.25Z", "1709208000", "0", "-1"}
	booleans  = []string{"true", "false", "TRUE", "False"}
	addresses = []string{"10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "192.0.2.0/24", "192.0.2.77/25", "2001:db8::/32", "2001:db8::1", "::/0", "192.0.2.128/25"}
	arns      = []string{"arn:aws:sns:eu-west-1:" + a1 + ":t", "arn:aws:sns:*:" + a1 + ":*", "arn:aws:iam::" + a1 + ":role/*", "arn:aws:iam::${aws:PrincipalAccount}:role/r", "arn:aws:iam::" + a1 + ":role/r", "arn:aws:sns", "*", "arn:aws:s3:::${t:a}"}
	binaries  = []string{"YQ==", "YWI=", "", "/+8="}

	keys       = []string{"aws:SourceVpc", "t:a", "t:A", "t:b", "t:m", "aws:username", "AWS:UserName", "t:none", "aws:PrincipalTag/Team"}
	operations = []struct {
		names  []string
		values []string
		key    string // that mostly has values of the type, if there is one
	}{
		{[]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"}, templates, ""},
		{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"}, numbers, "t:n"},
		{[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}, dates, "t:d"},
		{[]string{"Bool"}, append([]string{"${t:a}"}, booleans...), ""},
		{[]string{"BinaryEquals"}, binaries, ""},
		{[]string{"IpAddress", "NotIpAddress"}, addresses, "t:ip"},
		{[]string{"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"}, arns, "t:arn"},
		{[]string{"Null"}, booleans, ""},
	}
)

// typedPools are the values of the keys that have a type.
var typedPools = map[string][]string{
	"t:n": numbers, "t:d": dates, "t:arn": arns[:6],
	"t:ip": {"10.0.0.1", "10.0.0.2", "192.0.2.77", "192.0.2.200", "2001:db8::1", "::ffff:10.0.0.1", "junk"},
}

// principals has every kind, and several of an account.
func (g generator) principal() *policy.Principal {
	acct := g.one([]string{a1, a1, a2})
	role := g.one([]string{"r", "p/r"})
	p := map[int]policy.Principal{
		0: {Kind: policy.Anonymous},
		1: {Kind: policy.Root, ARN: "arn:aws:iam::" + acct + ":root", Account: acct},
		2: {Kind: policy.User, ARN: "arn:aws:iam::" + acct + ":user/jo", Account: acct, UniqueID: "AIDAJOJOJOJOJOJOJO01"},
		3: {Kind: policy.RoleSession, ARN: "arn:aws:sts::" + acct + ":assumed-role/r/s", RoleARN: "arn:aws:iam::" + acct + ":role/" + role, Account: acct, UniqueID: "AROAROLEROLEROLERO01", ServiceLinked: g.chance(6)},
		4: {Kind: policy.FederatedUser, ARN: "arn:aws:sts::" + acct + ":federated-user/jo", UserARN: "arn:aws:iam::" + acct + ":user/jo", Account: acct, UniqueID: "AIDAJOJOJOJOJOJOJO01"},
		5: {Kind: policy.AssumeRootSession, ARN: "arn:aws:sts::" + acct + ":assumed-root", Account: acct},
		6: {Kind: policy.WebIdentity, Provider: "accounts.google.com"},
		7: {Kind: policy.SAML, Provider: "arn:aws:iam::" + a1 + ":saml-provider/idp"},
		8: {Kind: policy.Service, Service: g.one([]string{"ec2.amazonaws.com", "ec2.amazonaws.com", "logging.s3.amazonaws.com"})},
		9: {Kind: policy.User, ARN: "arn:aws:iam::" + acct + ":user/bo", Account: acct, UniqueID: "AIDABOBOBOBOBOBOBO01", CanonicalUser: "79a5"},
	}[g.kind()]
	if p.Account == "" && p.Kind != policy.Anonymous && g.chance(3) {
		p.Account, p.CanonicalUser = acct, "79a5" // which these must not be named by
	}
	return &p
}

// kind draws one of the requesters that principal knows.
func (g generator) kind() int {
	return []int{0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9}[g.IntN(16)]
}

var principalNames = []string{
	"*", a1, a2, "arn:aws:iam::" + a1 + ":root", "arn:aws:iam::" + a1 + ":user/jo", "arn:aws:iam::" + a2 + ":user/jo", "arn:aws:iam::" + a1 + ":user/bo",
	"arn:aws:iam::" + a1 + ":role/r", "arn:aws:iam::" + a1 + ":role/p/r", "arn:aws:iam::" + a2 + ":role/r", "arn:aws:sts::" + a1 + ":assumed-role/r/s", "arn:aws:sts::" + a1 + ":assumed-role/r/t",
	"arn:aws:sts::" + a1 + ":federated-user/jo", "AIDAJOJOJOJOJOJOJO01", "AROAROLEROLEROLERO01", "AIDAGONEGONEGONEGONE",
}

func (g generator) principals() any {
	switch g.IntN(10) {
	case 0, 1:
		return "*"
	case 2: // everything that a requester is, as NotPrincipal wants it
		return map[string]any{"AWS": [][]string{
			{"arn:aws:iam::" + a1 + ":user/jo", a1},
			{"arn:aws:sts::" + a1 + ":assumed-role/r/s", "arn:aws:iam::" + a1 + ":role/r", a1},
			{"arn:aws:sts::" + a1 + ":federated-user/jo", "arn:aws:iam::" + a1 + ":user/jo", a1},
		}[g.IntN(3)]}
	}
	m := map[string]any{}
	if !g.chance(4) {
		m["AWS"] = g.some(4, principalNames)
	}
	if g.chance(4) {
		m["Service"] = g.some(2, []string{"ec2.amazonaws.com", "s3.amazonaws.com"})
	}
	if g.chance(4) {
		m["Federated"] = g.one([]string{"accounts.google.com", "arn:aws:iam::" + a1 + ":saml-provider/idp", "graph.facebook.com"})
	}
	if g.chance(6) || len(m) == 0 {
		m["CanonicalUser"] = g.one([]string{"79a5", "0000"})
	}
	return m
}

// listOrOne writes a list of one as its element now and then.
func (g generator) listOrOne(l []string) any {
	if len(l) == 1 && g.chance(2) {
		return l[0]
	}
	return l
}

func (g generator) statement(kind policy.Kind) map[string]any {
	st := map[string]any{"Effect": "Allow"}
	if g.chance(5) {
		st["Effect"] = "Deny"
	}
	pool := actionPatterns
	if kind == policy.Trust {
		pool = trustPatterns
	}
	st[g.not("Action")] = g.listOrOne(g.some(3, pool))
	if (kind == policy.Identity || kind == policy.SCP) && g.chance(6) {
		// Listed actions on everything, which the index keeps apart.
		delete(st, "NotAction")
		st["Action"], st["Resource"] = g.some(3, actions), "*"
		return st
	}
	switch kind {
	case policy.Trust:
	case policy.Resource, policy.KeyPolicy:
		if g.chance(4) {
			break
		}
		fallthrough
	default:
		st[g.not("Resource")] = g.listOrOne(g.some(3, resourcePatterns))
	}
	switch kind {
	case policy.Trust:
		st["Principal"] = g.principals()
	case policy.Resource, policy.KeyPolicy, policy.Endpoint:
		st[g.one([]string{"Principal", "Principal", "Principal", "NotPrincipal"})] = g.principals()
	case policy.RCP:
		st = g.rcp(st)
	}
	if kind != policy.RCP || st["Effect"] == "Deny" {
		if c := g.conditions(); c != nil {
			st["Condition"] = c
		}
	}
	return st
}

// rcp makes a statement one that an RCP can have.
func (g generator) rcp(st map[string]any) map[string]any {
	if st["Effect"] == "Allow" {
		return map[string]any{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
	}
	delete(st, "NotAction")
	st["Principal"], st["Action"] = "*", g.some(2, actionPatterns[1:])
	return st
}

func (g generator) not(element string) string {
	if g.chance(8) {
		return "Not" + element
	}
	return element
}

func (g generator) conditions() map[string]any {
	if !g.chance(3) {
		return nil
	}
	out := map[string]any{}
	for range 1 + g.IntN(2) {
		o := operations[g.IntN(len(operations))]
		name := g.one(o.names)
		if name != "Null" {
			name = g.one([]string{"", "", "", "ForAnyValue:", "ForAllValues:"}) + name + g.one([]string{"", "", "", "IfExists"})
		}
		key := g.one(keys)
		if o.key != "" && !g.chance(4) {
			key = o.key
		}
		values := []any{}
		for _, v := range g.some(3, o.values) {
			if n, err := strconv.Atoi(v); err == nil && strconv.Itoa(n) == v && g.chance(2) {
				values = append(values, n)
			} else if b, err := strconv.ParseBool(v); err == nil && strconv.FormatBool(b) == v && g.chance(2) {
				values = append(values, b)
			} else {
				values = append(values, v)
			}
		}
		var value any = values
		if len(values) == 1 && g.chance(2) {
			value = values[0]
		}
		out[name] = map[string]any{key: value}
	}
	return out
}

// document is the text of a policy.
func (g generator) document(kind policy.Kind) string {
	n := g.IntN(4)
	if g.chance(15) {
		n = 24 + g.IntN(40) // enough for an index
	}
	sts := []any{g.statement(kind)}
	for range n {
		sts = append(sts, g.statement(kind))
	}
	d := map[string]any{"Version": "2012-10-17", "Statement": sts}
	if g.chance(10) && kind != policy.SCP && kind != policy.RCP {
		d["Version"] = "2008-10-17"
	}
	if len(sts) == 1 && g.chance(2) {
		d["Statement"] = sts[0]
	}
	b, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	text := string(b)
	if strings.Contains(text, "Bool") { // whose values are no booleans without variables
		text = strings.Replace(text, "2008-10-17", "2012-10-17", 1)
	}
	return text
}

// set is the policies of a layer; full is a policy that allows much, so that
// not every case dies in the first layer.
func (g generator) set(kind policy.Kind) []string {
	out := []string{}
	for range g.IntN(3) {
		out = append(out, g.document(kind))
	}
	switch {
	case kind == policy.RCP && !g.chance(6):
		out = append(out, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
	case kind == policy.Endpoint && !g.chance(4):
		out = append(out, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
	case kind != policy.RCP && kind != policy.Endpoint && !g.chance(3):
		out = append(out, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	}
	return out
}

// world makes the policies of a case.
func (g generator) world() Case {
	c := Case{Identity: g.set(policy.Identity)}
	if g.chance(4) {
		c.Boundary = g.set(policy.Identity)
	}
	if g.chance(3) {
		c.Session = g.set(policy.Session)
	}
	if g.chance(2) {
		c.ResourceKind = []policy.Kind{policy.Resource, policy.Resource, policy.Trust, policy.KeyPolicy}[g.IntN(4)]
		c.Resources = g.document(c.ResourceKind)
		if g.chance(2) {
			c.IDs = map[string]string{
				"arn:aws:iam::" + a1 + ":user/jo": g.one([]string{"AIDAJOJOJOJOJOJOJO01", "AIDAOTHEROTHEROTHE01"}),
				"arn:aws:iam::" + a1 + ":role/r":  g.one([]string{"AROAROLEROLEROLERO01", "AROAOTHEROTHEROTHE01"}),
			}
		}
	}
	if g.chance(8) {
		c.Endpoint = g.set(policy.Endpoint)
	}
	if g.chance(5) {
		for range 1 + g.IntN(2) {
			c.SCPs = append(c.SCPs, g.set(policy.SCP))
		}
	}
	if g.chance(5) {
		for range 1 + g.IntN(2) {
			c.RCPs = append(c.RCPs, g.set(policy.RCP))
		}
	}
	if g.chance(3) {
		c.S3 = g.s3()
		if g.chance(2) || c.ResourceKind != policy.Resource && !g.chance(9) {
			c.ResourceKind, c.Resources = policy.Resource, g.document(policy.Resource)
		}
		if g.chance(4) { // public or not only by the values of a condition
			op := g.one([]string{"StringEquals", "StringLike", "ArnLike", "StringEqualsIfExists", "StringNotEquals", "ForAllValues:StringLike"})
			value := g.one([]string{"a", "ab", "a*", "?", "${t:a}", "arn:aws:sns:eu-west-1:" + a1 + ":t", "arn:aws:sns"})
			c.ResourceKind = policy.Resource
			c.Resources = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"` + op + `":{"aws:SourceVpc":"` + value + `"}}}}`
			if op == "ArnLike" && !strings.HasPrefix(value, "arn:") {
				c.Resources = strings.Replace(c.Resources, "ArnLike", "StringLike", 1)
			}
		}
	}
	return c
}

// canonical are the canonical user ids of the two accounts and of a third.
var canonical = map[string]string{a1: "79a5", a2: "79a6", "": "", "333333333333": "79a7"}

// s3 makes lists and settings, mostly of a bucket of the first account.
func (g generator) s3() *policy.S3 {
	list := func(owners ...string) *policy.ACL {
		if g.chance(4) {
			return nil
		}
		l := &policy.ACL{Account: g.one(owners)}
		l.Owner = canonical[l.Account]
		for range g.IntN(4) {
			l.Grants = append(l.Grants, policy.ACLGrant{
				Grantee:    g.one([]string{"79a5", "79a6", "79a6", "", policy.AllUsers, policy.AuthenticatedUsers, policy.LogDelivery}),
				Permission: policy.ACLPermission(g.IntN(6)),
			})
		}
		return l
	}
	return &policy.S3{
		Bucket: list(a1, a1, a2, ""), Object: list(a1, a1, a2, "333333333333", ""),
		PublicAccess: policy.PublicAccessBlock{IgnorePublicAcls: g.chance(3), RestrictPublicBuckets: g.chance(2), BlockPublicAcls: g.chance(2), BlockPublicPolicy: g.chance(2)},
	}
}

// request makes the request of a case, with its context as the engine takes it.
func (g generator) request(c *Case) policy.Values {
	c.Principal = g.principal()
	c.Action, c.Resource, c.Account = g.one(actions), g.one(resources), g.one([]string{a1, a1, a1, a2, a2, a1, a1, ""})
	if c.ResourceKind == policy.Trust && c.Resources != "" && !g.chance(5) {
		c.Action, c.Resource = g.one(trustActions), g.one(resources[10:13])
	}
	if c.S3 != nil && g.chance(2) {
		c.Principal.CanonicalUser = canonical[c.Principal.Account]
		c.Action, c.Resource = g.one(s3Actions), g.one(resources[1:10])
	}
	if g.chance(40) {
		c.Action = g.one([]string{"*", "", "s3", "s3:", ":x", "a:b:c"})
	}
	c.Context = map[string]Value{}
	ctx := policy.NewContext()
	for _, k := range []string{"t:a", "t:b", "t:m", "aws:username", "aws:PrincipalTag/team", "aws:SourceVpc"} {
		if g.chance(3) {
			continue
		}
		v, texts, multi := g.value()
		if k == "t:m" && !multi {
			texts = g.some(3, words)
			v, multi = policy.Strings(texts...), true
		}
		ctx.Set(k, v)
		c.Context[strings.ToLower(k)] = Value{texts, multi}
	}
	for _, k := range slices.Sorted(maps.Keys(typedPools)) {
		if !g.chance(6) {
			texts := g.some(2, typedPools[k])
			v := Value{texts, len(texts) > 1}
			c.Context[k] = v
			if v.Multi {
				ctx.Set(k, policy.Strings(texts...))
			} else {
				ctx.Set(k, policy.String(texts[0]))
			}
		}
	}
	ctx.Set("aws:PrincipalAccount", policy.String(c.Principal.Account))
	c.Context["aws:principalaccount"] = Value{Texts: []string{c.Principal.Account}}
	return ctx
}

// value is a value of a key in both forms.
func (g generator) value() (v policy.Value, texts []string, multi bool) {
	switch g.IntN(9) {
	case 0:
		b := g.chance(2)
		return policy.Bool(b), []string{fmt.Sprint(b)}, false
	case 1:
		n := int64(g.IntN(4) - 1)
		return policy.Int(n), []string{fmt.Sprint(n)}, false
	case 2:
		t := time.Unix(1709208000+int64(g.IntN(3)-1), int64(g.IntN(2))*250_000_000)
		return policy.Time(t), []string{t.UTC().Format(time.RFC3339Nano)}, false
	case 3:
		a := netip.MustParseAddr(g.one([]string{"10.0.0.1", "192.0.2.77", "2001:db8::1", "192.0.2.200", "::ffff:10.0.0.1"}))
		return policy.Addr(a), []string{a.Unmap().String()}, false
	case 4:
		texts := []string{}
		for range g.IntN(4) {
			texts = append(texts, g.one(words))
		}
		return policy.Strings(texts...), texts, true
	}
	pools := [][]string{words, words, words, numbers, dates, arns[:6], binaries, {"10.0.0.1", "::ffff:10.0.0.1", "junk"}}
	s := g.one(pools[g.IntN(len(pools))])
	return policy.String(s), []string{s}, false
}
