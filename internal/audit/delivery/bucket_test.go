package delivery

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func folderBuckets(t *testing.T) (Buckets, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "buckets")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "logs"), 0o700), os.WriteFile(filepath.Join(dir, "file"), nil, 0o600),
		os.Symlink(t.TempDir(), filepath.Join(dir, "outside"))); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBuckets(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return b, dir
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			name, err := filepath.Rel(dir, path)
			names = append(names, name)
			return err
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFolder(t *testing.T) {
	b, dir := folderBuckets(t)
	for range 2 {
		if err := b.Put(t.Context(), "logs", "p/AWSLogs/x.json.gz", &Object{Body: []byte("body"), Metadata: map[string]string{"signature": "1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := files(t, filepath.Join(dir, "logs")), []string{"p/AWSLogs/x.json.gz", "p/AWSLogs/x.json.gz.metadata.json"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "logs/p/AWSLogs/x.json.gz")); string(text) != "body" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "logs/p/AWSLogs/x.json.gz.metadata.json")); string(text) != `{"signature":"1"}` || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for _, bucket := range []string{"none", "", ".", "..", "../buckets", "logs/p", "file", "outside", `a\b`} {
		if err := b.Put(t.Context(), bucket, "x", &Object{}); !errors.Is(err, ErrNoBucket) {
			t.Errorf("bucket %q: %v", bucket, err)
		}
		if err := b.Check(t.Context(), bucket, ""); !errors.Is(err, ErrNoBucket) {
			t.Errorf("check of bucket %q: %v", bucket, err)
		}
	}
	for _, key := range []string{"", ".", "..", "../x", "a/../../x", "/x", "a//x", "a/", `a\x`, "a\x00", ".warder-x", "a/.warder-x/y", "x.metadata.json"} {
		if err := b.Put(t.Context(), "logs", key, &Object{}); !errors.Is(err, ErrDenied) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	for _, prefix := range []string{"", "p", "new/one"} {
		if err := b.Check(t.Context(), "logs", prefix); err != nil {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	for _, prefix := range []string{"..", "a//b", "/a", "."} {
		if err := b.Check(t.Context(), "logs", prefix); !errors.Is(err, ErrDenied) {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	if got := files(t, dir); len(got) != 3 {
		t.Errorf("left behind: %q", got)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "logs", "link")); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "logs", "link/x", &Object{}); err == nil {
		t.Error("a link out of the folder was followed")
	}
}

func TestOpenBuckets(t *testing.T) {
	t.Setenv(variableKeyID, "")
	if _, err := OpenBuckets("http://localhost:1", false); err == nil || !strings.Contains(err.Error(), variableKeyID) {
		t.Errorf("without credentials: %v", err)
	}
	t.Setenv(variableKeyID, "id")
	t.Setenv(variableSecret, "secret")
	for _, where := range []string{"http://", "http://u:p@host", "https://host/bucket", "https://host?x", t.TempDir() + "/none"} {
		if _, err := OpenBuckets(where, false); err == nil {
			t.Errorf("%s was opened", where)
		}
	}
}

// What an endpoint answers is what a trail's status and CreateTrail say.
func TestS3(t *testing.T) {
	t.Setenv(variableKeyID, "AKIDEXAMPLE")
	t.Setenv(variableSecret, "secret")
	t.Setenv(variableRegion, "eu-central-1")
	status, body := 0, ""
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	defer srv.Close()
	b, err := OpenBuckets(srv.URL, false)
	if err != nil {
		t.Fatal(err)
	}
	failure := func(code string) string { return "<Error><Code>" + code + "</Code><Message>m</Message></Error>" }
	for _, tc := range []struct {
		status     int
		body, code string
		check      error
	}{
		{200, "", "", nil},
		{404, failure("NoSuchBucket"), "NoSuchBucket", ErrNoBucket},
		{403, failure("AccessDenied"), "AccessDenied", ErrDenied},
		{403, failure("SignatureDoesNotMatch"), "SignatureDoesNotMatch", errors.ErrUnsupported},
		{503, failure("SlowDown"), "SlowDown", errors.ErrUnsupported},
		{301, failure("PermanentRedirect"), "PermanentRedirect", errors.ErrUnsupported},
	} {
		status, body = tc.status, tc.body
		err := b.Put(t.Context(), "logs", "a/b c.json.gz", &Object{Body: []byte("x"), Metadata: map[string]string{"signature": "s"}})
		if code := Code(err); code != tc.code {
			t.Errorf("%d %s: %q (%v)", tc.status, tc.body, code, err)
		}
		if got.Method != "PUT" || got.URL.Path != "/logs/a/b c.json.gz" || got.Header.Get("X-Amz-Meta-Signature") != "s" ||
			!strings.Contains(got.Header.Get("Authorization"), "AKIDEXAMPLE/") || !strings.Contains(got.Header.Get("Authorization"), "/eu-central-1/s3/") {
			t.Errorf("the request is %s %s %v", got.Method, got.URL, got.Header)
		}
		err = b.Check(t.Context(), "logs", "p")
		if tc.check == errors.ErrUnsupported {
			if err == nil || errors.Is(err, ErrNoBucket) || errors.Is(err, ErrDenied) {
				t.Errorf("check, %s: %v", tc.code, err)
			}
		} else if !errors.Is(err, tc.check) {
			t.Errorf("check, %s: %v", tc.code, err)
		}
		if got.URL.Path != "/logs/p/AWSLogs/" {
			t.Errorf("checked %s", got.URL.Path)
		}
	}
	srv.Close()
	if code := Code(b.Put(t.Context(), "logs", "x", &Object{})); code != "ServiceUnavailable" {
		t.Errorf("nobody there: %q", code)
	}
}

// A folder that makes its buckets makes those that are named, and nothing outside.
func TestFolderMakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "buckets")
	b, err := OpenBuckets(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Check(t.Context(), "logs", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Put(t.Context(), "others", "a/b", &Object{Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "others", "a", "b")); string(text) != "x" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for _, name := range []string{"..", "../x", ".", "", "a/b"} {
		if err := b.Check(t.Context(), name, ""); !errors.Is(err, ErrNoBucket) {
			t.Errorf("the bucket %q: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 || err != nil {
		t.Errorf("beside the folder: %v, %v", entries, err)
	}
}
