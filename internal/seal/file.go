package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile bounds a key file; it has room for some hundred keys.
const maxFile = 64 << 10

// Open reads the ring from a key file. The file must be a regular one that its
// owner alone can read or write, and the owner must be who runs the program.
func Open(path string) (*Keyring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("seal: the master key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, whatever the name stands for now
	if err != nil {
		return nil, fmt.Errorf("seal: the master key file: %w", err)
	}
	if err := checkFile(info); err != nil {
		return nil, fmt.Errorf("seal: the master key file %s %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("seal: the master key file: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("seal: the master key file %s is too large to be one", path)
	}
	k, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w, in the master key file %s", err, path)
	}
	k.path = path
	return k, nil
}

// OpenOrCreate is Open, but makes the file with a fresh random key if there is
// none. It is for the first start only: on data that exist, a missing key file is a
// loss to be told about (with Open), and a fresh key would open nothing.
func OpenOrCreate(path string) (*Keyring, error) {
	k, err := Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k = NewRandom()
	err = writeBeside(path, k.ring.Load().text(), func(temp string) error {
		return os.Link(temp, path) // unlike a rename, never replaces a file
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return Open(path) // ours, or that of whoever was quicker
}

// replaceFile puts a new content in the place of the old one, whole or not at all.
func replaceFile(path string, content []byte) error {
	return writeBeside(path, content, func(temp string) error { return os.Rename(temp, path) })
}

// writeBeside writes content durably to a temporary file next to path, with mode
// 0600, and calls place to put it there.
func writeBeside(path string, content []byte, place func(temp string) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".master-key-*") // has mode 0600
	if err != nil {
		return fmt.Errorf("seal: the master key file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = place(f.Name())
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("seal: the master key file: %w", err)
	}
	return nil
}
