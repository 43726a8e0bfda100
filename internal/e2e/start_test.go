package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/sqlite"
)

// fill puts 100,000 entities into a data folder that a server has made: users
// with a key each, roles, groups and policies, with policies on them.
func fill(tb testing.TB, data string) {
	tb.Helper()
	st, err := sqlite.Open(data)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := state.Open(tb.Context(), st)
	if err != nil {
		tb.Fatal(err)
	}
	ring, err := seal.Open(filepath.Join(data, "master.key"))
	if err != nil {
		tb.Fatal(err)
	}
	src := ids.New()
	now := time.Now().UTC().Truncate(time.Second)
	entity := func(prefix, name string) state.Entity {
		return state.Entity{
			Account: account, ID: src.Unique(prefix, account), Name: name, Path: "/division/", Created: now,
			Tags: []state.Tag{{Key: "team", Value: "platform"}},
		}
	}
	text := func(i int) *state.Document {
		return &state.Document{Text: allow("s3:GetObject", fmt.Sprintf("arn:aws:s3:::bucket-%d/*", i))}
	}
	const batches, perBatch = 20, 5000
	for b := range batches {
		if err := s.Update(tb.Context(), now, func(tx *state.Tx) error {
			for i := b * perBatch / 5; i < (b+1)*perBatch/5; i++ {
				p := &state.ManagedPolicy{Entity: entity(ids.Policy, fmt.Sprint("policy-", i))}
				p.AddVersion(text(i), now, true)
				tx.Policies.Put(p)
				g := &state.Group{Entity: entity(ids.Group, fmt.Sprint("group-", i))}
				g.Attach(p.ARN())
				tx.Groups.Put(g)
				u := &state.User{Entity: entity(ids.User, fmt.Sprint("user-", i)), Groups: []string{g.ID}}
				u.PutInline(state.InlinePolicy{Name: "inline", Document: text(i)})
				tx.Users.Put(u)
				r := &state.Role{Entity: entity(ids.Role, fmt.Sprint("role-", i)), Trust: &state.Document{Text: accountTrust}, MaxSessionDuration: 3600}
				r.Attach(p.ARN())
				tx.Roles.Put(r)
				key := src.KeyID(ids.AccessKey, account)
				tx.AccessKeys.Put(&state.AccessKey{
					ID: key, Account: account, Owner: u.ID, Active: true, Created: now, Secret: authn.SealSecret(ring, account, key, src.Secret()),
				})
			}
			return nil
		}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkStart100k is the time from starting the program on a folder with
// 100,000 entities until it listens.
func BenchmarkStart100k(b *testing.B) {
	data := dataFolder(b)
	flags := append([]string{"--data", data}, administrator...)
	serve(b, flags...).stop()
	fill(b, data)
	for b.Loop() {
		s := serve(b, flags...)
		b.StopTimer()
		b.ReportMetric(float64(s.peakMemory()>>20), "MB-peak")
		out, err := s.iam(adminKey).GetUser(b.Context(), &iam.GetUserInput{UserName: ptr("user-19999")})
		if err != nil || *out.User.Path != "/division/" {
			b.Fatalf("the folder is not as it was filled: %v", err)
		}
		s.stop()
		b.StartTimer()
	}
}
