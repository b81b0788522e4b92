#!/bin/sh
# SPDX-License-Identifier: MIT
# ./dev conformance and ./dev mutants themselves: each kind of finding is found, and nothing else is.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failed=0
fail() {
  echo "FAIL: $*"
  sed 's/^/  | /' "$tree/out"
  failed=1
}

# ---- conformance: a tree with one page, one program of two cases ----

mkdir -p "$tree/docs" "$tree/tests/conformance" "$tree/tests/unit" "$tree/build/tests"
echo 'docs/page.md MUST- 2
docs/page.md SHLD- 1' >"$tree/tests/conformance/ids"
touch "$tree/tests/unit/test_x.c"
program() { # what the program prints
  printf '#!/bin/sh\ncat <<END\n%s\nEND\n' "$1" >"$tree/build/tests/test_x"
  chmod +x "$tree/build/tests/test_x"
}
page() { # rows
  printf '| ID | Requirement | Test | Status |\n|---|---|---|---|\n%s\n' "$1" >"$tree/docs/page.md"
}
good='[ RUN      ] good
[       OK ] good
[ RUN      ] other one
[       OK ] other one'
# shellcheck disable=SC2016
first='| MUST-1 | a | `unit/test_x:good` | met |'
# shellcheck disable=SC2016
second='| MUST-2 | b | `unit/test_x:good` `unit/test_x:other one` | met: a remark |'
third='| SHLD-1 | c | | not met: a reason |'
conformance() { CONFORMANCE_ROOT=$tree sh "$root/tools/conformance.sh" >"$tree/out" 2>&1; }
finds() { # the finding; else nothing is found
  conformance
  [ $? = 1 ] || fail "$1: status is not 1"
  grep -qxF "$1" "$tree/out" || fail "not printed: $1"
  [ "$(grep -c '^docs/page.md:' "$tree/out")" = 1 ] || fail "$1: not that alone"
}

program "$good"
page "$first
$second
$third"
conformance || fail 'a page in order: status is not 0'
grep -q '^  MUST  *2  *0  *0$' "$tree/out" || fail 'MUST is not counted'
grep -q '^  SHLD  *0  *0  *1$' "$tree/out" || fail 'SHLD is not counted'
page "$first
$third"
finds 'docs/page.md:1: MUST-2 is missing'
page "$first
$second
$first
$third"
finds 'docs/page.md:5: MUST-1 stands on line 3 already'
page "$first
$second
$third
| MUST-3 | d | | waived: so |"
finds 'docs/page.md:6: no such requirement: MUST-3'
page "| MUST-1 | a | | met |
$second
$third"
finds 'docs/page.md:3: MUST-1: met, but no test is named'
page "| MUST-1 | a | | waived |
$second
$third"
finds 'docs/page.md:3: MUST-1: waived, but without a reason'
page "| MUST-1 | a | | not met: too hard |
$second
$third"
finds 'docs/page.md:3: MUST-1: only a SHOULD or a MAY may stay unmet'
page "| MUST-1 | a | | perhaps |
$second
$third"
finds "docs/page.md:3: MUST-1: status is met, waived or not met, not \`perhaps'"
page "| MUST-1 | a | \`unit/test_y:good\` | met |
$second
$third"
finds 'docs/page.md:3: no such test program: unit/test_y:good'
page "| MUST-1 | a | \`good\` | met |
$second
$third"
finds 'docs/page.md:3: not the name of a test: good'
page "| MUST-1 | a | \`unit/test_x:bad\` | met |
$second
$third"
finds 'docs/page.md:3: unit/test_x:bad: no such case'
page "$first
$second
$third"
program "$good
[ RUN      ] last
[  FAILED  ] other one"
finds 'docs/page.md:4: unit/test_x:other one: failed'
program '[ RUN      ] other one
[       OK ] other one
[ RUN      ] good'
page "| MUST-1 | a | \`unit/test_x:other one\` | met |
| MUST-2 | b | \`unit/test_x:good\` | met |
$third"
finds 'docs/page.md:4: unit/test_x:good: failed' # it ended in the middle of it

# ---- mutants: in the real tree, with mutants of their own ----

[ -f "$root/build/CMakeFiles/lastack_core.dir/flags.make" ] || {
  [ $failed = 0 ] && echo 'no release build to break' && exit 77
  exit 1
}
mkdir "$tree/mutants"
mutant() { # name, test, hunk
  printf 'id: E-7\nbreaks: nothing much\ntest: %s\nfile: src/tcp/view.c\n@@\n%s\n' "$2" "$3" >"$tree/mutants/$1.mut"
}
mutants() { MUTANTS=$tree/mutants MUTANTS_WORK=$tree/work sh "$root/tools/mutants.sh" >"$tree/out" 2>&1; }
says() { # status, pattern
  mutants
  [ $? = "$1" ] || fail "$2: status is not $1"
  grep -q "$2" "$tree/out" || fail "not printed: $2"
  rm -f "$tree/mutants"/*
}
mutant dead unit/test_view:table_6 '-  if (seq_leq(seg->seq + len, v->rcv_nxt))
+  if (seq_lt(seg->seq + len, v->rcv_nxt))'
says 0 '^1 of 1 killed$'
mutant alive unit/test_view:table_6 '-  if (seg->seq == v->rcv_nxt)
+  if (v->rcv_nxt == seg->seq)'
says 1 '^SURVIVED .*unit/test_view:table_6: passes'
mutant broken unit/test_view:table_6 '-  if (seg->seq == v->rcv_nxt)
+  if (seg->seq == )'
says 1 '^BROKEN .*broken: does not compile'
mutant rotten unit/test_view:table_6 '-  if (what once stood here)
+  if (0)'
says 1 '^ROTTEN .*stand 0 times'
mutant twice unit/test_view:table_6 '     return VIEW_IN;
+  (void)0;'
says 1 '^ROTTEN .*not once'
mutant stray unit/test_view:no_such_case '-  if (seg->seq == v->rcv_nxt)
+  if (0)'
says 1 '^UNSOUND .*no such case'
mutant nameless unit/test_view:table_6 '-  if (seg->seq == v->rcv_nxt)
+  if (0)'
sed -i 's/^id: .*/id: MUST-70/' "$tree/mutants/nameless.mut"
says 1 '^ROTTEN .*no such requirement: MUST-70'
mutant elsewhere unit/test_view:rst_three_checks '-  if (seg->seq == v->rcv_nxt)
+  if (seg->seq != v->rcv_nxt)'
says 1 '^ROTTEN .*names none of its tests at E-7'
exit $failed
