package iam

import (
	"errors"
	"reflect"
	"slices"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// SAML identity providers
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_saml.html).
// What their assertions are worth is for sts:AssumeRoleWithSAML.

const (
	maxSAMLKeys = 2
	// The prefixes of unique ids, as AWS has them.
	samlProviderID = "SAMLSP"
	samlKeyID      = "SAMLPK"
)

var samlProvider = byARN("SAMLProviderArn", func(s *state.Snapshot, text string) []state.Tag {
	if p := s.SAMLProviderByARN(text); p != nil {
		return p.Tags
	}
	return nil
})

// newSAMLProvider is the target of CreateSAMLProvider: providers have no paths.
func newSAMLProvider(input reflect.Type) service.Part {
	name := service.Member[*string](input, "Name")
	return func(c *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		check.Resource, check.Account = arn.IAM(c.Caller.Account, "saml-provider", "/", *name(in)), c.Caller.Account
		return nil
	}
}

// findSAMLProvider finds a provider of the caller's account.
func findSAMLProvider(c *service.Call, s *state.Snapshot, providerARN *string) (*state.SAMLProvider, error) {
	if p := s.SAMLProviderByARN(*providerARN); p != nil && p.Account == c.Caller.Account {
		return p, nil
	}
	return nil, awserr.New("NoSuchEntity", "Manifest not found for arn %s", *providerARN)
}

// newSAML is what the slow part of making or updating a provider has read.
type newSAML struct {
	metadata *saml.Metadata // nil if there is none in the request
	key      []byte
}

// readSAML reads metadata and private key before the transaction: a metadata
// document may have millions of characters.
func readSAML(metadata, key *string) (*newSAML, error) {
	read := new(newSAML)
	var err error
	if metadata != nil {
		if read.metadata, err = saml.ParseMetadata(*metadata); err != nil {
			return nil, &awserr.Error{Code: "InvalidInput", Message: metadataRefusal(err), Cause: err}
		}
	}
	if key != nil {
		if read.key, err = saml.ParseKey(*key); err != nil {
			text := "Invalid private key."
			if why, ok := errors.AsType[saml.KeyError](err); ok {
				text += " " + why.Error()
			}
			return nil, invalidInput("%s", text)
		}
	}
	return read, nil
}

// metadataRefusal has words of AWS's: one sentence for a provider that is none, one
// for everything else.
func metadataRefusal(err error) string {
	if errors.Is(err, saml.ErrNoProvider) {
		return "SAML Providers must reference at least one SAML assertion issuer."
	}
	return "Could not parse metadata"
}

// applySAML puts what was read into a record.
func (s *Service) applySAML(c *service.Call, p *state.SAMLProvider, read *newSAML, document *string) {
	if read.metadata != nil {
		p.Metadata, p.EntityID, p.Certificates = *document, read.metadata.EntityID, read.metadata.Certificates
		p.ValidUntil = read.metadata.Ends(c.Now())
	}
	if read.key != nil {
		id := s.ids.Unique(samlKeyID, p.Account)
		p.Keys = append(slices.Clip(p.Keys), state.SAMLKey{ID: id, Added: c.Now(), Secret: saml.SealKey(s.ring, p.Account, p.UUID, id, read.key)})
	}
}

func (s *Service) prepareSAMLProvider(_ *service.Call, _ *state.Snapshot, in *api.CreateSAMLProviderRequest) (any, error) {
	if in.AddPrivateKey == nil && deref(in.AssertionEncryptionMode) == api.AssertionEncryptionModeTypeRequired {
		return nil, validation("Unable to set assertion encryption mode to Required because no private key is provided.")
	}
	return readSAML(in.SAMLMetadataDocument, in.AddPrivateKey)
}

func (s *Service) createSAMLProvider(c *service.Call, tx *state.Tx, in *api.CreateSAMLProviderRequest) (*api.CreateSAMLProviderResponse, error) {
	account := c.Caller.Account
	if tx.SAMLProvider(account, *in.Name) != nil {
		return nil, awserr.New("EntityAlreadyExists", "Provider with name %s already exists.", *in.Name)
	}
	if err := within(s.quotas, samlProvidersPerAccount, tx.SAMLProviders.Len(), tx.SAMLProvidersOf(account)); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &state.SAMLProvider{
		Account: account, Name: *in.Name, UUID: s.ids.Unique(samlProviderID, account), Created: c.Now(), Tags: tags,
		EncryptionRequired: deref(in.AssertionEncryptionMode) == api.AssertionEncryptionModeTypeRequired,
	}
	s.applySAML(c, p, c.Prepared.(*newSAML), in.SAMLMetadataDocument)
	tx.SAMLProviders.Put(p)
	return &api.CreateSAMLProviderResponse{SAMLProviderArn: ptr(p.ARN()), Tags: tagsOut(tags)}, nil
}

