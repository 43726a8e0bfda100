package wardertest

import "github.com/aws/aws-sdk-go-v2/service/eventbridge"

// EventBridge is an EventBridge client with these credentials. It does not retry.
func (s *Server) EventBridge(c Credentials) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		BaseEndpoint: &s.URL, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: provider(c), HTTPClient: s.http, HTTPSignerV4: s.signer(),
	})
}
