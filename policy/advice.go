package policy

// needed lists the smallest grants that together would allow the request. It
// is asked only if nothing denies explicitly.
func (x *explainer) needed() []Grant {
	var out []Grant
	add := func(layer Layer, level int) { out = append(out, x.grant(layer, level)) }
	m, l, p := &x.m, x.l, x.m.principal
	if !p.ServiceLinked {
		for i, s := range l.RCPs {
			if s.allow(m) == nil {
				add(LayerRCP, i)
			}
		}
		for i, s := range l.SCPs {
			if s.allow(m) == nil {
				add(LayerSCP, i)
			}
		}
	}
	if l.Endpoint != nil && l.Endpoint.allow(m) == nil {
		add(LayerEndpoint, 0)
	}
	_, named := l.closest(m)
	if !p.Kind.hasAccount() {
		if named == notNamed {
			g, ok := x.resourceGrant()
			if !ok {
				return nil
			}
			out = append(out, g)
		}
		return out
	}
	if p.Kind == AssumeRootSession && named == directly {
		named = byIdentity
	}
	if m.same && named == directly {
		return out
	}
	fromResource := m.same && named == byIdentity
	if m.same && named == notNamed && l.mustGrant() || !m.same && named == notNamed {
		g, ok := x.resourceGrant()
		if !ok {
			return nil
		}
		out = append(out, g)
		if m.same {
			switch p.Kind {
			case User:
				return out // the grant names the user itself
			case RoleSession, FederatedUser:
				fromResource = true
			case Anonymous, Root, AssumeRootSession, WebIdentity, SAML, Service:
			}
		}
	}
	if _, ok := l.identityAllows(m); !ok && !fromResource {
		add(LayerIdentity, 0)
	}
	if l.Boundary != nil && l.Boundary.allow(m) == nil {
		add(LayerBoundary, 0)
	}
	needed := l.Session != nil || p.Kind.needsSession()
	if needed && l.Session.allow(m) == nil {
		add(LayerSession, 0)
	}
	return out
}

// resourceGrant is the grant on the resource's side, false if nothing that
// could be granted there would help.
func (x *explainer) resourceGrant() (Grant, bool) {
	m, s := &x.m, x.l.S3
	layer := x.l.resourceLayer()
	if s == nil || !m.foreign {
		if s != nil && s.PublicAccess.RestrictPublicBuckets && m.principal.Kind == Anonymous {
			return Grant{}, false // it would make the policy public, which shuts everyone out
		}
		return x.grant(layer, 0), true
	}
	list := s.list(m)
	if list == nil || s.PublicAccess.IgnorePublicAcls && list.IsPublic() {
		return Grant{}, false
	}
	g := ACLGrant{Permission: m.acl.permission}
	switch {
	case m.principal.Kind.hasAccount():
		g.Grantee = m.principal.CanonicalUser
	case m.principal.Kind == Anonymous && !s.PublicAccess.IgnorePublicAcls:
		g.Grantee = AllUsers
	}
	return Grant{Layer: layer.String(), ACL: &g, layer: layer}, g.Grantee != ""
}

// grant is a statement that allows exactly the request in a layer.
func (x *explainer) grant(layer Layer, level int) Grant {
	g := Grant{Layer: layer.String(), Level: level, layer: layer}
	g.Statement = GrantStatement{Effect: "Allow", Action: x.m.req.Action, Resource: x.m.req.Resource}
	switch layer {
	case LayerTrust:
		g.Statement.Resource = ""
		g.Statement.Principal = principalOf(x.m.principal)
	case LayerResource, LayerEndpoint:
		g.Statement.Principal = principalOf(x.m.principal)
	case LayerRCP:
		// Only AWS's own RCPFullAWSAccess allows.
		g.Statement = GrantStatement{Effect: "Allow", Principal: map[string]string{"AWS": "*"}, Action: "*", Resource: "*"}
	case NoLayer, LayerIdentity, LayerBoundary, LayerSession, LayerSCP:
	}
	return g
}

// principalOf names the requester in a Principal element.
func principalOf(p *Principal) map[string]string {
	switch p.Kind {
	case Root, AssumeRootSession:
		return map[string]string{"AWS": p.Account}
	case User:
		return map[string]string{"AWS": p.ARN}
	case RoleSession:
		return map[string]string{"AWS": p.RoleARN}
	case FederatedUser:
		return map[string]string{"AWS": p.UserARN}
	case WebIdentity, SAML:
		return map[string]string{"Federated": p.Provider}
	case Service:
		return map[string]string{"Service": p.Service}
	case Anonymous:
	}
	return map[string]string{"AWS": "*"}
}
