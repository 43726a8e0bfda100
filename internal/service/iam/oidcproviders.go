package iam

import (
	"reflect"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// OpenID Connect identity providers
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
// What their tokens are worth is for sts:AssumeRoleWithWebIdentity.

const (
	maxClientIDs   = 100 // per provider
	maxThumbprints = 5   // per provider
)

// issuerURL takes "https://" off a provider's URL, and the port that https has
// anyway. A query and a fragment are refused under another code, as by AWS.
func issuerURL(text string) (string, error) {
	url, ok := strings.CutPrefix(text, "https://")
	if host, _, _ := strings.Cut(url, "/"); strings.HasSuffix(host, ":443") {
		url = strings.TrimSuffix(host, ":443") + url[len(host):]
	}
	switch {
	case ok && oidc.IsProviderURL(url):
		return url, nil
	case ok && strings.ContainsAny(url, "?#"):
		return "", invalidInput("The URL of an OpenID Connect provider has no query and no fragment.")
	}
	return "", validation("Invalid Open ID Connect Provider URL")
}

var oidcProvider = byARN("OpenIDConnectProviderArn", func(s *state.Snapshot, text string) []state.Tag {
	if p := s.OIDCProviderByARN(text); p != nil {
		return p.Tags
	}
	return nil
})

// newOIDCProvider is the target of CreateOpenIDConnectProvider.
func newOIDCProvider(input reflect.Type) service.Part {
	text := service.Member[*string](input, "Url")
	return func(c *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		url, err := issuerURL(*text(in))
		if err != nil {
			return err
		}
		check.Resource, check.Account = arn.IAM(c.Caller.Account, "oidc-provider", "/", url), c.Caller.Account
		return nil
	}
}

// findOIDCProvider finds a provider of the caller's account.
func findOIDCProvider(c *service.Call, s *state.Snapshot, providerARN *string) (*state.OIDCProvider, error) {
	if p := s.OIDCProviderByARN(*providerARN); p != nil && p.Account == c.Caller.Account {
		return p, nil
	}
	return nil, awserr.New("NoSuchEntity", "OpenIDConnect Provider not found for arn %s", *providerARN)
}

// prepareOIDCProvider finds the thumbprint of a provider that is registered
// without one, as AWS does: on the network, so before the transaction.
func (s *Service) prepareOIDCProvider(c *service.Call, snap *state.Snapshot, in *api.CreateOpenIDConnectProviderRequest) (any, error) {
	if len(in.ThumbprintList) > 0 {
		return thumbprints(in.ThumbprintList)
	}
	url, err := issuerURL(*in.Url)
	if err != nil {
		return nil, err
	}
	if p := snap.OIDCProvider(c.Caller.Account, url); p != nil {
		return nil, providerExists(p)
	}
	found, err := s.oidc.Thumbprint(c, url)
	if err != nil {
		return nil, &awserr.Error{
			Code: "OpenIdIdpCommunicationError", Cause: err,
			Message: "The identity provider at https://" + url + " could not be reached to read the thumbprint of its certificate. Give a thumbprint to register it all the same.",
		}
	}
	return []string{found}, nil
}

// thumbprints checks a list of thumbprints. What is no hexadecimal number is
// taken, as by AWS: no certificate has it.
func thumbprints(in []string) ([]string, error) {
	if len(in) > maxThumbprints {
		return nil, invalidInput("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	out := make([]string, len(in))
	for i, t := range in {
		out[i] = strings.ToLower(t)
	}
	return out, nil
}

func providerExists(p *state.OIDCProvider) error {
	return awserr.New("EntityAlreadyExists", "Provider with url https://%s already exists.", p.URL)
}

func (s *Service) createOpenIDConnectProvider(c *service.Call, tx *state.Tx, in *api.CreateOpenIDConnectProviderRequest) (*api.CreateOpenIDConnectProviderResponse, error) {
	account := c.Caller.Account
	url, err := issuerURL(*in.Url)
	if err != nil {
		return nil, err
	}
	if p := tx.OIDCProvider(account, url); p != nil {
		return nil, providerExists(p)
	}
	if err := within(s.quotas, oidcProvidersPerAccount, tx.OIDCProviders.Len(), tx.OIDCProvidersOf(account)); err != nil {
		return nil, err
	}
	p := &state.OIDCProvider{Account: account, URL: url, Thumbprints: c.Prepared.([]string), Created: c.Now()}
	for _, id := range in.ClientIDList {
		if !slices.Contains(p.ClientIDs, id) {
			p.ClientIDs = append(p.ClientIDs, id)
		}
	}
	if len(p.ClientIDs) > maxClientIDs {
		return nil, overQuota("ClientIdsPerOpenIdConnectProvider", maxClientIDs)
	}
	if p.Tags, err = newTags(in.Tags); err != nil {
		return nil, err
	}
	tx.OIDCProviders.Put(p)
	return &api.CreateOpenIDConnectProviderResponse{OpenIDConnectProviderArn: ptr(p.ARN()), Tags: tagsOut(p.Tags)}, nil
}

// getOpenIDConnectProvider shows the URL without its scheme, as AWS does.
func (s *Service) getOpenIDConnectProvider(c *service.Call, snap *state.Snapshot, in *api.GetOpenIDConnectProviderRequest) (*api.GetOpenIDConnectProviderResponse, error) {
	p, err := findOIDCProvider(c, snap, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &api.GetOpenIDConnectProviderResponse{
		Url: ptr(p.URL), ClientIDList: append([]string{}, p.ClientIDs...), ThumbprintList: append([]string{}, p.Thumbprints...),
		CreateDate: ptr(p.Created), Tags: everyTag(p.Tags),
	}, nil
}

func (s *Service) listOpenIDConnectProviders(c *service.Call, snap *state.Snapshot, _ *api.ListOpenIDConnectProvidersRequest) (*api.ListOpenIDConnectProvidersResponse, error) {
	out := &api.ListOpenIDConnectProvidersResponse{OpenIDConnectProviderList: []api.OpenIDConnectProviderListEntry{}}
	for p := range snap.OIDCProvidersOf(c.Caller.Account) {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, api.OpenIDConnectProviderListEntry{Arn: ptr(p.ARN())})
	}
	return out, nil
}

// deleteOpenIDConnectProvider refuses where there is no such provider, in words
// of its own: so AWS does, though the operation is documented as idempotent.
// Roles that trust the provider keep their trust policies, and nobody can assume
// them by it
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html).
func (s *Service) deleteOpenIDConnectProvider(c *service.Call, tx *state.Tx, in *api.DeleteOpenIDConnectProviderRequest) (*none, error) {
	p, err := findOIDCProvider(c, &tx.Snapshot, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, awserr.New("NoSuchEntity", "OpenId connect Provider %s cannot be found.", *in.OpenIDConnectProviderArn)
	}
	tx.OIDCProviders.Delete(p)
	return nil, nil
}

func (s *Service) addClientIDToOpenIDConnectProvider(c *service.Call, tx *state.Tx, in *api.AddClientIDToOpenIDConnectProviderRequest) (*none, error) {
	p, err := findOIDCProvider(c, &tx.Snapshot, in.OpenIDConnectProviderArn)
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(p.ClientIDs, *in.ClientID):
		return nil, nil // idempotent, as documented
	case len(p.ClientIDs) >= maxClientIDs:
		return nil, overQuota("ClientIdsPerOpenIdConnectProvider", maxClientIDs)
	}
	tx.OIDCProviders.Update(p, func(p *state.OIDCProvider) { p.ClientIDs = append(slices.Clip(p.ClientIDs), *in.ClientID) })
	return nil, nil
}

func (s *Service) removeClientIDFromOpenIDConnectProvider(c *service.Call, tx *state.Tx, in *api.RemoveClientIDFromOpenIDConnectProviderRequest) (*none, error) {
	p, err := findOIDCProvider(c, &tx.Snapshot, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	tx.OIDCProviders.Update(p, func(p *state.OIDCProvider) {
		p.ClientIDs = slices.DeleteFunc(slices.Clone(p.ClientIDs), func(id string) bool { return id == *in.ClientID })
	})
	return nil, nil
}

func (s *Service) updateOpenIDConnectProviderThumbprint(c *service.Call, tx *state.Tx, in *api.UpdateOpenIDConnectProviderThumbprintRequest) (*none, error) {
	p, err := findOIDCProvider(c, &tx.Snapshot, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	if len(in.ThumbprintList) == 0 {
		return nil, invalidInput("Thumbprint list must contain at least one entry.")
	}
	list, err := thumbprints(in.ThumbprintList)
	if err != nil {
		return nil, err
	}
	tx.OIDCProviders.Update(p, func(p *state.OIDCProvider) { p.Thumbprints = list })
	return nil, nil
}

var oidcProviderTags = taggable[state.OIDCProvider]{
	find:  findOIDCProvider,
	table: func(tx *state.Tx) *state.Table[state.OIDCProvider] { return &tx.OIDCProviders },
	tags:  func(p *state.OIDCProvider) *[]state.Tag { return &p.Tags },
}

func (s *Service) tagOpenIDConnectProvider(c *service.Call, tx *state.Tx, in *api.TagOpenIDConnectProviderRequest) (*none, error) {
	return oidcProviderTags.tag(c, tx, in.OpenIDConnectProviderArn, in.Tags)
}

func (s *Service) untagOpenIDConnectProvider(c *service.Call, tx *state.Tx, in *api.UntagOpenIDConnectProviderRequest) (*none, error) {
	return oidcProviderTags.untag(c, tx, in.OpenIDConnectProviderArn, in.TagKeys)
}

func (s *Service) listOpenIDConnectProviderTags(c *service.Call, snap *state.Snapshot, in *api.ListOpenIDConnectProviderTagsRequest) (*api.ListOpenIDConnectProviderTagsResponse, error) {
	tags, end, err := oidcProviderTags.list(c, snap, in.OpenIDConnectProviderArn, in.Marker, in.MaxItems)
	return &api.ListOpenIDConnectProviderTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}
