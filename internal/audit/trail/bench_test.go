package trail

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var indexEvents = flag.Int("events", 200_000, "events in the index of BenchmarkIndexFind")

// sample makes events as a busy installation has them: two accounts, users and
// roles, session keys that come and go, mostly reads.
type sample struct {
	r     *rand.Rand
	at    time.Time
	every time.Duration
	n     int
}

func newSample(start time.Time, every time.Duration) *sample {
	return &sample{r: rand.New(rand.NewPCG(1, 2)), at: start, every: every}
}

var sampleNames = []struct {
	name, source string
	read         bool
	resource     string
}{
	{"GetUser", "iam.amazonaws.com", true, "AWS::IAM::User"}, {"ListUsers", "iam.amazonaws.com", true, ""},
	{"GetRole", "iam.amazonaws.com", true, "AWS::IAM::Role"}, {"AssumeRole", "sts.amazonaws.com", true, "AWS::IAM::Role"},
	{"GetCallerIdentity", "sts.amazonaws.com", true, ""}, {"ListAttachedRolePolicies", "iam.amazonaws.com", true, "AWS::IAM::Role"},
	{"CreateUser", "iam.amazonaws.com", false, "AWS::IAM::User"}, {"PutRolePolicy", "iam.amazonaws.com", false, "AWS::IAM::Role"},
}

func (s *sample) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", s.r.Uint32(), s.r.Uint32()&0xffff, s.r.Uint32()&0xfff, s.r.Uint32()&0xfff, s.r.Uint64()&0xffffffffffff)
}

func (s *sample) next() *Entry {
	s.n++
	s.at = s.at.Add(time.Duration(s.r.Int64N(int64(2 * s.every))))
	k := sampleNames[s.r.IntN(len(sampleNames))]
	account := [...]string{"111122223333", "444455556666"}[s.r.IntN(2)]
	user := fmt.Sprintf("user-%d", s.r.IntN(2000))
	e := &Entry{
		ID: s.uuid(), Name: k.name, Source: k.source, Username: user, Account: account,
		AccessKeyID: fmt.Sprintf("ASIA%016X", uint64(s.n/50)*0x9e3779b97f4a7c15), Time: s.at, ReadOnly: k.read,
	}
	if k.resource != "" {
		e.Resources = []Resource{{k.resource, fmt.Sprintf("arn:aws:iam::%s:role/service-%d", account, s.r.IntN(5000))}}
	}
	t := s.at.UTC().Format(time.RFC3339)
	e.JSON = fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%016X:%s","arn":"arn:aws:sts::%s:assumed-role/deploy/%s","accountId":"%s","accessKeyId":"%s",`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA%016X","arn":"arn:aws:iam::%s:role/deploy","accountId":"%s","userName":"deploy"},"attributes":{"creationDate":"%s","mfaAuthenticated":"false"}}},`+
		`"eventTime":"%s","eventSource":"%s","eventName":"%s","awsRegion":"us-east-1","sourceIPAddress":"10.%d.%d.%d","userAgent":"Boto3/1.40.1 md/Botocore#1.40.1 ua/2.1 os/linux#6.8 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.40.1",`+
		`"requestParameters":{"roleName":"service-%d"},"responseElements":null,"requestID":"%s","eventID":"%s","readOnly":%t,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%s","eventCategory":"Management",`+
		`"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"iam.example.com"}}`,
		s.n%97, user, account, user, account, e.AccessKeyID, s.n%97, account, account, t, t, k.source, k.name,
		s.r.IntN(256), s.r.IntN(256), s.r.IntN(256), s.r.IntN(5000), s.uuid(), e.ID, k.read, account)
	return e
}

// cpu is the processor time that this process has had; the wall clock of a machine
// that does other work says little.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkIndexAdd(b *testing.B) {
	x, err := OpenIndex(filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	s := newSample(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Second)
	const batch = 5000
	entries := make([]*Entry, batch)
	var used time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		for i := range entries {
			entries[i] = s.next()
		}
		b.StartTimer()
		n++
		start := cpu()
		if err := x.Add(b.Context(), "log", int64(n), entries); err != nil {
			b.Fatal(err)
		}
		used += cpu() - start
	}
	b.ReportMetric(float64(n*batch)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(n*batch)/used.Seconds(), "events/cpu-s")
}

// BenchmarkIndexFind fills an index with -events events of 90 days and finds a page
// by each attribute: of a value that most events have, and of one that few have. Each
// is measured on the first page and on one deep behind it.
func BenchmarkIndexFind(b *testing.B) {
	path := filepath.Join(b.TempDir(), "index.db")
	x, err := OpenIndex(path)
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	start := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	s := newSample(start, 90*24*time.Hour/time.Duration(*indexEvents))
	var first, e *Entry
	filling, used, raw := time.Now(), cpu(), 0
	for n := 0; n < *indexEvents; {
		entries := make([]*Entry, 5000)
		for i := range entries {
			e = s.next()
			raw += len(e.JSON)
			entries[i] = e
			if first == nil {
				first = e
			}
		}
		n += len(entries)
		if err := x.Add(context.Background(), "log", int64(n), entries); err != nil {
			b.Fatal(err)
		}
	}
	info, _ := os.Stat(path)
	b.Logf("%d events in %v (%v of processor time, making them included), %d bytes an event, of %d of JSON", s.n, time.Since(filling), cpu()-used, info.Size()/int64(s.n), raw/s.n)
	for _, c := range []struct {
		attribute Attribute
		value     string
	}{
		{"", ""}, {EventID, first.ID}, {EventID, e.ID}, {EventName, first.Name}, {EventSource, first.Source}, {ReadOnly, "true"}, {ReadOnly, "false"},
		{Username, first.Username}, {AccessKeyID, first.AccessKeyID}, {ResourceType, "AWS::IAM::Role"}, {ResourceName, "arn:aws:iam::111122223333:role/service-7"},
		{EventName, "NoSuchEvent"},
	} {
		q := Query{Account: first.Account, Attribute: c.attribute, Value: c.value}
		bench := func(name string) {
			b.Run(fmt.Sprintf("%s=%s/%s", c.attribute, c.value, name), func(b *testing.B) {
				n := 0
				start := cpu()
				for b.Loop() {
					p, err := x.Find(b.Context(), q)
					if err != nil {
						b.Fatal(err)
					}
					n = len(p.Entries)
				}
				b.ReportMetric(float64((cpu()-start).Microseconds())/1000/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(n), "found")
			})
		}
		bench("first")
		// Half way back in time, and then some pages on.
		q.To = first.Time.Add(e.Time.Sub(first.Time) / 2)
		for range 20 {
			p, err := x.Find(context.Background(), q)
			if err != nil {
				b.Fatal(err)
			}
			if p.Next == "" {
				break
			}
			q.After = p.Next
		}
		bench("deep")
	}
}

func BenchmarkLogAppend(b *testing.B) {
	l, err := OpenLog(b.TempDir(), Options{Wait: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	s := newSample(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Second)
	entries := make([]*Entry, 1000)
	for i := range entries {
		entries[i] = s.next()
	}
	i := 0
	start := cpu()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Append(b.Context(), entries[i%len(entries)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
}
