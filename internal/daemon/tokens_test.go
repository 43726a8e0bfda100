package daemon_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/daemon"
)

const seed32, seedHex = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "3132333435363738393031323334353637383930"

func TestReadTokens(t *testing.T) {
	one := []daemon.Token{{Serial: "GAHT12345678", Seed: []byte("12345678901234567890")}}
	for _, tt := range []struct {
		text  string
		inHex bool
		want  []daemon.Token
		err   string
	}{
		{"GAHT12345678," + seed32, false, one, ""},
		{"serial,seed\n# a comment\n\n\"GAHT12345678\", gezd gnbv gy3t qojq gezd gnbv gy3t qojq\r\n", false, one, ""},
		{"GAHT12345678," + strings.ToLower(seedHex), true, one, ""},
		{"", false, nil, "there are no tokens"},
		{"serial,seed\n", false, nil, "there are no tokens"},
		{"GAHT12345678", false, nil, "line 1: wrong number of fields"},
		{"GAHT12345678," + seed32 + ",30", false, nil, "line 1: wrong number of fields"},
		{"GAHT12345678," + seedHex, false, nil, "line 1: the seed is not base32; for hexadecimal say --hex"},
		{"GAHT12345678," + seed32, true, nil, "line 1: the seed is not hexadecimal"},
		{"GAHT12345678," + seed32 + "\nGAHT12345679,AAAA", false, nil, "line 2: the seed of GAHT12345679 has 2 bytes, not 16 to 64"},
		{"short," + seed32, false, nil, `line 1: "short" is no serial number`},
		{"GAHT1234\"5678," + seed32, false, nil, `bare "`},
	} {
		got, err := daemon.ReadTokens(strings.NewReader(tt.text), tt.inHex)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.err)
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), seed32[:8]) || strings.Contains(err.Error(), seedHex[:8])) {
			t.Errorf("%q: the error tells the seed: %v", tt.text, err)
		}
	}
}

// What is read can be loaded: serial numbers are the API's, and seeds are long
// enough.
func FuzzReadTokens(f *testing.F) {
	f.Add("serial,seed\nGAHT12345678,"+seed32+"\n", false)
	f.Add("GAHT12345678,"+seedHex, true)
	f.Add("# nothing\n\"a,b\nc\",x", false)
	f.Fuzz(func(t *testing.T, text string, inHex bool) {
		tokens, err := daemon.ReadTokens(strings.NewReader(text), inHex)
		if (err == nil) == (len(tokens) == 0) {
			t.Fatalf("%d tokens, %v", len(tokens), err)
		}
		for _, token := range tokens {
			if n := len(token.Serial); n < 9 || n > 256 || strings.ContainsAny(token.Serial, ": \n") || len(token.Seed) < 16 || len(token.Seed) > 64 || token.Owner != "" {
				t.Fatalf("read %q", token)
			}
		}
	})
}
