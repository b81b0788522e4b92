#!/bin/sh
# SPDX-License-Identifier: MIT
# Breaks the core on purpose, one requirement at a time, and demands that the tests notice.
#
#   mutants.sh [-j N] [NAME...]   these mutants of tests/mutants, or all
#   mutants.sh --slice            the four of every test run, and whether the others still apply
#
# A mutant is a file NAME.mut: header lines `id:` (the requirements), `breaks:`, `test:` (as in docs/rfc9293.md; each must
# fail), `file:`, and the change (tools/mutate.awk). It is killed when each of its tests passes without it and fails with it. Only the
# one source file is compiled anew, outside the tree, and the test linked with it in front of the libraries of the release build.
# MUTANTS and MUTANTS_WORK name other folders (for the test of this script).
# The last line is "N of M killed"; exit status 1 when one survives, does not compile or does not apply.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
cd "$(dirname "$here")" || exit 2
export LC_ALL=C.UTF-8
mutants=${MUTANTS:-tests/mutants}
work=${MUTANTS_WORK:-$PWD/build/mutants}
jobs=$(nproc 2>/dev/null || echo 2)
tab=$(printf '\t')
slice='checksum-ignored rst-anywhere fin-not-counted isn-without-clock'

field() { sed -n "/^@@/q; s/^$1: *//p" "$mutants/$2.mut"; }
program() { echo "$1" | sed 's/:.*//; s|^unit/||; s|^\([^/]*\)/test_|\1_|'; }
log_of() { echo "$1" | sed 's/:.*//' | tr '/ ' '__' | sed 's/$/.log/'; }

# The program as it is linked in build/, with the mutant's object in front of the libraries, and left in the mutant's folder.
link() { # target
  line=$(sed "s| -o [^ ]* | -o $dir/$1 $dir/mutant.o |" "build/CMakeFiles/$1.dir/link.txt")
  [ -n "$line" ] && (cd build && sh -c "$line")
}

# Runs the program that a test belongs to, found in a folder, and leaves what it said.
run() { # test, folder of the programs, folder for what it said
  said=$3/$(log_of "$1")
  [ ! -f "$said" ] || return 0
  case $1 in
    sim/*)
      scenario=${1#sim/}
      set -- "$2/lastack" sim "${scenario%%:*}"
      ;;
    drill/*) set -- "$2/lastack" drill "tests/$1" ;;
    *) set -- "$2/$(program "$1")" ;;
  esac
  timeout 60 "$@" >"$said" 2>&1 </dev/null
  echo "status $?" >>"$said"
}

findings() { # folder of what the programs said, awk's options, file of wanted tests
  for log in "$1"/*.log; do
    [ -f "$log" ] && echo "== ${log##*/}" && cat "$log"
  done >"$1/said"
  awk -F '\t' -v failed="$2" -f "$here/conformance_ran.awk" "$1/said" "$3"
}

# What became of a mutant: the last word on it.
verdict() {
  echo "$1" >"$dir/result"
  echo "$1"
}

if [ "${1:-}" = --one ]; then
  name=$2
  dir=$work/$name
  mkdir -p "$dir"
  file=$(field file "$name")
  source=$dir/$(basename "$file")
  why=$(awk -v source="$source" -f "$here/mutate.awk" "$mutants/$name.mut" "$file" 2>&1) || {
    verdict "ROTTEN    $mutants/$name.mut:1: $why"
    exit 0
  }
  [ "${3:-}" != check ] || exit 0
  flags=$(sed -n 's/^C_DEFINES = //p; s/^C_INCLUDES = //p; s/^C_FLAGS = //p' build/CMakeFiles/lastack_core.dir/flags.make | tr '\n' ' ')
  # shellcheck disable=SC2086
  ${CC:-cc} $flags -w -c "$source" -o "$dir/mutant.o" 2>"$dir/errors" || {
    verdict "BROKEN    $name: does not compile: $(head -n 1 "$dir/errors")"
    exit 0
  }
  field test "$name" >"$dir/tests"
  while IFS= read -r test; do
    target=$(program "$test")
    case $test in sim/* | drill/*) target=lastack ;; esac
    [ -f "$dir/$target" ] || link "$target" >"$dir/errors" 2>&1 || {
      verdict "BROKEN    $name: $target: $(head -n 1 "$dir/errors")"
      exit 0
    }
    run "$test" "$dir" "$dir"
    printf '%s\t-\t%s\n' "$mutants/$name.mut:1" "$test" >>"$dir/wanted"
  done <"$dir/tests"
  survived=$(findings "$dir" 1 "$dir/wanted")
  if [ -n "$survived" ]; then
    verdict "SURVIVED  $survived"
  else
    verdict "killed    $name ($(field id "$name")): $(tr '\n' ' ' <"$dir/tests")"
  fi
  rm -f "$dir"/test_* "$dir/lastack" "$dir"/*.o
  exit 0
fi

all=$(find "$mutants" -name '*.mut' | sed 's|.*/||; s|\.mut$||' | sort)
only=
case ${1:-} in
  --slice)
    only=$slice
    shift
    ;;
  -j)
    case ${2:-} in
      '' | *[!0-9]*) echo "mutants: -j: not a number: ${2:-}" >&2 && exit 2 ;;
    esac
    jobs=$2
    shift 2
    ;;
  -*) echo "mutants: no such option: $1" >&2 && exit 2 ;;
esac
[ $# = 0 ] || only=$*
rm -rf "$work"
mkdir -p "$work/sound"
for name in ${only:-$all}; do
  [ -f "$mutants/$name.mut" ] || {
    echo "mutants: no such mutant: $name" >&2
    exit 2
  }
done

# Headers, and whether every one still applies.
pages=$(awk '!/^#/ && NF { print $1 }' tests/conformance/ids | sort -u)
# shellcheck disable=SC2046,SC2086
awk -v pages="$(echo "$pages" | wc -w)" -f "$here/mutants.awk" tests/conformance/ids $pages $(echo "$all" | sed "s|.*|$mutants/&.mut|") \
  >"$work/headers" || exit 2
echo "$all" | xargs -P "$jobs" -I '{}' sh "$0" --one '{}' check

# The tests must pass as things are.
for name in ${only:-$all}; do
  field test "$name" | sed "s|.*|$mutants/$name.mut:1$tab-$tab&|"
done >"$work/wanted"
cut -f 3 "$work/wanted" | sort -u | while IFS= read -r test; do
  case $test in
    sim/* | drill/*) run "$test" build "$work/sound" ;;
    *) run "$test" build/tests "$work/sound" ;;
  esac
done
findings "$work/sound" '' "$work/wanted" | sed 's/^/UNSOUND   /' >"$work/unsound"

for name in ${only:-$all}; do
  [ -f "$work/$name/result" ] || echo "$name"
done | xargs -r -P "$jobs" -n 1 sh "$0" --one
cat "$work/headers" "$work/unsound"
killed=$(cat "$work"/*/result 2>/dev/null | grep -c '^killed')
total=$(echo "${only:-$all}" | wc -w)
echo "$killed of $total killed"
[ "$killed" = "$total" ] && [ ! -s "$work/headers" ] && [ ! -s "$work/unsound" ] && ! cat "$work"/*/result | grep -qv '^killed'
