#!/bin/sh
# SPDX-License-Identifier: MIT
# The same behaviour on every machine: builds the program and the unit tests with Debian's cross compilers for s390x (big-endian,
# 64 bits, run by qemu) and i386 (32 bits, run without qemu where the kernel can), and runs the unit tests and every scenario there.
# Usage: cross.sh [s390x|i386]...; status 77 when nothing failed but a machine could not be tried.
#
# The other machine's libraries are fetched with apt and unpacked in the build folder. Multiarch would not do: libhttp-parser-dev of
# two architectures exclude each other, gcc-multilib and any cross compiler as well.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
export LC_ALL=C.UTF-8
jobs=2
packages='libcmocka0 libcmocka-dev libjansson4 libjansson-dev libhttp-parser2.9 libhttp-parser-dev libpcap0.8 libpcap0.8-dev
libncurses-dev libncursesw6 libtinfo6 libdbus-1-3 libsystemd0 libcap2 libgcrypt20 libgpg-error0 liblzma5 libzstd1 liblz4-1'

# ---- what a machine needs ----

# Sets reason to why machine $1 cannot be tried, or to nothing; dir, triple, emulator.
look_at() {
  dir=$root/build/cross-$1
  case $1 in
    s390x) triple=s390x-linux-gnu emulator=qemu-s390x ;;
    i386) triple=i686-linux-gnu emulator= ;;
  esac
  install='is not installed (./dev setup cross)'
  reason=
  if ! command -v cmake >/dev/null 2>&1; then
    reason="cmake $install"
  elif ! command -v "$triple-gcc" >/dev/null 2>&1; then
    reason="gcc-$triple $install"
  elif [ ! -e "/usr/$triple/include/stdio.h" ]; then
    reason="libc6-dev-$1-cross $install"
  elif [ -n "$emulator" ] && ! command -v "$emulator" >/dev/null 2>&1; then
    reason="qemu-user $install"
  elif ! libraries "$1"; then
    reason="cannot fetch the libraries for $1 (build/cross-$1/fetch.log); by hand: \`dpkg-deb -x\` the $1 packages $packages \
into build/cross-$1/root and write their names into build/cross-$1/root/packages"
  fi
}

# Lists of packages of our own, because the system's know nothing of the other architecture.
libraries() {
  [ "$(cat "$dir/root/packages" 2>/dev/null)" != "$packages" ] || return 0
  command -v apt-get >/dev/null 2>&1 || return 1
  lists=$dir/apt
  rm -rf "$lists" "$dir/root"
  mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" "$dir/root" || return 1
  : >"$lists/status"
  set -- -q -o APT::Architecture="$1" -o APT::Architectures="$1" -o Acquire::Languages=none -o APT::Sandbox::User= \
    -o Dir::State::Lists="$lists/lists" -o Dir::State::status="$lists/status" -o Dir::Cache="$lists/cache"
  (
    cd "$lists" || exit 1
    apt-get "$@" update # fails where one source has nothing for this architecture; what matters is the download
    # shellcheck disable=SC2086
    apt-get "$@" download $packages || exit 1
    for package in *.deb; do
      dpkg-deb -x "$package" "$dir/root" || exit 1
    done
    echo "$packages" >"$dir/root/packages"
  ) >"$dir/fetch.log" 2>&1 </dev/null
  fetched=$?
  rm -rf "$lists" # 20 MB
  return $fetched
}

# ---- the steps of a machine ----

