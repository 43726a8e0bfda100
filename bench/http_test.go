package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// connections is how many clients call at once, each on a connection that it keeps.
const connections = 32

// start starts a server that logs as `warder serve` does: what goes wrong, and
// not every request, which tests' servers log.
func start(b *testing.B, c daemon.Config) *wardertest.Server {
	c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	return wardertest.StartConfig(b, c)
}

// wire is a signed request as bytes. Signing and HTTP libraries on the client's
// side would cost more than the server does; a real client is another machine's
// expense.
func wire(b *testing.B, s *wardertest.Server, service string, form url.Values) []byte {
	b.Helper()
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, s.URL+"/", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	key := sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}
	if err := sigv4.Sign(r, []byte(body), key, "us-east-1", service, time.Now()); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// run sends b.N requests over all connections and fails on any answer but 200.
// next gives the bytes of request number n.
func run(b *testing.B, s *wardertest.Server, next func(n int64) []byte) {
	b.Helper()
	address := strings.TrimPrefix(s.URL, "http://")
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	for range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				if _, err := conn.Write(next(i)); err != nil {
					b.Error(err)
					return
				}
				if err := answer(in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric((cpuTime()-cpu).Seconds()*1e6/float64(b.N), "cpu-µs/req")
}

// answer reads a response with the least that HTTP/1.1 needs.
func answer(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			head := string(line)
			rest, _ := in.Peek(in.Buffered())
			return fmt.Errorf("%s%s", head, rest)
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			for _, c := range bytes.TrimSpace(value) {
				length = length*10 + int(c-'0')
			}
		}
		if len(line) == 2 {
			break
		}
	}
	_, err := in.Discard(length)
	return err
}

func BenchmarkGetCallerIdentity(b *testing.B) {
	s := start(b, daemon.Config{Store: "memory"})
	request := wire(b, s, "sts", url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}})
	run(b, s, func(int64) []byte { return request })
}

func BenchmarkGetUser(b *testing.B) {
	s := start(b, daemon.Config{Store: "memory"})
	request := wire(b, s, "iam", url.Values{"Action": {"GetUser"}, "Version": {"2010-05-08"}, "UserName": {"administrator"}})
	run(b, s, func(int64) []byte { return request })
}

func BenchmarkAssumeRole(b *testing.B) {
	s := start(b, daemon.Config{Store: "memory"})
	if _, err := s.IAM(s.Admin).CreateRole(b.Context(), &iam.CreateRoleInput{
		RoleName:                 aws.String("r"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + wardertest.Account + `"},"Action":"sts:AssumeRole"}}`),
	}); err != nil {
		b.Fatal(err)
	}
	request := wire(b, s, "sts", url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"},
		"RoleArn": {"arn:aws:iam::" + wardertest.Account + ":role/r"}, "RoleSessionName": {"s1"},
	})
	run(b, s, func(int64) []byte { return request })
}

// BenchmarkPutUserPolicy is a durable write: it returns when it is on disk.
func BenchmarkPutUserPolicy(b *testing.B) {
	s := start(b, daemon.Config{Data: b.TempDir()})
	request := wire(b, s, "iam", url.Values{
		"Action": {"PutUserPolicy"}, "Version": {"2010-05-08"}, "UserName": {"administrator"}, "PolicyName": {"bench"},
		"PolicyDocument": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`},
	})
	run(b, s, func(int64) []byte { return request })
}
