//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that this process has taken, its clients and
// its server together, in user and in kernel mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
