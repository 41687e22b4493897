#!/usr/bin/env bash
# Nearest neighbours among N × 384 vectors (N: 200000; the goal is stated for 1000000, whose graph builds for a quarter of an hour and more): latency on one core, recall, filters
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$FLOE_BUILD/bench/ann" "$work" "${1:-200000}" "${2:-$(nproc)}"
