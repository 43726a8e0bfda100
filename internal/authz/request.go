package authz

import (
	"net/netip"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Request is what every decision about one request has in common: who calls,
// from where, when.
type Request struct {
	Caller    *authn.Caller
	Time      time.Time
	Region    string     // from the signature's scope; "" if there is none
	SourceIP  netip.Addr // the peer's address; never from a header, unless a trusted proxy is configured
	Secure    bool       // over TLS
	UserAgent string     // "" if not sent
	Referer   string     // "" if not sent

	// MFA is when the caller proved MFA in this very request or for its session;
	// nil if it did not.
	MFA *time.Time
}

// Check is one thing that a request needs permission for.
type Check struct {
	Action   string      // "iam:CreateUser"
	Resource string      // an ARN, or "*"
	Account  string      // that owns the resource
	Tags     []state.Tag // of the resource
	Boundary string      // ARN of the boundary that the resource, a user or role, has

	// ResourcePolicy is the policy that hangs on the resource: a role's trust
	// policy. Nil if it has none.
	ResourcePolicy *policy.Policy

	// Granted is an identity policy that the account gives its users besides
	// their own, as its password policy does. Nil if there is none.
	Granted *policy.Policy

	RequestTags []state.Tag // tags sent with the request
	TagKeys     []string    // tag keys sent without values

	keys []entry
}

type entry struct {
	key   policy.Key
	value policy.Value
}

// Set gives a context key of this check a value.
func (c *Check) Set(name string, v policy.Value) {
	c.keys = append(c.keys, entry{policy.KeyOf(name), v})
}

// Keys calls fn with each context key that was set.
func (c *Check) Keys(fn func(name string, v policy.Value)) {
	for i := range c.keys {
		fn(c.keys[i].key.String(), c.keys[i].value)
	}
}

// RequestTag adds a tag that was sent with the request.
func (c *Check) RequestTag(key, value string) {
	c.RequestTags = append(c.RequestTags, state.Tag{Key: key, Value: value})
}

// requestContext answers for the context keys of one check, each computed when
// a policy asks for it. The global keys are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
type requestContext struct {
	*Request
	*Check
}

// Lookup implements policy.Context.
func (c requestContext) Lookup(k policy.Key) (policy.Value, bool) {
	for i := range c.keys {
		if c.keys[i].key == k {
			return c.keys[i].value, true
		}
	}
	if f := globalKeys[k]; f != nil {
		return f(c)
	}
	if claim, ok := c.Caller.Claims[k.String()]; ok {
		return policy.Strings(claim...), true
	}
	return c.tag(k.String())
}

// tag answers for the keys that end in a tag's key.
func (c requestContext) tag(name string) (policy.Value, bool) {
	prefix, key, ok := strings.Cut(name, "/")
	if !ok {
		return policy.Value{}, false
	}
	var v string
	switch prefix {
	case "aws:principaltag":
		v, ok = c.Caller.Tag(key)
	case "aws:requesttag":
		v, ok = (&state.Entity{Tags: c.RequestTags}).Tag(key)
	case "aws:resourcetag", "iam:resourcetag":
		v, ok = (&state.Entity{Tags: c.Tags}).Tag(key)
	default:
		ok = false
	}
	return policy.String(v), ok
}

type keyFunc func(c requestContext) (policy.Value, bool)

func text(f func(c requestContext) string) keyFunc {
	return func(c requestContext) (policy.Value, bool) {
		s := f(c)
		return policy.String(s), s != ""
	}
}

var globalKeys = map[policy.Key]keyFunc{
	policy.KeyOf("aws:CurrentTime"): func(c requestContext) (policy.Value, bool) { return policy.Time(c.Time), true },
	policy.KeyOf("aws:EpochTime"):   func(c requestContext) (policy.Value, bool) { return policy.Int(c.Time.Unix()), true },
	policy.KeyOf("aws:SecureTransport"): func(c requestContext) (policy.Value, bool) {
		return policy.Bool(c.Secure), true
	},
	policy.KeyOf("aws:SourceIp"): func(c requestContext) (policy.Value, bool) {
		return policy.Addr(c.SourceIP), c.SourceIP.IsValid()
	},
	policy.KeyOf("aws:UserAgent"):        text(func(c requestContext) string { return c.UserAgent }),
	policy.KeyOf("aws:Referer"):          text(func(c requestContext) string { return c.Referer }),
	policy.KeyOf("aws:RequestedRegion"):  text(func(c requestContext) string { return c.Region }),
	policy.KeyOf("aws:PrincipalArn"):     text(func(c requestContext) string { return c.Caller.PolicyARN() }),
	policy.KeyOf("aws:PrincipalAccount"): text(func(c requestContext) string { return c.Caller.Account }),
	policy.KeyOf("aws:PrincipalType"):    text(func(c requestContext) string { return c.Caller.Type() }),
	policy.KeyOf("aws:PrincipalIsAWSService"): func(requestContext) (policy.Value, bool) {
		return policy.Bool(false), true
	},
	policy.KeyOf("aws:ViaAWSService"): func(requestContext) (policy.Value, bool) { return policy.Bool(false), true },
	policy.KeyOf("aws:userid"):        text(func(c requestContext) string { return c.Caller.UserID() }),
	policy.KeyOf("aws:username"):      text(func(c requestContext) string { return c.Caller.UserName() }),
	policy.KeyOf("aws:MultiFactorAuthPresent"): func(c requestContext) (policy.Value, bool) {
		// Absent, not false, for long-term credentials: they cannot carry MFA.
		return policy.Bool(c.MFA != nil), c.MFA != nil || c.Caller.Session != nil
	},
	policy.KeyOf("aws:MultiFactorAuthAge"): func(c requestContext) (policy.Value, bool) {
		if c.MFA == nil {
			return policy.Value{}, false
		}
		return policy.Int(int64(c.Time.Sub(*c.MFA) / time.Second)), true
	},
	policy.KeyOf("aws:TokenIssueTime"): func(c requestContext) (policy.Value, bool) {
		if c.Caller.Session == nil {
			return policy.Value{}, false
		}
		return policy.Time(c.Caller.Session.Issued), true
	},
	policy.KeyOf("aws:SourceIdentity"): text(func(c requestContext) string {
		if c.Caller.Session == nil {
			return ""
		}
		return c.Caller.Session.SourceIdentity
	}),
	policy.KeyOf("aws:FederatedProvider"): text(func(c requestContext) string { return c.Caller.FederatedProvider() }),
	policy.KeyOf("aws:ResourceAccount"):   text(func(c requestContext) string { return c.Account }),
	policy.KeyOf("aws:TagKeys"): func(c requestContext) (policy.Value, bool) {
		if len(c.RequestTags) == 0 && len(c.TagKeys) == 0 {
			return policy.Value{}, false
		}
		keys := append([]string{}, c.TagKeys...)
		for _, t := range c.RequestTags {
			keys = append(keys, t.Key)
		}
		return policy.Strings(keys...), true
	},
}
