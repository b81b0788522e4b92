#!/bin/sh
# SPDX-License-Identifier: MIT
# The swarm's oracle can fail: a core with one of these faults planted (tests/mutants) does not get through a few hundred worlds, the law
# that breaks is the right one, and what --shrink leaves is small and breaks it again.
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
[ -f build/CMakeFiles/lastack.dir/cli/main.c.o ] || {
  echo 'no release build'
  exit 77
}

planted() { # mutant: builds $dir/lastack
  file=$(sed -n '/^@@/q; s/^file: *//p' "tests/mutants/$1.mut")
  awk -v source="$dir/mutant.c" -f tools/mutate.awk "tests/mutants/$1.mut" "$file" &&
    cc -std=c11 -O2 -fPIC -ffreestanding -w -Iinclude -Isrc -c "$dir/mutant.c" -o "$dir/mutant.o" &&
    (cd build && cc -o "$dir/lastack" CMakeFiles/lastack.dir/cli/main.c.o "$dir/mutant.o" liblastack_cli.a liblastack_tools.a \
      liblastack_parts.a -lpcap -ljansson -lhttp_parser -lncursesw -ltinfo -lm)
}

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
