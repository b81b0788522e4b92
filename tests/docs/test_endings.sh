#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/endings.md holds every name of who, how and why, in the order of the enums, and no other; each row of the reasons is filled in.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
fail() {
  echo "FAIL: $*"
  status=1
}

# names ENUM: its names, from the enum's own order and the table in names.c.
names() {
  sed -n "/^enum la_$1 {/,/^}/p" "$root/include/lastack/trace.h" | grep -o "LA_[A-Z0-9_]*" | awk '!seen[$0]++' | while read -r name; do
    sed -n "s/^ *.*\[$name\] = \"\([^\"]*\)\".*/\1/p" "$root/src/base/names.c"
  done
}
# rows HEADING: the first column of the table below it.
rows() { awk -v h="## $1" '/^## /{ on = $0 == h } on && /^\| `/' "$root/docs/endings.md"; }

for pair in why:Why how:How who:Who; do
  names "${pair%:*}" >"$dir/enum"
  rows "${pair#*:}" | sed 's/^| `\([^`]*\)`.*/\1/' >"$dir/doc"
  [ "$(grep -c '' "$dir/enum")" -gt 4 ] || fail "${pair%:*}: no names found"
  [ "${pair%:*}" != who ] || # one line of names.c has several
    grep -o '\[LA_BY_[A-Z]*\] = "[^"]*"' "$root/src/base/names.c" | sed 's/.*"\(.*\)"/\1/' >"$dir/enum"
  diff "$dir/enum" "$dir/doc" >"$dir/diff" || fail "${pair%:*}: enum (<) and docs/endings.md (>) differ: $(cat "$dir/diff")"
done
rows Why | awk -F ' *[|] *' '
  NF != 9 { print "not seven columns: " $2; bad = 1 }
  $2 != "`no reason`" && (length($3) < 20 || $4 == "" || $6 == "" || $7 == "") { print "something is missing: " $2; bad = 1 }
  END { exit bad }' || status=1

# Linux's names beside an enum constant stand in the row of that reason.
sed -n '/^enum la_why {/,/^}/p' "$root/include/lastack/trace.h" | grep -E ': (TCP_[A-Z0-9_]+|NO_SOCKET)' |
  sed 's/^ *\(LA_[A-Z0-9_]*\).*: \(TCP_[A-Z0-9_]*\|NO_SOCKET\).*/\1 \2/' >"$dir/linux"
[ "$(grep -c '' "$dir/linux")" -ge 8 ] || fail 'no names of Linux found in trace.h'
# ... and Linux has them: enum sk_rst_reason of include/net/rstreason.h, as of 6.18
real=' NO_SOCKET TCP_INVALID_ACK_SEQUENCE TCP_RFC7323_PAWS TCP_TOO_OLD_ACK TCP_ACK_UNSENT_DATA TCP_FLAGS TCP_OLD_ACK TCP_ABORT_ON_DATA
 TCP_TIMEWAIT_SOCKET INVALID_SYN TCP_ABORT_ON_CLOSE TCP_ABORT_ON_LINGER TCP_ABORT_ON_MEMORY TCP_STATE TCP_KEEPALIVE_TIMEOUT
 TCP_DISCONNECT_WITH_DATA '
for name in $(cut -d ' ' -f 2 "$dir/linux") $(rows Why | grep -o 'Linux[^`|]*`[A-Z0-9_]*`' | grep -o '[A-Z0-9_]*`$' | tr -d '`') \
  $(sed -n '/^## Reasons/,/^## JSON/s/.*| `\([A-Z0-9_]*\)` |$/\1/p' "$root/docs/explain.md"); do
  case $(echo "$real" | tr '\n' ' ') in *" $name "*) ;; *) fail "Linux has no reset reason $name" ;; esac
done
while read -r constant linux; do
  name=$(sed -n "s/.*\[$constant\] = \"\([^\"]*\)\".*/\1/p" "$root/src/base/names.c")
  rows Why | grep -F "| \`$name\` |" | grep -qF "\`$linux\`" || fail "$name: Linux calls it $linux"
done <"$dir/linux"
[ $status = 0 ] && echo "$(rows Why | grep -c '') reasons"
exit $status
