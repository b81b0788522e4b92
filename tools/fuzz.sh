#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh [SECONDS [drill]]: fuzzes the whole stack, or the reader of scripts, for some seconds (default 60): with libFuzzer where clang
# has it, else (the stack only) with the fuzzer of the debug build.
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
  [ "$target" = stack ] || {
    echo "fuzz: $target: needs clang with libFuzzer" >&2
    exit 1
  }
  echo "fuzz: no clang with libFuzzer: the plain fuzzer of the debug build" >&2
  ./dev build debug >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
  }
  cd "$work" && exec "$root/build/debug/tests/fuzz_stack" --seconds "$seconds" --seed "$(date +%s)"
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
set -- src/base src/mem src/wire src/tcp src/udp src/core src/sock
find "$@" -name '*.c' 2>/dev/null | sort >"$work/sources"
echo fuzz/fuzz_stack.c fuzz/lend.c fuzz/watch.c fuzz/seeds.c >>"$work/sources"
# shellcheck disable=SC2046,SC2086
clang $flags $(cat "$work/sources") -o "$work/fuzz_stack" || exit 1
exec "$work/fuzz_stack" -max_total_time="$seconds" -max_len=2052 -timeout=20 -print_final_stats=1 -artifact_prefix="$work/" \
  "$work/corpus" fuzz/corpus
