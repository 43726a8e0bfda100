// Package bench measures Warder as its users meet it: whole requests over HTTP,
// with signatures, decisions and, for writes, durable commits. Its figures, and
// those of the packages' own benchmarks, are in README.md beside it with the
// commands that make them.
package bench
