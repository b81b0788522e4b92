#!/bin/sh
# SPDX-License-Identifier: MIT
# Files cross a bad wire between the kernel and lastack byte for byte, in both directions and over both IP versions; a lost FIN is sent again.
set -u
. "$(dirname "$0")/lib.sh"
need cmp timeout
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
bad=drop=3%,dup=2%,reorder=2%,corrupt=1%,seed=$1
"$build/tests/kernel_peer" pattern 500000 >pattern

# client FAULT INPUT ENDING: through the kernel's echo service and back.
client() {
  # shellcheck disable=SC2086
  timeout 60 "$lastack" connect $wire --fault "$1" $theirs 7 <$2 >got 2>err || flunk "status $?"
  cmp $2 got || flunk "the content differs"
  grep -qE -e "$3" err || flunk "not told: $3"
}

"$build/tests/kernel_peer" echo "$any" 7 >peer.out 2>&1 7>&- &
echo=$!
pids="$pids $echo"
said listening
scene="$theirs: connect over a bad wire"
client $bad pattern '; 500000 bytes in, 500000 out, [1-9][0-9]* retransmissions?,'
scene="$theirs: our FIN is lost"
client drop:out:fin:1 /dev/null 'release, closed first by local .*, 1 retransmission,'
scene="$theirs: the peer's FIN is lost"
client drop:in:fin:1 /dev/null 'release, closed first by local '
scene="$theirs: the peer's SYN,ACK is lost"
client drop:in:synack:1 /dev/null 'release, closed first by local '
kill $echo
ended $echo

scene="$ours: serve over a bad wire"
: >out
# shellcheck disable=SC2086
"$lastack" serve --echo $wire --fault $bad >out 2>err 7>&- &
pid=$!
pids="$pids $pid"
until_true "$limit" grep -q '^lastack: serving on ' out || flunk "not ready"
timeout 60 "$build/tests/kernel_peer" many "$ours" 7 20 20 50000 >many.out 2>&1 || flunk "$(tail -n 3 many.out)"
grep -q '^all 20$' many.out || flunk "$(cat many.out)"
kill $pid
ended $pid
[ "$status" = 0 ] || flunk "serve: status $status"
exit 0
