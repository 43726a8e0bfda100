package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/oidc"
)

// vectors are a file of testdata/wycheproof.
type vectors struct {
	TestGroups []struct {
		Comment string
		Keys    []json.RawMessage
		Tests   []struct {
			ID      int `json:"tcId"`
			Comment string
			Result  string
			JWS     string
		}
	}
}

// wycheproof are the files by name.
func wycheproof(t testing.TB) map[string]vectors {
	t.Helper()
	files, err := filepath.Glob("testdata/wycheproof/*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := make(map[string]vectors)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vectors
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(file, err)
		}
		all[filepath.Base(file)] = v
	}
	return all
}

// supported says whether the keys are for algorithms that AWS supports.
func supported(t testing.TB, keys []json.RawMessage) bool {
	t.Helper()
	for _, raw := range keys {
		var key struct{ Alg string }
		if err := json.Unmarshal(raw, &key); err != nil {
			t.Fatal(err)
		}
		// Two of the keys are for "ES521", which is no algorithm (RFC 7518, 3.1): the
		// key that is to be refused for it in json_web_key_test.json has the same.
		if !slices.Contains([]string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}, key.Alg) {
			return false
		}
	}
	return true
}

// Project Wycheproof's vectors of JSON Web Signatures and Keys, by the way that
// every token goes before its claims are read. The texts that they sign are no
// claims, so as tokens all of them are refused.
func TestWycheproof(t *testing.T) {
	taken, refused := 0, 0
	for file, v := range wycheproof(t) {
		for _, group := range v.TestGroups {
			for _, tc := range group.Tests {
				name := fmt.Sprintf("%s %d, %s: %s", file, tc.ID, group.Comment, tc.Comment)
				payload, err := oidc.Payload(tc.JWS, group.Keys)
				if tc.Result == "valid" && supported(t, group.Keys) {
					taken++
					want, decodeErr := base64.RawURLEncoding.DecodeString(strings.Split(tc.JWS, ".")[1])
					if err != nil || decodeErr != nil || string(payload) != string(want) {
						t.Errorf("%s: %q, %v", name, payload, err)
					}
				} else {
					refused++
					if e, ok := errors.AsType[*awserr.Error](err); !ok || e.Code != "InvalidIdentityToken" || payload != nil {
						t.Errorf("%s: taken: %q, %v", name, payload, err)
					}
				}
				if _, err := oidc.Read(tc.JWS); err == nil {
					t.Errorf("%s: taken for a token", name)
				}
			}
		}
	}
	if taken != 19 || refused != 408 {
		t.Errorf("%d are to be taken, %d to be refused", taken, refused)
	}
}

// FuzzRead: what anybody may send is read without a panic, and what is not signed
// is not taken. The keys are those of the vectors, which all workers have.
func FuzzRead(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.")
	var keys []json.RawMessage
	signed := make(map[string]bool)
	// signs is what of a token is signed.
	signs := func(token string) string { return token[:max(strings.LastIndex(token, "."), 0)] }
	for _, v := range wycheproof(f) {
		for _, group := range v.TestGroups {
			for _, tc := range group.Tests {
				f.Add(tc.JWS)
				if tc.Result == "valid" && supported(f, group.Keys) {
					keys = append(keys, group.Keys...)
					signed[signs(tc.JWS)] = true
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		if u, err := oidc.Read(token); err == nil && u.Issuer == "" {
			t.Error("no issuer")
		}
		if _, err := oidc.Payload(token, keys); err == nil && !signed[signs(token)] {
			t.Errorf("taken: %s", token)
		}
	})
}
