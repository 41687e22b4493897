#!/usr/bin/env bash
# ./dev bench: lists bench/*.sh by their second line. ./dev bench NAME [ARGUMENT…]: runs one.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FLOE_ROOT"
if [ $# = 0 ]; then
  for script in bench/*.sh; do
    [ -e "$script" ] || die "there are no benchmarks yet"
    name=$(basename "$script" .sh)
    printf '  %-20s %s\n' "$name" "$(sed -n '2s/^# *//p' "$script")"
  done
  exit 0
fi
name=$1
shift
[ -e "bench/$name.sh" ] || die "no benchmark $name; ./dev bench lists them"
tools/deps.sh demo
quietly "building the benchmarks" tools/dev-build.sh release bench
export_paths release
exec bash "bench/$name.sh" "$@"
