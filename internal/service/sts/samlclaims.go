package sts

import (
	"maps"

	"github.com/warder-iam/warder/internal/authn"
)

// The condition keys that trust policies have of a SAML assertion
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-saml).

// A samlKey is the condition key that an attribute becomes; list says that it
// may have several values.
type samlKey struct {
	key  string
	list bool
}

// samlKeys are the attributes that become condition keys
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html#saml-attribute-mapping).
// Where the table of the guide has an object identifier wrong, the right one is
// here too.
var samlKeys = map[string]samlKey{
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.1":  {"saml:edupersonaffiliation", true},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.2":  {"saml:edupersonnickname", true},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.3":  {"saml:edupersonorgdn", false},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.4":  {"saml:edupersonorgunitdn", true},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.5":  {"saml:edupersonprimaryaffiliation", false},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.6":  {"saml:edupersonprincipalname", false},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.7":  {"saml:edupersonentitlement", true},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.8":  {"saml:edupersonprimaryorgunitdn", false},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.9":  {"saml:edupersonscopedaffiliation", true},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.10": {"saml:edupersontargetedid", true},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.11": {"saml:edupersonassurance", true},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.2":  {"saml:eduorghomepageuri", true},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.3":  {"saml:eduorgidentityauthnpolicyuri", true},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.4":  {"saml:eduorglegalname", true},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.5":  {"saml:eduorgsuperioruri", true},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.6":  {"saml:eduorgwhitepagesuri", true},
	"urn:oid:2.5.4.3":                   {"saml:cn", true},

	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":              {"saml:name", false},
	"http://schemas.xmlsoap.org/claims/CommonName":                            {"saml:commonname", false},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname":         {"saml:givenname", false},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname":           {"saml:surname", false},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress":      {"saml:mail", false},
	"http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": {"saml:primarygroupsid", false},

	"2.5.4.3":                    {"saml:commonname", false},
	"2.5.4.4":                    {"saml:surname", false},
	"2.4.5.42":                   {"saml:givenname", false},
	"2.5.4.42":                   {"saml:givenname", false},
	"2.5.4.45":                   {"saml:x500uniqueidentifier", false},
	"0.9.2342.19200300100.1.1":   {"saml:uid", false},
	"0.9.2342.19200300.100.1.1":  {"saml:uid", false},
	"0.9.2342.19200300100.1.3":   {"saml:mail", false},
	"0.9.2342.19200300.100.1.3":  {"saml:mail", false},
	"0.9.2342.19200300.100.1.45": {"saml:organizationstatus", false},
}

// claims are the condition keys of the assertion. saml:aud is the recipient, not
// the audience. Of several attributes that become one key the first counts, and
// of several values of a key that has one.
func (t *samlToken) claims() authn.Claims {
	claims := authn.Claims{
		"saml:aud":           {t.Recipient},
		"saml:iss":           {t.Issuer},
		"saml:sub":           {t.Subject},
		"saml:sub_type":      {t.SubjectType},
		"saml:namequalifier": {t.nameQualifier()},
		"saml:doc":           {t.provider.Account + "/" + t.provider.Name},
	}
	for _, name := range t.Names() {
		k, ok := samlKeys[name]
		values := t.Values(name)
		if !ok || len(values) == 0 || claims[k.key] != nil {
			continue
		}
		if !k.list {
			values = values[:1]
		}
		claims[k.key] = values
	}
	return claims
}

// kept are the claims that the session's own requests have as condition keys.
func kept(claims authn.Claims) authn.Claims {
	keep := maps.Clone(claims)
	maps.DeleteFunc(keep, func(key string, _ []string) bool {
		return key != "saml:sub" && key != "saml:sub_type" && key != "saml:namequalifier"
	})
	return keep
}
