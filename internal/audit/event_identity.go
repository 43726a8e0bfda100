package audit

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/policy"
)

// identity writes the userIdentity of a request's caller
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
func (w *writer) identity(r *Request) {
	c := r.Caller
	w.raw("{")
	switch kind(c) {
	case policy.Root:
		w.principal("Root", c)
	case policy.User:
		w.principal("IAMUser", c)
		w.key("userName").text(c.UserName())
	case policy.RoleSession:
		w.principal("AssumedRole", c)
	case policy.FederatedUser:
		w.principal("FederatedUser", c)
	case policy.WebIdentity:
		audience, subject := webIdentity(c)
		w.key("type").text("WebIdentityUser")
		w.key("principalId").raw(`"`).part(c.Provider).raw(":").part(audience).raw(":").part(subject).raw(`"`)
		w.key("userName").text(subject)
		w.key("identityProvider").text(c.Provider)
	case policy.SAML:
		qualifier, subject := claim(c, "saml:namequalifier"), claim(c, "saml:sub")
		w.key("type").text("SAMLUser")
		w.key("principalId").raw(`"`).part(qualifier).raw(":").part(subject).raw(`"`)
		w.key("userName").text(subject)
		w.key("identityProvider").text(qualifier)
	case policy.Service:
		w.key("type").text("AWSService")
		w.key("invokedBy").text(c.Service)
	default:
		w.key("type").text("Unknown")
	}
	if c != nil && c.Session != nil {
		w.session(r)
	}
	w.raw("}")
}

// kind is the kind of a caller, Anonymous if there is none.
func kind(c *authn.Caller) policy.PrincipalKind {
	if c == nil {
		return policy.Anonymous
	}
	return c.Kind
}

// principal writes what all principals of an account have.
func (w *writer) principal(kind string, c *authn.Caller) {
	w.key("type").text(kind)
	w.key("principalId").principalID(c)
	w.key("arn").text(c.ARN)
	w.key("accountId").text(c.Account)
	if c.KeyID != "" {
		w.key("accessKeyId").text(c.KeyID)
	}
}

// principalID writes the caller's aws:userid; authn.Caller.UserID would allocate.
func (w *writer) principalID(c *authn.Caller) *writer {
	switch {
	case c.Kind == policy.RoleSession && c.Session != nil:
		return w.raw(`"`).part(c.UniqueID).raw(":").part(c.Session.Name).raw(`"`)
	case c.Kind == policy.FederatedUser && c.Session != nil:
		return w.raw(`"`).part(c.Account).raw(":").part(c.Session.Name).raw(`"`)
	case c.Kind == policy.Root:
		return w.text(c.Account)
	}
	return w.text(c.UniqueID)
}

// session writes how the caller got its temporary credentials.
func (w *writer) session(r *Request) {
	c, s := r.Caller, r.Caller.Session
	w.key("sessionContext").raw("{")
	switch {
	case c.Kind == policy.RoleSession:
		name := c.RoleARN[strings.LastIndexByte(c.RoleARN, '/')+1:]
		w.issuer("Role", c.UniqueID, c.RoleARN, c.Account, name)
	case c.Kind == policy.FederatedUser && c.User != nil:
		w.issuer("IAMUser", c.UniqueID, c.UserARN, c.Account, c.User.Name)
	case c.Kind == policy.FederatedUser:
		w.issuer("Root", c.Account, c.UserARN, c.Account, "")
	}
	if s.Provider != "" && !strings.Contains(s.Provider, ":saml-provider/") {
		w.key("webIdFederationData").raw("{")
		w.key("federatedProvider").text(s.Provider)
		w.raw(`,"attributes":{}}`)
	}
	w.key("attributes").raw("{")
	w.key("creationDate").stamp(s.Issued)
	if r.MFA != nil {
		w.raw(`,"mfaAuthenticated":"true"}`)
	} else {
		w.raw(`,"mfaAuthenticated":"false"}`)
	}
	if s.SourceIdentity != "" {
		w.key("sourceIdentity").text(s.SourceIdentity)
	}
	w.raw("}")
	if arn.IsAccountID(r.Delegate) {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-cloudtrail.html
		w.key("invokedByDelegate").raw("{")
		w.key("accountId").text(r.Delegate).raw("}")
	}
}

