// Package transfer takes an account out of the listings that the AWS CLI prints
// of it, and into them: `warder import aws` and `warder export`. An account that
// was imported has AWS's unique ids, dates and documents, so that simulation,
// lint and every question about it are answered as for the original; what no
// listing tells, secrets and passwords, it has not.
//
//	Read  files → Account, which is consistent or refused as a whole
//	Apply Account → records, in one transaction
//	Export records → the listing that Read takes
package transfer

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awscli"
)

// File is one listing.
type File struct {
	Name string `json:"name"` // for messages, and see Subject
	// Subject is what the command was asked about, for outputs that do not say:
	// the user of list-groups-for-user, the name of get-saml-provider. If it is
	// empty, it is the part of the file's name between the command and the
	// extension: "list-groups-for-user.alice.json".
	Subject string `json:"subject,omitempty"`
	Text    []byte `json:"text"`
}

func (f *File) subject(command string) (string, error) {
	if f.Subject != "" {
		return f.Subject, nil
	}
	base := filepath.Base(f.Name)
	if rest, ok := strings.CutPrefix(base, command+"."); ok {
		if name := strings.TrimSuffix(rest, filepath.Ext(rest)); name != "" {
			return name, nil
		}
	}
	return "", fmt.Errorf("the output of %s does not say what it is about: name it NAME=FILE, or the file %s.NAME.json", command, command)
}

// Account is what listings say of one account.
type Account struct {
	ID string // twelve digits

	details     *api.GetAccountAuthorizationDetailsResponse
	roles       map[string]api.Role            // of list-roles, by ARN
	profiles    map[string]api.InstanceProfile // by ARN
	memberships map[string][]string            // groups by user
	alias       string
	passwords   *api.PasswordPolicy
	oidc        map[string]*api.GetOpenIDConnectProviderResponse // by URL; nil: only its ARN is known
	saml        map[string]*api.GetSAMLProviderResponse          // by name; nil: only its ARN is known
	providers   []string                                         // ARNs of those that are listed
}

// output is what any of the commands prints. Which one it was is told by the
// members that are there.
type output struct {
	IsTruncated *bool
	Marker      *string
	NextToken   *string

	// get-account-authorization-details
	UserDetailList  []api.UserDetail
	GroupDetailList []api.GroupDetail
	RoleDetailList  []api.RoleDetail
	Policies        []api.ManagedPolicyDetail

	Roles                     []api.Role                           // list-roles
	Users                     []api.User                           // list-users; get-group, with Group
	Group                     *api.Group                           // get-group
	Groups                    []api.Group                          // list-groups-for-user
	InstanceProfiles          []api.InstanceProfile                // list-instance-profiles
	AccountAliases            []string                             // list-account-aliases
	PasswordPolicy            *api.PasswordPolicy                  // get-account-password-policy
	OpenIDConnectProviderList []api.OpenIDConnectProviderListEntry // list-open-id-connect-providers
	SAMLProviderList          []api.SAMLProviderListEntry          // list-saml-providers
	Url                       *string                              // get-open-id-connect-provider
	SAMLMetadataDocument      *string                              // get-saml-provider
}

// Read reads the listings of one account. One of them must be
// get-account-authorization-details; the others add what that does not tell. An
// error names every file that is wrong.
func Read(files []File) (*Account, error) {
	a := &Account{
		roles: map[string]api.Role{}, profiles: map[string]api.InstanceProfile{}, memberships: map[string][]string{},
		oidc: map[string]*api.GetOpenIDConnectProviderResponse{}, saml: map[string]*api.GetSAMLProviderResponse{},
	}
	var errs []error
	for i := range files {
		if err := a.add(&files[i]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", files[i].Name, err))
		}
	}
	if len(errs) == 0 && a.details == nil {
		errs = append(errs, errors.New("none of the files is the output of aws iam get-account-authorization-details"))
	}
	if len(errs) == 0 {
		errs = a.check()
	}
	if err := joined(errs); err != nil {
		return nil, err
	}
	return a, nil
}

// joined is the first errors of many.
func joined(errs []error) error {
	const most = 20
	if n := len(errs); n > most {
		errs = append(errs[:most:most], fmt.Errorf("and %d more", n-most))
	}
	return errors.Join(errs...)
}

func (a *Account) add(f *File) error {
	var out output
	if err := awscli.Unmarshal(f.Text, &out); err != nil {
		return err
	}
	if deref(out.IsTruncated) || deref(out.Marker) != "" || deref(out.NextToken) != "" {
		return errors.New("this is one page of several (IsTruncated): have the command print all of them")
	}
	switch {
	case out.UserDetailList != nil || out.GroupDetailList != nil || out.RoleDetailList != nil:
		if a.details != nil {
			return errors.New("the account's authorization details are there twice")
		}
		a.details = &api.GetAccountAuthorizationDetailsResponse{
			UserDetailList: out.UserDetailList, GroupDetailList: out.GroupDetailList, RoleDetailList: out.RoleDetailList, Policies: out.Policies,
		}
	case out.Roles != nil:
		for _, r := range out.Roles {
			a.roles[deref(r.Arn)] = r
		}
	case out.Group != nil:
		for _, u := range out.Users {
			a.member(deref(u.UserName), deref(out.Group.GroupName))
		}
	case out.Users != nil:
		// Says nothing that the details do not say, but for when a password was used.
	case out.Groups != nil:
		user, err := f.subject("list-groups-for-user")
		if err != nil {
			return err
		}
		for _, g := range out.Groups {
			a.member(user, deref(g.GroupName))
		}
	case out.InstanceProfiles != nil:
		for _, p := range out.InstanceProfiles {
			a.profiles[deref(p.Arn)] = p
		}
	case out.AccountAliases != nil:
		if len(out.AccountAliases) > 1 {
			return errors.New("an account has one alias")
		}
		a.alias = strings.Join(out.AccountAliases, "")
	case out.PasswordPolicy != nil:
		a.passwords = out.PasswordPolicy
	default:
		return a.addProvider(f, &out)
	}
	return nil
}

func (a *Account) member(user, group string) {
	if groups := a.memberships[user]; !slices.Contains(groups, group) {
		a.memberships[user] = append(groups, group)
	}
}

func deref[T any](p *T) T { return base.Deref(p) }

// sorted are the values of a map in the order of their keys.
func sorted[V any](m map[string]V) func(yield func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
