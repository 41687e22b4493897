#!/usr/bin/env bash
# A full scan of 20 M rows, plain, with position and equality deletes, against read_parquet and DuckDB's iceberg extension.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${FLOE_BUILD:-$root/build}
program=$(find "$build/bench" -maxdepth 1 -type f -name scan -print -quit)
[ -n "$program" ] || { echo "bench/scan is not built: run ./dev bench scan" >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mapfile -t tables < <("${FLOE_PY:-python3}" "$root/bench/scan.py" "$folder" --rows "${FLOE_BENCH_ROWS:-20000000}")
repeat=${FLOE_BENCH_REPEAT:-5}
"$program" "$repeat" "${tables[@]}" | tee "$folder/floe.txt"
"${FLOE_PY:-python3}" "$root/bench/scan_peer.py" "$(tail -n 1 "$folder/floe.txt")" "$repeat" "${tables[@]}"
