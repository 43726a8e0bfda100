package events

import (
	"slices"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/connection"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Connections (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html).
// Their secrets are sealed; no operation shows them.

// maxConnections is how many connections, and how many API destinations, an account
// has in a region (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
const maxConnections = 3000

// connectionNamed finds a connection. AWS says what it failed to do with it.
func connectionNamed(c *service.Call, s *state.Snapshot, name, failedTo string) (*state.EventConnection, error) {
	if found := s.EventConnection(c.Caller.Account, c.Region, name); found != nil {
		return found, nil
	}
	return nil, notFound("Failed to %s the connection(s). Connection '%s' does not exist.", failedTo, name)
}

func (s *Service) createConnection(c *service.Call, tx *state.Tx, in *api.CreateConnectionRequest) (*api.CreateConnectionResponse, error) {
	if err := plainConnection(in.KmsKeyIdentifier, in.InvocationConnectivityParameters, in.AuthParameters.ConnectivityParameters); err != nil {
		return nil, err
	}
	id := s.ids.Request()
	n := &state.EventConnection{
		Account: c.Caller.Account, Region: c.Region, Name: *in.Name, ID: id, Created: c.Now(), Modified: c.Now(), Authorized: c.Now(),
		Description: deref(in.Description), State: api.ConnectionStateAUTHORIZED, Type: *in.AuthorizationType,
		Secret: "arn:aws:secretsmanager:" + c.Region + ":" + c.Caller.Account + ":secret:events!connection/" + *in.Name + "/" + s.ids.Request() + "-" + id[:6],
	}
	switch {
	case tx.EventConnection(n.Account, n.Region, n.Name) != nil:
		return nil, exists("Connection", n.Name)
	case atLeast(tx.EventConnectionsIn(n.Account, n.Region), maxConnections):
		return nil, overLimit()
	}
	auth, err := created(n.Type, in.AuthParameters)
	if err != nil {
		return nil, err
	}
	if n.Auth, err = connection.Seal(s.ring, n, auth); err != nil {
		return nil, err
	}
	tx.EventConnections.Put(n)
	return &api.CreateConnectionResponse{ConnectionArn: new(n.ARN()), ConnectionState: &n.State, CreationTime: &n.Created, LastModifiedTime: &n.Modified}, nil
}

// plainConnection refuses what Warder's connections do not have.
func plainConnection(key *string, private ...*api.ConnectivityResourceParameters) error {
	if deref(key) != "" {
		return notBuilt("KmsKeyIdentifier", "Warder has no KMS")
	}
	if slices.ContainsFunc(private, func(p *api.ConnectivityResourceParameters) bool { return p != nil }) {
		return notBuilt("ResourceParameters", "Warder has no private networks")
	}
	return nil
}

// created reads the parameters of a new connection.
func created(kind string, in *api.CreateConnectionAuthRequestParameters) (*connection.Auth, error) {
	update := &api.UpdateConnectionAuthRequestParameters{InvocationHttpParameters: in.InvocationHttpParameters}
	if p := in.BasicAuthParameters; p != nil {
		update.BasicAuthParameters = &api.UpdateConnectionBasicAuthRequestParameters{Username: p.Username, Password: p.Password}
	}
	if p := in.ApiKeyAuthParameters; p != nil {
		update.ApiKeyAuthParameters = &api.UpdateConnectionApiKeyAuthRequestParameters{ApiKeyName: p.ApiKeyName, ApiKeyValue: p.ApiKeyValue}
	}
	if p := in.OAuthParameters; p != nil {
		update.OAuthParameters = &api.UpdateConnectionOAuthRequestParameters{
			ClientParameters:      &api.UpdateConnectionOAuthClientRequestParameters{ClientID: p.ClientParameters.ClientID, ClientSecret: p.ClientParameters.ClientSecret},
			AuthorizationEndpoint: p.AuthorizationEndpoint, HttpMethod: p.HttpMethod, OAuthHttpParameters: p.OAuthHttpParameters,
		}
	}
	return updated(kind, &connection.Auth{}, update)
}

// updated changes what is given of a connection's parameters. They must be those of
// its type, and all that the type needs must be there in the end.
func updated(kind string, old *connection.Auth, in *api.UpdateConnectionAuthRequestParameters) (*connection.Auth, error) {
	a := *old
	given := map[string]bool{
		connection.Basic: in.BasicAuthParameters != nil, connection.APIKey: in.ApiKeyAuthParameters != nil, connection.OAuth: in.OAuthParameters != nil,
	}
	for other, is := range given {
		if is && other != kind {
			return nil, invalid("Parameter AuthParameters is not valid. Reason: the parameters of %s do not go with the authorization type %s.", other, kind)
		}
	}
	set := func(field *string, value *string) {
		if value != nil {
			*field = *value
		}
	}
	var err error
	if p := in.BasicAuthParameters; p != nil {
		set(&a.Name, p.Username)
		set(&a.Secret, p.Password)
	}
	if p := in.ApiKeyAuthParameters; p != nil {
		set(&a.Name, p.ApiKeyName)
		set(&a.Secret, p.ApiKeyValue)
		if notify.ReservedHeader(a.Name) {
			return nil, notBuilt("ApiKeyName", "the header "+a.Name+" cannot be set")
		}
	}
	if p := in.OAuthParameters; p != nil {
		if p.ClientParameters != nil {
			set(&a.Name, p.ClientParameters.ClientID)
			set(&a.Secret, p.ClientParameters.ClientSecret)
		}
		set(&a.Endpoint, p.AuthorizationEndpoint)
		set(&a.Method, p.HttpMethod)
		if err := checkEndpoint("AuthorizationEndpoint", a.Endpoint); err != nil {
			return nil, err
		}
		if p.OAuthHttpParameters != nil {
			if a.OAuth, err = readHTTP(p.OAuthHttpParameters, a.OAuth); err != nil {
				return nil, err
			}
		}
	}
	if in.InvocationHttpParameters != nil {
		if a.Invocation, err = readHTTP(in.InvocationHttpParameters, a.Invocation); err != nil {
			return nil, err
		}
	}
	if a.Name == "" || a.Secret == "" || kind == connection.OAuth && (a.Endpoint == "" || a.Method == "") {
		return nil, invalid("Parameter AuthParameters is not valid. Reason: the parameters of %s must be given.", kind)
	}
	return &a, nil
}

// readHTTP reads parameters that are added to requests. A secret one without a value
// keeps the value that it had.
func readHTTP(in *api.ConnectionHttpParameters, old *connection.HTTP) (*connection.HTTP, error) {
	if old == nil {
		old = &connection.HTTP{}
	}
	out := &connection.HTTP{}
	var err error
	for _, p := range in.HeaderParameters {
		if notify.ReservedHeader(deref(p.Key)) {
			return nil, notBuilt("HeaderParameters", "the header "+deref(p.Key)+" cannot be set")
		}
		if out.Header, err = appended(out.Header, old.Header, p.Key, p.Value, p.IsValueSecret); err != nil {
			return nil, err
		}
	}
	for _, p := range in.QueryStringParameters {
		if out.Query, err = appended(out.Query, old.Query, p.Key, p.Value, p.IsValueSecret); err != nil {
			return nil, err
		}
	}
	for _, p := range in.BodyParameters {
		if out.Body, err = appended(out.Body, old.Body, p.Key, p.Value, p.IsValueSecret); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appended(list, old []connection.Parameter, key, value *string, secret *bool) ([]connection.Parameter, error) {
	p := connection.Parameter{Key: deref(key), Value: deref(value), Secret: deref(secret)}
	if p.Key == "" {
		return nil, invalid("Parameter AuthParameters is not valid. Reason: Key is a required argument.")
	}
	if value == nil && p.Secret {
		if i := slices.IndexFunc(old, func(o connection.Parameter) bool { return o.Key == p.Key && o.Secret }); i >= 0 {
			p.Value = old[i].Value
		}
	}
	return append(list, p), nil
}

// updateConnection changes a connection. With another type it needs all parameters
// of that.
func (s *Service) updateConnection(c *service.Call, tx *state.Tx, in *api.UpdateConnectionRequest) (*api.UpdateConnectionResponse, error) {
	old, err := connectionNamed(c, &tx.Snapshot, *in.Name, "update")
	if err != nil {
		return nil, err
	}
	given := in.AuthParameters
	if given == nil {
		given = &api.UpdateConnectionAuthRequestParameters{}
	}
	if err := plainConnection(in.KmsKeyIdentifier, in.InvocationConnectivityParameters, given.ConnectivityParameters); err != nil {
		return nil, err
	}
	n := *old
	n.Modified = c.Now()
	if in.Description != nil {
		n.Description = *in.Description
	}
	if in.AuthorizationType != nil {
		n.Type = *in.AuthorizationType
	}
	if in.AuthorizationType != nil && n.Type != old.Type || in.AuthParameters != nil {
		auth, err := connection.Open(s.ring, old)
		if err != nil {
			return nil, err
		}
		switch {
		case auth == nil:
			auth = &connection.Auth{}
		case n.Type != old.Type:
			auth = &connection.Auth{Invocation: auth.Invocation}
		}
		if auth, err = updated(n.Type, auth, given); err != nil {
			return nil, err
		}
		if n.Auth, err = connection.Seal(s.ring, &n, auth); err != nil {
			return nil, err
		}
		n.State, n.StateReason, n.Authorized = api.ConnectionStateAUTHORIZED, "", c.Now()
	}
	tx.EventConnections.Put(&n)
	return &api.UpdateConnectionResponse{
		ConnectionArn: new(n.ARN()), ConnectionState: &n.State, CreationTime: &n.Created, LastModifiedTime: &n.Modified, LastAuthorizedTime: &n.Authorized,
	}, nil
}

// deauthorizeConnection forgets the parameters of a connection.
func (s *Service) deauthorizeConnection(c *service.Call, tx *state.Tx, in *api.DeauthorizeConnectionRequest) (*api.DeauthorizeConnectionResponse, error) {
	n, err := connectionNamed(c, &tx.Snapshot, *in.Name, "deauthorize")
	if err != nil {
		return nil, err
	}
	n = tx.EventConnections.Update(n, func(n *state.EventConnection) {
		n.Auth, n.State, n.StateReason, n.Modified = nil, api.ConnectionStateDEAUTHORIZED, "The connection was deauthorized.", c.Now()
	})
	return &api.DeauthorizeConnectionResponse{
		ConnectionArn: new(n.ARN()), ConnectionState: new(api.ConnectionStateDEAUTHORIZING), CreationTime: &n.Created, LastModifiedTime: &n.Modified, LastAuthorizedTime: &n.Authorized,
	}, nil
}

// deleteConnection leaves the API destinations of the connection, which are inactive
// from then on.
func (s *Service) deleteConnection(c *service.Call, tx *state.Tx, in *api.DeleteConnectionRequest) (*api.DeleteConnectionResponse, error) {
	n, err := connectionNamed(c, &tx.Snapshot, *in.Name, "delete")
	if err != nil {
		return nil, err
	}
	tx.EventConnections.Delete(n)
	return &api.DeleteConnectionResponse{
		ConnectionArn: new(n.ARN()), ConnectionState: new(api.ConnectionStateDELETING), CreationTime: &n.Created, LastModifiedTime: &n.Modified, LastAuthorizedTime: &n.Authorized,
	}, nil
}

func (s *Service) describeConnection(c *service.Call, snap *state.Snapshot, in *api.DescribeConnectionRequest) (*api.DescribeConnectionResponse, error) {
	n, err := connectionNamed(c, snap, *in.Name, "describe")
	if err != nil {
		return nil, err
	}
	auth, err := connection.Open(s.ring, n)
	if err != nil {
		return nil, err
	}
	return &api.DescribeConnectionResponse{
		ConnectionArn: new(n.ARN()), Name: &n.Name, Description: optional(n.Description), ConnectionState: &n.State, StateReason: optional(n.StateReason),
		AuthorizationType: &n.Type, SecretArn: &n.Secret, AuthParameters: shownAuth(n.Type, auth),
		CreationTime: &n.Created, LastModifiedTime: &n.Modified, LastAuthorizedTime: &n.Authorized,
	}, nil
}

// shownAuth is what is shown of a connection's parameters: no secret.
func shownAuth(kind string, a *connection.Auth) *api.ConnectionAuthResponseParameters {
	if a == nil {
		return nil
	}
	out := &api.ConnectionAuthResponseParameters{InvocationHttpParameters: shownHTTP(a.Invocation)}
	switch kind {
	case connection.Basic:
		out.BasicAuthParameters = &api.ConnectionBasicAuthResponseParameters{Username: &a.Name}
	case connection.APIKey:
		out.ApiKeyAuthParameters = &api.ConnectionApiKeyAuthResponseParameters{ApiKeyName: &a.Name}
	case connection.OAuth:
		out.OAuthParameters = &api.ConnectionOAuthResponseParameters{
			ClientParameters:      &api.ConnectionOAuthClientResponseParameters{ClientID: &a.Name},
			AuthorizationEndpoint: &a.Endpoint, HttpMethod: &a.Method, OAuthHttpParameters: shownHTTP(a.OAuth),
		}
	}
	return out
}

func shownHTTP(h *connection.HTTP) *api.ConnectionHttpParameters {
	if h == nil {
		return nil
	}
	out := &api.ConnectionHttpParameters{}
	for _, p := range h.Header {
		out.HeaderParameters = append(out.HeaderParameters, api.ConnectionHeaderParameter{Key: &p.Key, Value: shownValue(p), IsValueSecret: &p.Secret})
	}
	for _, p := range h.Query {
		out.QueryStringParameters = append(out.QueryStringParameters, api.ConnectionQueryStringParameter{Key: &p.Key, Value: shownValue(p), IsValueSecret: &p.Secret})
	}
	for _, p := range h.Body {
		out.BodyParameters = append(out.BodyParameters, api.ConnectionBodyParameter{Key: &p.Key, Value: shownValue(p), IsValueSecret: &p.Secret})
	}
	return out
}

func shownValue(p connection.Parameter) *string {
	if p.Secret {
		return nil
	}
	return &p.Value
}

func (s *Service) listConnections(c *service.Call, snap *state.Snapshot, in *api.ListConnectionsRequest) (*api.ListConnectionsResponse, error) {
	list, next, err := page(snap.EventConnectionsIn(c.Caller.Account, c.Region), func(n *state.EventConnection) string { return n.Name }, in.NamePrefix, in.NextToken, in.Limit,
		func(n *state.EventConnection) bool {
			return in.ConnectionState == nil || n.State == *in.ConnectionState
		})
	if err != nil {
		return nil, err
	}
	out := &api.ListConnectionsResponse{Connections: []api.Connection{}, NextToken: next}
	for _, n := range list {
		out.Connections = append(out.Connections, api.Connection{
			ConnectionArn: new(n.ARN()), Name: &n.Name, ConnectionState: &n.State, StateReason: optional(n.StateReason), AuthorizationType: &n.Type,
			CreationTime: &n.Created, LastModifiedTime: &n.Modified, LastAuthorizedTime: &n.Authorized,
		})
	}
	return out, nil
}
