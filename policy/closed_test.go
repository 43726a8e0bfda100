package policy_test

import (
	"cmp"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/warder-iam/warder/policy"
)

// source is the package's own code, type-checked without its imports: the
// closed sets are all its own.
type source struct {
	fset  *token.FileSet
	files []*ast.File
	info  types.Info
	sets  map[*types.TypeName][]*types.Const // the constants of each type, without end markers
}

func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{fset: token.NewFileSet(), sets: map[*types.TypeName][]*types.Const{}}
	s.info = types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			f, err := parser.ParseFile(s.fset, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			s.files = append(s.files, f)
		}
	}
	conf := types.Config{Error: func(error) {}, Importer: noImports{}}
	pkg, _ := conf.Check("policy", s.fset, s.files, &s.info)
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || strings.HasSuffix(name, "End") {
			continue
		}
		if named, ok := c.Type().(*types.Named); ok && named.Obj().Pkg() == pkg {
			s.sets[named.Obj()] = append(s.sets[named.Obj()], c)
		}
	}
	if len(s.sets) < 10 {
		t.Fatalf("found %d closed sets only", len(s.sets))
	}
	return s
}

type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return types.NewPackage(path, path[strings.LastIndex(path, "/")+1:]), nil
}

// TestSwitchesAreExhaustive: a switch over a closed set has a case for each of
// its constants, or a default. One that is new and that nobody thought of is
// noticed here. The linter, which picks out single operators and decides
// nothing, is left out.
func TestSwitchesAreExhaustive(t *testing.T) {
	s := readSource(t)
	checked := 0
	for _, f := range s.files {
		if strings.HasPrefix(s.fset.Position(f.Pos()).Filename, "lint") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sw, ok := n.(*ast.SwitchStmt)
			if !ok || sw.Tag == nil {
				return true
			}
			named, ok := s.info.Types[sw.Tag].Type.(*types.Named)
			if !ok || s.sets[named.Obj()] == nil {
				return true
			}
			checked++
			if missing := s.missing(sw, s.sets[named.Obj()]); len(missing) > 0 {
				t.Errorf("%s: no case for %s", s.fset.Position(sw.Pos()), strings.Join(missing, ", "))
			}
			return true
		})
	}
	if checked < 10 {
		t.Errorf("found %d switches only", checked)
	}
}

// missing are the constants that a switch without default does not name.
func (s *source) missing(sw *ast.SwitchStmt, set []*types.Const) []string {
	var named []constant.Value
	for _, stmt := range sw.Body.List {
		clause := stmt.(*ast.CaseClause)
		if clause.List == nil {
			return nil
		}
		for _, e := range clause.List {
			named = append(named, s.info.Types[e].Value)
		}
	}
	var out []string
	for _, c := range set {
		if !slices.ContainsFunc(named, func(v constant.Value) bool { return v != nil && constant.Compare(v, token.EQL, c.Val()) }) {
			out = append(out, c.Name())
		}
	}
	return out
}

// TestNames: every constant of a set that has names has one of its own.
func TestNames(t *testing.T) {
	names := map[string]func(n uint8) string{
		"Kind":          func(n uint8) string { return policy.Kind(n).String() },
		"Effect":        func(n uint8) string { return policy.Effect(n).String() },
		"PrincipalType": func(n uint8) string { return policy.PrincipalType(n).String() },
		"PrincipalKind": func(n uint8) string { return policy.PrincipalKind(n).String() },
		"Layer":         func(n uint8) string { return policy.Layer(n).String() },
		"Reason":        func(n uint8) string { return policy.Reason(n).String() },
		"Comparison":    func(n uint8) string { return policy.Comparison(n).String() },
		"SourceType":    func(n uint8) string { return policy.SourceType(n).String() },
		"ACLPermission": func(n uint8) string { return policy.ACLPermission(n).String() },
		"Quantifier": func(n uint8) string {
			return policy.Operator{Comparison: policy.OpBool, Quantifier: policy.Quantifier(n)}.String()
		},
	}
	s := readSource(t)
	for obj, set := range s.sets {
		name := names[obj.Name()]
		if name == nil {
			if m, _, _ := types.LookupFieldOrMethod(obj.Type(), true, obj.Pkg(), "String"); m != nil && !strings.HasPrefix(s.fset.Position(obj.Pos()).Filename, "lint") {
				t.Errorf("%s has names that are not checked here", obj.Name())
			}
			continue
		}
		delete(names, obj.Name())
		slices.SortFunc(set, func(a, b *types.Const) int { return cmp.Compare(a.Name(), b.Name()) })
		seen := map[string]string{}
		for _, c := range set {
			n, _ := constant.Uint64Val(c.Val())
			got := nameOf(name, uint8(n))
			if got == "" || strings.Contains(got, "(") {
				t.Errorf("%s is called %q", c.Name(), got)
			}
			if other := seen[got]; other != "" {
				t.Errorf("%s and %s are both called %q", c.Name(), other, got)
			}
			seen[got] = c.Name()
		}
	}
	for name := range names {
		t.Errorf("there is no closed set %s", name)
	}
}

// nameOf is a name, or "" if there is none to be had.
func nameOf(name func(uint8) string, n uint8) (s string) {
	defer func() {
		if e := recover(); e != nil {
			s = ""
		}
	}()
	return name(n)
}
