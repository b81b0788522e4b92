#!/bin/sh
# SPDX-License-Identifier: MIT
# The man pages: well formed, with the options that the program has, every command, and no function that the headers do not declare.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
lastack=${LASTACK:-$root/build/lastack}
status=0
fail() {
  echo "FAIL: $*"
  status=1
}
sh "$root/tools/man.sh" check || fail 'the options'

for command in $("$lastack" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p'); do
  grep -qE "^\.It (.*)Cm $command( |\$)" "$root/docs/man/lastack.1" || fail "lastack(1) does not name $command"
  grep -lq "^\.\\\\\" options $command\$" "$root"/docs/man/*.1 || fail "no page has the options of $command"
done
for function in $(sed -n 's/^\.Fn \(la_[a-z0-9_]*\).*/\1/p' "$root"/docs/man/*); do
  grep -qE "[ *]$function\(" "$root"/include/lastack/*.h || fail "no header declares $function"
done
# The prototypes in liblastack(3) are those of the headers.
awk '/^\.Ft /{ sub(/^\.Ft /, ""); gsub(/"/, ""); type = $0 }
  /^\.Fn .*"/{ line = $0; sub(/^\.Fn /, "", line); name = line; sub(/ .*/, "", name); sub(/^[^ ]* /, "", line)
    gsub(/" "/, ", ", line); gsub(/"/, "", line)
    print type (type ~ /[*]$/ ? "" : " ") name "(" line ");" }' "$root/docs/man/liblastack.3" |
  while read -r prototype; do
    grep -qF "$prototype" "$root"/include/lastack/*.h || echo "$prototype"
  done | grep . && fail 'not as the headers have it'
if command -v mandoc >/dev/null 2>&1; then
  mandoc -T lint -W warning "$root"/docs/man/* || fail 'mandoc finds fault'
else
  echo 'mandoc is not installed: the pages are not linted'
fi
exit $status
