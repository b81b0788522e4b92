#!/bin/sh
# SPDX-License-Identifier: MIT
# The fuzzers whose sources tools/fuzz.sh lists by hand still build, those by libFuzzer too.
set -u
cd "$(dirname "$0")/../.." || exit 1
echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p && !n; }' |
  clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null || {
  echo 'no clang with libFuzzer'
  exit 77
}
status=0
for what in capture drill parse; do
  sh tools/fuzz.sh 0 "$what" >build/fuzz.out 2>&1 || {
    echo "FAIL: fuzz $what: $(tail -n 3 build/fuzz.out)"
    status=1
  }
done
rm -f build/fuzz.out
exit $status
