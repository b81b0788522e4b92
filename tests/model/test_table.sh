#!/bin/sh
# SPDX-License-Identifier: MIT
# The table can fail: a core with one of these faults planted (tests/mutants) disagrees with the model, and by the right rule.
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
main=build/CMakeFiles/model_table.dir/tests/model/table.c.o
[ -f "$main" ] || {
  echo 'no release build'
  exit 77
}

# What it prints, and that it knows the number of a case again.
build/tests/model_table --sample 9973 --summary "$dir/summary" >"$dir/out" || fail "the sound core: $(head -n 3 "$dir/out")"
grep -q '^ESTABLISHED .* CLOSE-WAIT ' "$dir/summary" || fail 'the summary lacks ESTABLISHED to CLOSE-WAIT'
build/tests/model_table --explain 9973000 | grep -q '^  model    ' || fail 'no explanation'
build/tests/model_table --state NOWHERE >"$dir/out" 2>&1 && fail 'a state that there is not'

while read -r mutant rule; do
  file=$(sed -n '/^@@/q; s/^file: *//p' "tests/mutants/$mutant.mut")
  awk -v source="$dir/mutant.c" -f tools/mutate.awk "tests/mutants/$mutant.mut" "$file" &&
    cc -std=c11 -O1 -fPIC -ffreestanding -w -Iinclude -Isrc -c "$dir/mutant.c" -o "$dir/mutant.o" &&
    cc -o "$dir/table" "$main" build/liblastack_model.a "$dir/mutant.o" build/liblastack_parts.a || {
    fail "$mutant: cannot be built"
    continue
  }
  "$dir/table" --sample 997 >"$dir/out" 2>&1 && fail "$mutant: not found"
  grep -q "disagreements in .* the model says $rule;" "$dir/out" || fail "$mutant: not by $rule: $(tail -n 3 "$dir/out")"
done <<'END'
fin-not-counted TW_ACK
rst-anywhere RST_IN_WINDOW
time-wait-not-restarted TW_FIN
END
exit $status
