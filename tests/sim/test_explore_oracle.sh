#!/bin/sh
# SPDX-License-Identifier: MIT
# What is looked at in small worlds can fail: a core with one of these faults planted (tests/mutants) is found out in the bound named, by
# the law named.
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
