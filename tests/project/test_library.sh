#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library exports the functions that the public headers declare, all of them, and no other name.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
library=$root/build/liblastack.so
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# Prototypes start in the first column and name a function la_… before the first bracket; inline functions are not exported.
sed -n '/^static/d; s/^[a-z_].*[ *]\(la_[a-z0-9_]*\)(.*/\1/p' "$root"/include/lastack/*.h | sort -u >"$dir/declared"
nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u >"$dir/exported"
nm -g --defined-only "$root/build/liblastack.a" | awk 'NF == 3 && $3 ~ /^la_[^_]/ { print $3 }' | sort -u >"$dir/archive"
[ "$(grep -c '' "$dir/declared")" -ge 40 ] || { echo 'FAIL: hardly a declaration found' && exit 1; }
status=0
for other in exported archive; do
  diff "$dir/declared" "$dir/$other" >"$dir/diff" || {
    echo "FAIL: declared (<) and $other (>) differ:"
    grep '^[<>]' "$dir/diff"
    status=1
  }
done
objdump -p "$library" | grep -q 'SONAME *liblastack.so.0$' || { echo 'FAIL: no SONAME liblastack.so.0' && status=1; }
[ $status = 0 ] && echo 'headers and library agree'
exit $status
