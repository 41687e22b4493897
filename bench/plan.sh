#!/usr/bin/env bash
# Planning scans of a generated table of 1,000,000 files in 5,000 manifests, against PyIceberg
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export FLOE_BIN=${FLOE_BIN:-$root/build/floe}
exec "${FLOE_PY:-python3}" "$root/bench/plan.py" "$@"
