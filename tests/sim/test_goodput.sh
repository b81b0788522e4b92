#!/bin/sh
# SPDX-License-Identifier: MIT
# `lastack sim --goodput` gives the table that is kept here, to the last digit: what congestion control carries does not change unseen.
# After a change that is meant: lastack sim --goodput >tests/sim/goodput.txt
set -u
lastack=${LASTACK:?the program to test}
table=$(dirname "$0")/goodput.txt
got=$(mktemp) || exit 1
trap 'rm -f "$got"' EXIT
"$lastack" sim --goodput >"$got" || {
  echo "FAIL: --goodput ended with $?"
  exit 1
}
cmp -s "$table" "$got" && exit 0
echo "FAIL: another table than tests/sim/goodput.txt:"
diff "$table" "$got"
exit 1
