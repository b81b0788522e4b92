#!/bin/sh
# SPDX-License-Identifier: MIT
# Worlds of fixed seeds: none breaks a law, and what happens in them depends on the seed alone - neither on the number of processes nor on
# the build nor on whether the plan came from the seed or from its text.
set -u
lastack=${LASTACK:?the program to test}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
digest() { sed -n 's/.*digest \([0-9a-f]\{16\}\)$/\1/p' "$1"; }

"$lastack" sim --swarm 120 --jobs 2 >"$dir/all" 2>"$dir/err" || fail "sim --swarm 120: $(grep FAILED "$dir/all" | head -n 3)"
[ ! -s "$dir/err" ] || fail "stderr: $(head -n 1 "$dir/err")"
for words in '^120 worlds, 0 failed; ' 'application close' '^state x event: [0-9]* of [0-9]* cells' "^a world's median: " '^digest '; do
  grep -q "$words" "$dir/all" || fail "no line with $words"
done

# The same, one after the other, and by another build of the same sources.
"$lastack" sim --swarm 120 >"$dir/again" 2>&1
cmp -s "$dir/all" "$dir/again" || fail "one process and two differ: $(diff "$dir/all" "$dir/again" | head -n 4)"
release=$(dirname "$0")/../../build/lastack
if [ -x "$release" ] && [ ! "$release" -ef "$lastack" ]; then
  "$release" sim --swarm 120 >"$dir/release" 2>&1
  cmp -s "$dir/all" "$dir/release" || fail "this build and the release build differ: $(diff "$dir/all" "$dir/release" | head -n 4)"
fi

# Worlds that once broke a law. The rate of a path on which 85 bytes a second were ever seen was rounded to none, and BBR waited for minutes.
cat >"$dir/slow" <<'END'
world seed=70002141 length=145000000
host
host rate=7621
flow client=1 server=0 b.tx=22979
flow client=1 server=0 a.fin=0 b.tx=11212 b.tx_chunk=5 b.tx_gap=58852 b.nodelay=1 b.cc_later=3
END
"$lastack" sim --world "$dir/slow" --quiet >"$dir/out" || fail "a slow writer: $(tail -n 1 "$dir/out")"

# A plan in its text form is the world of its seed.
for seed in 2 17 40; do
  "$lastack" sim --plan --seed $seed >"$dir/plan" || fail "sim --plan --seed $seed"
  "$lastack" sim --world "$dir/plan" >"$dir/drawn" || fail "sim --world, seed $seed: $(tail -n 1 "$dir/drawn")"
  "$lastack" sim --world "$dir/plan" --quiet >"$dir/quiet"
  "$lastack" sim --swarm 1 --seed $seed >"$dir/one"
  [ -n "$(digest "$dir/one")" ] && [ "$(digest "$dir/one")" = "$(digest "$dir/drawn")" ] && [ "$(digest "$dir/one")" = "$(digest "$dir/quiet")" ] ||
    fail "seed $seed: its plan gives another world"
  grep -q 'SYN seq=0' "$dir/drawn" || fail "seed $seed: no ladder"
  ! grep -q 'SYN seq=0' "$dir/quiet" || fail "seed $seed: a ladder in spite of --quiet"
done

# What is no plan is said to be none.
for text in 'host speed=fast' 'planet mass=1' 'host' 'host colour=1'; do
  echo "$text" >"$dir/plan"
  "$lastack" sim --world "$dir/plan" >"$dir/out" 2>&1 && fail "taken for a plan: $text"
  [ "$(wc -l <"$dir/out")" = 1 ] || fail "not one line: $(cat "$dir/out")"
done
"$lastack" sim --world "$dir/none" >"$dir/out" 2>&1 && fail 'a plan that is not there'
exit $status
