package policy

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// The workloads of bench/README.md. Each request mix is half allowed, a
// quarter explicitly and a quarter implicitly denied; every benchmark checks
// the decisions before it measures.

type benchRequest struct {
	req  Request
	want Reason
}

func benchContext() Context {
	return NewContext().Set("aws:SourceIp", String("10.1.2.3")).Set("aws:PrincipalTag/team", String("red")).
		Set("aws:username", String("alice")).Set("aws:SecureTransport", Bool(true))
}

// mix makes four requests on the objects of a bucket that allowed, denied and
// other actions are known for.
func mix(who *Principal, bucket string) []benchRequest {
	ctx := benchContext()
	r := func(action, key string, want Reason) benchRequest {
		return benchRequest{Request{Principal: who, Action: action, Resource: "arn:aws:s3:::" + bucket + "/" + key, ResourceAccount: acctA, Context: ctx}, want}
	}
	return []benchRequest{
		r("s3:GetObject", "data/2024/01/report.csv", Allowed),
		r("s3:DeleteObject", "protected/x", ExplicitDeny),
		r("s3:ListBucketMultipartUploads", "data/y", Allowed),
		r("s3:PutObjectAcl", "data/z", ImplicitDeny),
	}
}

// grants are the statements that decide mix on a bucket; the other statements
// of a workload are for other buckets.
func grants(bucket string) []string {
	return []string{
		`{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"arn:aws:s3:::` + bucket + `/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}`,
		`{"Effect":"Deny","Action":"s3:Delete*","Resource":"arn:aws:s3:::` + bucket + `/protected/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`,
	}
}

// filler is a statement for another bucket.
func filler(i, j int) string {
	effect, action := "Allow", `["s3:Get*","s3:List*","s3:PutObject"]`
	if j%5 == 4 {
		effect, action = "Deny", `"s3:Delete*"`
	}
	return fmt.Sprintf(`{"Effect":%q,"Action":%s,"Resource":["arn:aws:s3:::other-%d-%d","arn:aws:s3:::other-%d-%d/*"]}`, effect, action, i, j, i, j)
}

// policies are n policies of k statements, the last of which decide.
func benchPolicies(n, k int, bucket string) []string {
	out := make([]string, n)
	for i := range out {
		var st []string
		for j := range k {
			st = append(st, filler(i, j))
		}
		if i == n-1 {
			copy(st[k-2:], grants(bucket))
		}
		out[i] = doc(st...)
	}
	return out
}

func benchSet(b *testing.B, texts []string) *Set {
	var ps []*Policy
	for _, t := range texts {
		ps = append(ps, compile(b, Identity, t))
	}
	return NewSet(ps...)
}

