package iam

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// The credential report of an account
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html):
// a CSV file about the credentials of its users, the root user first. It is made
// from one snapshot, so what it says was so at one time.

// reportGoodFor is how long a report stands. No other is made meanwhile.
const reportGoodFor = 4 * time.Hour

// reportColumns are those that AWS sends. Its documentation has one more,
// additional_credentials_info, about users with more keys or certificates than
// the quotas allow; AWS leaves it out where there are none.
var reportColumns = []string{
	"user", "arn", "user_creation_time",
	"password_enabled", "password_last_used", "password_last_changed", "password_next_rotation",
	"mfa_active",
	"access_key_1_active", "access_key_1_last_rotated",
	"access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
	"access_key_2_active", "access_key_2_last_rotated",
	"access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
	"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
}

const (
	rootInReport  = "<root_account>"
	notApplicable = "N/A"
	noInformation = "no_information" // of a password that was never used
	notSupported  = "not_supported"  // of what the root user has not
)

func isGood(r *state.CredentialReport, now time.Time) bool {
	return r != nil && now.Sub(r.Generated) <= reportGoodFor
}

// prepareCredentialReport makes the report, unless there is one that stands.
func (s *Service) prepareCredentialReport(c *service.Call, snap *state.Snapshot, _ *none) (any, error) {
	account := c.Caller.Account
	if isGood(snap.CredentialReports.Get(account), c.Time) {
		return nil, nil
	}
	r := &state.CredentialReport{Account: account, Generated: c.Now()}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(credentialReport(snap, snap.Accounts.Get(account))); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	r.Content = b.Bytes()
	return r, nil
}

// generateCredentialReport puts the report in place of the last one. Making it
// takes milliseconds, so by the answer it is there, and nobody ever finds one in
// progress; AWS's clients ask until they are told COMPLETE.
func (s *Service) generateCredentialReport(c *service.Call, tx *state.Tx, _ *none) (*api.GenerateCredentialReportResponse, error) {
	made, _ := c.Prepared.(*state.CredentialReport)
	if made == nil || isGood(tx.CredentialReports.Get(c.Caller.Account), c.Time) {
		return &api.GenerateCredentialReportResponse{State: ptr(api.ReportStateTypeCOMPLETE)}, nil
	}
	tx.CredentialReports.Put(made)
	return &api.GenerateCredentialReportResponse{
		State: ptr(api.ReportStateTypeSTARTED), Description: ptr("No report exists. Starting a new report generation task"),
	}, nil
}

// getCredentialReport refuses with as little of a text as AWS does.
func (s *Service) getCredentialReport(c *service.Call, snap *state.Snapshot, _ *none) (*api.GetCredentialReportResponse, error) {
	r := snap.CredentialReports.Get(c.Caller.Account)
	switch {
	case r == nil:
		return nil, awserr.New("ReportNotPresent", "")
	case !isGood(r, c.Time):
		return nil, awserr.New("ReportExpired", "")
	}
	z, err := gzip.NewReader(bytes.NewReader(r.Content))
	if err != nil {
		return nil, awserr.Internal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		return nil, awserr.Internal(err)
	}
	return &api.GetCredentialReportResponse{
		Content: content, ReportFormat: ptr(api.ReportFormatTypeTextCsv), GeneratedTime: ptr(r.Generated),
	}, nil
}

// credentialReport writes the lines: the root user, then the users by name.
// There is no line end after the last one.
func credentialReport(snap *state.Snapshot, account *state.Account) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	line := slices.Clone(reportColumns)
	write := func() { _ = w.Write(line) } // to a buffer
	write()
	// The root user has no password that Warder knows.
	line = append(line[:0], rootInReport, account.RootARN(), reportTime(account.Created),
		strconv.FormatBool(false), notApplicable, notApplicable, notSupported)
	line = reportCredentials(line, snap, account.ID)
	write()
	for u := range snap.UsersOf(account.ID, "") {
		line = append(line[:0], u.Name, u.ARN(), reportTime(u.Created))
		line = reportPassword(line, account, u)
		line = reportCredentials(line, snap, u.ID)
		write()
	}
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// reportTime is a time as the report has them: ISO 8601 in UTC.
func reportTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// reportPassword adds the columns about a user's console password. Signing in is
// what uses a password.
func reportPassword(line []string, account *state.Account, u *state.User) []string {
	if u.Login == nil {
		return append(line, strconv.FormatBool(false), notApplicable, notApplicable, notApplicable)
	}
	next := notApplicable
	if p := account.PasswordPolicy; p != nil && p.MaxAgeDays > 0 {
		next = reportTime(u.Login.Changed.AddDate(0, 0, p.MaxAgeDays))
	}
	used := noInformation
	if !u.PasswordUsed.IsZero() {
		used = reportTime(u.PasswordUsed)
	}
	return append(line, strconv.FormatBool(true), used, reportTime(u.Login.Changed), next)
}

// reportCredentials adds the columns from mfa_active on, for a user or root user.
func reportCredentials(line []string, snap *state.Snapshot, owner string) []string {
	line = append(line, strconv.FormatBool(atLeast(snap.MFADevicesOwnedBy(owner), 1)))

	// Keys stay in their columns as long as they are there: by id.
	keys := slices.Collect(snap.AccessKeysOf(owner))
	for i := range maxAccessKeys {
		if i >= len(keys) {
			line = append(line, strconv.FormatBool(false), notApplicable, notApplicable, notApplicable, notApplicable)
			continue
		}
		line = append(line, strconv.FormatBool(keys[i].Active), reportTime(keys[i].Created))
		if use, ok := snap.LastUse(keys[i].ID); ok {
			line = append(line, reportTime(use.Date), cmp.Or(use.Region, notApplicable), cmp.Or(use.Service, notApplicable))
		} else {
			line = append(line, notApplicable, notApplicable, notApplicable)
		}
	}

	// Inactive certificates come first, as with AWS, and older ones before newer.
	certs := slices.SortedFunc(snap.SigningCertificatesOf(owner), func(a, b *state.SigningCertificate) int {
		if a.Active != b.Active {
			return cmp.Compare(oneIf(a.Active), oneIf(b.Active))
		}
		return a.Uploaded.Compare(b.Uploaded)
	})
	for i := range maxSigningCertificates {
		if i >= len(certs) {
			line = append(line, strconv.FormatBool(false), notApplicable)
			continue
		}
		line = append(line, strconv.FormatBool(certs[i].Active), reportTime(certs[i].Uploaded))
	}
	return line
}
