#!/bin/sh
# SPDX-License-Identifier: MIT
# Feeds lint one tree with a violation of each rule, and a clean one, so that no rule can silently stop to bite.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failed=0
spdx='/* SPDX-License-Identifier: MIT */'

lint() { LINT_ROOT=$tree sh "$root/tools/lint.sh" >"$tree.out" 2>&1; }
file() { # path; content on standard input
  mkdir -p "$tree/$(dirname "$1")"
  cat >"$tree/$1"
}
code() { # path; C text on standard input, under a licence line
  mkdir -p "$tree/$(dirname "$1")"
  { echo "$spdx" && cat; } >"$tree/$1"
}
lines() { awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) print text }'; }
fail() {
  echo "FAIL: $*"
  sed 's/^/  | /' "$tree.out"
  failed=1
}
# A rule bites: lint ends with 1 and prints exactly the line `where: message`.
bites() {
  lint
  status=$?
  [ $status = 1 ] || fail "$1: status $status, expected 1"
  grep -qxF "$1" "$tree.out" || fail "not printed: $1"
  [ "$(grep -c ': ' "$tree.out")" = "${2:-2}" ] || fail "$1: printed more or less than that"
  rm -rf "${tree:?}"/*
  cp "$root/.clang-format" "$tree/"
}
passes() {
  lint || fail "$1: status $?, expected 0"
  rm -rf "${tree:?}"/*
}

cp "$root/.clang-format" "$tree/"
code src/base/ok.h </dev/null
code src/tcp/ok.c <<'END'
#include <lastack/stack.h>
#include <stdint.h>

#include "base/ok.h"

static const char *const names[] = {"a { b", "c // double"}; /* a table of constants, and no float */

int la__ok(int i);
int la__ok(int i) { return names[i & 1][0]; }
END
code include/lastack/stack.h </dev/null
code tests/unit/test_ok.c </dev/null
file notes.md <<'END'
The network/work/flow and so on.
END
passes 'a clean tree'

echo 'int la__x;' | file src/link/x.c
bites 'src/link/x.c:1: the first line names the licence: SPDX-License-Identifier: MIT'
printf '#!/bin/sh\necho\n' | file tool
bites 'tool:2: the first line names the licence: SPDX-License-Identifier: MIT'
lines 600 '/* */' | code src/base/x.c
bites 'src/base/x.c:601: file has 601 lines, at most 600'
{ echo 'void la__x(void) {' && lines 69 '  ;' && echo '}'; } | code draw/x.c
bites 'draw/x.c:2: function has 71 lines, at most 70'
{ echo 'void la__x(void) {' && echo '  /* lint: table */' && lines 69 '  ;' && echo '}'; } | code draw/x.c
passes 'a table of steps'
{ echo '/* lint: table */' && echo 'void la__x(void);' && echo 'void la__x(void) {' && lines 69 '  ;' && echo '}'; } | code draw/x.c
{ echo 'void la__y(void) {' && lines 69 '  ;' && echo '}'; } >>"$tree/draw/x.c"
bites 'draw/x.c:75: function has 71 lines, at most 70'
printf 'a\tb\n' | file notes.md
bites 'notes.md:1: tab'
printf 'a \n' | file notes.md
bites 'notes.md:1: space at the end of the line'
printf 'see /%s/place\n' work | file notes.md
bites 'notes.md:1: a path of one machine'
{ printf '/* ' && lines 141 x | tr -d '\n' && echo ' */'; } | code src/base/x.h
bites 'src/base/x.h:2: line has more than 140 columns'
printf 'int la__x; // no\n' | code src/link/x.c
bites 'src/link/x.c:2: comments are written /* */'

echo '#include "tcp/y.h"' | code src/mem/x.h
bites 'src/mem/x.h:2: room mem may not include room tcp'
echo '#include "wire/y.h"' | code src/mem/x.h
bites 'src/mem/x.h:2: room mem may not include room wire'
echo '#include "host/y.h"' | code capture/x.h
bites 'capture/x.h:2: room capture may not include room host'
echo '#include "link/y.h"' | code draw/x.h
bites 'draw/x.h:2: room draw may not include room link'
echo '#include "cli/y.h"' | code sim/x.h
bites 'sim/x.h:2: room sim may not include room cli'
echo '#include "y.h"' | code src/mem/x.h
bites 'src/mem/x.h:2: include "y.h" is not of the form "room/file.h"'
echo '#include "mem/y.h"' | code include/lastack/x.h
bites 'include/lastack/x.h:2: a public header includes a private one, "mem/y.h"'
echo '#include <string.h>' | code src/sock/x.h
bites 'src/sock/x.h:2: system header <string.h> below src/link'
echo '#include <stdio.h>' | code include/lastack/x.h
bites 'include/lastack/x.h:2: system header <stdio.h> below src/link'
echo 'int la__x;' | code src/attic/x.c
bites 'src/attic/x.c:1: src/attic is not a room: say in tools/lint.awk what it may include' 3
echo 'typedef double la__x;' | code src/core/x.h
bites 'src/core/x.h:2: floating point in the core'

code tests/unit/test_gone.c </dev/null
bites 'tests/unit/test_gone.c:1: no module gone.c or .h that this tests'
printf 'int la__f(void);\nint la__f(void) {\n  static int calls;\n  return ++calls;\n}\n' | code src/tcp/x.c
bites 'src/tcp/x.c:4: calls is a mutable static in the core'
printf 'int la__count = 1;\n' | code src/tcp/x.c
bites 'src/tcp/x.c:2: la__count is a mutable static in the core'
printf 'void other(void);\nvoid other(void) {}\n' | code src/host/x.c
bites 'src/host/x.c:2: other is a global name without la_ or la__'
printf 'int la__x = y;\n' | code src/host/x.c
bites "src/host/x.c:2: does not compile: 'y' undeclared here (not in a function)"
if command -v clang-format >/dev/null; then
  printf 'int  la__x;\n' | code src/host/x.c
  bites 'src/host/x.c:2: not as .clang-format says (./dev format)'
fi

rm -f "$tree.out"
[ $failed = 0 ] && echo 'every rule bites'
exit $failed
