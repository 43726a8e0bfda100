package sts

import (
	"reflect"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Durations of sessions of users, in seconds
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html).
const (
	defaultUserSession = 43200
	maxRootSession     = 3600
)

// userSeconds is the duration of a session of a user or root user: a root
// user's lasts an hour at most, whatever it asks for.
func userSeconds(c *service.Call, asked *int32) int {
	seconds := defaultUserSession
	if asked != nil {
		seconds = int(*asked)
	}
	if c.Caller.Kind == policy.Root {
		return min(seconds, maxRootSession)
	}
	return seconds
}

func (s *Service) sessionTokenMFA(c *service.Call, _ *state.Snapshot, in *api.GetSessionTokenRequest) error {
	return s.requireFactor(c, in.SerialNumber, in.TokenCode)
}

func (s *Service) getSessionToken(c *service.Call, _ *state.Snapshot, in *api.GetSessionTokenRequest) (*api.GetSessionTokenResponse, error) {
	credentials, err := s.issue(c, &authn.Session{
		Kind: authn.SessionToken, Account: c.Caller.Account, Principal: c.Caller.UniqueID, MFA: c.MFA,
	}, userSeconds(c, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &api.GetSessionTokenResponse{Credentials: credentials}, nil
}

// federationRule authorizes sts:GetFederationToken on the federated user, and
// sts:TagSession where it gets tags.
func federationRule(action string, _ reflect.Type) service.Authorize {
	return func(c *service.Call, _ *state.Snapshot, input any) ([]authz.Check, error) {
		in := input.(*api.GetFederationTokenRequest)
		check := authz.Check{Action: action, Resource: arn.FederatedUser(c.Caller.Account, *in.Name), Account: c.Caller.Account}
		for _, t := range in.Tags {
			check.RequestTag(*t.Key, *t.Value)
		}
		checks := []authz.Check{check}
		if len(in.Tags) > 0 {
			check.Action = "sts:TagSession"
			checks = append(checks, check)
		}
		return checks, nil
	}
}

func (s *Service) getFederationToken(c *service.Call, snap *state.Snapshot, in *api.GetFederationTokenRequest) (*api.GetFederationTokenResponse, error) {
	session := &authn.Session{
		Kind: authn.FederatedUser, Account: c.Caller.Account, Principal: c.Caller.UniqueID, Name: *in.Name,
	}
	if err := setPolicies(snap, session, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	if err := setTags(session, nil, in.Tags, nil); err != nil {
		return nil, err
	}
	packed, err := packedSize(session)
	if err != nil {
		return nil, err
	}
	if packed == nil { // unlike AssumeRole, AWS sends the size of nothing here
		packed = ptr(int32(0))
	}
	credentials, err := s.issue(c, session, userSeconds(c, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &api.GetFederationTokenResponse{
		Credentials: credentials, PackedPolicySize: packed,
		FederatedUser: &api.FederatedUser{
			FederatedUserId: ptr(session.Account + ":" + session.Name),
			Arn:             ptr(arn.FederatedUser(session.Account, session.Name)),
		},
	}, nil
}

func (s *Service) getCallerIdentity(c *service.Call, _ *state.Snapshot, _ *api.GetCallerIdentityRequest) (*api.GetCallerIdentityResponse, error) {
	return &api.GetCallerIdentityResponse{
		UserId: ptr(c.Caller.UserID()), Account: ptr(c.Caller.Account), Arn: ptr(c.Caller.ARN),
	}, nil
}

func (s *Service) getAccessKeyInfo(_ *service.Call, _ *state.Snapshot, in *api.GetAccessKeyInfoRequest) (*api.GetAccessKeyInfoResponse, error) {
	account, ok := ids.AccountOf(*in.AccessKeyId)
	if !ok {
		return nil, validation("The access key id %s carries no account id.", *in.AccessKeyId)
	}
	return &api.GetAccessKeyInfoResponse{Account: &account}, nil
}

func (s *Service) decodeAuthorizationMessage(c *service.Call, _ *state.Snapshot, in *api.DecodeAuthorizationMessageRequest) (*api.DecodeAuthorizationMessageResponse, error) {
	message, err := authz.OpenMessage(s.ring, c.Caller.Account, *in.EncodedMessage)
	if err != nil {
		return nil, awserr.New("InvalidAuthorizationMessageException", "Message is not valid")
	}
	return &api.DecodeAuthorizationMessageResponse{DecodedMessage: &message}, nil
}
