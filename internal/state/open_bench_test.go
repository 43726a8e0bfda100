package state_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

// BenchmarkOpen loads 100,000 users, each with an inline policy.
func BenchmarkOpen(b *testing.B) {
	db := memory.NewDB()
	s, err := state.Open(b.Context(), db.Open())
	if err != nil {
		b.Fatal(err)
	}
	err = s.Update(context.Background(), now, func(tx *state.Tx) error {
		for i := range 100_000 {
			u := user(fmt.Sprintf("user-%d", i))
			u.PutInline(state.InlinePolicy{Name: "p", Document: &state.Document{Text: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`}})
			tx.Users.Put(u)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	_ = s.Close()
	for b.Loop() {
		s, err := state.Open(b.Context(), db.Open())
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
