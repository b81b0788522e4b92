#!/bin/sh
# SPDX-License-Identifier: MIT
# The fuzzers' own program (fuzz/main.c): options, what each begins with, and the input that failed, which is left as it was.
set -u
lastack=${LASTACK:?the program to test}
tests=${LASTACK_BUILD:?the folder of the build}/tests
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
is() { # exit status, arguments
  want=$1
  shift
  "$@" >out 2>&1
  [ $? = "$want" ] || fail "status $want expected: $*: $(head -n 1 out)"
}

for what in stack link drill capture parse struct; do
  fuzz=$tests/fuzz_$what
  is 0 "$fuzz" --runs 20 --seed 3
  grep -qx '20 inputs' out || fail "$what: $(cat out)"
  is 2 "$fuzz" --runs many
  is 2 "$fuzz" --nonsense 1
  is 1 "$fuzz" nowhere
  mkdir "$what"
  is 0 "$fuzz" --corpus "$what"
  [ -s "$what/seed-000" ] || fail "$what begins with nothing"
  is 0 "$fuzz" "$what"/*
  is 1 "$fuzz" --corpus nowhere
done

# Its scripts go past the reader: they are scripts.
for script in drill/*; do
  "$lastack" drill -q "$script" 2>&1 | grep ':[0-9]*:[0-9]*: ' >out
  [ "$("$lastack" drill -q "$script" 2>&1 | tail -n 1 | grep -c unreadable)" = 0 ] || fail "$script: $(head -n 1 out)"
done

# A fault after some changes, and with drift after many.
cat >toy.c <<'C'
#include <stdlib.h>
#include <string.h>
#include "fuzz/kit.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (n > 1 && memchr(data, 'X', n) && !(DRIFTS && n < 9))
    abort();
  return 0;
}
static size_t seed(unsigned i, uint8_t *out) {
  memset(out, 'a', 4);
  return i < 3 ? 4 : 0;
}
static size_t longer(struct prng *r, uint8_t *data, size_t n) {
  (void)r;
  data[n] = n == 8 ? 'X' : 'b';
  return n + (n < 15);
}
const struct fuzz_kit fuzz_kit = {.most = 16, .runs = 100000, .seed = seed, .change = DRIFTS ? longer : 0, .drifts = DRIFTS};
C
for drifts in 0 1; do
  cc -std=c11 -D_GNU_SOURCE -DDRIFTS=$drifts -I"$root" -I"$root/src" -I"$root/include" toy.c "$root/fuzz/main.c" "$root/src/base/prng.c" -o toy ||
    fail 'the toy does not compile'
  rm -f fuzz-failed
  (./toy) >out 2>&1 && fail 'a fault is not found'
  grep -q 'the input is in ./fuzz-failed' out || fail "no word of the input: $(cat out)"
  grep -q X fuzz-failed 2>/dev/null || fail "not the input that failed: $(od -c fuzz-failed | head -n 1)"
  mv fuzz-failed again
  (./toy again) >out 2>&1 && fail 'the input does not fail again'
done
exit $status
