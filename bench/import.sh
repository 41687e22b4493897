#!/usr/bin/env bash
# Import of 30 M rows into a new table, against DuckDB's own COPY … TO parquet of the same rows.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${FLOE_BUILD:-$root/build}
export FLOE_BIN=${FLOE_BIN:-$build/floe}
[ -x "$FLOE_BIN" ] || { echo "floe is not built: run ./dev build" >&2; exit 1; }
exec "${FLOE_PY:-python3}" "$root/bench/import.py" --rows "${FLOE_BENCH_ROWS:-30000000}" --repeat "${FLOE_BENCH_REPEAT:-3}" "$@"
