package audit

import (
	"strings"

	"github.com/warder-iam/warder/internal/api"
)

// hidden is what CloudTrail writes for a value that it hides.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// A treatment is what becomes of a member in a record.
type treatment string

const (
	shown   treatment = "shown"
	marked  treatment = "marked"  // hidden stands for it
	omitted treatment = "omitted" // as if it were not there, which is how AWS treats IAM's secrets
)

// treatmentOf says what becomes of a member. It is a secret if the model says so,
// if it is a blob, or if it is called like one and is not in harmless. A name
// that merely sounds secret costs a line in harmless; one that is and does not
// sound so is what the listing in testdata/members.txt is reviewed for.
func treatmentOf(svc *api.Service, m *api.Member) treatment {
	leaf, sensitive := svc.Shape(m.Shape), false
	for leaf != nil && (leaf.Kind == api.List || leaf.Kind == api.Map) {
		sensitive = sensitive || leaf.Sensitive
		leaf = svc.Shape(leaf.Elem)
	}
	if leaf == nil {
		return omitted
	}
	switch sensitive = sensitive || leaf.Sensitive; {
	case payloads[m.Name]:
		return omitted
	case sensitive, leaf.Kind == api.Blob:
	case leaf.Kind != api.String || harmless[m.Name] || !soundsSecret(m.Name):
		return shown
	}
	if inAWS[m.Name] {
		return marked
	}
	return omitted
}

func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range [...]string{"password", "secret", "token", "code", "seed", "privatekey", "assertion", "credential", "passphrase"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// harmless are the members that sound secret and are none.
var harmless = map[string]bool{
	"AssertionEncryptionMode":     true, // whether a provider encrypts
	"GlobalEndpointTokenVersion":  true, // "v1Token"
	"NextToken":                   true, // a page of CloudTrail
	"RemovePrivateKey":            true, // the id of a key
	"ServiceCredentialAlias":      true,
	"ServiceSpecificCredentialId": true,
	"ErrorCode":                   true,
	"Code":                        true, // of an error
	"EncodedMessage":              true, // sealed; AWS shows it
	"LatestIngestionErrorCode":    true,
	"SubjectFromWebIdentityToken": true, // a name
}

// payloads are what callers hand on to others by way of a service: it says nothing of
// the request, and may be large.
var payloads = map[string]bool{
	"Detail":      true, // of an event
	"Message":     true, // to a topic
	"StringValue": true, // of a message's attribute
}

// inAWS are secrets that AWS's records show, or whose place we keep: a marker
// says that there was a value.
var inAWS = map[string]bool{
	"SessionToken":     true, // AWS shows it in STS's events: useless without its secret key, but a secret
	"ContextAssertion": true,
	"DecodedMessage":   true, // who may read the trail may not sts:DecodeAuthorizationMessage
}
