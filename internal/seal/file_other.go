//go:build !unix

package seal

import (
	"errors"
	"io/fs"
)

// checkFile says what is wrong with a key file. Who may read it is a matter of the
// folder's access list on these systems, which its mode does not show.
func checkFile(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("is not a regular file")
	}
	return nil
}

// syncDir: these systems have no such operation.
func syncDir(string) error { return nil }
