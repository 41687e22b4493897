#!/usr/bin/env bash
# Nearest neighbours among N × 384 vectors (N: 200000; the goal is stated for 1000000, whose graph builds for a quarter of an hour and more): latency on one core, recall, filters. Further arguments: threads of the build, a folder that keeps the graph for the next run
set -euo pipefail
work=${3:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
"$FLOE_BUILD/bench/ann" "$work" "${1:-200000}" "${2:-$(nproc)}"
