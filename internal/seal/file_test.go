package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestOpenOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := Open(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening no file: %v", err)
	}
	k, err := OpenOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	sealed := k.Seal("p", owner, secret)
	for _, open := range []func(string) (*Keyring, error){Open, OpenOrCreate} {
		again, err := open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Open("p", owner, sealed); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("opens to %q, %v", got, err)
		}
	}
	// A rotation is on the disk before it counts.
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err != nil || again.String() != k.String() || len(again.KeyIDs()) != 2 {
		t.Errorf("after the rotation the file has %v, %v; want %v", again, err, k)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("after the rotation the file has mode %v", info.Mode())
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("the folder has %v", files)
	}
}

func TestRotationThatCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	k, err := OpenOrCreate(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	before := k.String()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(); err == nil || k.String() != before {
		t.Errorf("rotated to %v, %v", k, err)
	}
}

// Whoever comes first makes the key; all get the same.
func TestCreateRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	got := make([]string, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			k, err := OpenOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = k.String()
		})
	}
	wg.Wait()
	for _, k := range got {
		if k != got[0] {
			t.Errorf("the keys are %v", got)
		}
	}
}

func TestOpenRefusesFile(t *testing.T) {
	k := NewRandom()
	text := k.ring.Load().text()
	for name, c := range map[string]struct {
		content string
		mode    fs.FileMode
		says    string
	}{
		"group may read":  {string(text), 0o640, "chmod 600"},
		"world may read":  {string(text), 0o604, "chmod 600"},
		"group may write": {string(text), 0o620, "chmod 600"},
		"world may run":   {string(text), 0o601, "chmod 600"},
		"empty":           {"", 0o600, "no master key"},
		"words":           {"hello", 0o600, "base64"},
		"too large":       {strings.Repeat("#\n", maxFile), 0o600, "too large"},
		"cut short":       {string(text[:len(text)-10]), 0o600, "base64"},
	} {
		path := filepath.Join(t.TempDir(), "master.key")
		if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		for _, open := range []func(string) (*Keyring, error){Open, OpenOrCreate} {
			if _, err := open(path); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after, _ := os.ReadFile(path); string(after) != c.content {
			t.Errorf("%s: the file has been changed", name)
		}
	}
	if _, err := OpenOrCreate(t.TempDir()); err == nil {
		t.Error("a folder is taken for a file")
	}
	if _, err := OpenOrCreate(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("a file is made in a folder that is not there")
	}
}
