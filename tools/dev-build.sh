#!/usr/bin/env bash
# ./dev build [PRESET] [TARGET]: configures when something it depends on moved, then builds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

preset=${1:-release}
target=${2:-all}
build=$(build_folder "$preset")
cd "$FLOE_ROOT"
if [ "$preset" = fuzz ]; then tools/deps.sh fuzz; else tools/deps.sh build; fi

# One build at a time in a folder: two would write the same files.
mkdir -p "$build"
exec 8>"$build/.lock"
flock 8

# What CMake looks up once: another place or a library that came since makes it look again.
found=$(tools/deps.sh --paths; pkg-config --modversion cmocka hiredis 2>/dev/null || true; command -v ccache || true)
if [ ! -e "$build/CMakeCache.txt" ] || [ "$found" != "$(cat "$build/.found" 2>/dev/null)" ]; then
  generator=()
  have ninja || generator=(-G "Unix Makefiles")
  quietly "configuring the preset $preset" cmake --fresh --preset "$preset" "${generator[@]}"
  printf '%s\n' "$found" >"$build/.found"
fi
cmake --build "$build" --target "$target" -j "$(jobs_wanted)"
