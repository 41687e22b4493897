#!/usr/bin/env bash
# ./dev lint: the layout by clang-format, docker-compose.yml by its own reader (no engine is needed), the rest of the house rules
# by lint.py.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FLOE_ROOT"
tools/deps.sh lint
eval "$(tools/deps.sh --paths)"
export FLOE_CLANG_FORMAT
failed=0
# shellcheck disable=SC2016
c_sources | xargs -r -n 1 -P "$(jobs_wanted)" sh -c \
  '"$FLOE_CLANG_FORMAT" --dry-run --Werror "$0" 2>/dev/null || { echo "$0:1: layout: ./dev format $0 mends it"; exit 1; }' || failed=1
docker-compose -f docker-compose.yml config -q || failed=1
python3 tools/lint.py || failed=1
exit "$failed"
