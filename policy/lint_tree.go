package policy

import "strings"

// lintNode is a JSON value with its place. Unlike the parser, which asks for
// what the grammar wants, the linter reads any JSON first, so that one mistake
// does not hide the others.
type lintNode struct {
	kind       nodeKind
	start, end Pos
	path       *lintPath
	text       string // of a string, number or boolean
	members    []lintMember
	items      []*lintNode
}

type nodeKind uint8

const (
	nodeObject nodeKind = iota
	nodeArray
	nodeString
	nodeNumber
	nodeBool
	nodeNull
)

// lintMember is a member of an object.
type lintMember struct {
	name  string
	key   at // of the name
	value *lintNode
}

func (n *lintNode) at() at { return at{n.path, n.start, n.end} }

// scalar says whether the value is one that a condition may have.
func (n *lintNode) scalar() bool {
	return n.kind == nodeString || n.kind == nodeNumber || n.kind == nodeBool
}

// list is the elements of an array, or the value itself.
func (n *lintNode) list() []*lintNode {
	if n.kind == nodeArray {
		return n.items
	}
	return []*lintNode{n}
}

// maxLintDepth is how deep a document may nest: twice what the grammar needs.
const maxLintDepth = 16

// readTree reads any JSON. The only errors are those of JSON itself.
func readTree(src string) (*lintNode, error) {
	r := &treeReader{reader: reader{src: src}}
	n, err := r.value(nil, 0)
	if err != nil {
		return nil, err
	}
	return n, r.end()
}

type treeReader struct{ reader }

func (r *treeReader) value(path *lintPath, depth int) (*lintNode, error) {
	c := r.next()
	if depth > maxLintDepth {
		return nil, r.fail("nested too deep")
	}
	n := &lintNode{start: r.here(), path: path}
	var err error
	switch {
	case c == '{':
		n.kind = nodeObject
		err = r.object(func(name Item) error {
			end := r.nameEnd(name)
			v, err := r.value(path.value(name.Value), depth+1)
			n.members = append(n.members, lintMember{name.Value, at{path.key(name.Value), name.Pos, end}, v})
			return err
		})
	case c == '[':
		n.kind = nodeArray
		err = r.array(func() error {
			v, err := r.value(path.index(len(n.items)), depth+1)
			n.items = append(n.items, v)
			return err
		})
	case c == '"':
		n.kind = nodeString
	case c == 't' || c == 'f':
		n.kind = nodeBool
	case strings.HasPrefix(r.src[r.pos:], "null"):
		n.kind = nodeNull
		r.pos += len("null")
	default:
		n.kind = nodeNumber
	}
	if n.kind == nodeString || n.kind == nodeBool || n.kind == nodeNumber {
		var it Item
		it, err = r.scalar()
		n.text = it.Value
	}
	n.end = r.here()
	return n, err
}

// nameEnd is just past the name of a member, whose colon has been read. The
// name stands on one line, as every string does.
func (r *treeReader) nameEnd(name Item) Pos {
	from := int(name.Pos.Offset)
	for i := from + 1; i < r.pos; i++ {
		switch r.src[i] {
		case '\\':
			i++
		case '"':
			p := name.Pos
			p.Column += int32(i + 1 - from)
			p.Offset = int32(i + 1)
			return p
		}
	}
	return name.Pos
}
