package policy

import (
	"sort"
	"strings"
)

// Catalog tells which actions, resource types and condition keys services
// have, for Lint. Names are looked up without regard to case. The package
// brings none of its own: the one that Warder uses is made from the AWS
// Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
type Catalog interface {
	// Services lists the prefix of every service, sorted.
	Services() []string
	// Service is the service of a prefix, or nil. It must not be changed.
	Service(prefix string) *CatalogService
	// ConditionKey finds a condition key by its full name: a global one
	// (aws:…), a service's, or one of an identity provider that AWS knows.
	// "aws:RequestTag/team" is found as aws:RequestTag/${TagKey}.
	ConditionKey(name string) (CatalogKey, bool)
}

// CatalogService is a service with everything that policies can name in it.
type CatalogService struct {
	Prefix    string // "s3"
	Name      string // "Amazon S3"
	RCP       bool   // resource control policies apply to it
	Actions   []CatalogAction
	Resources []CatalogResource
	Keys      []CatalogKey // that its actions and resource types use, global ones among them
}

// CatalogAction is an action of a service.
type CatalogAction struct {
	Name      string // "GetObject"
	Level     AccessLevel
	Resources []CatalogTarget // none: the action takes Resource "*" only
	Keys      []string        // condition keys, whatever the resource
}

// CatalogTarget is a resource type that an action works on.
type CatalogTarget struct {
	Type     string   // the Name of a CatalogResource of the same service
	Required bool     // a request always names one
	Keys     []string // condition keys of the action on this type
}

// CatalogResource is a resource type of a service.
type CatalogResource struct {
	Name string   // "object"
	ARN  string   // "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
	Keys []string // condition keys of the resource itself
}

// CatalogKey is a condition key.
type CatalogKey struct {
	Name string // as documented: "aws:RequestTag/${TagKey}"
	Type string // "String", "ARN", "Bool", "Numeric", "Date", "IPAddress", "Binary"; with "ArrayOf" before it for several values
}

// Multivalued says whether requests can hold several values of the key.
func (k CatalogKey) Multivalued() bool { return strings.HasPrefix(k.Type, "ArrayOf") }

// BaseType is the type of one value of the key.
func (k CatalogKey) BaseType() string { return strings.TrimPrefix(k.Type, "ArrayOf") }

// AccessLevel is what kind of access an action gives
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html).
type AccessLevel uint8

// The access levels.
const (
	LevelUnknown AccessLevel = iota
	LevelList
	LevelRead
	LevelWrite
	LevelTagging
	LevelPermissions
	levelEnd
)

var levelNames = [levelEnd]string{"Unknown", "List", "Read", "Write", "Tagging", "Permissions management"}

// String is AWS's name of the level ("Permissions management").
func (l AccessLevel) String() string {
	if l < levelEnd {
		return levelNames[l]
	}
	return levelNames[LevelUnknown]
}

// Action finds an action by its name, without the prefix and in any case, or
// returns nil. Actions are sorted by lower-case name.
func (s *CatalogService) Action(name string) *CatalogAction {
	name = strings.ToLower(name)
	i := sort.Search(len(s.Actions), func(i int) bool { return strings.ToLower(s.Actions[i].Name) >= name })
	if i < len(s.Actions) && strings.EqualFold(s.Actions[i].Name, name) {
		return &s.Actions[i]
	}
	return nil
}

// Resource finds a resource type by its name, or returns nil.
func (s *CatalogService) Resource(name string) *CatalogResource {
	for i := range s.Resources {
		if s.Resources[i].Name == name {
			return &s.Resources[i]
		}
	}
	return nil
}
