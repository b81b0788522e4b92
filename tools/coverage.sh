#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests reach of the core (src/base to src/sock): lines and branches, without those of assertions.
#   coverage.sh            builds with gcc's counters in build/coverage, runs the tests that need no kernel, reports
# The report is printed, and stands in build/coverage/report.txt (with the lines that were missed) and build/coverage/html/.
# Exit status 1 when less than 98 % of the lines or 95 % of the branches are reached, or when a test fails.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
export LC_ALL=C.UTF-8
dir=$root/build/coverage
mkdir -p "$dir" || exit 2
jobs=$(nproc 2>/dev/null || echo 2)
status=0

# Counters are added to atomically: some programs have threads, and processes that share a file merge into it.
cmake -S . -B "$dir" -DCMAKE_BUILD_TYPE=Debug -DLASTACK_EXAMPLES=OFF -DLASTACK_TEST_SECONDS=3000 \
  '-DCMAKE_C_FLAGS_DEBUG=-g -O0 --coverage -fprofile-abs-path -fprofile-update=atomic' >"$dir.log" 2>&1 &&
  cmake --build "$dir" --parallel "$jobs" >>"$dir.log" 2>&1 || {
  tail -n 30 "$dir.log" >&2
  exit 1
}
find "$dir" -name '*.gcda' -delete

must() {
  "$@" >"$dir/said" 2>&1 </dev/null && return
  tail -n 20 "$dir/said" >&2
  echo "coverage: failed: $*" >&2
  status=1
}
must ctest --test-dir "$dir" -j "$jobs" -E '^attacks_(work|rows_.)$' --timeout 3000 # which counts the work of optimised code
must "$dir/lastack" sim --all
must "$dir/lastack" sim --ipv6 --all
must "$dir/lastack" drill -q --all-families -j "$jobs" tests/drill
must "$dir/tests/fuzz_stack" fuzz/corpus/*
must "$dir/lastack" sim --swarm 600 --jobs "$jobs" # the oracle stands by: what is reached here has been looked at
must "$dir/lastack" sim --oom --slice 1009 --jobs "$jobs"
must "$dir/tests/fuzz_stack" --runs 20000 --seed 7
must "$dir/tests/fuzz_link" --runs 3000 --seed 7
must "$dir/tests/fuzz_struct" --runs 1000
must "$dir/tests/fuzz_parse" --runs 50000

asserts='.*(LA_CHECK|__builtin_trap|_Static_assert).*'
mkdir -p "$dir/html"
gcovr -r . --object-directory "$dir" "$dir/CMakeFiles/lastack_core.dir" -f 'src/(base|mem|wire|tcp|udp|core|sock)/' -j "$jobs" \
  --exclude-lines-by-pattern "$asserts" --exclude-branches-by-pattern "$asserts" \
  --txt "$dir/report.txt" --html-details "$dir/html/index.html" --json "$dir/report.json" >"$dir/said" 2>&1 || {
  cat "$dir/said" >&2
  exit 1
}
gcovr -r . -a "$dir/report.json" --branches --txt "$dir/branches.txt" >/dev/null 2>&1
cat "$dir/report.txt"
total() { awk '$1 == "TOTAL" { print $3, $2 }' "$1"; }
judge() { # kind, floor, reached, of
  echo "$1: $3 of $4: $(awk -v a="$3" -v b="$4" 'BEGIN { printf "%.1f", 100 * a / b }') % (at least $2 %)"
  [ $(($3 * 100)) -ge $(($4 * $2)) ] || status=1
}
# shellcheck disable=SC2046
judge lines 98 $(total "$dir/report.txt")
# shellcheck disable=SC2046
judge branches 95 $(total "$dir/branches.txt")
awk -f tools/coverage_left.awk docs/coverage.md "$dir/branches.txt"
echo "build/coverage/html/index.html shows each line"
exit $status
