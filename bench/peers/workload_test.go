package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"testing"
)

// functions prints the named functions' bodies.
func functions(t *testing.T, names []string, files ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range files {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			var text bytes.Buffer
			if err := printer.Fprint(&text, fset, fn.Body); err != nil {
				t.Fatal(err)
			}
			out[fn.Name.Name] = text.String()
		}
	}
	for _, name := range names {
		if out[name] == "" {
			t.Errorf("%v have no function %s", files, name)
		}
	}
	return out
}

func TestGeneratorIsThatOfPolicy(t *testing.T) {
	shared := []string{"grants", "filler", "benchPolicies", "doc"}
	here := functions(t, shared, "workload.go")
	there := functions(t, shared, "../../policy/bench_test.go", "../../policy/helpers_test.go")
	for _, name := range shared {
		if here[name] != there[name] {
			t.Errorf("%s differs from policy's:\n%s\n%s", name, here[name], there[name])
		}
	}
}

func TestMix(t *testing.T) {
	for _, w := range []*workload{single("S", "", 3, 4), own(40), managed(40)} {
		allowed := 0
		for _, r := range w.requests {
			if r.allowed {
				allowed++
			}
		}
		if 2*allowed != len(w.requests) {
			t.Errorf("%s allows %d of %d", w.name, allowed, len(w.requests))
		}
	}
}

// TestAgreement checks every engine on small tenants, and that a run notices a
// decision that is not as it should be.
func TestAgreement(t *testing.T) {
	for _, e := range engines {
		for _, w := range []*workload{single("S", "", 3, 4), single("M", "", 10, 10), own(40), managed(80)} {
			if w.principals > 1 && e.single {
				continue
			}
			if _, err := run(&e, w, 0); err != nil {
				t.Errorf("%s on %s: %v", e.name, w.name, err)
			}
			w.requests[1].allowed = !w.requests[1].allowed
			if _, err := run(&e, w, 0); err == nil {
				t.Errorf("%s on %s: a wrong decision is not noticed", e.name, w.name)
			}
		}
	}
}
