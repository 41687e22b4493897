# Sourced by deps.sh: files from the npm registry and from PyPI by name and exact version through their own clients, held to
# checksums.txt, unpacked into the cache. An entry of the cache appears whole, by a rename, or not at all.
# shellcheck shell=bash

pip_run() {
  local wheel
  if python3 -m pip --version >/dev/null 2>&1; then
    python3 -m pip --disable-pip-version-check "$@"
    return
  fi
  # Debian's wheel of pip runs where pip itself is not installed.
  wheel=$(ls /usr/share/python-wheels/pip-*.whl 2>/dev/null | tail -n 1)
  [ -n "$wheel" ] || die "no pip: install python3-pip-whl"
  python3 "$wheel/pip" --disable-pip-version-check "$@"
}

verify() {
  printf '%s  %s\n' "$(checksum "$2")" "$1/$2" | sha256sum -c --status - \
    || die "$2 does not have the checksum of tools/checksums.txt: a broken download (try again), or the registry serves another file (do not use it)"
}

# from_registry LOG WHAT COMMAND…: a client of a registry, silent unless it fails.
from_registry() {
  local log=$1 what=$2
  shift 2
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 5 "$log" | cut -c1-300 >&2
  die "$what failed (above): is there a network? A warm cache needs none"
}

# fetch_npm DIR PACKAGE VERSION FILE
fetch_npm() {
  say "fetching $2@$3"
  # Given up on in seconds, not minutes, where there is no network.
  (cd "$1" && from_registry "$1/npm.log" "npm pack $2@$3" npm pack --loglevel error --no-update-notifier \
    --fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 5000 --cache "$1/npm" "$2@$3")
  verify "$1" "$4"
}

# pip wants a source archive's metadata even to download it, and would fetch build tools for that; this stands in for them.
stub_backends() {
  mkdir -p "$1/scikit_build_core" "$1/setuptools"
  touch "$1/scikit_build_core/__init__.py" "$1/setuptools/__init__.py"
  cat >"$1/setuptools/build_meta.py" <<'PY'
import os, sys

def requires(config_settings=None):
    return []

def metadata(directory, config_settings=None):
    name, version = os.environ["STUB_NAME"], os.environ["STUB_VERSION"]
    info = "%s-%s.dist-info" % (name, version)
    os.makedirs(os.path.join(directory, info))
    with open(os.path.join(directory, info, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version))
    return info

def __getattr__(name):
    if name == "__legacy__":
        return sys.modules[__name__]
    return metadata if name.startswith("prepare_metadata") else requires
PY
  cp "$1/setuptools/build_meta.py" "$1/scikit_build_core/build.py"
}

# fetch_sdist DIR NAME VERSION: NAME-VERSION.tar.gz, a source archive from PyPI.
fetch_sdist() {
  local file="$2-$3.tar.gz"
  say "fetching the sources of $2 $3"
  stub_backends "$1/stub"
  printf '%s==%s --hash=sha256:%s\n' "$2" "$3" "$(checksum "$file")" >"$1/requirement.txt"
  export STUB_NAME=$2 STUB_VERSION=$3 PYTHONPATH=$1/stub PYTHONDONTWRITEBYTECODE=1
  from_registry "$1/pip.log" "pip download $2==$3" pip_run download --quiet --no-deps --no-binary :all: \
    --no-build-isolation --use-pep517 --require-hashes --dest "$1" -r "$1/requirement.txt"
  unset STUB_NAME STUB_VERSION PYTHONPATH PYTHONDONTWRITEBYTECODE
  verify "$1" "$file"
}

# fetch_wheel DIR NAME VERSION FILE: a wheel without code for one machine, from PyPI.
fetch_wheel() {
  say "fetching $2 $3"
  printf '%s==%s --hash=sha256:%s\n' "$2" "$3" "$(checksum "$4")" >"$1/requirement.txt"
  from_registry "$1/pip.log" "pip download $2==$3" pip_run download --quiet --no-deps --only-binary :all: \
    --require-hashes --dest "$1" -r "$1/requirement.txt"
  verify "$1" "$4"
}

# The sparse registry came with cargo 1.68.
cargo_ready() {
  local version
  have cargo || return 1
  version=$(cargo --version 2>/dev/null | cut -d' ' -f2)
  [ "$(printf '%s\n1.68\n' "$version" | sort -V | head -n 1)" = 1.68 ]
}

# fetch_crate DIR NAME VERSION FILE: DIR/vendor/NAME, the sources of a crate without dependencies. The checksum that cargo
# notes beside what it unpacked is that of the crate's file, and is held to ours.
fetch_crate() {
  local path=$PATH
  say "fetching the crate $2 $3"
  if ! cargo_ready; then
    package_unpack "$1/cargo" cargo-web cargo
    PATH=$1/cargo/usr/bin:$PATH
    hash -r
    cargo_ready || die "no cargo from 1.68 on: install one, or FAISS with its C API (libfaiss_c)"
  fi
  mkdir -p "$1/crate/src"
  touch "$1/crate/src/lib.rs"
  printf '[package]\nname = "fetch"\nversion = "0.0.0"\n\n[dependencies]\n%s = { version = "=%s", default-features = false }\n' \
    "$2" "$3" >"$1/crate/Cargo.toml"
  if [ -n "${SSL_CERT_FILE:-}" ]; then export CARGO_HTTP_CAINFO=${CARGO_HTTP_CAINFO:-$SSL_CERT_FILE}; fi
  from_registry "$1/cargo.log" "cargo vendor of $2 $3" cargo vendor --manifest-path "$1/crate/Cargo.toml" "$1/vendor"
  grep -q "\"package\":\"$(checksum "$4")\"" "$1/vendor/$2/.cargo-checksum.json" ||
    die "the crate $2 $3 is not the one that tools/checksums.txt names"
  PATH=$path
}

# cache_entry NAME FUNCTION: makes $FLOE_CACHE/NAME by calling FUNCTION WORK OUT, once, whoever else is at it.
cache_entry() {
  local entry="$FLOE_CACHE/$1" work code
  [ ! -d "$entry" ] || return 0
  mkdir -p "$FLOE_CACHE"
  exec 9>"$FLOE_CACHE/.lock"
  flock 9
  if [ ! -d "$entry" ]; then
    # What a run that was stopped left behind: nobody is in there while we hold the lock.
    rm -rf "$FLOE_CACHE"/.new.*
    work=$(mktemp -d "$FLOE_CACHE/.new.XXXXXX")
    mkdir "$work/out"
    # Not as a condition: bash would then ignore what fails inside.
    set +e
    (set -e; "$2" "$work" "$work/out")
    code=$?
    set -e
    [ "$code" = 0 ] || { rm -rf "$work"; exit "$code"; }
    chmod -R u+w,go+rX "$work/out"
    mv -T "$work/out" "$entry"
    rm -rf "$work"
  fi
  exec 9>&-
}
