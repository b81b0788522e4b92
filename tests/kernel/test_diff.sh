#!/bin/sh
# SPDX-License-Identifier: MIT
# A short slice of `./dev diff-linux`, over both families; and that docs/decisions.md has a row for each class of differences.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
sed -n 's/^CLASS([A-Z0-9_]*, "\(.*\)")$/\1/p' tests/model/class_list.h >build/classes.list
while IFS= read -r class; do
  grep -qF "| $class |" docs/decisions.md || {
    echo "docs/decisions.md has no row \"$class\""
    status=1
  }
done <build/classes.list
[ "$(wc -l <build/classes.list)" = "$(grep -c '^CLASS' tests/model/class_list.h)" ] || {
  echo 'tests/model/class_list.h: a class that this script cannot read'
  status=1
}
for six in '' --ipv6; do
  # shellcheck disable=SC2086
  LASTACK_BUILD=${LASTACK_BUILD:-build} tools/diff-linux.sh 3000 --seed 11 $six || {
    result=$?
    [ $result = 77 ] && [ $status = 0 ] && exit 77
    status=1
  }
done
exit $status
