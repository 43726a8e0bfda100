package policytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

// The form of a file. docs/policy-tests.md explains it.
type (
	file struct {
		Policies   map[string]source    `yaml:"policies"`
		Principals map[string]principal `yaml:"principals"`
		SCPs       []string             `yaml:"scps"`
		RCPs       []string             `yaml:"rcps"`
		Context    keys                 `yaml:"context"`
		Time       string               `yaml:"time"`
		Tests      []test               `yaml:"tests"`
	}
	source struct {
		File     string    `yaml:"file"`
		Document yaml.Node `yaml:"document"`
	}
	principal struct {
		ARN      string   `yaml:"arn"`
		Account  string   `yaml:"account"`
		Identity list     `yaml:"identity"`
		Boundary string   `yaml:"boundary"`
		Session  list     `yaml:"session"`
		SCPs     []string `yaml:"scps"`
		Context  keys     `yaml:"context"`
		tags     keys     // and other keys that the account file tells
	}
	test struct {
		Name            string `yaml:"name"`
		Principal       string `yaml:"principal"`
		Action          list   `yaml:"action"`
		Resource        list   `yaml:"resource"`
		ResourcePolicy  string `yaml:"resource-policy"`
		ResourceAccount string `yaml:"resource-account"`
		Context         keys   `yaml:"context"`
		Time            string `yaml:"time"`
		Expect          string `yaml:"expect"`
		Because         string `yaml:"because"`
	}
	keys map[string]yaml.Node
	list []string
)

// UnmarshalYAML reads one string or a list of them.
func (l *list) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		var s string
		err := n.Decode(&s)
		*l = list{s}
		return err
	}
	return n.Decode((*[]string)(l))
}

// maxFile is how long a file of tests may be.
const maxFile = 8 << 20

// Load reads a file of tests and the policies that it names. It refuses what
// it does not know, and a file without tests: it would pass for the wrong reason.
func Load(name string) (*Suite, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is too long", name)
	}
	return parse(name, text, os.ReadFile)
}

