package daemon

import (
	"net/url"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/signin"
)

// newSignIn makes the sign-in with passwords.
func (d *Daemon) newSignIn(az *authz.Authorizer, mfa *authn.MFA) *signin.Service {
	c := signin.Config{
		State: d.state, Authz: az, Ring: d.ring, IDs: d.ids, Passwords: authn.NewPasswords(d.state), MFA: mfa, Log: d.config.Log,
		Unsigned: d.server.Unsigned, URL: d.publicURL(), PlainHost: d.ownHost,
	}
	if d.trail != nil {
		c.Trail = d.trail
	}
	return signin.New(c)
}

// ownHost says whether a Host header names this machine, or the public URL, whose TLS
// may end at a proxy on the same machine.
func (d *Daemon) ownHost(host string) bool {
	u, err := url.Parse(d.config.PublicURL)
	return loopbackHost(host) || err == nil && u.Host != "" && host == u.Host
}
