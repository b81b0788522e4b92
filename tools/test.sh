#!/bin/sh
# SPDX-License-Identifier: MIT
# Every test, one line each, and at the end "N passed, N failed". Logs are left in build/logs/.
# A test is a command: status 0 passes, 77 skips (the last line it printed is the reason), anything else fails.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
export LC_ALL=C.UTF-8
jobs=$(nproc 2>/dev/null || echo 2)
logs=${LOGS:-$root/build/logs} # tools/cross.sh has its own
limit=${LIMIT:-600} # seconds a test may take

# ---- one test (this script calls itself, so that xargs can run several) ----

if [ "${1:-}" = --one ]; then
  name=$2 command=$3
  log=$logs/$(echo "$name" | tr -c 'a-zA-Z0-9\n.-' _)
  case $name in cross\ *) limit=${LIMIT:-1800} ;; esac # a build and hundreds of tests
  began=$(date +%s.%N)
  timeout "$limit" sh -c "$command" >"$log.log" 2>&1 </dev/null
  status=$?
  took=$(echo "$began $(date +%s.%N)" | awk '{ printf "%.1f s", $2 - $1 }')
  case $status in
    0) line="ok    $name ($took)" ;;
    77) line="skip  $name: $(tail -n 1 "$log.log")" ;;
    124) line="FAIL  $name: no end after $limit s" ;;
    *) line="FAIL  $name: status $status ($took)" ;;
  esac
  echo "$line" >"$log.result"
  echo "$line"
  exit 0
fi

rm -rf "$logs"
mkdir -p "$logs"
results() { find "$logs" -name '*.result' -exec cat {} +; }
count() { results | grep -c "^$1"; }

finish() {
  for result in "$logs"/*.result; do
    grep -q '^FAIL' "$result" || continue
    echo
    echo "---- $(cat "$result")"
    grep -v '^\[ *[0-9]*%\] ' "${result%.result}.log" | tail -n 200
  done
  passed=$(count ok) failed=$(count FAIL) skipped=$(count skip)
  echo
  [ "$skipped" = 0 ] || echo "$skipped skipped:" "$(results | sed -n 's/^skip *\([^:]*\):.*/\1/p' | sort | paste -sd ,)"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" != 0 ]
  exit
}

# ---- first what everything else needs ----

for preset in release debug; do
  sh "$0" --one "build $preset" "./dev build $preset"
done
[ "$(count FAIL)" = 0 ] || finish

# ---- then a list: name, tab, command ----

list=$logs/list
serial=$logs/serial
: >"$list"
: >"$serial"
item() { printf '%s\t%s\n' "$1" "$2" >>"$list"; }
alone() { printf '%s\t%s\n' "$1" "$2" >>"$serial"; } # not beside others: it measures time, or needs a name of the system's

item lint './dev lint'
item freestanding './dev freestanding'
item conformance 'sh tools/conformance.sh'
item mutants 'sh tools/mutants.sh --slice'
for machine in s390x i386; do # runs two at a time by itself; without ./dev, which would install and build
  alone "cross $machine" "sh tools/cross.sh $machine"
done

# Undefined behaviour and leaks end a test of the debug build.
sanitizers='ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1'

for build in release debug; do
  [ $build = debug ] && dir=build/debug before="$sanitizers " || dir=build before=
  for source in tests/*/test_*.c; do # the same names as in cmake/tests.cmake
    [ -f "$source" ] || continue
    test=$(echo "${source%.c}" | sed 's|^tests/unit/||; s|^tests/\([^/]*\)/test_|\1_|')
    item "unit ${test#test_} $build" "$before$dir/tests/$test"
  done
  if [ -x "$dir/tests/fuzz_stack" ]; then
    item "fuzz stack $build" "cd $logs && $before$root/$dir/tests/fuzz_stack --runs 200000 --seed 7"
    item "fuzz link $build" "cd $logs && $before$root/$dir/tests/fuzz_link --runs 20000 --seed 7"
    item "fuzz drill $build" "cd $logs && $before$root/$dir/tests/fuzz_drill --runs 30000 --seed 7"
    item "fuzz capture $build" "cd $logs && $before$root/$dir/tests/fuzz_capture --runs 10000 --seed 7"
    item "fuzz parse $build" "cd $logs && $before$root/$dir/tests/fuzz_parse --runs 500000 --seed 7"
    item "fuzz struct $build" "cd $logs && $before$root/$dir/tests/fuzz_struct --runs 30000 --seed 7"
    item "fuzz corpus $build" "$before$dir/tests/fuzz_stack fuzz/corpus/*"
  fi
  if [ -x "$dir/lastack" ]; then
    for scenario in $("$dir/lastack" sim --list | awk '{ print $1 }'); do
      item "sim $scenario $build" "$before$dir/lastack sim $scenario"
      item "sim $scenario ipv6 $build" "$before$dir/lastack sim --ipv6 $scenario"
    done
    item "drill $build" "$before$dir/lastack drill -q --all-families -j 2 tests/drill"
    alone "demo $build" "$before$dir/lastack demo --pcapng $logs/demo-$build.pcapng"
  fi
  # A script is told which program to test by LASTACK; one that does not ask runs once.
  for script in tests/*/test_*.sh; do
    [ -x "$script" ] || continue
    asks=$(grep -c 'LASTACK' "$script")
    [ "$asks" != 0 ] || [ $build = release ] || continue
    name="$(echo "${script%.sh}" | sed 's|^tests/||; s|/test_| |')"
    [ "$asks" = 0 ] || name="$name $build"
    add=item
    ! grep -q '^# test: alone' "$script" || add=alone
    $add "$name" "${before}LASTACK=$root/$dir/lastack LASTACK_BUILD=$root/$dir $script"
  done
done
if [ -x build/lastack ]; then
  alone 'demo valgrind' "valgrind --quiet --error-exitcode=1 --leak-check=full --child-silent-after-fork=yes \
build/lastack demo --pcapng $logs/demo-valgrind.pcapng"
fi

run() { tr '\t\n' '\0\0' <"$1" | xargs -0 -r -n 2 -P "$2" sh "$0" --one; }
run "$list" "$jobs"
run "$serial" 1
finish
