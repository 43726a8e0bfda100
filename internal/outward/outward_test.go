package outward

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPermits(t *testing.T) {
	closed := new(Network)
	open := &Network{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("::1/128")}}
	for _, tc := range []struct {
		addr         string
		closed, open bool
	}{
		{"8.8.8.8", true, true},
		{"2606:4700::1111", true, true},
		{"127.0.0.1", false, false},
		{"::1", false, true},
		{"10.1.2.3", false, true},
		{"::ffff:10.1.2.3", false, true},
		{"::ffff:10.2.2.3", false, false},
		{"10.2.2.3", false, false},
		{"172.16.0.1", false, false},
		{"192.168.0.1", false, false},
		{"169.254.169.254", false, false},
		{"fe80::1", false, false},
		{"fe80::1%eth0", false, false},
		{"fd00:ec2::254", false, false},
		{"100.64.0.1", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"255.255.255.255", false, false},
		{"224.0.0.1", false, false},
		{"64:ff9b::7f00:1", false, false},
		{"2002:7f00:1::", false, false},
		{"::7f00:1", false, false},
	} {
		addr := netip.MustParseAddr(tc.addr)
		if got := closed.permits(addr); got != tc.closed {
			t.Errorf("%s: permitted %v", addr, got)
		}
		if got := open.permits(addr); got != tc.open {
			t.Errorf("%s, with two networks: permitted %v", addr, got)
		}
	}
}

// A client connects where it may, by whatever name, follows nothing and takes no
// proxy.
func TestClient(t *testing.T) {
	reached := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 100)))
	}))
	defer server.Close()
	t.Setenv("HTTP_PROXY", server.URL)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNetwork("--open", []string{"10.0.0.0/8"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{server.URL, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://169.254.169.254/latest/meta-data", "http://0:" + port} {
		_, err := Client(n.Transport()).Get(at)
		if u := (*url.Error)(nil); !errors.Is(err, ErrNotPublic) && !errors.As(err, &u) {
			t.Errorf("%s: %v", at, err)
		}
		if err == nil || strings.Contains(err.Error(), "public") && !strings.Contains(err.Error(), "allow its network by --open") {
			t.Errorf("%s: %v", at, err)
		}
	}
	if reached != 0 {
		t.Fatalf("%d requests arrived", reached)
	}
	if n, err = NewNetwork("--open", []string{"127.0.0.1"}, ""); err != nil {
		t.Fatal(err)
	}
	get := func(path string) *http.Response {
		t.Helper()
		resp, err := Client(n.Transport()).Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	if resp := get("/redirect"); resp.StatusCode != http.StatusFound || reached != 1 {
		t.Errorf("a redirect: %s, %d requests", resp.Status, reached)
	}
	if body, err := Read(get("/"), 100); err != nil || len(body) != 100 {
		t.Errorf("an answer: %d bytes, %v", len(body), err)
	}
	if _, err := Read(get("/"), 99); !errors.Is(err, ErrTooLong) {
		t.Errorf("an answer that is too long: %v", err)
	}
}

func TestNewNetwork(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ network, file string }{{"intranet", ""}, {"10.0.0.0/33", ""}, {"", ""}, {"10.0.0.0/8", empty}, {"10.0.0.0/8", empty + "x"}} {
		if _, err := NewNetwork("--open", []string{tc.network}, tc.file); err == nil {
			t.Errorf("%q, %q: taken", tc.network, tc.file)
		}
	}
}
