//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package trail

import "os"

// lockFile locks nothing on these systems.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