// issuer writes the role or user behind a session.
func (w *writer) issuer(kind, id, name, account, userName string) {
	w.key("sessionIssuer").raw("{")
	w.key("type").text(kind)
	w.key("principalId").text(id)
	w.key("arn").text(name)
	w.key("accountId").text(account)
	if userName != "" {
		w.key("userName").text(userName)
	}
	w.raw("}")
}

// otherAccount writes the userIdentity of a caller for an account that it is not
// of, which learns its id but not its name.
func (w *writer) otherAccount(c *authn.Caller) {
	w.raw(`{"type":"AWSAccount"`)
	w.key("principalId").principalID(c)
	w.key("accountId").text(c.Account).raw("}")
}

// username is what LookupEvents calls the caller by: a session by its name.
func username(c *authn.Caller) string {
	switch kind(c) {
	case policy.Root:
		return "root"
	case policy.User:
		return c.UserName()
	case policy.RoleSession, policy.FederatedUser:
		if c.Session != nil {
			return c.Session.Name
		}
	case policy.WebIdentity:
		_, subject := webIdentity(c)
		return subject
	case policy.SAML:
		return claim(c, "saml:sub")
	}
	return ""
}

func keyID(c *authn.Caller) string {
	if c == nil {
		return ""
	}
	return c.KeyID
}

// webIdentity is what a token says of its bearer. The claims' keys begin with the
// issuer, which is what is behind the provider's ARN, or the provider itself if
// it is one that AWS knows.
func webIdentity(c *authn.Caller) (audience, subject string) {
	issuer := c.Provider
	if _, url, ok := strings.Cut(issuer, ":oidc-provider/"); ok {
		issuer = url
	}
	issuer = strings.ToLower(issuer)
	return claim(c, issuer+":aud"), claim(c, issuer+":sub")
}

// claim is the first value of a claim; "" if there is none.
func claim(c *authn.Caller, key string) string {
	if values := c.Claims[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// tls writes what the connection was protected with. AWS names the cipher suites
// of TLS 1.2 as OpenSSL does
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-supported-tls-details.html).
func (w *writer) tls(t *tls.ConnectionState, host string) {
	w.key("tlsDetails").raw("{")
	switch t.Version {
	case tls.VersionTLS13:
		w.key("tlsVersion").text("TLSv1.3")
	case tls.VersionTLS12:
		w.key("tlsVersion").text("TLSv1.2")
	default:
		w.key("tlsVersion").text(tls.VersionName(t.Version))
	}
	suite, ok := suites[t.CipherSuite]
	if !ok {
		suite = tls.CipherSuiteName(t.CipherSuite)
	}
	w.key("cipherSuite").text(suite)
	w.key("clientProvidedHostHeader").text(cut(host)).raw("}")
}

// suites are the names of the suites that crypto/tls offers.
// (tls.CipherSuiteName makes a list of all of them every time.)
var suites = map[uint16]string{
	tls.TLS_AES_128_GCM_SHA256:       "TLS_AES_128_GCM_SHA256",
	tls.TLS_AES_256_GCM_SHA384:       "TLS_AES_256_GCM_SHA384",
	tls.TLS_CHACHA20_POLY1305_SHA256: "TLS_CHACHA20_POLY1305_SHA256",

	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA:          "ECDHE-ECDSA-AES128-SHA",
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA:          "ECDHE-ECDSA-AES256-SHA",
	tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:            "ECDHE-RSA-AES128-SHA",
	tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA:            "ECDHE-RSA-AES256-SHA",
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:       "ECDHE-ECDSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       "ECDHE-ECDSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "ECDHE-RSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:         "ECDHE-RSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   "ECDHE-RSA-CHACHA20-POLY1305",
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
}

// stamp writes a time as eventTime has it.
func (w *writer) stamp(t time.Time) *writer {
	w.buf = t.UTC().AppendFormat(append(w.buf, '"'), "2006-01-02T15:04:05Z")
	return w.raw(`"`)
}
