// Command gen writes the Go packages of internal/api from the service models:
// structs, enum constants, operation tables and constraints.
//
// It is run by go generate in internal/api. Its output depends on nothing but
// the models: a second run changes no byte, which a test holds it to. The
// model files are AWS's API models without their prose. Error shapes become
// table entries, not structs, because inside Warder an error is an
// awserr.Error; shapes that no operation reaches are left out.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	models := flag.String("models", "models", "folder of the service models")
	out := flag.String("out", ".", "folder that gets a package for each service")
	flag.Parse()
	for _, name := range flag.Args() {
		if err := run(*models, *out, name); err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func run(models, out, name string) error {
	text, err := os.ReadFile(filepath.Join(models, name+".json"))
	if err != nil {
		return err
	}
	files, err := generate(name, text)
	if err != nil {
		return err
	}
	dir := filepath.Join(out, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
