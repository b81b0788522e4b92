#!/bin/sh
# SPDX-License-Identifier: MIT
# What ./dev coverage lists: branches that no test took and of which docs/coverage.md says nothing; and what that page says of lines that are gone.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
mkdir -p src/a src/b
printf 'int one;\n  if (a || b)\n    two();\n  if (c)\n' >src/a/x.c
printf 'if (a || b) three();\nif (now ? now : 1)\n' >src/b/y.c
cat >branches.txt <<'END'
File                                    Branches   Taken  Cover   Missing
src/a/x.c                                      4       2    50%   2,4
src/a/z.c                                      4       4   100%
src/b/y.c                                      4       2    50%   1,2
TOTAL                                         12       8    66%
END
left() { awk -f "$root/tools/coverage_left.awk" coverage.md branches.txt >out; }

cat >coverage.md <<'END'
| file | line | why |
|---|---|---|
| `src/a/` | `a \|\| b` | said |
| `*` | `now ? now : 1` | said |
| `src/b/` | `gone` | was said |
END
left || fail 'it does not run'
cat >want <<'END'
src/a/x.c:4: if (c)
src/b/y.c:1: if (a || b) three();
docs/coverage.md: every branch of this was taken, or it is gone: src/b/: gone
4 lines with a branch that no test took, 2 of them without a reason in docs/coverage.md
END
diff want out || fail 'not what is left'

# The page itself: each row has three cells, and its text stands in a line of such a file.
grep '^| `' "$root/docs/coverage.md" | sed 's/\\|/\a/g' | awk -F '|' 'NF != 5 { print; bad = 1 } END { exit bad }' || fail 'a row without three cells'
grep '^| `' "$root/docs/coverage.md" | sed 's/\\|/\a/g; s/^| `\([^`]*\)` *| `\([^`]*\)` *|.*/\1\t\2/; s/\a/|/g' >rows
tab=$(printf '\t')
while IFS=$tab read -r file text; do
  [ "$file" != '*' ] || file=src
  grep -rqF -- "$text" "$root/$file"* || fail "docs/coverage.md: no line with $text in $file"
done <rows
exit $status
