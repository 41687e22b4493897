#!/usr/bin/env bash
# ./dev demo: what tools/demo.sh tells, from a machine that has nothing yet.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FLOE_ROOT"
tools/deps.sh demo
quietly "building floe" tools/dev-build.sh release floe
export_paths release
exec tools/demo.sh "$@"