func parse(name string, text []byte, read func(string) ([]byte, error)) (*Suite, error) {
	var f file
	if err := decode(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var places struct {
		Tests []yaml.Node `yaml:"tests"`
	}
	if err := yaml.Unmarshal(text, &places); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l := &loader{file: &f, dir: filepath.Dir(name), read: read, texts: map[string][]byte{}}
	for _, policy := range slices.Sorted(maps.Keys(f.Policies)) {
		if _, err := l.text(policy); err != nil { // whether it is used or not
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	s := &Suite{File: name}
	for i := range f.Tests {
		line := places.Tests[i].Line
		cases, err := l.test(&f.Tests[i], line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		s.Cases = append(s.Cases, cases...)
	}
	if len(s.Cases) == 0 {
		return nil, fmt.Errorf("%s has no tests", name)
	}
	return s, nil
}

// decode reads one YAML document strictly.
func decode(text []byte, to any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(to); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file is empty")
		}
		return err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one YAML document")
	}
	return nil
}

type loader struct {
	*file
	dir   string
	read  func(string) ([]byte, error)
	texts map[string][]byte
	// accounts are the exported accounts by path.
	accounts map[string]*account
}

// test makes the cases of one test.
func (l *loader) test(t *test, line int) ([]Case, error) {
	if t.Name == "" {
		t.Name = fmt.Sprintf("%s does %s", t.Principal, strings.Join(t.Action, ", "))
	}
	switch t.Expect {
	case Allowed, Denied, ExplicitDeny:
	case ImplicitDeny:
		if t.Because != "" {
			return nil, errors.New("no statement denies implicitly: because does not go with implicitDeny")
		}
	default:
		return nil, fmt.Errorf("expect is %q: use allowed, denied, explicitDeny or implicitDeny", t.Expect)
	}
	if len(t.Action) == 0 {
		return nil, errors.New("action is missing")
	}
	resources := t.Resource
	if len(resources) == 0 {
		resources = list{"*"}
	}
	who, err := l.principal(t.Principal)
	if err != nil {
		return nil, err
	}
	policies, err := l.policies(who, t.ResourcePolicy)
	if err != nil {
		return nil, err
	}
	if who.Account != "" {
		if err := l.exported(&who, policies); err != nil {
			return nil, err
		}
	}
	values, err := l.context(t, who)
	if err != nil {
		return nil, err
	}
	var out []Case
	for _, action := range t.Action {
		for _, resource := range resources {
			c := Case{
				Name: t.Name, Line: line, Account: who.Account, Policies: *policies, Expect: t.Expect, Because: t.Because,
				Question: question.Question{Principal: who.ARN, Action: action, Resource: resource, ResourceAccount: t.ResourceAccount, Context: values},
			}
			if _, err := c.Question.Request(time.Unix(0, 0)); err != nil {
				return nil, err
			}
			if _, err := c.Policies.Layers(action, resource); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// principal is one of the file's, or an ARN with nothing to it.
func (l *loader) principal(name string) (principal, error) {
	p, ok := l.Principals[name]
	switch {
	case ok && p.ARN == "":
		return p, fmt.Errorf("principal %q has no arn", name)
	case !ok && name == "":
		return p, errors.New("principal is missing")
	case !ok:
		if _, err := question.Principal(name); err != nil {
			return p, fmt.Errorf("principal %q is neither one of the file's nor an ARN", name)
		}
		p.ARN = name
	}
	if p.SCPs == nil {
		p.SCPs = l.SCPs
	}
	return p, nil
}

func (l *loader) policies(p principal, resourcePolicy string) (*question.Policies, error) {
	out := new(question.Policies)
	one := func(name string) []string {
		if name == "" {
			return nil
		}
		return []string{name}
	}
	for _, layer := range []struct {
		names []string
		to    *[]question.File
	}{
		{p.Identity, &out.Identity}, {one(p.Boundary), &out.Boundary}, {p.Session, &out.Session},
		{one(resourcePolicy), &out.Resource}, {p.SCPs, &out.SCPs}, {l.RCPs, &out.RCPs},
	} {
		for _, name := range layer.names {
			file, err := l.named(name)
			if err != nil {
				return nil, err
			}
			*layer.to = append(*layer.to, file)
		}
	}
	return out, nil
}

// file is a policy of the file's or, by its ARN, one of AWS's.
func (l *loader) named(name string) (question.File, error) {
	if _, ok := l.Policies[name]; !ok {
		if f, ok, err := question.AWSManaged(name); ok {
			return f, err
		}
	}
	text, err := l.text(name)
	return question.File{Name: name, Text: text}, err
}

// text is the JSON of a policy.
func (l *loader) text(name string) ([]byte, error) {
	if text, ok := l.texts[name]; ok {
		return text, nil
	}
	s, ok := l.Policies[name]
	inline := !s.Document.IsZero()
	var text []byte
	var err error
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no policy %q", name)
	case inline == (s.File != ""):
		return nil, fmt.Errorf("policy %q wants either file or document", name)
	case inline && s.Document.Kind == yaml.ScalarNode:
		text = []byte(s.Document.Value)
	case inline:
		var b bytes.Buffer
		if err = writeJSON(&b, &s.Document, 0); err == nil {
			text = b.Bytes()
		}
	case filepath.IsAbs(s.File):
		text, err = l.read(s.File)
	default:
		text, err = l.read(filepath.Join(l.dir, s.File))
	}
	if err != nil {
		return nil, fmt.Errorf("policy %q: %w", name, err)
	}
	l.texts[name] = text
	return text, nil
}

// context puts the condition keys together: those of the test go before those
// of its principal, these before its tags in an exported account, and these
// before those of the file.
func (l *loader) context(t *test, p principal) (policy.Values, error) {
	out := policy.NewContext()
	for _, m := range []keys{t.Context, p.Context, p.tags, l.Context} {
		given := policy.NewContext()
		for _, name := range slices.Sorted(maps.Keys(m)) {
			n := m[name]
			v, err := value(&n)
			if err == nil {
				err = question.Add(given, name, v)
			}
			if err != nil {
				return nil, fmt.Errorf("condition key %q: %w", name, err)
			}
		}
		for k, v := range given {
			if _, ok := out[k]; !ok {
				out[k] = v
			}
		}
	}
	text := t.Time
	if text == "" {
		text = l.Time
	}
	if text == "" {
		return out, nil
	}
	now, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("time %q is not such as 2026-01-31T12:00:00Z", text)
	}
	for name, v := range map[string]policy.Value{"aws:CurrentTime": policy.Time(now), "aws:EpochTime": policy.Int(now.Unix())} {
		if _, ok := out[policy.KeyOf(name)]; !ok {
			out.Set(name, v)
		}
	}
	return out, nil
}

// value reads the value of a condition key, or several.
func value(n *yaml.Node) (policy.Value, error) {
	var b bytes.Buffer
	if err := writeJSON(&b, n, 0); err != nil {
		return policy.Value{}, err
	}
	v, err := question.ParseJSON(b.Bytes())
	if err != nil {
		return policy.Value{}, err
	}
	return question.Value(v)
}

// maxDepth is how deep a document may nest.
const maxDepth = 16

// writeJSON writes YAML as JSON. Names keep their order and may stand twice,
// so that what reads the JSON sees what is written. What YAML takes for a date
// or another type that JSON has not is a string, as it stands there.
func writeJSON(b *bytes.Buffer, n *yaml.Node, depth int) error {
	if depth > maxDepth || b.Len() > policy.MaxSource {
		return errors.New("the document is too deep or too long")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return writeJSON(b, n.Alias, depth+1)
	case yaml.ScalarNode:
		return writeScalar(b, n)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, item, depth+1); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			if n.Content[i].Kind != yaml.ScalarNode || n.Content[i].Tag == "!!merge" {
				return fmt.Errorf("line %d: a name has to be a string", n.Content[i].Line)
			}
			if err := writeString(b, n.Content[i].Value); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeJSON(b, n.Content[i+1], depth+1); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	}
	return fmt.Errorf("line %d: not a value", n.Line)
}

func writeScalar(b *bytes.Buffer, n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		b.WriteString("null")
		return nil
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return err
		}
		fmt.Fprint(b, v)
		return nil
	case "!!int", "!!float":
		// 0x10, .5 and account ids with a zero in front are no JSON numbers.
		if json.Valid([]byte(n.Value)) {
			b.WriteString(n.Value)
			return nil
		}
	}
	return writeString(b, n.Value)
}

func writeString(b *bytes.Buffer, s string) error {
	text, err := json.Marshal(s)
	b.Write(text)
	return err
}
