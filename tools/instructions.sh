#!/bin/sh
# SPDX-License-Identifier: MIT
# What our stack costs in instructions, both ends together, counted under valgrind: the same at every run, whatever else the machine does.
#   instructions.sh          writes bench/instructions.txt
#   instructions.sh check    compares with it: status 1 when a count has risen by more than LIMIT percent (default 5), 77 when it cannot tell
# A count is the difference of two runs of different length, divided by the difference in length: starting up does not matter.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
export LC_ALL=C
file=bench/instructions.txt
program=build/bench/bench_lastack
limit=${LIMIT:-5}

command -v valgrind >/dev/null 2>&1 || {
  echo "valgrind is not installed"
  exit 77
}
[ -x "$program" ] || {
  echo "$program is not built"
  exit 2
}
# Another compiler makes other code.
made_by="$(cc -dumpversion) $(uname -m) $(sed -n 's/^CMAKE_C_FLAGS_RELEASE:STRING=//p' build/CMakeCache.txt)"

# Instructions of one run.
count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 | sed -n "s/.*Collected : *//p"; }

# per UNITS SHORT LONG COMMAND...: the last argument of the command is put in.
per() {
  units=$1 short=$2 long=$3
  shift 3
  a=$(count "$@" "$short") && b=$(count "$@" "$long") && [ -n "$a" ] && [ -n "$b" ] || return 1
  echo $(((b - a) / units))
}

measure() {
  segment=$(per 16384 23920640 47841280 bulk 65535) # whole segments of 1460 bytes and whole buffers, each with its share of the ACKs
  window=$(per 16384 23920640 47841280 bulk 1048576)
  copied=$(per 16384 23920640 47841280 recv 65535)
  cycle=$(per 1000 500 1500 cycles 0 0)
  cat <<END
segment_64k $segment
segment_1m $window
segment_recv $copied
cycle_0 $cycle
END
}

if [ "${1:-}" != check ]; then
  {
    echo "# Instructions for a segment of 1460 bytes and for a cycle, both ends and the wire: ./dev bench instructions"
    echo "# compiler: $made_by"
    measure
  } >"$file.new" && mv "$file.new" "$file"
  cat "$file"
  exit
fi

grep -qxF "# compiler: $made_by" "$file" || {
  echo "the counts were made by$(sed -n 's/^# compiler://p' "$file"), not by $made_by"
  exit 77
}
measure | awk -v limit="$limit" -v file="$file" '
  BEGIN { while ((getline line < file) > 0) if (split(line, f, " ") == 2 && line !~ /^#/) was[f[1]] = f[2] }
  {
    change = was[$1] ? 100 * ($2 - was[$1]) / was[$1] : 0
    printf "%-12s %8d, was %8d: %+.1f %%\n", $1, $2, was[$1], change
    if ($2 == "" || !was[$1] || change > limit) bad = 1
    if (change < -limit) better = 1
  }
  END {
    if (bad) print "more than " limit " % dearer: find out why, or say so with ./dev bench instructions"
    if (better && !bad) print "cheaper: ./dev bench instructions keeps it so"
    exit bad
  }'
