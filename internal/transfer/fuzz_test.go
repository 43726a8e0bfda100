package transfer_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
	"github.com/warder-iam/warder/internal/transfer"
)

// Whatever the files say, what Read lets through can be applied to an empty
// state without breaking it.
func FuzzImport(f *testing.F) {
	text, err := os.ReadFile("testdata/account/get-account-authorization-details.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"UserDetailList":[{"Path":"/","UserName":"a","UserId":"AIDA2EXAMPLEALICE0001","Arn":"arn:aws:iam::444455556666:user/a","CreateDate":"2023-05-02T08:15:30Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := transfer.Read([]transfer.File{{Name: "f", Text: text}})
		if err != nil {
			return
		}
		s, err := state.Open(context.Background(), memory.New())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Update(context.Background(), time.Now(), func(tx *state.Tx) error {
			_, err := a.Apply(tx)
			return err
		}); err != nil {
			t.Fatalf("read, and not applied: %v", err)
		}
	})
}
