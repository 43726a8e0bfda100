// Command peers runs the workloads of policy's benchmarks on Warder's engine
// and on other authorization engines for Go, in one process: it first checks
// that all of them decide every request alike, then measures, then prints a
// table with the ratios. It is a module of its own so that the peers'
// dependencies never reach Warder's. See ../README.md for what it leaves out.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

// An engine makes deciders of workloads. build is to compile everything that
// can be compiled, so that a decision costs as little as the engine permits.
type engine struct {
	name   string
	module string
	build  func(w *workload) (decider, error)
	// tenants is how many principals of T can be compiled in the time and memory
	// of a run; 0 is all of them. Fewer fit into caches better, so that a limit
	// flatters the engine.
	tenants int
	// single says that the engine cannot run workloads of many principals.
	single bool
}

// A decider answers the requests of a workload by their number. It has turned
// them into its own form, which is not part of what is measured.
type decider interface {
	prepare(requests []request) error
	allowed(i int) bool
}

var engines = []engine{
	{name: "warder", module: "github.com/warder-iam/warder", build: newWarder},
	{name: "cel-go", module: "cel.dev/cel-go", build: newCEL, tenants: 5_000},
	{name: "cedar-go", module: "github.com/cedar-policy/cedar-go", build: newCedar, tenants: 20_000},
	{name: "OPA", module: "github.com/open-policy-agent/opa", build: newOPA, tenants: 500},
	{name: "casbin", module: "github.com/casbin/casbin/v3", build: newCasbin, single: true},
}

// result is what one engine did on one workload.
type result struct {
	ns     float64 // median
	allocs int64
	heap   float64 // bytes a principal
	n      int     // principals, where the workload has more
}

func main() {
	testing.Init()
	only := flag.String("only", "", "measure this workload only")
	runs := flag.Int("runs", 6, "runs of which the median counts")
	each := flag.Duration("each", 150*time.Millisecond, "length of a run")
	flag.Parse()
	if err := flag.Set("test.benchtime", each.String()); err != nil {
		fail(err)
	}
	start := time.Now()
	var rows []row
	for _, w := range workloads() {
		if *only != "" && *only != w.name {
			continue
		}
		r := row{workload: w, results: make([]*result, len(engines))}
		for i, e := range engines {
			res, err := run(&e, w, *runs)
			if err != nil {
				fail(fmt.Errorf("%s on %s: %w", e.name, w.name, err))
			}
			r.results[i] = res
			fmt.Fprintf(os.Stderr, "%6.1fs %s on %s done\n", time.Since(start).Seconds(), e.name, w.name)
		}
		rows = append(rows, r)
	}
	report(os.Stdout, rows)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "peers:", err)
	os.Exit(1)
}

// run checks an engine's decisions on a workload and measures them. It is nil
// if the engine cannot run the workload.
func run(e *engine, w *workload, runs int) (*result, error) {
	res := &result{n: w.principals}
	switch {
	case w.principals > 1 && e.single:
		return nil, nil
	case !w.shared && 0 < e.tenants && e.tenants < w.principals:
		w = own(e.tenants)
		res.n = w.principals
	}
	before := heap()
	d, err := e.build(w)
	if err != nil {
		return nil, err
	}
	res.heap = float64(heap()-before) / float64(w.principals)
	if err := d.prepare(w.requests); err != nil {
		return nil, err
	}
	for i := range w.requests {
		r := &w.requests[i]
		if got := d.allowed(i); got != r.allowed {
			return nil, fmt.Errorf("%s on %s is allowed: %t, want %t", r.action, r.resource, got, r.allowed)
		}
	}
	var ns []float64
	for range runs {
		b := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			// Far apart, so that principals are not found in a cache.
			const step = 10007
			i := 0
			for b.Loop() {
				i = (i + step) % len(w.requests)
				d.allowed(i)
			}
		})
		ns = append(ns, float64(b.T.Nanoseconds())/float64(b.N))
		res.allocs = b.AllocsPerOp()
	}
	res.ns = median(ns)
	return res, nil
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
