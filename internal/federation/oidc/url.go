package oidc

import "regexp"

// providerURL has the characters that may stand in an ARN and in front of a
// condition key. None of them is a wildcard.
var providerURL = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~%!&'()+,;=:@/-]*)?$`)

// IsProviderURL says whether a text can be a provider's URL, without "https://".
func IsProviderURL(text string) bool { return providerURL.MatchString(text) }
