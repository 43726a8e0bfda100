package sts

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/outbound"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

const (
	defaultWebToken = 300 // seconds
	// maxWebToken bounds the claims of a token, in bytes. AWS does not document
	// its bound; this is what it was seen to take at most.
	maxWebToken = 14984
)

// webIdentityTokenRule authorizes sts:GetWebIdentityToken on the caller's account,
// and with request tags sts:TagGetWebIdentityToken too
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_policies.html).
func webIdentityTokenRule(action string, _ reflect.Type) service.Authorize {
	return func(c *service.Call, _ *state.Snapshot, input any) ([]authz.Check, error) {
		in := input.(*api.GetWebIdentityTokenRequest)
		check := authz.Check{Action: action, Resource: "arn:aws:sts::" + c.Caller.Account + ":self", Account: c.Caller.Account}
		check.Set("sts:IdentityTokenAudience", policy.Strings(in.Audience...))
		check.Set("sts:SigningAlgorithm", policy.String(*in.SigningAlgorithm))
		check.Set("sts:DurationSeconds", policy.Int(int64(webTokenSeconds(in))))
		for _, t := range in.Tags {
			check.RequestTag(*t.Key, *t.Value)
		}
		checks := []authz.Check{check}
		if len(in.Tags) > 0 {
			check.Action = "sts:TagGetWebIdentityToken"
			checks = append(checks, check)
		}
		return checks, nil
	}
}

func webTokenSeconds(in *api.GetWebIdentityTokenRequest) int {
	if in.DurationSeconds == nil {
		return defaultWebToken
	}
	return int(*in.DurationSeconds)
}

// webClaims are the claims of a web identity token
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html).
type webClaims struct {
	Issuer   string    `json:"iss"`
	Audience any       `json:"aud"` // a string, or a list of several
	Subject  string    `json:"sub"`
	Issued   int64     `json:"iat"`
	Expires  int64     `json:"exp"`
	ID       string    `json:"jti"`
	AWS      awsClaims `json:"https://sts.amazonaws.com/"`
}

// awsClaims are who asked, as AWS tells it, and what it wants to be told besides.
type awsClaims struct {
	Account       string            `json:"aws_account"`
	Region        string            `json:"source_region"`
	Principal     string            `json:"principal_id"`
	PrincipalTags map[string]string `json:"principal_tags,omitempty"`
	SessionEnds   string            `json:"original_session_exp,omitempty"`
	Provider      string            `json:"federated_provider,omitempty"`
	Source        string            `json:"source_identity,omitempty"`
	RequestTags   map[string]string `json:"request_tags,omitempty"`
}

func (s *Service) getWebIdentityToken(c *service.Call, snap *state.Snapshot, in *api.GetWebIdentityTokenRequest) (*api.GetWebIdentityTokenResponse, error) {
	algorithm := *in.SigningAlgorithm
	if algorithm != outbound.RS256 && algorithm != outbound.ES384 {
		return nil, validation("Requested SigningAlgorithm is not supported. See the GetWebIdentityToken documentation for supported algorithms")
	}
	tags, err := requestTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if s.issuer == nil {
		return nil, outboundDisabled()
	}
	issuer := snap.TokenIssuers.Get(c.Caller.Account)
	if issuer == nil || !issuer.Enabled || s.issuer.URL(issuer) == "" {
		return nil, outboundDisabled()
	}
	now := c.Now()
	expires := now.Add(time.Duration(webTokenSeconds(in)) * time.Second)
	session := c.Caller.Session
	if session != nil && expires.After(session.Expires) {
		return nil, awserr.New("SessionDurationEscalationException", "The requested token duration would extend the session beyond its original expiration time.")
	}
	claims := webClaims{
		Issuer: s.issuer.URL(issuer), Audience: in.Audience, Subject: c.Caller.PolicyARN(),
		Issued: now.Unix(), Expires: expires.Unix(), ID: s.ids.Request(),
		AWS: awsClaims{
			Account: c.Caller.Account, Region: c.Region, Principal: c.Caller.PolicyARN(),
			PrincipalTags: principalTags(c.Caller), Provider: c.Caller.FederatedProvider(), RequestTags: tags,
		},
	}
	if len(in.Audience) == 1 {
		claims.Audience = in.Audience[0]
	}
	if session != nil {
		claims.AWS.SessionEnds = session.Expires.UTC().Format(time.RFC3339)
		claims.AWS.Source = session.SourceIdentity
	}
	if text, err := json.Marshal(claims); err != nil {
		return nil, awserr.Internal(err)
	} else if len(text) > maxWebToken {
		return nil, awserr.New("JWTPayloadSizeExceededException", "The requested token payload size exceeds the maximum allowed size. Reduce the number of request tags.")
	}
	token, err := s.issuer.Sign(issuer, algorithm, c.Time, claims)
	if err != nil {
		return nil, awserr.Internal(err)
	}
	return &api.GetWebIdentityTokenResponse{WebIdentityToken: &token, Expiration: &expires}, nil
}

func outboundDisabled() error {
	return awserr.New("OutboundWebIdentityFederationDisabledException", "OutboundWebIdentityFederation is disabled.")
}

// requestTags are the tags that a token is asked to tell. They tag nothing here, so
// keys that begin with aws: are as good as others.
func requestTags(in []api.Tag) (map[string]string, error) {
	var tags map[string]string
	for i, t := range in {
		if slices.ContainsFunc(in[:i], func(before api.Tag) bool { return state.SameTagKey(*before.Key, *t.Key) }) {
			return nil, awserr.New("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if tags == nil {
			tags = make(map[string]string, len(in))
		}
		tags[*t.Key] = *t.Value
	}
	return tags, nil
}

// principalTags are the tags that the caller has as aws:PrincipalTag: those of
// its user or role, and of its session in place of them.
func principalTags(caller *authn.Caller) map[string]string {
	var own []state.Tag
	switch {
	case caller.Role != nil:
		own = caller.Role.Tags
	case caller.User != nil:
		own = caller.User.Tags
	}
	var tags []state.Tag
	if caller.Session != nil {
		tags = slices.Clip(caller.Session.Tags)
	}
	for _, t := range own {
		if !slices.ContainsFunc(tags, func(s state.Tag) bool { return state.SameTagKey(s.Key, t.Key) }) {
			tags = append(tags, t)
		}
	}
	return tagMap(tags)
}

func tagMap(tags []state.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
