package bench

import (
	"log/slog"
	"net/url"
	"os"
	"testing"

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
