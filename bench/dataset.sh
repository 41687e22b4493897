#!/usr/bin/env bash
# A training set of 3 M flights × 100 k labels × 21 features, against the same SQL typed by hand into DuckDB
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export FLOE_BIN=${FLOE_BIN:-$root/build/floe}
exec "${FLOE_PY:-python3}" "$root/bench/dataset.py" "$@"
