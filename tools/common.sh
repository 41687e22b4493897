# Sourced by dev and by every script in tools/: messages, the cache, and what kind of machine this is.
# shellcheck shell=bash
set -euo pipefail

FLOE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FLOE_CACHE=${FLOE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/floe}
export FLOE_ROOT FLOE_CACHE

say() { printf '%s\n' "floe: $*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# checksum FILE: its SHA-256 as tools/checksums.txt has it.
checksum() {
  local sum
  sum=$(awk -v name="$1" '$2 == name {print $1}' "$FLOE_ROOT/tools/checksums.txt")
  [ -n "$sum" ] || die "tools/checksums.txt has no line for $1"
  printf '%s' "$sum"
}

# Two compilers at once are what a small machine carries; FLOE_JOBS says otherwise.
jobs_wanted() { printf '%s' "${FLOE_JOBS:-$(nproc 2>/dev/null || echo 2)}"; }

# build_folder PRESET: where CMakePresets.json puts it.
build_folder() {
  case $1 in
    release) printf '%s/build' "$FLOE_ROOT" ;;
    debug | asan | tsan | fuzz) printf '%s/build-%s' "$FLOE_ROOT" "$1" ;;
    *) die "no preset $1; there are release, debug, asan, tsan and fuzz" ;;
  esac
}

# quietly WHAT COMMAND…: prints only what it is about, and all of the command's output when it fails.
quietly() {
  local what=$1 log
  shift
  say "$what"
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die "$what failed (above)"
  fi
  rm -f "$log"
}

# What demo and benchmarks find in their environment, as the tests do.
export_paths() {
  local line
  while read -r line; do eval "export $line"; done < <("$FLOE_ROOT/tools/deps.sh" --paths)
  FLOE_BUILD=$(build_folder "$1")
  FLOE_BIN=$FLOE_BUILD/floe
  export FLOE_BUILD FLOE_BIN
}

# The C sources of the tree, one a line, without what was built.
c_sources() {
  (cd "$FLOE_ROOT" && find . \( -name '.*' -o -name 'build' -o -name 'build-*' \) -not -name . -prune -o -type f \( -name '*.c' -o -name '*.h' \) -print | sed 's|^\./||' | sort)
}
