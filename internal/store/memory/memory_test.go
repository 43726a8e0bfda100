package memory

import (
	"testing"

	"github.com/warder-iam/warder/internal/store"
	"github.com/warder-iam/warder/internal/store/storetest"
)

func fresh(testing.TB) func() (store.Store, error) {
	db := NewDB()
	return func() (store.Store, error) { return db.Open(), nil }
}

func TestStore(t *testing.T) { storetest.Run(t, fresh) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, fresh) }
