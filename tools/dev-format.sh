#!/usr/bin/env bash
# ./dev format [FILE…]: lays out these files, or every C source.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FLOE_ROOT"
tools/deps.sh lint
eval "$(tools/deps.sh --paths)"
if [ $# = 0 ]; then
  mapfile -t files < <(c_sources)
  set -- "${files[@]}"
fi
"$FLOE_CLANG_FORMAT" -i "$@"
