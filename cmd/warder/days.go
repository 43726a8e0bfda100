package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// days is a flag for how long things are kept: days, such as 90d, or what
// time.ParseDuration knows.
type days time.Duration

// String implements pflag.Value.
func (d *days) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Set implements pflag.Value.
func (d *days) Set(text string) error {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(number, 10, 16); err == nil && n > 0 {
			*d = days(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	} else if v, err := time.ParseDuration(text); err == nil && v > 0 {
		*d = days(v)
		return nil
	}
	return fmt.Errorf("%q is not how long something is kept, such as 90d or 36h", text)
}

// Type implements pflag.Value.
func (d *days) Type() string { return "duration" }
