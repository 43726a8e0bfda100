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
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
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

// readTexts reads the sentences with which a service answers to values that do
// not match a pattern, by pattern, where it does not use the model's words.
// They are not in the models; they are kept by hand from answers of AWS. A
// service that has such sentences also leaves the values out of its others.
func readTexts(models, name string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(models, "texts", name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var texts map[string]string
	err = json.Unmarshal(text, &texts)
	return texts, err
}

func run(models, out, name string) error {
	text, err := os.ReadFile(filepath.Join(models, name+".json"))
	if err != nil {
		return err
	}
	texts, err := readTexts(models, name)
	if err != nil {
		return err
	}
	files, err := generate(name, text, texts)
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
