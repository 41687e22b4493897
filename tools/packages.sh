# Sourced by deps.sh: Debian and Ubuntu packages by name, only those that are missing.
# shellcheck shell=bash

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

package_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# The compiler's run-time library carries the compiler's version in its name, and no release has the same one.
clang_runtime() {
  local major
  major=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
  [ -n "$major" ] || major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9][0-9]*\)$/\1/p' | head -n 1)
  printf 'libclang-rt-%s-dev' "${major:-14}"
}

# packages_missing TASK…: the rows of packages.txt for these tasks that this machine has not got, as they are written there.
packages_missing() {
  local task names command name found
  while read -r task names command; do
    case " $* " in *" $task "*) ;; *) continue ;; esac
    if [ "$command" != - ] && have "$command"; then continue; fi
    if [ "$names" = libclang-rt ] && have clang; then names=$(clang_runtime); fi
    found=
    for name in ${names//|/ }; do
      if package_installed "$name"; then found=1; fi
    done
    [ -n "$found" ] || echo "$names"
  done < <(grep -v '^#' "$FLOE_ROOT/tools/packages.txt")
}

# The first of a row's names that this release knows.
package_pick() {
  local name
  if [ "$1" = libclang-rt ]; then clang_runtime; return; fi
  for name in ${1//|/ }; do
    if [ -n "$(apt-cache show "$name" 2>/dev/null | head -n 1)" ]; then printf '%s' "$name"; return; fi
  done
  die "this system has no package $1: install it by hand and set FLOE_SKIP_PACKAGES=1"
}

apt_run() {
  local log
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! as_root env DEBIAN_FRONTEND=noninteractive $EATMYDATA apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" \
    >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    die "apt-get $1 failed (above): is there a network? Packages wanted: $wanted"
  fi
  rm -f "$log"
}

# packages_ensure TASK…
packages_ensure() {
  local missing wanted names=() row EATMYDATA=
  [ -z "${FLOE_SKIP_PACKAGES:-}" ] || return 0
  if ! have dpkg-query || ! have apt-get; then
    say "not a Debian or Ubuntu system: the packages of tools/packages.txt must be there already"
    return 0
  fi
  missing=$(packages_missing "$@")
  [ -n "$missing" ] || return 0
  wanted=$(sed 's/|.*//' <<<"$missing" | tr '\n' ' ')
  [ "$(id -u)" = 0 ] || have sudo || die "packages are missing and there is no sudo; let root run: apt-get install $wanted"
  say "installing packages: $wanted"
  apt_run update
  # Without it every unpacked file is flushed to the disk, which takes most of the time.
  have eatmydata || apt_run install --no-install-recommends eatmydata
  EATMYDATA=$(command -v eatmydata || true)
  for row in $missing; do
    row=$(package_pick "$row")
    names+=("$row")
  done
  apt_run install --no-install-recommends "${names[@]}"
}

# package_unpack DIR NAME…: the files of the first package that this system knows, in DIR, not installed; the libraries that it
# wants are.
package_unpack() {
  local dir=$1 name wanted
  shift
  if ! have dpkg-deb || ! have apt-get; then die "not a Debian or Ubuntu system: install $* by hand"; fi
  name=$(package_pick "$(IFS='|'; echo "$*")")
  mkdir -p "$dir/deb"
  (cd "$dir/deb" && apt-get -q download "$name" >log 2>&1) || die "apt-get download $name failed: $(tail -n 1 "$dir/deb/log")"
  dpkg-deb -x "$dir/deb/"*.deb "$dir"
  wanted=$(dpkg-deb -f "$dir/deb/"*.deb Depends | tr ',' '\n' | sed 's/^ *//; s/[ (|].*//' | grep '^lib' | tr '\n' ' ')
  if [ -n "${FLOE_SKIP_PACKAGES:-}" ]; then return 0; fi
  # shellcheck disable=SC2086
  EATMYDATA=$(command -v eatmydata || true) apt_run install --no-install-recommends $wanted
}
