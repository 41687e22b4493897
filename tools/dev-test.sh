#!/usr/bin/env bash
# ./dev test [PRESET] [--peers] [CTEST ARGUMENT…]: builds and runs the tests; the last lines are ctest's. With --peers those that
# run engines and services of others (Spark, Iceberg's REST catalog, an S3 server), which it installs.
# Twice as many tests run at once as there are cores, because many of them wait: for syncs, servers and brokers.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

preset=release
case ${1:-} in
  release | debug | asan | tsan) preset=$1; shift ;;
esac
cd "$FLOE_ROOT"
if [ "${1:-}" = --peers ]; then
  shift
  tools/deps.sh engines
  tools/dev-build.sh "$preset"
  exec ctest --test-dir "$(build_folder "$preset")" --output-on-failure --no-tests=error -C peers -L '^peers$' "$@"
fi
tools/deps.sh test
tools/dev-build.sh "$preset"
exec ctest --test-dir "$(build_folder "$preset")" --output-on-failure --no-tests=error -j "$(($(jobs_wanted) * 2))" "$@"
