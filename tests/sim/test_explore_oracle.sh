#!/bin/sh
# SPDX-License-Identifier: MIT
# What is looked at in small worlds can fail: a core with one of these faults planted (tests/mutants) is found out in the bound named, by
# the law named.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/sim/planted.sh

while read -r mutant bound law; do
  planted "$mutant" || {
    fail "$mutant: cannot be built"
    continue
  }
  "$dir/lastack" sim --explore "$bound" >"$dir/out" 2>&1 && fail "$mutant: not found in $bound"
  grep -q "$law" "$dir/out" || fail "$mutant: $law: $(sed -n 3p "$dir/out")"
  "$dir/lastack" sim --explore "$bound" | sed '2s/; .* transitions.s//' >"$dir/again"
  sed '2s/; .* transitions.s//' "$dir/out" | cmp -s - "$dir/again" || fail "$mutant: two runs differ"
done <<'END'
syn-received-any-ack open-2 knows nothing of it
no-simultaneous-open both-open-2 no way leads from here to a connection
fin-not-counted release-1 no way leads from here to an orderly release
no-time-wait release-1 TIME-WAIT is missing
time-wait-one-msl release-1 TIME-WAIT is not as long as it should
END
exit $status
