// Package iam holds the rules of AWS Identity and Access Management: what each
// operation does to users, groups, roles, policies and credentials, and what it
// refuses, in AWS's words. One file a resource kind; ops.go is the table of all
// operations with their authorization entries.
//
// internal/server calls it through the service frame. It knows no protocol and
// decides nothing about permissions.
package iam

import (
	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/outbound"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Service is IAM.
type Service struct {
	ids   *ids.Source
	ring  *seal.Keyring
	authz *authz.Authorizer
	mfa   *authn.MFA

	passwords *authn.Passwords
	quotas    Quotas
	issuer    *outbound.Issuer
	oidc      *oidc.Verifier
}

// Config is what IAM works with.
type Config struct {
	IDs       *ids.Source
	Ring      *seal.Keyring // seals secrets
	Authz     *authz.Authorizer
	MFA       *authn.MFA
	Passwords *authn.Passwords
	Quotas    Quotas
	Issuer    *outbound.Issuer // of web identity tokens
	OIDC      *oidc.Verifier   // fetches the thumbprints of providers
}

// New makes IAM's table of operations.
func New(c Config) *service.Service {
	s := &Service{
		ids: c.IDs, ring: c.Ring, authz: c.Authz, mfa: c.MFA, passwords: c.Passwords, quotas: c.Quotas, issuer: c.Issuer, oidc: c.OIDC,
	}
	svc := service.New(&api.Service, admit, s.operations())
	svc.Region = region
	return svc
}

// region is where IAM's one endpoint is
// (https://docs.aws.amazon.com/general/latest/gr/iam-service.html).
const region = "us-east-1"

// none is the output of an operation that has none.
type none = base.None

// ptr makes a pointer for an optional member of an output.
func ptr[T any](v T) *T { return &v }

// optional is nil for the zero value: AWS leaves such members out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// deref is an optional input's value, or the zero value.
func deref[T any](p *T) T { return base.Deref(p) }

func admit(c *service.Call, _ *state.Snapshot) error { return c.Caller.AdmitIAM() }
