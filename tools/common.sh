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
