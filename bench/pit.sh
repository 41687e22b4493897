#!/usr/bin/env bash
# Point in time at size: as-of, windows, memory, growth and 1,000 features, against DuckDB on generated events
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export FLOE_BIN=${FLOE_BIN:-$root/build/floe}
exec "${FLOE_PY:-python3}" "$root/bench/pit.py" "$@"
