package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The workloads are those of policy/bench_test.go, whose generator stands here
// again because test files cannot be imported; a test holds the two together.

// workload is a number of principals with their policies, and requests by them.
// Half of the requests are allowed, a quarter explicitly and a quarter
// implicitly denied.
type workload struct {
	name       string
	what       string
	principals int
	policies   func(principal int) []*document
	shared     bool // documents are the same for many principals
	requests   []request
}

// document is a policy: the same pointer, the same policy.
type document struct {
	text string
}

// request is one question.
type request struct {
	principal        int
	action, resource string
	allowed          bool
}

// The context that every request has.
const (
	sourceIP = "10.1.2.3"
	team     = "red"
	userName = "alice"
)

func workloads() []*workload {
	return []*workload{
		single("S", "3 policies of 4 statements", 3, 4),
		single("M", "10 policies of 10 statements", 10, 10),
		single("L", "100 policies of 10 statements", 100, 10),
		own(100_000),
		managed(100_000),
	}
}

// single is one principal with n policies of k statements.
func single(name, what string, n, k int) *workload {
	var docs []*document
	for _, text := range benchPolicies(n, k, "bucket-a") {
		docs = append(docs, &document{text})
	}
	return &workload{
		name: name, what: what, principals: 1,
		policies: func(int) []*document { return docs },
		requests: mix(0, "bucket-a"),
	}
}

// own is T: each principal has five policies of its own.
func own(n int) *workload {
	bucket := func(i int) string { return fmt.Sprintf("tenant-%d", i) }
	return &workload{
		name: "T", what: "100,000 principals with 5 own policies of 2 statements", principals: n,
		policies: func(i int) []*document {
			var docs []*document
			for k := range 5 {
				st := []string{filler(i, k), filler(i, k+10)}
				if k == 4 {
					st = grants(bucket(i))
				}
				docs = append(docs, &document{doc(st...)})
			}
			return docs
		},
		requests: random(n, bucket),
	}
}

// managed is T2: each principal has five of 200 policies.
func managed(n int) *workload {
	var shared []*document
	for i := range 200 {
		st := []string{filler(i, 0), filler(i, 1)}
		if i%5 == 4 {
			st = grants(fmt.Sprintf("team-%d", i/5))
		}
		shared = append(shared, &document{doc(st...)})
	}
	team := func(i int) int { return i % 40 }
	return &workload{
		name: "T2", what: "100,000 principals with 5 of 200 shared policies of 2 statements", principals: n, shared: true,
		policies: func(i int) []*document {
			first := team(i) * 5
			return shared[first : first+5]
		},
		requests: random(n, func(i int) string { return fmt.Sprintf("team-%d", team(i)) }),
	}
}

// random are requests by random principals, a different one each time.
func random(n int, bucket func(int) string) []request {
	out := make([]request, 1<<15)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range out {
		p := r.IntN(n)
		out[i] = mix(p, bucket(p))[i%4]
	}
	return out
}

// mix makes four requests on the objects of a bucket that allowed, denied and
// other actions are known for.
func mix(principal int, bucket string) []request {
	r := func(action, key string, allowed bool) request {
		return request{principal, action, "arn:aws:s3:::" + bucket + "/" + key, allowed}
	}
	return []request{
		r("s3:GetObject", "data/2024/01/report.csv", true),
		r("s3:DeleteObject", "protected/x", false),
		r("s3:ListBucketMultipartUploads", "data/y", true),
		r("s3:PutObjectAcl", "data/z", false),
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

// doc is a document of the statements, in the current version.
func doc(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}
