#!/bin/sh
# SPDX-License-Identifier: MIT
# The swarm's oracle can fail: a core with one of these faults planted (tests/mutants) does not get through a few hundred worlds, the law
# that breaks is the right one, and what --shrink leaves is small and breaks it again.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/sim/planted.sh

while read -r mutant worlds law; do
  planted "$mutant" || {
    fail "$mutant: cannot be built"
    continue
  }
  "$dir/lastack" sim --swarm "$worlds" >"$dir/out" 2>&1 && fail "$mutant: not found in $worlds worlds"
  grep -q "FAILED: $law" "$dir/out" || fail "$mutant: $law: $(grep FAILED "$dir/out" | head -n 2)"
done <<'END'
fin-not-counted 10 what is delivered
time-wait-one-msl 10 TIME-WAIT lasts 2MSL
probe-deadlock 300 a state that waits has a clock
window-edge-moves-left 20 SND.UNA <= SND.NXT
END

# The last of them, made small.
seed=$(sed -n 's/^world \([0-9]*\) FAILED.*/\1/p' "$dir/out" | head -n 1)
(cd "$dir" && ./lastack sim --swarm 1 --seed "${seed:-0}" --shrink >shrunk 2>&1) && fail 'the shrunk world is fine'
[ "$(grep -c '^host' "$dir/world-$seed.txt")" = 2 ] || fail "not two hosts: $(grep '^host' "$dir/world-$seed.txt")"
grep -q 'SYN seq=0' "$dir/world-$seed.txt" || fail 'no ladder beside the plan'
"$dir/lastack" sim --world "$dir/world-$seed.txt" --quiet >"$dir/out" && fail 'the plan does not fail again'
build/lastack sim --world "$dir/world-$seed.txt" --quiet >"$dir/out" || fail "the plan fails without the fault: $(tail -n 1 "$dir/out")"
exit $status
