#!/usr/bin/env bash
# Runs every fuzz target of the module for a short while: fuzz.sh 10s
# Interesting inputs are hardly minimized: that takes up to a minute of each, and
# so all of a short while.
set -euo pipefail
time=${1:-10s}
cd "$(dirname "$0")/.."
found=0
while IFS=: read -r file _ line; do
	target=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/' <<<"$line")
	echo "== $(dirname "$file") $target"
	go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x
	found=$((found + 1))
done < <(grep -rn --include='*_test.go' -E '^func Fuzz' . | sed 's#^\./##')
[ "$found" -gt 0 ] || { echo "no fuzz targets found" >&2; exit 1; }
echo "$found fuzz targets"
