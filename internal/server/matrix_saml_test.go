package server_test

import "github.com/warder-iam/warder/internal/federation/saml/samltest"

// The samples of the SAML operations.

const targetSAMLProvider = "arn:aws:iam::" + account + ":saml-provider/target"

var sampleMetadata = samltest.New("https://idp.example.com/metadata", 0).Metadata()
