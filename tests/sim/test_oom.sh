#!/bin/sh
# SPDX-License-Identifier: MIT
# `lastack sim --oom`: a slice of the cases (./dev oom runs all), which hold; what it prints; and that one case can be shown again.
set -u
lastack=${LASTACK:?the program to test}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
case $lastack in
  */debug/*) slice=1009 ;; # with sanitizers
  *) slice=211 ;;
esac

"$lastack" sim --oom --slice $slice --jobs 2 >"$dir/all" 2>"$dir/err" || fail "sim --oom: $(grep -A 1 FAILED "$dir/all" | head -n 6)"
[ ! -s "$dir/err" ] || fail "stderr: $(head -n 1 "$dir/err")"
tail -n 1 "$dir/all" | grep -Eq '^[0-9]+ scenarios, [0-9]+ allocations, [0-9]+ cases: [1-9][0-9]* told, [1-9][0-9]* dropped, [1-9][0-9]* no stack, [1-9][0-9]* did without; 0 failed$' ||
  fail "the last line: $(tail -n 1 "$dir/all")"
scenarios=$("$lastack" sim --list | wc -l)
[ "$(grep -cE ' v[46] ' "$dir/all")" = $((2 * scenarios)) ] || fail 'not a line for each scenario and address family'

# All cases of one scenario: each allocation is tried both ways, over both families.
"$lastack" sim --oom refused >"$dir/one" || fail "sim --oom refused: $(grep FAILED "$dir/one" | head -n 2)"
awk '$1 == "refused" { n++; if ($4 != 2 * $3 || $5 + $6 + $7 + $8 != $4 || $9) bad = 1 } END { exit bad || n != 2 }' "$dir/one" ||
  fail "refused: $(cat "$dir/one")"

# One case: nothing is claimed but the laws, and the connection beside is one of them.
"$lastack" sim --fail-alloc 20 --from -q open >"$dir/case" || fail "sim --fail-alloc: $(grep ✗ "$dir/case")"
grep -q 'a connection beside goes on' "$dir/case" || fail 'nothing is said of the connection beside'
"$lastack" sim -q open | grep -q 'beside' && fail 'a connection beside though no allocation fails'
"$lastack" sim --from -q open >"$dir/case" 2>&1 && fail '--from without --fail-alloc is taken'
exit $status
