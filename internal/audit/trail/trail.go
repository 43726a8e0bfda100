// Package trail keeps the events of the audit trail on one node and finds them
// again. It has two parts that know nothing of each other but the Entry.
//
// A Log is for the events that change nothing in the state: reads, refusals,
// decisions. (A change and its event are one batch of internal/store.) It is an
// append-only chain of hashes over segments in a folder. Append hands over to a
// writer and never waits longer than it was told to; what could not be kept is
// counted, and the log itself says how much that was. Verify finds what was
// changed since.
//
// An Index finds events by the attributes of CloudTrail's LookupEvents. It is
// derived: from the revisions of the store and the positions of the log, it can
// be made again at any time, so nothing of worth is lost with its file.
//
// # The form of the log
//
// A segment is a text file of lines, named after the position of its first record:
//
//	POSITION <tab> HASH <tab> KIND <tab> JSON [<tab> EVENT [<tab> RECORD]] <newline>
//
// Lines, not length prefixes, because an audit log outlives the program that
// wrote it: it is read with tail, grep, cut -f5 and jq, checked with ten lines of
// any language that has SHA-256, and a torn end is a line without its newline.
// The framing costs a scan for newlines, which is far below the cost of the
// hash; and the event is a field of its own, copied as it is and not nested in
// another JSON text, so that neither side parses it. JSON holds the attributes
// that the event is found by, RECORD what was decided and on what grounds.
//
// HASH is the SHA-256 of the 32 bytes of the hash on the line before, followed by
// the line without its HASH field and newline. The first line of a segment, of
// kind "segment", is the header: it has the position and, as "previous", the hash
// of the last line of the segment before, and goes into the chain as any other
// line does. The other kinds are "event", "gap" (see Gap), "retired" (the
// segments up to a position were deleted for their age) and "closed" (the log
// was closed in order; a log that does not end so gets a gap when it is opened).
//
// # What the chain shows, and what not
//
// The hash is not keyed. It shows every change to someone who knows the hash of a
// later record from elsewhere, and Verify takes such Heads: the signed digests
// that are delivered outside the machine carry them (Log.Head). Without one, who
// may write to the folder could compute a whole new chain. What needs no Head:
// anything but a complete re-computation up to the end is found.
//
// It leaves out delivery, digests' signatures, and the form of the events
// (internal/audit), which is its caller.
package trail

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Entry is one event as it is kept: its record and the attributes it is found by.
type Entry struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Source      string     `json:"source"`
	Username    string     `json:"user,omitempty"`
	AccessKeyID string     `json:"key,omitempty"`
	Account     string     `json:"account"` // the recipient account
	Time        time.Time  `json:"time"`
	ReadOnly    bool       `json:"readOnly,omitempty"`
	Category    Category   `json:"category,omitempty"`
	Resources   []Resource `json:"resources,omitempty"`
	JSON        []byte     `json:"-"` // one JSON text
	// Record is what it takes to decide the request again, one JSON text; nil if
	// nothing was decided.
	Record []byte `json:"-"`
}

// Category is the eventCategory of an event
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
type Category string

// The categories. Only management and insight events are found by LookupEvents.
const (
	Management Category = ""
	Data       Category = "Data"
	Insight    Category = "Insight"
)

// Resource is what an event is about.
type Resource struct {
	Type string `json:"type,omitempty"`
	Name string `json:"name,omitempty"`
}

// MaxEntry is the most bytes that an entry takes in the log. CloudTrail's own
// limit of an event is 256 KB
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html).
const MaxEntry = 1 << 20

// Errors that callers act upon; they come wrapped with detail.
var (
	// ErrLost: the event is not in the log. It has been counted for the next Gap.
	ErrLost = errors.New("trail: event lost")
	// ErrClosed: the log or index has been closed.
	ErrClosed = errors.New("trail: closed")
	// ErrLocked: another process writes to the folder.
	ErrLocked = errors.New("trail: in use by another process")
	// ErrCorrupt: what is stored cannot be right.
	ErrCorrupt = errors.New("trail: corrupt")
	// ErrToken: the paging token is not one that this query gave.
	ErrToken = errors.New("trail: invalid paging token")
	// ErrQuery: a query that cannot be answered.
	ErrQuery = errors.New("trail: invalid query")
)

// Hash is a SHA-256 of the chain.
type Hash [32]byte

// String is the hash in lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes the one form that
// MarshalText gives.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("a hash of %d characters", len(text))
	}
	for i := range h {
		hi, lo := digit(text[2*i]), digit(text[2*i+1])
		if hi > 15 || lo > 15 {
			return fmt.Errorf("%q is not a hash", text)
		}
		h[i] = hi<<4 | lo
	}
	return nil
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// Head is a place in the chain: it fixes every record up to it.
type Head struct {
	Position int64 `json:"position"`
	Hash     Hash  `json:"hash"`
}

// Gap is the log's own record of what it does not have.
type Gap struct {
	Cause Cause `json:"cause"`
	// Lost is how many events there are not. It is 0 where the log cannot know: after
	// Crash and Tampering.
	Lost  int64     `json:"lost,omitempty"`
	Since time.Time `json:"since,omitzero"` // of the first loss
	Until time.Time `json:"until,omitzero"` // of the last
	// Cut is how many bytes of a torn record were taken off on opening.
	Cut int64 `json:"cut,omitempty"`
	// Detail is for people.
	Detail string `json:"detail,omitempty"`
}

// Cause says why there is a gap.
type Cause string

// The causes of gaps.
const (
	Overload  Cause = "overload"  // more events than the disk took, or events that could not be written
	Flood     Cause = "flood"     // more events of nobody than are kept (Log.Skip)
	Crash     Cause = "crash"     // the log was not closed: what was in memory is lost
	Tampering Cause = "tampering" // the segment changed under the running log
	Retired   Cause = "retired"   // deleted for its age; made up by Follow and Read, never stored
)
