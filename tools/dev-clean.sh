#!/usr/bin/env bash
# ./dev clean [--cache]: removes the build folders, and the downloads too when asked.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FLOE_ROOT"
rm -rf build build-debug build-asan build-tsan build-fuzz
case ${1:-} in
  "") ;;
  --cache) rm -rf "$FLOE_CACHE" ;;
  *) die "usage: ./dev clean [--cache]" ;;
esac
