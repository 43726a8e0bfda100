package oidc

import (
	"regexp"
	"strings"
)

// providerURL has the characters that may stand in an ARN and in front of a
// condition key. None of them is a wildcard.
var providerURL = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~%!&'()+,;=:@/-]*)?$`)

// IsProviderURL says whether a text can be a provider's URL, without "https://".
// Claims become condition keys under it, so the provider of a host that is called
// "saml" would speak for saml:sub and saml:aud.
func IsProviderURL(text string) bool {
	return providerURL.MatchString(text) && !strings.EqualFold(text, "saml")
}
