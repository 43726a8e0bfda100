package replay_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/decision"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/replay"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const account = "111122223333"

// organization makes a state of users in groups and roles with sessions, and the
// records of requests by them as a day has them.
func organization(b testing.TB, requests int) (*state.State, *trail.Index) {
	b.Helper()
	st, err := state.Open(b.Context(), memory.New())
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	statement := func(actions, resource, condition string) string {
		return `{"Effect":"Allow","Action":[` + actions + `],"Resource":"` + resource + `"` + condition + `}`
	}
	document := func(statements ...string) *state.Document {
		return &state.Document{Text: `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`}
	}
	var callers []*authn.Caller
	err = st.Update(b.Context(), now, func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: account})
		for i := range 200 {
			u := &state.User{Entity: state.Entity{Account: account, ID: fmt.Sprintf("AIDA%016d", i), Name: fmt.Sprintf("u%d", i), Path: "/", Tags: []state.Tag{{Key: "team", Value: fmt.Sprint(i % 7)}}}}
			u.Grants.Inline = []state.InlinePolicy{{Name: "p", Document: document(
				statement(`"iam:Get*","iam:List*"`, "*", ""),
				statement(`"s3:GetObject","s3:PutObject"`, "arn:aws:s3:::home/${aws:username}/*", ""),
				statement(`"sqs:*"`, "*", `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`),
			)}}
			tx.Users.Put(u)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	s := st.Snapshot()
	for u := range s.Users.All() {
		c, err := authn.OfOwner(s, account, u.ID)
		if err != nil {
			b.Fatal(err)
		}
		callers = append(callers, c)
	}
	x, err := trail.OpenIndex("")
	if err != nil {
		b.Fatal(err)
	}
	az := authz.New()
	var entries []*trail.Entry
	for i := range requests {
		c := callers[i%len(callers)]
		r := &authz.Request{
			Caller: c, Time: now.Add(time.Duration(i) * time.Millisecond), Region: "us-east-1", SourceIP: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}),
			UserAgent: "Boto3/1.43.1 md/Botocore#1.43.1 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.12 cfg/retry-mode#standard Botocore/1.43.1",
		}
		check := authz.Check{Account: account}
		switch (i + i/len(callers)) % 4 {
		case 0:
			check.Action, check.Resource = "iam:GetUser", "arn:aws:iam::"+account+":user/"+c.User.Name
			check.Tags = c.User.Tags
		case 1:
			check.Action, check.Resource = "s3:GetObject", fmt.Sprintf("arn:aws:s3:::home/%s/%d", c.User.Name, i)
		case 2:
			check.Action, check.Resource = "sqs:SendMessage", "arn:aws:sqs:us-east-1:"+account+":q"
			check.Tags = []state.Tag{{Key: "team", Value: fmt.Sprint(i % 7)}}
		default:
			check.Action, check.Resource = "iam:CreateUser", "arn:aws:iam::"+account+":user/x"
			check.RequestTag("team", "1")
		}
		decided := new(authz.Decided)
		_ = az.RequireAll(s, r, []authz.Check{check}, decided) // a refusal is recorded, too
		record, err := decision.Of(r, decided).Append(nil)
		if err != nil {
			b.Fatal(err)
		}
		entries = append(entries, &trail.Entry{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Account: account, Time: r.Time, Category: trail.Data, Record: record})
		if len(entries) == 4000 || i == requests-1 {
			if err := x.Add(b.Context(), "s", int64(i+1), entries); err != nil {
				b.Fatal(err)
			}
			entries = entries[:0]
		}
	}
	b.Cleanup(func() { x.Close(); st.Close() })
	return st, x
}

// BenchmarkReplay decides a day's requests again under a change that concerns
// everybody, and under one that concerns one user.
func BenchmarkReplay(b *testing.B) {
	const requests = 200_000
	st, x := organization(b, requests)
	for _, tc := range []struct {
		name  string
		users int
	}{{"one user", 1}, {"everybody", 200}} {
		b.Run(tc.name, func(b *testing.B) {
			before, after, err := st.Try(time.Now(), func(tx *state.Tx) error {
				for i := range tc.users {
					u := tx.Users.Get(fmt.Sprintf("AIDA%016d", i))
					tx.Users.Update(u, func(u *state.User) {
						u.Grants.Inline = []state.InlinePolicy{{Name: "p", Document: &state.Document{Text: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","sqs:*"],"Resource":"*"}]}`}}}
					})
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				report, err := replay.Run(b.Context(), x, before, after, replay.Query{Account: account})
				if err != nil || report.Requests != requests || report.Drift != 0 || report.NewlyDenied == 0 {
					b.Fatalf("%+v, %v", report, err)
				}
			}
			b.ReportMetric(float64(requests)*float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