# Warnings are errors, in the core -Wconversion among them.
build() {
  fresh=
  # A folder that was configured elsewhere (a copied checkout) is of no use.
  if [ -f "$dir/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$dir/CMakeCache.txt"; then
    fresh=--fresh
  fi
  # shellcheck disable=SC2086
  cmake $fresh -S . -B "$dir" -DCMAKE_TOOLCHAIN_FILE="$root/cmake/cross.cmake" -DCROSS_ARCH="$1" -DCROSS_ROOT="$dir/root" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2 || return
  # shellcheck disable=SC2046
  cmake --build "$dir" -j $jobs --target lastack $(unit_tests) -- --no-print-directory
}

unit_tests() {
  for source in tests/unit/test_*.c; do
    basename "$source" .c
  done
}

# The core is integer arithmetic: a scenario is the same as on this machine, segment for segment and clock for clock. Only counts of
# memory differ, by the size of a pointer. Drawn in ASCII, since compiled locales belong to one byte order.
compare() {
  here=$root/build/lastack there=$dir/lastack differ=0
  export LASTACK_ASCII=1
  for scenario in $("$here" sim --list | awk '{ print $1 }'); do
    for condition in '' '--drop 3' '--ipv6 --delay 400 --seed 7'; do
      # shellcheck disable=SC2086
      "$here" sim "$scenario" $condition 2>&1 | sed '/flood takes/s/[0-9]* bytes/bytes/' >"$dir/here"
      # shellcheck disable=SC2086
      $runner "$there" sim "$scenario" $condition 2>&1 | sed '/flood takes/s/[0-9]* bytes/bytes/' >"$dir/there"
      cmp -s "$dir/here" "$dir/there" && continue
      echo "sim $scenario $condition: here (<) and there (>):"
      diff "$dir/here" "$dir/there" | head -n 10
      differ=1
    done
  done
  # Of the swarm's worlds everything that was sent and told, in one number.
  "$here" sim --swarm 30 >"$dir/here" 2>&1
  # shellcheck disable=SC2086
  $runner "$there" sim --swarm 30 >"$dir/there" 2>&1
  cmp -s "$dir/here" "$dir/there" || {
    echo "sim --swarm 30: here (<) and there (>):"
    diff "$dir/here" "$dir/there" | head -n 10
    differ=1
  }
  return $differ
}

# ---- a machine ----

# This script, as a step that is run as a test.
step() { echo "RUNNER='${runner:-}' sh $root/tools/cross.sh --step $*"; }

machine() {
  look_at "$1"
  [ -z "$reason" ] || {
    echo "skip  $1: $reason"
    skipped="$1: $reason"
    return
  }
  rm -rf "$dir/logs"
  mkdir -p "$dir/logs"
  export LOGS="$dir/logs" LIMIT=600 # seconds: with the wrong byte order some tests never end
  sh tools/test.sh --one "$1 build" "$(step build "$1")"
  if ! grep -q '^FAIL' "$dir"/logs/*.result; then
    # A kernel without 32-bit programs, or another machine altogether, needs qemu-user for i386 too.
    runner=$emulator
    [ -n "$runner" ] || "$dir/lastack" sim --list >/dev/null 2>&1 || runner=qemu-i386
    {
      [ ! -x build/lastack ] || printf '%s\t%s\n' "$1 sim as here" "$(step compare "$1")" # the longest first
      for test in $(unit_tests); do
        printf '%s\t%s\n' "$1 $test" "$runner $dir/tests/$test"
      done
      printf '%s\t%s\n' "$1 sim" "$runner $dir/lastack sim --all" "$1 sim ipv6" "$runner $dir/lastack sim --all --ipv6"
    } | tr '\t\n' '\0\0' | xargs -0 -n 2 -P $jobs sh tools/test.sh --one
  fi
  for result in "$dir"/logs/*.result; do
    case $(cat "$result") in
      ok*) passed=$((passed + 1)) ;;
      skip*) ;;
      *)
        failed=$((failed + 1))
        echo
        echo "---- $(cat "$result")"
        grep -v '^\[ *[0-9]*%\] ' "${result%.result}.log" | tail -n 60
        ;;
    esac
  done
}

if [ "${1:-}" = --step ]; then
  dir=$root/build/cross-$3 runner=$RUNNER
  $2 "$3"
  exit
fi
[ $# -gt 0 ] || set -- s390x i386
for name; do
  case $name in
    s390x | i386) ;;
    *) echo "cross: s390x or i386, not $name" >&2 && exit 2 ;;
  esac
done
passed=0 failed=0 skipped=
for name; do
  machine "$name"
done
echo
echo "$passed passed, $failed failed"
[ $failed = 0 ] || exit 1
[ -z "$skipped" ] || {
  echo "$skipped"
  exit 77
}
