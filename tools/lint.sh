#!/bin/sh
# SPDX-License-Identifier: MIT
# The project's rules. Each finding is one line, file:line: message; exit status 1 when there is any.
# LINT_ROOT names another tree (for the test of this script), LINT_SKIP rules to leave out: format, objects.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
root=${LINT_ROOT:-$(dirname "$here")}
cd "$root" || exit 2
export LC_ALL=C
work=$root/build/lint
rm -rf "$work"
mkdir -p "$work" || exit 2
found=$work/found
: >"$found"

find . \( -path ./build -o -path ./.git -o -name .cache \) -prune -o -type f -size -1024k -print | sed 's|^\./||' | sort >"$work/all"
xargs -r grep -lI '' <"$work/all" >"$work/text"
grep '\.[ch]$' "$work/text" >"$work/sources"

# 1. Text: licence line, sizes, spaces, includes, floating point.
xargs -r awk -f "$here/lint.awk" <"$work/text" >>"$found" 2>"$work/awk.err"
[ ! -s "$work/awk.err" ] || {
  cat "$work/awk.err" >&2
  exit 2
}

# 2. Each unit test is named after a module, or says that it has a theme that crosses modules: lint: theme.
for test in tests/unit/test_*.c; do
  [ -e "$test" ] || continue
  module=${test##*/test_}
  grep -qE "^(src/[a-z]+|tests/unit|capture|draw|sim|drill|cli)/${module%.c}\.[ch]$" "$work/sources" || grep -q '^/\* lint: theme' "$test" ||
    echo "$test:1: no module ${module%.c}.c or .h that this tests" >>"$found"
done

# Gives the files of a list to a function's standard input, half to each of two processes, and adds what they print to the findings.
in_halves() {
  for half in 0 1; do
    awk -v h=$half 'NR % 2 == h' "$2" | "$1" >"$work/half.$half" &
  done
  wait
  sort -u "$work/half.0" "$work/half.1" >>"$found"
}

# 3. Layout: the first place in each file.
layout() {
  xargs -r clang-format --dry-run --Werror 2>&1 |
    sed -n 's/^\([^ :]*\):\([0-9]*\):[0-9]*: error: .*/\1:\2: not as .clang-format says (.\/dev format)/p' |
    awk -F : '!seen[$1]++'
}
case " ${LINT_SKIP:-} " in
  *' format '*) ;;
  *)
    if command -v clang-format >/dev/null 2>&1; then
      in_halves layout "$work/sources"
    else
      echo "lint: clang-format is not installed: layout not checked" >&2
    fi
    ;;
esac

# 4. Objects: names and mutable statics. Compiled without position independence, so that constant tables of pointers stay constant.
compile() {
  mkdir -p "$work/${1%/*}"
  case $1 in
    src/link/* | src/host/*) mode='-std=gnu11 -D_GNU_SOURCE' ;;
    *) mode='-std=c11 -ffreestanding' ;;
  esac
  # shellcheck disable=SC2086
  ${CC:-cc} $mode -w -O0 -fno-pic -fno-common -Isrc -Iinclude -c "$1" -o "$work/$1.o" 2>"$work/$1.err" || {
    said=$(sed -n 's/^\([^:]*:[0-9]*\):[0-9]*: .*error: /\1: does not compile: /p' "$work/$1.err" | head -n 1)
    echo "${said:-$1:1: does not compile: $(head -n 1 "$work/$1.err")}"
    return
  }
  nm -P "$work/$1.o" | while read -r symbol type rest; do
    symbol=${symbol%.[0-9]*}
    case $1:$type in
      src/link/*:[dDbBC] | src/host/*:[dDbBC]) ;;
      *:[dDbBCsS]) echo "$1:$(line_of "$symbol" "$1"): $symbol is a mutable static in the core" ;;
    esac
    case $type:$symbol in
      [TDBRCVWu]:la_*) ;;
      [TDBRCVWu]:*) echo "$1:$(line_of "$symbol" "$1"): $symbol is a global name without la_ or la__" ;;
    esac
  done
}
objects() {
  while read -r file; do
    compile "$file"
  done
}
line_of() {
  line=$(grep -nE "(^|[^A-Za-z0-9_])$1([^A-Za-z0-9_]|\$)" "$2" | head -n 1)
  echo "${line%%:*}"
}
case " ${LINT_SKIP:-} " in
  *' objects '*) ;;
  *)
    grep -E '^src/[a-z]+/[^/]*\.c$' "$work/sources" >"$work/library"
    in_halves objects "$work/library"
    ;;
esac

cat "$found"
n=$(grep -c '' "$found")
[ "$n" = 0 ] || {
  echo "lint: $n findings" >&2
  exit 1
}
echo "lint: $(grep -c '' "$work/text") files, no finding"
