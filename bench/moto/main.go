// Command moto compares Warder's server with moto's, the one that people start
// today to have an IAM on their machine, and with Go's own net/http saying
// hello, which is as much as there is to have: the same requests to each, one
// server after the other, on one machine.
//
//	go build -o bin/warder ./cmd/warder && go run ./bench/moto
//
// moto keeps everything in memory and checks no signatures and no permissions
// as it is started here, as its users do; Warder verifies and decides every
// request and has its writes on disk before it answers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/warder-iam/warder/bench/load"
	"github.com/warder-iam/warder/sigv4"
)

// motoVersion is from PyPI (Apache-2.0). It is run, not linked.
const motoVersion = "5.2.5"

const (
	account = "123456789012"
	manyIn  = 10_000 // users that are listed
	trust   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}}`
)

var key = sigv4.Credentials{AccessKeyID: "AKIAWARDERBENCH00000", SecretAccessKey: "secret-of-the-benchmark-0000000000000000"}

func main() {
	warder := flag.String("warder", "bin/warder", "the program to measure")
	moto := flag.String("moto", "", "moto_server to compare with (default: install it from PyPI into the user's cache)")
	each := flag.Duration("time", 5*time.Second, "how long each operation is called")
	hello := flag.Bool("serve-hello", false, "be the server that says hello")
	flag.Parse()
	var err error
	if *hello {
		err = serveHello(flag.Arg(0))
	} else {
		err = compare(*warder, *moto, *each)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveHello is Go's net/http and nothing else.
func serveHello(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello\n"))
	}))
}

// An operation is what is measured. n is the number of the call.
type operation struct {
	name    string
	service string
	form    func(n int64) url.Values
	same    bool // every call is the same: signed once
}

func query(service, action string, kv ...string) url.Values {
	version := map[string]string{"iam": "2010-05-08", "sts": "2011-06-15"}[service]
	v := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return v
}

func fixed(v url.Values) func(int64) url.Values { return func(int64) url.Values { return v } }

var operations = []operation{
	{"sts:GetCallerIdentity", "sts", fixed(query("sts", "GetCallerIdentity")), true},
	{"iam:GetUser", "iam", fixed(query("iam", "GetUser", "UserName", "bench")), true},
	{"sts:AssumeRole", "sts", fixed(query("sts", "AssumeRole", "RoleArn", "arn:aws:iam::"+account+":role/bench", "RoleSessionName", "bench")), true},
	{"iam:CreateUser", "iam", func(n int64) url.Values {
		return query("iam", "CreateUser", "UserName", "made-"+strconv.FormatInt(n, 10))
	}, false},
	{"iam:ListUsers, 1,000 of 10,000", "iam", fixed(query("iam", "ListUsers", "MaxItems", "1000")), true},
}

// result is a measurement of one operation on one server.
type result struct {
	rate float64       // answers a second
	cpu  time.Duration // processor time of the server for one; 0: not known
}

func compare(warder, moto string, each time.Duration) error {
	if moto == "" {
		var err error
		if moto, err = installMoto(); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "warder-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)

	hello, err := on(each, operations[:1], nil, func(address, _ string) *exec.Cmd {
		return exec.Command(self, "-serve-hello", address)
	})
	if err != nil {
		return fmt.Errorf("net/http: %w", err)
	}
	ours, err := on(each, operations, fixture, func(address, _ string) *exec.Cmd {
		return exec.Command(warder, "serve", "--listen", address, "--data", filepath.Join(data, "warder"), "--account", account,
			"--admin-access-key-id", key.AccessKeyID, "--admin-secret-access-key", key.SecretAccessKey, "--quota", "UsersPerAccount=1000000", "--log-level", "warn")
	})
	if err != nil {
		return fmt.Errorf("warder: %w", err)
	}
	theirs, err := on(each, operations, fixture, func(_, port string) *exec.Cmd {
		cmd := exec.Command(moto, "-H", "127.0.0.1", "-p", port)
		cmd.Env = append(os.Environ(), "MOTO_ACCOUNT_ID="+account)
		return cmd
	})
	if err != nil {
		return fmt.Errorf("moto: %w", err)
	}

	fmt.Printf("%d connections, %d cores. Go's net/http says hello %.0f times a second, for %.0f µs of processor time.\n\n",
		load.Connections, runtime.NumCPU(), hello[0].rate, micros(hello[0].cpu))
	fmt.Printf("| operation | Warder | of processor time | moto %s | of processor time | ratio |\n|---|---:|---:|---:|---:|---:|\n", motoVersion)
	for i, op := range operations {
		fmt.Printf("| %s | %.0f/s | %.0f µs | %.1f/s | %.0f µs | ×%.0f |\n",
			op.name, ours[i].rate, micros(ours[i].cpu), theirs[i].rate, micros(theirs[i].cpu), ours[i].rate/theirs[i].rate)
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// on starts a server, fills it and measures the operations on it.
func on(each time.Duration, ops []operation, fill func(base string) error, command func(address, port string) *exec.Cmd) ([]result, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + port
	cmd := command(address, port)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it says that it was killed
	}()
	if err := await(address); err != nil {
		return nil, err
	}
	base := "http://" + address
	if fill != nil {
		if err := fill(base); err != nil {
			return nil, err
		}
	}
	var results []result
	for _, op := range ops {
		r, err := measure(base, cmd.Process.Pid, op, each)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func measure(base string, pid int, op operation, each time.Duration) (result, error) {
	request, err := load.Request(base, op.service, key, op.form(0))
	if err != nil {
		return result{}, err
	}
	until := func(d time.Duration, numbers int64) (int64, time.Duration, error) {
		start := time.Now()
		n, err := load.Run(base, func(n int64) []byte {
			if time.Since(start) >= d {
				return nil
			}
			if op.same {
				return request
			}
			// An error here would be one of the first request too.
			each, _ := load.Request(base, op.service, key, op.form(numbers+n))
			return each
		})
		return n, time.Since(start), err
	}
	if _, _, err := until(each/10, 1<<40); err != nil { // warm
		return result{}, err
	}
	cpu := processTime(pid)
	n, took, err := until(each, 0)
	if err != nil || n == 0 {
		return result{}, errors.Join(err, errors.New("no answers"))
	}
	return result{float64(n) / took.Seconds(), (processTime(pid) - cpu) / time.Duration(n)}, nil
}

// fixture makes the role and the users that the operations are about.
func fixture(base string) error {
	forms := []url.Values{
		query("iam", "CreateRole", "RoleName", "bench", "AssumeRolePolicyDocument", trust),
		query("iam", "CreateUser", "UserName", "bench"),
	}
	for i := range manyIn {
		forms = append(forms, query("iam", "CreateUser", "UserName", fmt.Sprintf("user-%05d", i)))
	}
	_, err := load.Run(base, func(n int64) []byte {
		if n > int64(len(forms)) {
			return nil
		}
		request, err := load.Request(base, "iam", key, forms[n-1])
		if err != nil {
			return nil
		}
		return request
	})
	return err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// await waits until somebody listens.
func await(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens on %s: %w", address, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// installMoto makes a Python environment with moto's server, once.
func installMoto() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "warder", "moto-"+motoVersion)
	program := filepath.Join(folder, "bin", "moto_server")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", folder},
		{filepath.Join(folder, "bin", "pip"), "install", "--quiet", "moto[server,iam,sts]==" + motoVersion},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("install moto: %v: %w", args, err)
		}
	}
	return program, nil
}
