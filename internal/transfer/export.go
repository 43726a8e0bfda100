package transfer

import (
	"fmt"
	"math"
	"strings"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awscli"
	"github.com/warder-iam/warder/internal/awserr"
)

// Ask runs an operation of IAM on the account that is exported, as its root
// user: an export is what the operations answer, and nothing else.
type Ask func(operation string, in any) (any, error)

// everything is a page that has room for all there is.
var everything int32 = math.MaxInt32

// Details is what `aws iam get-account-authorization-details` prints.
func Details(ask Ask) ([]byte, error) {
	out, err := answer[api.GetAccountAuthorizationDetailsResponse](ask, "GetAccountAuthorizationDetails",
		&api.GetAccountAuthorizationDetailsRequest{MaxItems: &everything})
	if err != nil {
		return nil, err
	}
	out.IsTruncated = nil // the CLI puts pages together and does not say so
	return awscli.Marshal(out)
}

// Export is everything that Read reads, each output in a file of its command's
// name.
func Export(ask Ask) ([]File, error) {
	details, err := Details(ask)
	if err != nil {
		return nil, err
	}
	files := []File{{Name: "get-account-authorization-details.json", Text: details}}
	add := func(name string, out any) error {
		text, err := awscli.Marshal(out)
		files = append(files, File{Name: name + ".json", Text: text})
		return err
	}

	roles, err := answer[api.ListRolesResponse](ask, "ListRoles", &api.ListRolesRequest{MaxItems: &everything})
	if err != nil {
		return nil, err
	}
	profiles, err := answer[api.ListInstanceProfilesResponse](ask, "ListInstanceProfiles", &api.ListInstanceProfilesRequest{MaxItems: &everything})
	if err != nil {
		return nil, err
	}
	alias, err := answer[api.ListAccountAliasesResponse](ask, "ListAccountAliases", new(api.ListAccountAliasesRequest))
	if err != nil {
		return nil, err
	}
	roles.IsTruncated, profiles.IsTruncated, alias.IsTruncated = nil, nil, nil
	for _, err := range []error{add("list-roles", roles), add("list-instance-profiles", profiles), add("list-account-aliases", alias)} {
		if err != nil {
			return nil, err
		}
	}
	passwords, err := answer[api.GetAccountPasswordPolicyResponse](ask, "GetAccountPasswordPolicy", new(base.None))
	switch {
	case err == nil:
		err = add("get-account-password-policy", passwords)
	case awserr.From(err).Code == "NoSuchEntity":
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return files, exportProviders(ask, add)
}

func exportProviders(ask Ask, add func(string, any) error) error {
	oidc, err := answer[api.ListOpenIDConnectProvidersResponse](ask, "ListOpenIDConnectProviders", new(api.ListOpenIDConnectProvidersRequest))
	if err != nil {
		return err
	}
	for i, p := range oidc.OpenIDConnectProviderList {
		out, err := answer[api.GetOpenIDConnectProviderResponse](ask, "GetOpenIDConnectProvider", &api.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: p.Arn})
		if err != nil {
			return err
		}
		if err := add(fmt.Sprintf("get-open-id-connect-provider.%d", i+1), out); err != nil {
			return err
		}
	}
	saml, err := answer[api.ListSAMLProvidersResponse](ask, "ListSAMLProviders", new(api.ListSAMLProvidersRequest))
	if err != nil {
		return err
	}
	for _, p := range saml.SAMLProviderList {
		out, err := answer[api.GetSAMLProviderResponse](ask, "GetSAMLProvider", &api.GetSAMLProviderRequest{SAMLProviderArn: p.Arn})
		if err != nil {
			return err
		}
		name := (*p.Arn)[strings.LastIndexByte(*p.Arn, '/')+1:]
		if err := add("get-saml-provider."+name, out); err != nil {
			return err
		}
	}
	return nil
}

func answer[Out any](ask Ask, operation string, in any) (*Out, error) {
	out, err := ask(operation, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	return out.(*Out), nil
}
