package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommitted holds the committed packages to the models and the generator.
func TestCommitted(t *testing.T) {
	models, err := filepath.Glob("../models/*.json")
	if err != nil || len(models) == 0 {
		t.Fatalf("no models found: %v", err)
	}
	for _, path := range models {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := readTexts("../models", name)
		if err != nil {
			t.Fatal(err)
		}
		files, err := generate(name, text, texts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for file, want := range files {
			got, err := os.ReadFile(filepath.Join("..", name, file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s/%s is stale; run go generate ./internal/api", name, file)
			}
		}
		committed, err := filepath.Glob(filepath.Join("..", name, "*.gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range committed {
			if files[filepath.Base(path)] == nil {
				t.Errorf("%s is no longer generated; remove it", path)
			}
		}
	}
}

func TestRefusesBadModels(t *testing.T) {
	for _, test := range []struct{ name, model, want string }{
		{"missing shape", `{"operations":{"A":{"input":{"shape":"X"}}},"shapes":{}}`, `no shape "X"`},
		{"name clash", `{"operations":{"A":{"input":{"shape":"X"},"output":{"shape":"x"}}},
			"shapes":{"X":{"type":"structure"},"x":{"type":"structure"}}}`, "the Go name X is wanted by"},
		{"member clash", `{"operations":{"A":{"input":{"shape":"X"}}},
			"shapes":{"X":{"type":"structure","members":{"a":{"shape":"S"},"A":{"shape":"S"}}},"S":{"type":"string"}}}`, "two members A"},
		{"unknown type", `{"operations":{"A":{"input":{"shape":"X"}}},
			"shapes":{"X":{"type":"structure","members":{"a":{"shape":"S"}}},"S":{"type":"tensor"}}}`, "no Go type for tensor"},
		{"error that is none", `{"operations":{"A":{"errors":[{"shape":"X"}]}},"shapes":{"X":{"type":"structure"}}}`, "no error shape"},
	} {
		_, err := generate("x", []byte(test.model), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
