#!/bin/sh
# SPDX-License-Identifier: MIT
# Small worlds: those that take seconds are exhausted, and are sound; with TIME-WAIT too short the old duplicate is found.
set -u
lastack=${LASTACK:?the program to test}
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}

case ${LASTACK_BUILD:-} in
  */debug) bounds='open-1 open-2 both-open-1 release-1' ;; # sanitizers cost much; a debug build shows what a release build cannot in few states too
  *) bounds=quick ;;
esac
for bound in $bounds; do
  "$lastack" sim --explore "$bound" >"$out" 2>&1 || fail "--explore $bound: $(grep -A 1 -E 'FAILED|NOT ' "$out")"
  grep -q 'exhausted, clean$' "$out" || fail "$bound: nothing was exhausted"
  ! grep -q ' 0 pairs of one form' "$out" || fail "$bound: no pairs were compared"
done

# The counts are those of the code, not of the machine.
"$lastack" sim --explore open-2 >"$out"
grep -q '^  6167 states, 26595 transitions, depth 23, 557 ends;' "$out" || fail "open-2 has changed: $(sed -n 2p "$out")"

if [ "$bounds" = quick ]; then
  "$lastack" sim --explore reuse-short >"$out"
  for words in 'the failure was found$' 'in 20 moves:$' 'A opens' '(again) --> ' 'of which 0 were written$'; do
    grep -q -e "$words" "$out" || fail "reuse-short: no line with $words"
  done
fi

"$lastack" sim --explore nowhere >"$out" 2>&1
[ $? = 2 ] && grep -q 'its bounds are: open-1, ' "$out" || fail "an unknown bound: $(cat "$out")"
"$lastack" sim --explore reuse-2 --budget 1 >"$out" 2>&1 && fail 'what is not exhausted passes'
grep -q 'NOT EXHAUSTED$' "$out" || fail "a second is enough: $(sed -n 2p "$out")"
exit $status
