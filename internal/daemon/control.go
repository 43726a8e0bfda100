package daemon

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// The control socket is how the commands of this machine's owner reach a
// running Warder: a Unix socket in the data folder that only its owner can
// open. Whoever can open it can read the master key beside it as well.
//
//	GET  /env?account=ID  the administrator's access key and the address
//	POST /accounts        make an account (AccountSpec → NewAccount)
//	GET, POST /tokens, POST /tokens/remove  hardware MFA tokens (tokens.go)
//	GET  /events?…        find events of the audit trail (EventQuery → FoundEvents)
//	POST /alerts/…        ready-made alerts (AlertsRequest; alerts.go)
//	POST /replay          what a change would have changed (ReplayRequest → replay.Report)
//	POST /import          make an account of listings ([]transfer.File → Imported)
//	GET  /export?account=ID&all=1  write an account's listings ([]transfer.File)
//
// The test hooks are the same kind of thing on the listener itself:
//
//	POST /_warder/reset     forget everything but the first account
//	POST /_warder/accounts  make an account

// maxSocketPath is how long the path of a Unix socket may be: 103 bytes on
// macOS and the BSDs, a few more on Linux.
const maxSocketPath = 103

// ControlSocket is the path of a data folder's control socket.
func ControlSocket(data string) string { return filepath.Join(data, "control.sock") }

func listenControl(data string) (net.Listener, error) {
	path := ControlSocket(data)
	// The store's lock says that no other Warder uses this folder, so a socket
	// that is there was left behind.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Env is what a shell needs to use a running Warder.
type Env struct {
	URL     string `json:"url"`
	Account string `json:"account"`
	Key     Key    `json:"key"`
}

func (d *Daemon) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, r *http.Request) {
		account, key, err := d.adminKey(r.URL.Query().Get("account"))
		reply(w, Env{URL: d.URL(), Account: account, Key: key}, err)
	})
	mux.HandleFunc("POST /accounts", d.serveCreateAccount)
	d.tokenRoutes(mux)
	mux.HandleFunc("GET /events", d.serveEvents)
	d.alertRoutes(mux)
	mux.HandleFunc("POST /replay", d.serveReplay)
	mux.HandleFunc("POST /import", d.serveImport)
	mux.HandleFunc("GET /export", d.serveExport)
	return mux
}

func (d *Daemon) serveCreateAccount(w http.ResponseWriter, r *http.Request) {
	var spec AccountSpec
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	in.DisallowUnknownFields()
	if err := in.Decode(&spec); err != nil && !errors.Is(err, io.EOF) {
		reply(w, nil, err)
		return
	}
	made, err := d.createAccount(r.Context(), spec)
	reply(w, made, err)
}

// testHooks adds the hooks for other people's test suites. They ask for no
// credentials, so a web page that the developer happens to visit must not reach
// them: not by a form or script that posts to loopback, nor by a name of its
// own that it makes resolve to loopback.
func (d *Daemon) testHooks(paths map[string]http.Handler) {
	pages := http.NewCrossOriginProtection()
	post := func(h http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := pages.Check(r); err != nil || !loopbackHost(r.Host) {
				http.Error(w, "test hooks are not for web pages", http.StatusForbidden)
				return
			}
			if r.Method != http.MethodPost {
				w.Header().Set("Allow", http.MethodPost)
				http.Error(w, "only POST", http.StatusMethodNotAllowed)
				return
			}
			h(w, r)
		})
	}
	paths["/_warder/reset"] = post(func(w http.ResponseWriter, r *http.Request) {
		made, err := d.reset(r)
		reply(w, made, err)
	})
	paths["/_warder/accounts"] = post(d.serveCreateAccount)
}

// loopbackHost says whether a Host header names this machine by an address or
// as localhost, which no other name server can redefine.
func loopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || err == nil && ip.IsLoopback()
}

// reply writes an answer as JSON, or an error as {"error": text}.
func reply(w http.ResponseWriter, answer any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone away is nobody to tell
}
