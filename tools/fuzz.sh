#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh [SECONDS [link|drill|capture]]: fuzzes the whole stack, an Ethernet link, the reader of scripts, or what reads captures, for some
# seconds (default 60): with libFuzzer where clang has it, else (not scripts and captures) with the fuzzer of the debug build.
# What was found stays in build/fuzz; what is new in the corpus, too.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
seconds=${1:-60}
target=${2:-stack}
work=$root/build/fuzz
mkdir -p "$work/corpus" "$work/scripts" || exit 2

if ! echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p && !n; }' |
  clang -x c -fsanitize=fuzzer,address,undefined -o "$work/probe" - 2>"$work/probe.log"; then
  [ "$target" != drill ] || {
    echo "fuzz: $target: needs clang with libFuzzer" >&2
    exit 1
  }
  echo "fuzz: no clang with libFuzzer: the plain fuzzer of the debug build" >&2
  ./dev build debug >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
  }
  cd "$work" && exec "$root/build/debug/tests/fuzz_$target" --seconds "$seconds" --seed "$(date +%s)"
fi

flags='-std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -I.'
if [ "$target" = drill ]; then
  # shellcheck disable=SC2086
  clang $flags -D_GNU_SOURCE fuzz/fuzz_drill.c drill/lex*.c drill/directive.c drill/parse*.c drill/value_text.c drill/expr*.c \
    drill/arena.c -lm -o "$work/fuzz_drill" || exit 1
  set -- "$work/scripts"
  [ ! -d tests/drill ] || set -- "$@" tests/drill
  exec "$work/fuzz_drill" -max_total_time="$seconds" -max_len=4096 -timeout=20 -print_final_stats=1 -artifact_prefix="$work/" "$@"
fi
if [ "$target" = link ]; then # what it finds in new ways through the code begins from nothing
  mkdir -p "$work/links"
  # shellcheck disable=SC2046,SC2086
  clang $flags -DFUZZ_LIBFUZZER fuzz/fuzz_link.c fuzz/watch.c $(find src/base src/mem src/wire src/tcp src/udp src/core src/sock -name '*.c') \
    -o "$work/fuzz_link" || exit 1
  exec "$work/fuzz_link" -max_total_time="$seconds" -max_len=1604 -timeout=20 -print_final_stats=1 -artifact_prefix="$work/" "$work/links"
fi
if [ "$target" = capture ]; then
  mkdir -p "$work/captures" "$work/tapes" || exit 1
  with="tests/unit/tape.c capture/*.c draw/explain.c cli/explain_json.c cli/explain_sum.c src/base/*.c src/wire/*.c -lpcap -ljansson"
  # shellcheck disable=SC2086
  clang $flags -D_GNU_SOURCE fuzz/fuzz_capture.c $with -o "$work/fuzz_capture" || exit 1
  # shellcheck disable=SC2086
  cc -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -I. fuzz/fuzz_capture.c fuzz/capture_main.c $with -o "$work/fuzz_tapes" || exit 1
  "$work/fuzz_tapes" --corpus "$work/tapes" || exit 1
  exec "$work/fuzz_capture" -max_total_time="$seconds" -max_len=8192 -timeout=20 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work/captures" "$work/tapes"
fi
set -- src/base src/mem src/wire src/tcp src/udp src/core src/sock
find "$@" -name '*.c' 2>/dev/null | sort >"$work/sources"
echo fuzz/fuzz_stack.c fuzz/config.c fuzz/lend.c fuzz/watch.c fuzz/seeds.c >>"$work/sources"
# shellcheck disable=SC2046,SC2086
clang $flags $(cat "$work/sources") -o "$work/fuzz_stack" || exit 1
exec "$work/fuzz_stack" -max_total_time="$seconds" -max_len=2052 -timeout=20 -print_final_stats=1 -artifact_prefix="$work/" \
  "$work/corpus" fuzz/corpus
