package state

import "time"

// CredentialReport is the newest credential report of an account.
type CredentialReport struct {
	Account   string
	Generated time.Time
	Content   []byte // the CSV, compressed with gzip
}

var credentialReportSchema = schema[CredentialReport]{
	prefix: "iam/credential-report/",
	key:    func(r *CredentialReport) string { return r.Account },
}
