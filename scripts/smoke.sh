#!/usr/bin/env bash
# `make run` in a fresh folder: Warder starts, says how to connect, answers.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
make run DATA="$data" >"$data/out" 2>"$data/err" &
pid=$!
cleanup() {
	pkill -TERM -P "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	rm -rf "$data"
}
trap cleanup EXIT
# The build comes first, so this may take minutes on a cold cache.
until [ -S "$data/control.sock" ]; do
	kill -0 "$pid" 2>/dev/null || { cat "$data/err" >&2; exit 1; }
	sleep 0.2
done
eval "$(./bin/warder env --data "$data")"
grep -q 'To connect' "$data/out"
aws sts get-caller-identity --output text
aws iam get-user --output text --query User.UserName | grep -qx administrator
echo "make run works"
