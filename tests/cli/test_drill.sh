#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack drill: scripts that must fail and how they say it, exit statuses, folders, JSON, -j, families, and that nothing is executed.
set -u
lastack=${LASTACK:-build/lastack}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
fail() {
  echo "failed: $*"
  failed=1
}
# expect STATUS ARGUMENT...: runs, with the output in $dir/out
expect() {
  want=$1
  shift
  "$lastack" drill "$@" >"$dir/out" 2>&1
  got=$?
  [ "$got" = "$want" ] || fail "drill $*: status $got, not $want: $(head -n 2 "$dir/out")"
}
has() { grep -qF -- "$1" "$dir/out" || fail "no '$1' in: $(cat "$dir/out")"; }

# What the first line of each script says must come, after the script's name.
for script in "$root"/tests/cli/drill/*.pkt; do
  message=$(sed -n '1s|^// fails: ||p' "$script")
  [ -n "$message" ] || fail "$script does not say how it fails"
  expect 1 "$script"
  has "$script$message"
  has '0 passed, 1 failed'
done

# Expected and sent, with what differs marked, and the ladder up to there.
expect 1 "$root/tests/cli/drill/acknowledgment.pkt"
has '  expected    0.000000 > S. 0:0(0) ack 2 <mss 1460>'
has '  sent        0.000000 > S. 0:0(0) ack 1 win 65535 <mss 1460>'
grep -q '^ *^^^ ^$' "$dir/out" || fail "the difference is not marked: $(cat "$dir/out")"
has 'SYN,ACK seq=0 ack=1'
has 'listen(3, 1) = 0'
expect 1 -q "$root/tests/cli/drill/acknowledgment.pkt"
! grep -q 'SYN,ACK' "$dir/out" || fail "-q draws"

# All pass, and a folder is searched.
expect 0 "$root/tests/drill/runner"
n=$(find "$root/tests/drill/runner" -name '*.pkt' | wc -l)
has "$n passed, 0 failed"
mkdir -p "$dir/a/b"
cp "$root/tests/drill/runner/times.pkt" "$dir/a/b/one.pkt"
echo 'not a script' >"$dir/a/b/two.txt"
expect 0 -v "$dir/a"
has "ok $dir/a/b/one.pkt: 9 events, 7.600000 s"
has '1 passed, 0 failed'

# Unreadable is 2, whatever else happened; so is a wrong use.
echo '0 socket(' >"$dir/a/b/bad.pkt"
expect 2 "$dir/a" "$root/tests/cli/drill/acknowledgment.pkt"
has "$dir/a/b/bad.pkt:"
has '1 passed, 1 failed, 1 unreadable'
rm "$dir/a/b/bad.pkt"
expect 2
has 'lastack drill: no script'
expect 2 "$dir/nowhere.pkt"
has 'No such file'
expect 2 "$dir/a/b/two.txt"
mkdir "$dir/empty"
expect 2 "$dir/empty"
has 'no *.pkt'
expect 2 --preset solaris "$dir/a"
has '--preset solaris: linux or rfc'
expect 2 --ip_version ipv5 "$dir/a"
expect 2 --define nonsense "$dir/a"
expect 2 -j 0 "$dir/a"

# The same at once and one by one, in the same order; and the same twice.
"$lastack" drill -v "$root/tests/drill/runner" "$root/tests/cli/drill" >"$dir/one"
"$lastack" drill -v -j 4 "$root/tests/drill/runner" "$root/tests/cli/drill" >"$dir/four"
cmp -s "$dir/one" "$dir/four" || fail "-j 4 prints something else"

# One object a line.
"$lastack" drill --json "$root/tests/drill/runner" "$root/tests/cli/drill" >"$dir/json"
[ $? = 1 ] || fail "--json: status"
all=$(find "$root/tests/drill/runner" "$root/tests/cli/drill" -name '*.pkt' | wc -l)
[ "$(wc -l <"$dir/json")" = "$all" ] || fail "--json: not one line for each script"
if command -v python3 >/dev/null 2>&1; then
  python3 -c '
import json, sys
bad = 0
for line in open(sys.argv[1]):
    o = json.loads(line)
    assert {"script", "family", "ok", "events", "seconds", "notes"} <= set(o), line
    if not o["ok"]:
        bad += 1
        assert o["line"] > 0 and o["column"] > 0 and o["failure"], line
assert bad == int(sys.argv[2]), bad
' "$dir/json" "$(find "$root/tests/cli/drill" -name '*.pkt' | wc -l)" || fail "--json"
fi

# A script that names no family runs in all three; one that does, in its own.
cat >"$dir/family.pkt" <<'SCRIPT'
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 1) = 0
   +0 < S 0:0(0) win 32792 <mss 1000>
   +0 > S. 0:0(0) ack 1 <mss 1460>
SCRIPT
expect 0 -v --all-families "$dir/family.pkt"
has "ok $dir/family.pkt over ipv6:"
has '3 passed, 0 failed'
expect 1 -q --all-families --mtu 1500 "$dir/family.pkt"
has "over ipv6: $dir/family.pkt:5:7: mss: 1460 expected, 1440 sent"
has '2 passed, 1 failed'
expect 0 --all-families "$root/tests/drill/runner/icmp6.pkt"
has '1 passed, 0 failed'
expect 1 -q --ip_version ipv6 "$dir/family.pkt"
has 'mss: 1460 expected, 1440 sent'

# Definitions; packetdrill's options; the clocks of the RFCs.
sed 's/1460/OURS/' "$dir/family.pkt" >"$dir/define.pkt"
expect 0 --define OURS=1460 "$dir/define.pkt"
expect 0 --mtu 1000 --define OURS=960 "$dir/define.pkt"
expect 0 --preset rfc "$dir/family.pkt"

# Nothing is executed.
cat >"$dir/evil.pkt" <<SCRIPT
\`touch $dir/harm; \$(touch $dir/harm) && sh -c "touch $dir/harm"\`
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 \`touch $dir/harm\`
SCRIPT
expect 0 -v "$dir/evil.pkt"
has 'command touch is not executed'
[ ! -e "$dir/harm" ] || fail "a command was executed"
expect 0 "$dir/evil.pkt"
has 'have no counterpart here (-v names them)'

[ $failed = 0 ] && echo "drill: as expected"
exit $failed