func benchDecisions(b *testing.B, l *Layers, reqs []benchRequest) {
	b.Helper()
	for i := range reqs {
		if d := Evaluate(&reqs[i].req, l); d.Reason != reqs[i].want {
			b.Fatalf("%s on %s: %s", reqs[i].req.Action, reqs[i].req.Resource, d.Reason)
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		Evaluate(&reqs[i&3].req, l)
		i++
	}
}

func BenchmarkS(b *testing.B) {
	benchDecisions(b, &Layers{Identity: benchSet(b, benchPolicies(3, 4, "bucket-a"))}, mix(alice, "bucket-a"))
}

func BenchmarkM(b *testing.B) {
	benchDecisions(b, &Layers{Identity: benchSet(b, benchPolicies(10, 10, "bucket-a"))}, mix(alice, "bucket-a"))
}

func BenchmarkL(b *testing.B) {
	benchDecisions(b, &Layers{Identity: benchSet(b, benchPolicies(100, 10, "bucket-a"))}, mix(alice, "bucket-a"))
}

// tenant is what T keeps for a principal.
type tenant struct {
	layers Layers
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return ms.HeapAlloc
}

// benchTenants measures decisions of a random principal out of n, and the heap
// that a principal costs: what was compiled (B/principal) and, with it, the
// text of its documents, which a server keeps anyway (text+B/principal).
func benchTenants(b *testing.B, n int, policies func(i int) []*Policy, bucket func(i int) string) {
	before := heap()
	tenants := make([]tenant, n)
	text := 0
	for i := range tenants {
		ps := policies(i)
		for _, p := range ps {
			text += len(p.text)
		}
		tenants[i].layers.Identity = NewSet(ps...)
	}
	used := heap() - before
	reqs := make([][]benchRequest, 1<<15)
	order := make([]int, len(reqs))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range reqs {
		order[i] = r.IntN(n)
		reqs[i] = mix(alice, bucket(order[i]))
		for j := range reqs[i] {
			if d := Evaluate(&reqs[i][j].req, &tenants[order[i]].layers); d.Reason != reqs[i][j].want {
				b.Fatalf("%s on %s: %s", reqs[i][j].req.Action, reqs[i][j].req.Resource, d.Reason)
			}
		}
	}
	// A sequence long enough that principals are not found in a cache.
	b.ReportAllocs()
	k := 0
	for b.Loop() {
		k++
		i := (k * 10007) & (len(reqs) - 1)
		Evaluate(&reqs[i][k&3].req, &tenants[order[i]].layers)
	}
	b.ReportMetric(float64(used)/float64(n), "B/principal")
	b.ReportMetric(float64(text)/float64(n), "textB/principal")
	runtime.KeepAlive(tenants)
}

func BenchmarkT(b *testing.B) {
	const n = 100_000
	bucket := func(i int) string { return fmt.Sprintf("tenant-%d", i) }
	benchTenants(b, n, func(i int) []*Policy {
		var ps []*Policy
		for k := range 5 {
			st := []string{filler(i, k), filler(i, k+10)}
			if k == 4 {
				st = grants(bucket(i))
			}
			ps = append(ps, compile(b, Identity, doc(st...)))
		}
		return ps
	}, bucket)
}

func BenchmarkT2(b *testing.B) {
	const n = 100_000
	var shared []*Policy
	for i := range 200 {
		st := []string{filler(i, 0), filler(i, 1)}
		if i%5 == 4 {
			st = grants(fmt.Sprintf("team-%d", i/5))
		}
		shared = append(shared, compile(b, Identity, doc(st...)))
	}
	team := func(i int) int { return i % 40 }
	benchTenants(b, n, func(i int) []*Policy {
		first := team(i) * 5
		return shared[first : first+5]
	}, func(i int) string { return fmt.Sprintf("team-%d", team(i)) })
}

// BenchmarkGlob has the shapes that are worst for one matcher or another, on
// 100 characters: as patterns, as templates (ARNs and values with variables)
// and as actions.
func BenchmarkGlob(b *testing.B) {
	text := strings.Repeat("a", 100)
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, p := range []string{
		"*a*a*a*a*a*a*a*b", many("*a", 30) + "b", "*" + many("a", 50) + "b*", "*" + many("a?", 25) + "b*", "*" + many("?", 49) + "b*", many("?", 99) + "b",
		"*" + many("?", 64) + "b*", "*" + many("?a", 33) + "b*", "*aaaaa?b*", many("*a?a?a?a", 8) + "b", many("*a?", 30) + "b",
	} {
		b.Run("pattern/"+p[:min(len(p), 16)], func(b *testing.B) {
			for b.Loop() {
				if glob(p, text) {
					b.Fatal(p)
				}
			}
		})
		b.Run("template/"+p[:min(len(p), 16)], func(b *testing.B) {
			tm, err := parseTemplate(p, true)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var r resolved
				if tm.resolve(nil, &r) && matchSegments(r.segments(), text) {
					b.Fatal(p)
				}
			}
		})
		b.Run("action/"+p[:min(len(p), 16)], func(b *testing.B) {
			for b.Loop() {
				if globFold(p, text[:64]) {
					b.Fatal(p)
				}
			}
		})
	}
}

// BenchmarkCompile is parsing and compiling; see MB/s.
func BenchmarkCompile(b *testing.B) {
	text := doc(filler(1, 0), filler(1, 4), grants("bucket-a")[0], grants("bucket-a")[1])
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := ParseText(Identity, text)
		if err != nil {
			b.Fatal(err)
		}
		Compile(Source{}, d)
	}
}
