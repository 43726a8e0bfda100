package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Bounds of a document. goxmldsig looks at no more than 1,000 elements.
const (
	maxDepth    = 32
	maxElements = 900
)

// ncName is the form that names may have: without the Unicode and the colons
// that made parsers disagree (CVE-2020-29509, CVE-2020-29510, CVE-2020-29511).
var ncName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// parse reads an XML document that has nothing in it that two parsers could
// read differently: no document type or entities of its own, no comments or
// processing instructions, no undeclared prefixes, no attribute twice, no ID
// twice, at most one assertion.
func parse(text []byte) (*etree.Element, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveDuplicateAttrs: true}
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// A scan is the state of check.
type scan struct {
	scopes   []map[string]string // prefixes, one map for each open element
	open     []xml.Name          // as written
	names    []xml.Name          // with their namespaces
	ids      map[string]bool
	elements int
	found    map[xml.Name]int // of the elements that there may be one of
}

// single are the elements that a document may have one of, wherever it is:
// signature wrapping needs two.
func single(name xml.Name) bool {
	switch name.Space {
	case nsProtocol:
		return name.Local == "Response"
	case nsAssertion:
		return name.Local == "Assertion" || name.Local == "EncryptedAssertion"
	}
	return false
}

// signable are the elements that signatures may stand in.
func signable(name xml.Name) bool {
	return name.Space == nsProtocol && name.Local == "Response" || name.Space == nsAssertion && name.Local == "Assertion"
}

func check(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	s := scan{ids: make(map[string]bool), found: make(map[xml.Name]int)}
	d := xml.NewDecoder(bytes.NewReader(text))
	for first := true; ; first = false {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = s.start(t)
		case xml.EndElement:
			err = s.end(t)
		case xml.CharData:
			if len(s.open) == 0 && len(bytes.TrimSpace(t)) > 0 {
				err = errors.New("text outside the document")
			}
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				err = errors.New("a processing instruction")
			}
		case xml.Comment:
			err = errors.New("a comment")
		default:
			err = errors.New("a document type")
		}
		if err != nil {
			return err
		}
	}
	if len(s.open) > 0 || s.elements == 0 {
		return errors.New("unfinished")
	}
	return nil
}

func (s *scan) start(t xml.StartElement) error {
	if s.elements++; s.elements > maxElements {
		return errors.New("too many elements")
	}
	if len(s.open) == 0 && s.elements > 1 {
		return errors.New("two documents")
	}
	if len(s.open) == maxDepth {
		return errors.New("too deep")
	}
	scope, err := s.declare(t.Attr)
	if err != nil {
		return err
	}
	s.scopes, s.open = append(s.scopes, scope), append(s.open, t.Name)
	name, err := s.resolve(t.Name, true)
	if err != nil {
		return err
	}
	if single(name) {
		if s.found[name]++; s.found[name] > 1 {
			return fmt.Errorf("two elements %s", name.Local)
		}
	}
	if name.Space == nsSignature && name.Local == "Signature" && (len(s.names) == 0 || !signable(s.names[len(s.names)-1])) {
		return errors.New("a signature in another place than a response or assertion")
	}
	s.names = append(s.names, name)
	seen := make(map[xml.Name]bool, len(t.Attr))
	for _, a := range t.Attr {
		full := a.Name // xmlns:x and xmlns themselves
		if !isDeclaration(a.Name) {
			if full, err = s.resolve(a.Name, false); err != nil {
				return err
			}
		}
		if seen[full] {
			return fmt.Errorf("attribute %s twice", a.Name.Local)
		}
		seen[full] = true
		if strings.EqualFold(a.Name.Local, "ID") && !isDeclaration(a.Name) {
			if a.Value == "" || s.ids[a.Value] {
				return errors.New("an ID twice, or empty")
			}
			s.ids[a.Value] = true
		}
	}
	return nil
}

func (s *scan) end(t xml.EndElement) error {
	n := len(s.open)
	if n == 0 || s.open[n-1] != t.Name {
		return errors.New("elements that overlap")
	}
	s.open, s.names, s.scopes = s.open[:n-1], s.names[:n-1], s.scopes[:n-1]
	return nil
}

func isDeclaration(name xml.Name) bool {
	return name.Space == "xmlns" || name.Space == "" && name.Local == "xmlns"
}

// declare reads the namespaces that an element declares.
func (s *scan) declare(attrs []xml.Attr) (map[string]string, error) {
	scope := make(map[string]string)
	for _, a := range attrs {
		if !isDeclaration(a.Name) {
			continue
		}
		prefix := ""
		if a.Name.Space == "xmlns" {
			prefix = a.Name.Local
			if !ncName.MatchString(prefix) || strings.HasPrefix(strings.ToLower(prefix), "xml") || a.Value == "" {
				return nil, fmt.Errorf("declaration of the prefix %q", prefix)
			}
		}
		if strings.HasPrefix(a.Value, "http://www.w3.org/2000/xmlns") || strings.HasPrefix(a.Value, "http://www.w3.org/XML/") {
			return nil, errors.New("declaration of a reserved namespace")
		}
		if _, twice := scope[prefix]; twice {
			return nil, fmt.Errorf("prefix %q declared twice", prefix)
		}
		scope[prefix] = a.Value
	}
	return scope, nil
}

// resolve gives a name with its namespace in place of its prefix. Attributes
// without a prefix are in none.
func (s *scan) resolve(name xml.Name, element bool) (xml.Name, error) {
	if !ncName.MatchString(name.Local) || name.Space != "" && !ncName.MatchString(name.Space) {
		return name, fmt.Errorf("name %q", name.Local)
	}
	switch {
	case name.Space == "xml" && !element:
		return xml.Name{Space: "http://www.w3.org/XML/1998/namespace", Local: name.Local}, nil
	case name.Space == "" && !element:
		return name, nil
	}
	for i := len(s.scopes) - 1; i >= 0; i-- {
		if uri, ok := s.scopes[i][name.Space]; ok {
			return xml.Name{Space: uri, Local: name.Local}, nil
		}
	}
	if name.Space == "" {
		return name, nil
	}
	return name, fmt.Errorf("undeclared prefix %q", name.Space)
}

// is says whether an element has this name.
func is(e *etree.Element, space, tag string) bool {
	return e.Tag == tag && e.NamespaceURI() == space
}

// all are the children of an element by name.
func all(e *etree.Element, space, tag string) (found []*etree.Element) {
	for _, child := range e.ChildElements() {
		if is(child, space, tag) {
			found = append(found, child)
		}
	}
	return found
}

// one is the only child of that name.
func one(e *etree.Element, space, tag string) (*etree.Element, error) {
	child, err := optional(e, space, tag)
	if err == nil && child == nil {
		err = fmt.Errorf("no %s", tag)
	}
	return child, err
}

// optional is the only child of that name; nil if there is none.
func optional(e *etree.Element, space, tag string) (*etree.Element, error) {
	found := all(e, space, tag)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d times %s", len(found), tag)
}

// value is the text of an element that has nothing else in it, without the white
// space around it. It is read whole or not at all: half a name is another name.
func value(e *etree.Element) (string, error) {
	var b strings.Builder
	for _, child := range e.Child {
		text, ok := child.(*etree.CharData)
		if !ok {
			return "", fmt.Errorf("%s has more than text in it", e.Tag)
		}
		b.WriteString(text.Data)
	}
	return strings.Trim(b.String(), " \t\r\n"), nil
}
