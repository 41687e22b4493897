#!/usr/bin/env bash
# A lookup over HTTP, one entity x 10 features, against libmicrohttpd + a bare HMGET: p50 and p99 at 1 and 16 connections.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${FLOE_BUILD:-$root/build}
program=$(find "$build/bench" -maxdepth 1 -type f -name lookup -print -quit)
[ -n "$program" ] || { echo "bench/lookup is not built: run ./dev bench lookup" >&2; exit 1; }
command -v redis-server >/dev/null || { echo "there is no redis-server" >&2; exit 1; }

folder=$(mktemp -d)
redis=
stop() {
  if [ -n "$redis" ]; then kill "$redis" 2>/dev/null || true; wait "$redis" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap stop EXIT

# A server of our own on a free port: the first one that it can bind.
for port in $(shuf -i 20000-60000 -n 20); do
  redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$folder" --daemonize no >"$folder/redis.log" 2>&1 &
  redis=$!
  for _ in $(seq 100); do
    if redis-cli -p "$port" ping >/dev/null 2>&1; then break 2; fi
    kill -0 "$redis" 2>/dev/null || break
    sleep 0.05
  done
done

mkdir -p "$folder/project/features"
"$program" "$folder/project" "$port" "$@"
