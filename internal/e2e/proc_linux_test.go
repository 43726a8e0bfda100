package e2e

import "syscall"

// dieWithTest makes a child process end with the test, whatever way the test ends.
func dieWithTest() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
