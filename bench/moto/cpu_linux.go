package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// ticks is the unit of /proc: USER_HZ, 100 a second on all that Go runs on.
const ticks = time.Second / 100

// processTime is the processor time that a process has taken, in user and in
// kernel mode (proc(5), /proc/PID/stat); 0 if it cannot be read.
func processTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field, the program's name, may have spaces: count from behind it.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	kernel, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+kernel) * ticks
}
