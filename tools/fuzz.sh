#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh [--afl] [SECONDS [WHAT]]: fuzzes for some seconds (default 60; 0: only builds)
#   stack    the whole stack          link     on an Ethernet            drill    the reader of scripts
#   capture  what explain reads       parse    parsers of wire formats   struct   intervals, ropes, reassembly, against models
# with libFuzzer, or with --afl by AFL++ on the same harnesses; where clang has no libFuzzer, with the fuzzer of the debug build.
# What was found stays in build/fuzz (AFL++: build/fuzz/afl-WHAT/default/crashes); what is new in the corpus, too.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
afl=
[ "${1:-}" != --afl ] || { afl=1 && shift; }
seconds=${1:-60}
target=${2:-stack}
work=$root/build/fuzz
mkdir -p "$work" || exit 2

flags='-std=c11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -I.'
core=$(find src/base src/mem src/wire src/tcp src/udp src/core src/sock -name '*.c' | sort)
sources="fuzz/fuzz_$target.c" libs=
most=4096 # bytes of an input
case $target in
  stack) sources="$sources $core fuzz/config.c fuzz/lend.c fuzz/watch.c fuzz/seeds.c" most=2056 ;;
  link) sources="$sources $core fuzz/watch.c" most=1604 ;;
  drill)
    sources="$sources drill/lex*.c drill/directive.c drill/parse*.c drill/value_text.c drill/expr*.c drill/arena.c src/base/prng.c" libs=-lm ;;
  capture)
    sources="$sources tests/unit/tape.c capture/*.c draw/explain.c draw/fold.c cli/explain_json.c cli/explain_sum.c src/base/*.c src/wire/*.c"
    libs='-lpcap -ljansson' most=8192
    ;;
  parse) sources="$sources src/base/*.c src/wire/*.c" most=1024 ;;
  struct) sources="$sources $core" most=1024 ;;
  *)
    echo "fuzz: stack, link, drill, capture, parse or struct, not $target" >&2
    exit 2
    ;;
esac

if ! echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p && !n; }' |
  clang -x c -fsanitize=fuzzer,address,undefined -o "$work/probe" - 2>"$work/probe.log"; then
  [ -z "$afl" ] || {
    echo "fuzz: $target: needs clang with libFuzzer" >&2
    exit 1
  }
  echo "fuzz: no clang with libFuzzer: the plain fuzzer of the debug build" >&2
  ./dev build debug >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
  }
  cd "$work" || exit 1
  exec "$root/build/debug/tests/fuzz_$target" --seconds "$seconds" --seed "$(date +%s)"
fi

# What it begins with: what the fuzzer itself writes, and what is kept.
seeds=$work/seeds-$target
mkdir -p "$seeds"
# shellcheck disable=SC2086
cc -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -I. fuzz/main.c $sources $libs -o "$work/plain" && "$work/plain" --corpus "$seeds" || exit 1
case $target in
  stack) cp fuzz/corpus/* "$seeds" ;;
  drill) find tests/drill -name '*.pkt' -size -4k -exec cp {} "$seeds" \; ;;
esac

compiler=clang name=$work/fuzz_$target
[ -z "$afl" ] || compiler=afl-clang-fast name=$work/afl_$target
# shellcheck disable=SC2086
AFL_QUIET=1 $compiler $flags $sources $libs -o "$name" || exit 1
[ "$seconds" != 0 ] || exit 0

if [ -z "$afl" ]; then
  mkdir -p "$work/corpus-$target"
  exec "$name" -max_total_time="$seconds" -max_len=$most -timeout=20 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work/corpus-$target" "$seeds"
fi

# AFL++ goes on where the last run stopped. It ends by itself; crashes and hangs make the exit status.
out=$work/afl-$target
export AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_AUTORESUME=1 AFL_QUIET=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1:halt_on_error=1:symbolize=0
afl-fuzz -V "$seconds" -t 5000 -G $most -i "$seeds" -o "$out" -- "$name" >"$work/afl.log" 2>&1 || {
  tail -n 20 "$work/afl.log" >&2
  exit 1
}
stat() { sed -n "s/^$1 *: *//p" "$out/default/fuzzer_stats"; }
echo "$(stat execs_done) inputs, $(stat corpus_count) in the corpus, $(stat bitmap_cvg) of the edges;" \
  "$(stat saved_crashes) crashes, $(stat saved_hangs) hangs: $out/default"
[ "$(stat saved_crashes)" = 0 ] && [ "$(stat saved_hangs)" = 0 ]
