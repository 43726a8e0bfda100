package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/warder-iam/warder/internal/store"
	"github.com/warder-iam/warder/internal/store/storetest"
)

// fresh opens without the lock, since the suite opens two handles at once. The
// folder's name has what a URI might trip over.
func fresh(t testing.TB) func() (store.Store, error) {
	dir := filepath.Join(t.TempDir(), "a b?c=d&e%20f#g")
	return func() (store.Store, error) {
		s, err := Open(dir)
		if err == nil { // let the next one in
			s.lock.release()
			s.lock = nil
			return s, nil
		}
		return nil, err
	}
}

func TestStore(t *testing.T) { storetest.Run(t, fresh) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, fresh) }

func TestCrash(t *testing.T) {
	storetest.Crash(t, func(dir string) (store.Store, error) { return Open(dir) })
}
