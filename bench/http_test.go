package bench

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/bench/load"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// start starts a server that logs as `warder serve` does: what goes wrong, and
// not every request, which tests' servers log.
func start(b *testing.B, c daemon.Config) *wardertest.Server {
	c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	return wardertest.StartConfig(b, c)
}

// wire is a signed request of the administrator.
func wire(b *testing.B, s *wardertest.Server, service string, form url.Values) []byte {
	b.Helper()
	key := sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}
	request, err := load.Request(s.URL, service, key, form)
	if err != nil {
		b.Fatal(err)
	}
	return request
}

// run sends b.N requests; next gives the bytes of request number n.
func run(b *testing.B, s *wardertest.Server, next func(n int64) []byte) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	_, err := load.Run(s.URL, func(n int64) []byte {
		if n > int64(b.N) {
			return nil
		}
		return next(n)
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric((cpuTime()-cpu).Seconds()*1e6/float64(b.N), "cpu-µs/req")
}

func BenchmarkGetCallerIdentity(b *testing.B) {
	s := start(b, daemon.Config{Store: "memory"})
	request := wire(b, s, "sts", url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}})
	run(b, s, func(int64) []byte { return request })
}

// BenchmarkGetCallerIdentityTrail keeps an audit trail: what it takes more than
// BenchmarkGetCallerIdentity is making the event, writing it, and the index.
func BenchmarkGetCallerIdentityTrail(b *testing.B) {
	s := start(b, daemon.Config{Store: "memory", Trail: b.TempDir()})
	request := wire(b, s, "sts", url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}})
	run(b, s, func(int64) []byte { return request })
}

// BenchmarkPace sends 10,000 requests a second and tells the processor time of one
// without a trail and with it, and then how long the index takes to have the
// last of them. Take -benchtime 100000x for ten seconds.
func BenchmarkPace(b *testing.B) {
	const every = time.Second / 10_000
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprintf("trail=%t", kept), func(b *testing.B) {
			c := daemon.Config{Store: "memory"}
			if kept {
				c.Trail = b.TempDir()
			}
			s := start(b, c)
			request := wire(b, s, "sts", url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}})
			began := time.Now()
			run(b, s, func(n int64) []byte {
				time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
				return request
			})
			b.StopTimer()
			if kept {
				ended := time.Now()
				if _, err := s.STS(s.Admin).GetSessionToken(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
				for !found(b, s, "GetSessionToken") {
					time.Sleep(50 * time.Millisecond)
				}
				b.ReportMetric(time.Since(ended).Seconds(), "s-behind")
			}
		})
	}
}

// found says whether LookupEvents finds an event of that name.
func found(b *testing.B, s *wardertest.Server, name string) bool {
	b.Helper()
	body := `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"` + name + `"}]}`
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")
	key := sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}
	if err := sigv4.Sign(r, []byte(body), key, "us-east-1", "cloudtrail", time.Now()); err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", resp.Status, text, err)
	}
	return strings.Contains(string(text), name)
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
