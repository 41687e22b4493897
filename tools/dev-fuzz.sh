#!/usr/bin/env bash
# ./dev fuzz [NAME] [SECONDS]: libFuzzer over one target or each. What it learns stays in build-fuzz/corpus; what it finds is in
# build-fuzz/findings, and belongs into fuzz/corpus/NAME once it is mended.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$FLOE_ROOT"
names=()
if [ -n "${1:-}" ] && [[ ! $1 =~ ^[0-9]+$ ]]; then
  [ -e "fuzz/fuzz_$1.c" ] || die "no fuzz target $1; there are: $(ls fuzz | sed -n 's/^fuzz_\(.*\)\.c$/\1/p' | tr '\n' ' ')"
  names=("$1")
  shift
else
  for source in fuzz/fuzz_*.c; do
    [ -e "$source" ] || die "there are no fuzz targets yet"
    name=$(basename "$source" .c)
    names+=("${name#fuzz_}")
  done
fi
seconds=${1:-60}
tools/dev-build.sh fuzz
mkdir -p build-fuzz/findings
for name in "${names[@]}"; do
  say "fuzzing $name for $seconds s"
  mkdir -p "build-fuzz/corpus/$name"
  seeds=()
  [ ! -d "fuzz/corpus/$name" ] || seeds=("fuzz/corpus/$name")
  "build-fuzz/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/findings/$name-" "build-fuzz/corpus/$name" "${seeds[@]}" \
    || die "$name: a finding, see build-fuzz/findings/$name-*"
done
