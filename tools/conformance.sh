#!/bin/sh
# SPDX-License-Identifier: MIT
# Every requirement that docs/ traces has its row, every row its test or its reason, and every test named there passes.
# Each finding is one line, file:line: message; exit status 1 when there is any. The programs are those of the release build.
#
#   unit/test_X:CASE    a case of tests/unit/test_X.c; the same for other folders of tests/
#   sim/NAME            a scenario; sim/NAME:TEXT: its claims that contain TEXT
#   drill/PATH.pkt      a script of tests/drill
#
# CONFORMANCE_ROOT names another tree (for the test of this script); `check` looks at the pages only and runs nothing.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
root=${CONFORMANCE_ROOT:-$(dirname "$here")}
cd "$root" || exit 2
export LC_ALL=C.UTF-8
bin=build/tests
work=build/conformance
jobs=$(nproc 2>/dev/null || echo 2)
tab=$(printf '\t')

# ---- one program or scenario (this script calls itself, so that xargs can run several) ----

program() { echo "$1" | sed 's|^unit/||; s|^\([^/]*\)/test_|\1_|'; }
log_of() { echo "$work/$(echo "$1" | tr '/ ' '__').log"; }
if [ "${1:-}" = --one ]; then
  case $2 in
    sim/*) set -- "$2" build/lastack sim "${2#sim/}" ;;
    drill/*) set -- "$2" build/lastack drill "tests/$2" ;;
    *) set -- "$2" "$bin/$(program "$2")" ;;
  esac
  log=$(log_of "$1")
  shift
  timeout 120 "$@" >"$log" 2>&1 </dev/null
  echo "status $?" >>"$log"
  exit 0
fi

case ${1:-} in
  '' | check) ;;
  *) echo "conformance: check, or nothing, not $1" >&2 && exit 2 ;;
esac
rm -rf "$work"
mkdir -p "$work"
: >"$work/wanted"
: >"$work/counts"
pages=
# shellcheck disable=SC2013
for page in $(awk '!/^#/ && NF { print $1 }' tests/conformance/ids | sort -u); do
  if [ -f "$page" ]; then pages="$pages $page"; else echo "$page:1: the page is missing" >>"$work/found"; fi
done
# shellcheck disable=SC2086
awk -v out="$work" -f "$here/conformance.awk" tests/conformance/ids $pages >>"$work/found" || exit 2

# What is named must be there: a source, a script; cases and claims are looked for in what the programs say.
awk -F '\t' '{ print $1 "\t" $3 }' "$work/wanted" | while IFS=$tab read -r where name; do
  case $name in
    sim/?*) continue ;;
    drill/?*.pkt) [ -f "tests/$name" ] || echo "$where: no such script: $name" ;;
    */test_?*:?*) [ -f "tests/${name%%:*}.c" ] || echo "$where: no such test program: $name" ;;
    *) echo "$where: not the name of a test: $name" ;;
  esac
done >>"$work/found"

# What a preset changes is told.
preset=src/core/stack.c
[ ! -f $preset ] || sed -n '/^static void preset_linux/,/^}/p' $preset | grep -o 'c->[a-z_0-9]* =' | sed 's/c->//; s/ =//' | while read -r field; do
  grep -qF "\`$field\`" docs/decisions.md || echo "docs/decisions.md:1: LA_PRESET_LINUX sets $field, which is not named here"
done >>"$work/found"

if [ "${1:-}" != check ] && [ ! -s "$work/found" ]; then
  cut -f 3 "$work/wanted" | sed 's/:.*//' | sort -u >"$work/programs"
  xargs -r -P "$jobs" -n 1 sh "$0" --one <"$work/programs"
  for log in "$work"/*.log; do
    [ -f "$log" ] && echo "== ${log##*/}" && cat "$log"
  done >"$work/said"
  awk -F '\t' -f "$here/conformance_ran.awk" "$work/said" "$work/wanted" >>"$work/found"
fi

awk -F '\t' '
  { count[$1 FS $2 FS $3]++; if (!($1 FS $2 in seen)) { seen[$1 FS $2] = 1; rows[++n] = $1 FS $2 } }
  END {
    for (i = 1; i <= n; i++) {
      split(rows[i], part, FS)
      if (part[1] != page)
        printf "%-24s %6s %8s %8s\n", page = part[1], "met", "waived", "not met"
      name = part[2]
      sub(/-.*/, "", name)
      printf "  %-22s %6d %8d %8d\n", name, count[rows[i] FS "met"], count[rows[i] FS "waived"], count[rows[i] FS "not met"]
    }
  }' "$work/counts"
cat "$work/found"
[ ! -s "$work/found" ]