// getSAMLProvider shows no private key, only that there is one.
func (s *Service) getSAMLProvider(c *service.Call, snap *state.Snapshot, in *api.GetSAMLProviderRequest) (*api.GetSAMLProviderResponse, error) {
	p, err := findSAMLProvider(c, snap, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	mode := api.AssertionEncryptionModeTypeAllowed
	if p.EncryptionRequired {
		mode = api.AssertionEncryptionModeTypeRequired
	}
	keys := make([]api.SAMLPrivateKey, 0, len(p.Keys))
	for _, k := range p.Keys {
		keys = append(keys, api.SAMLPrivateKey{KeyId: ptr(k.ID), Timestamp: ptr(k.Added)})
	}
	return &api.GetSAMLProviderResponse{
		SAMLProviderUUID: ptr(p.UUID), SAMLMetadataDocument: ptr(p.Metadata), CreateDate: ptr(p.Created), ValidUntil: ptr(p.ValidUntil),
		Tags: everyTag(p.Tags), AssertionEncryptionMode: ptr(mode), PrivateKeyList: keys,
	}, nil
}

func (s *Service) listSAMLProviders(c *service.Call, snap *state.Snapshot, _ *api.ListSAMLProvidersRequest) (*api.ListSAMLProvidersResponse, error) {
	out := &api.ListSAMLProvidersResponse{SAMLProviderList: []api.SAMLProviderListEntry{}}
	for p := range snap.SAMLProvidersOf(c.Caller.Account) {
		out.SAMLProviderList = append(out.SAMLProviderList, api.SAMLProviderListEntry{Arn: ptr(p.ARN()), ValidUntil: ptr(p.ValidUntil), CreateDate: ptr(p.Created)})
	}
	return out, nil
}

func (s *Service) prepareSAMLUpdate(_ *service.Call, _ *state.Snapshot, in *api.UpdateSAMLProviderRequest) (any, error) {
	if in.SAMLMetadataDocument == nil && in.AssertionEncryptionMode == nil && in.AddPrivateKey == nil && in.RemovePrivateKey == nil {
		return nil, validation("Unable to update identity provider. No updates are defined for metadata or encryption assertion.")
	}
	if in.AddPrivateKey != nil && in.RemovePrivateKey != nil {
		return nil, validation("Unable to add and remove private keys in the same request. Set a value for only one of the two parameters.")
	}
	return readSAML(in.SAMLMetadataDocument, in.AddPrivateKey)
}

func (s *Service) updateSAMLProvider(c *service.Call, tx *state.Tx, in *api.UpdateSAMLProviderRequest) (*api.UpdateSAMLProviderResponse, error) {
	p, err := findSAMLProvider(c, &tx.Snapshot, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	if in.AddPrivateKey != nil && len(p.Keys) >= maxSAMLKeys {
		return nil, awserr.New("LimitExceeded", "Private key limit of %d is reached.", maxSAMLKeys)
	}
	next := *p
	s.applySAML(c, &next, c.Prepared.(*newSAML), in.SAMLMetadataDocument)
	if in.AssertionEncryptionMode != nil {
		next.EncryptionRequired = *in.AssertionEncryptionMode == api.AssertionEncryptionModeTypeRequired
	}
	if id := in.RemovePrivateKey; id != nil {
		next.Keys = slices.DeleteFunc(slices.Clone(p.Keys), func(k state.SAMLKey) bool { return k.ID == *id })
		if len(next.Keys) == len(p.Keys) {
			return nil, invalidInput("Failed to remove private key because the Key ID does not match a private key.")
		}
	}
	if next.EncryptionRequired && len(next.Keys) == 0 {
		if in.RemovePrivateKey != nil {
			return nil, invalidInput("Failed to remove private key.")
		}
		return nil, invalidInput("Failed to set assertion encryption mode to Required because no private key is present.")
	}
	tx.SAMLProviders.Put(&next)
	return &api.UpdateSAMLProviderResponse{SAMLProviderArn: ptr(p.ARN())}, nil
}

// deleteSAMLProvider leaves trust policies that name the provider as they are:
// nobody can assume their roles by it any more
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteSAMLProvider.html).
func (s *Service) deleteSAMLProvider(c *service.Call, tx *state.Tx, in *api.DeleteSAMLProviderRequest) (*none, error) {
	p, err := findSAMLProvider(c, &tx.Snapshot, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	tx.SAMLProviders.Delete(p)
	return nil, nil
}

var samlProviderTags = taggable[state.SAMLProvider]{
	find:  findSAMLProvider,
	table: func(tx *state.Tx) *state.Table[state.SAMLProvider] { return &tx.SAMLProviders },
	tags:  func(p *state.SAMLProvider) *[]state.Tag { return &p.Tags },
}

func (s *Service) tagSAMLProvider(c *service.Call, tx *state.Tx, in *api.TagSAMLProviderRequest) (*none, error) {
	return samlProviderTags.tag(c, tx, in.SAMLProviderArn, in.Tags)
}

func (s *Service) untagSAMLProvider(c *service.Call, tx *state.Tx, in *api.UntagSAMLProviderRequest) (*none, error) {
	return samlProviderTags.untag(c, tx, in.SAMLProviderArn, in.TagKeys)
}

func (s *Service) listSAMLProviderTags(c *service.Call, snap *state.Snapshot, in *api.ListSAMLProviderTagsRequest) (*api.ListSAMLProviderTagsResponse, error) {
	tags, end, err := samlProviderTags.list(c, snap, in.SAMLProviderArn, in.Marker, in.MaxItems)
	return &api.ListSAMLProviderTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}
