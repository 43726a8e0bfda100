package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// folder holds buckets as folders. Objects are files in it, and the metadata of
// one that has any is a file beside it.
type folder struct {
	root *os.Root
	// makes: a bucket is made when it is named, as nobody else would make it.
	makes bool
}

// metadataSuffix is what the name of the file with an object's metadata ends with.
const metadataSuffix = ".metadata.json"

// temporary begins the names of files that are not whole yet. No object has such
// a name.
const temporary = ".warder-"

func openFolder(dir string, makes bool) (*folder, error) {
	if makes {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("the buckets' folder: %w", err)
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("the buckets' folder: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the buckets' folder %s is none", dir)
	}
	// Whatever names users find, links included, nothing outside is reached.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the buckets' folder: %w", err)
	}
	return &folder{root, makes}, nil
}

func (f *folder) open(bucket string) (*os.Root, error) {
	if !filepath.IsLocal(bucket) || strings.ContainsAny(bucket, `/\`) || bucket == "." {
		return nil, ErrNoBucket
	}
	if f.makes {
		if err := f.root.Mkdir(bucket, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	root, err := f.root.OpenRoot(bucket)
	switch {
	case err == nil:
		return root, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, ErrDenied
	}
	if info, failed := f.root.Stat(bucket); failed == nil && info.IsDir() {
		return nil, err
	}
	return nil, ErrNoBucket
}

func (f *folder) Check(_ context.Context, bucket, prefix string) error {
	root, err := f.open(bucket)
	if err != nil {
		return err
	}
	defer root.Close()
	key := strings.TrimSuffix(probe(prefix), "/")
	if !isFileName(key) {
		return ErrDenied
	}
	if err := root.MkdirAll(key, 0o700); err != nil {
		return errors.Join(ErrDenied, err)
	}
	name := path.Join(key, temporary+"check")
	if err := errors.Join(root.WriteFile(name, nil, 0o600), root.Remove(name)); err != nil {
		return errors.Join(ErrDenied, err)
	}
	return nil
}

// isFileName says whether a key is the name of a file: one that means the same
// object only.
func isFileName(key string) bool {
	if key == "." || key != path.Clean(key) || !filepath.IsLocal(filepath.FromSlash(key)) || strings.ContainsAny(key, "\\\x00") {
		return false
	}
	for part := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(part, temporary) {
			return false
		}
	}
	return true
}

func (f *folder) Put(_ context.Context, bucket, key string, o *Object) error {
	root, err := f.open(bucket)
	if err != nil {
		return fmt.Errorf("%s: %w", bucket, err)
	}
	defer root.Close()
	if !isFileName(key) || strings.HasSuffix(key, metadataSuffix) {
		return fmt.Errorf("%s/%s: %w: a key that is no file's name", bucket, key, ErrDenied)
	}
	if err := root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return failed(bucket, key, err)
	}
	if len(o.Metadata) > 0 { // first, so that no object is without its own
		text, err := json.Marshal(o.Metadata)
		if err != nil {
			return err
		}
		if err := write(root, key+metadataSuffix, text); err != nil {
			return failed(bucket, key, err)
		}
	}
	if err := write(root, key, o.Body); err != nil {
		return failed(bucket, key, err)
	}
	return nil
}

func failed(bucket, key string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		err = errors.Join(ErrDenied, err)
	}
	return fmt.Errorf("%s/%s: %w", bucket, key, err)
}

// write has a file appear whole and on the disk, or not at all.
func write(root *os.Root, name string, body []byte) error {
	dir, base := path.Split(name)
	whole := dir + temporary + base
	f, err := root.OpenFile(whole, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(whole))
	}
	if err := root.Rename(whole, name); err != nil {
		return err
	}
	return syncFolders(root, path.Dir(name))
}

// syncFolders has the names in a folder and those above it on the disk.
func syncFolders(root *os.Root, name string) error {
	for {
		dir, err := root.Open(name)
		if err != nil {
			return err
		}
		err = dir.Sync()
		if err = errors.Join(err, dir.Close()); err != nil || name == "." {
			return err
		}
		name = path.Dir(name)
	}
}
