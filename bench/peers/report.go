package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// row is one workload with the results of all engines, nil where there is none.
type row struct {
	workload *workload
	results  []*result
}

// report prints the tables in Markdown.
func report(out io.Writer, rows []row) {
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			versions[m.Path] = m.Version
		}
	}
	fmt.Fprintf(out, "%s, GOMAXPROCS=%d\n\nTime of a decision (× Warder's), allocations:\n\n| workload |", runtime.Version(), runtime.GOMAXPROCS(0))
	for _, e := range engines {
		name := e.name
		if v := versions[e.module]; v != "" && strings.HasPrefix(v, "v") && e.name != "warder" {
			name += " " + v
		}
		fmt.Fprintf(out, " %s |", name)
	}
	fmt.Fprintf(out, "\n|---|%s\n", strings.Repeat("---:|", len(engines)))
	for _, r := range rows {
		fmt.Fprintf(out, "| %s |", r.workload.name)
		for i, res := range r.results {
			fmt.Fprintf(out, " %s |", cell(res, r.results[0], i))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, "\nHeap a principal, with the text of its documents where the engine keeps it:\n\n| workload |")
	for _, e := range engines {
		fmt.Fprintf(out, " %s |", e.name)
	}
	fmt.Fprintf(out, "\n|---|%s\n", strings.Repeat("---:|", len(engines)))
	for _, r := range rows {
		if r.workload.principals == 1 {
			continue
		}
		fmt.Fprintf(out, "| %s |", r.workload.name)
		for _, res := range r.results {
			if res == nil {
				fmt.Fprint(out, " |")
				continue
			}
			fmt.Fprintf(out, " %s |", size(res.heap)+fewer(res, r.workload))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
	for _, r := range rows {
		fmt.Fprintf(out, "%s: %s.\n", r.workload.name, r.workload.what)
	}
}

func cell(res, base *result, i int) string {
	if res == nil {
		return ""
	}
	s := duration(res.ns)
	if i > 0 {
		s += fmt.Sprintf(" (×%.0f)", res.ns/base.ns)
	}
	return s + fmt.Sprintf(", %d", res.allocs)
}

// fewer says how many principals there were, if they were not all.
func fewer(res *result, w *workload) string {
	if res.n == w.principals {
		return ""
	}
	return fmt.Sprintf(" (%d principals)", res.n)
}

func duration(ns float64) string {
	switch {
	case ns < 1000:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 10_000:
		return fmt.Sprintf("%.2f µs", ns/1000)
	default:
		return fmt.Sprintf("%.0f µs", ns/1000)
	}
}

func size(bytes float64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.1f KB", bytes/1000)
}
