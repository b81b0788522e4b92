#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernel against the kernel over a pair of devices between two namespaces, captured live by lastack explain: what was done to each
# connection is known, and the verdict must say so.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
need ss nsenter
both_families "$@"
in_namespace "$0" "$@"
begin
case $1 in
  4) a=10.1.0.1 b=10.1.0.2 dead=10.1.0.9 len=24 nodad='' ;;
  6) a=fd01::1 b=fd01::2 dead=fd01::9 len=64 nodad=nodad ;;
esac

talk
hold
far=$held
there() { nsenter -t $far -n "$@"; }
ip link add v0 type veth peer name v1 netns $far 2>err || skip "no veth: $(cat err)"
# shellcheck disable=SC2086
{
  ip addr add $a/$len dev v0 $nodad
  there ip addr add $b/$len dev v1 $nodad
}
ip link set v0 up
there ip link set v1 up
# nobody asks for hardware addresses while one end is silent
mac0=$(ip -o link show v0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
mac1=$(there ip -o link show v1 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
ip neigh replace $b lladdr "$mac1" dev v0 nud permanent
ip neigh replace $dead lladdr "$mac1" dev v0 nud permanent
there ip neigh replace $a lladdr "$mac0" dev v1 nud permanent
sysctl -qw net.ipv4.tcp_syn_retries=1 net.ipv4.tcp_retries2=4 2>/dev/null || skip "no right to set sysctls"
carrier() { ip -o link show v0 | grep -q LOWER_UP; }
until_true "$limit" carrier || fail "no carrier"

"$lastack" explain --json --follow v0 >out 2>err 5>&- 6>&- 7>&- 8>&- &
pid=$!
pids="$pids $pid"
until_true "$limit" grep -q following err || skip "no right to capture: $(cat err)"

pair 'recv:10 rest wait close' 'send:10 shut rest close' # four segments: the server closes when its ACK has long gone
c_go
s_go
s_says 'eof at 10'
acked() { ss -Htn state fin-wait-2 "dport = :$next" | grep -q .; }
until_true "$limit" acked || fail "no FIN-WAIT-2"
s_go
over
want '"closed_first":"client","close_kind":"four-segment","reason":"close","certainty":"observed"'
# told while the client is in TIME-WAIT, not when that is over: it has 60 s
told() { grep -q "\"server\":\"[^\"]*:$next\"" out; }
until_true 45 told || fail "--follow: the release is not told soon"

pair 'recv:10 close' 'send:10 rest close'
s_go
c_go
over
want '"closed_first":"server","close_kind":"[a-z]*-segment","reason":"close","certainty":"observed"'

pair 'recv:10 wait rest' 'send:10 wait reset'
c_go
s_go
s_says 'received 10'
c_go
c_says reset
s_go
over 2>/dev/null
want '"close_kind":"reset","reason":"abort","certainty":"inferred","candidates":\["abort"\],"rst_reason":"TCP_STATE","by":"client"'
until_true 45 told || fail "--follow: the reset is not told soon"

pair 'send:100 end' 'wait close'
c_go
s_go
until_true "$limit" unread 100 || fail "the client has nothing unread"
c_go
over
want '"close_kind":"reset","reason":"abort","certainty":"ambiguous","candidates":\["abort","unread-data"\],.*"by":"client"'

pair 'recv:10 rest send:4 end' 'send:10 close'
c_go
c_says close
s_go
over
want '"closed_first":"client","close_kind":"reset","reason":"data-after-close","certainty":"observed".*"lost_bytes":4'

pair 'keepalive:1,1,2 end' 'wait close' # the client's host goes silent: its address is gone
s_go
ip addr del $a/$len dev v0
s_says 'ETIMEDOUT'
# shellcheck disable=SC2086
ip addr add $a/$len dev v0 $nodad
[ "$1" = 4 ] || ip neigh replace $b lladdr "$mac1" dev v0 nud permanent
[ "$1" = 6 ] || { ip neigh replace $b lladdr "$mac1" dev v0 nud permanent; ip neigh replace $dead lladdr "$mac1" dev v0 nud permanent; }
want '"reason":"keepalive".*"keepalive_probes":2,"keepalive_answered":0,"keepalive_interval_ms":1[0-9]{3}'
kill -9 $client
ended $client
ended $server

next=$((next + 1)) # nobody listens
"$build/tests/kernel_peer" connect $b $next >c.out 2>&1 </dev/null
grep -q ECONNREFUSED c.out || fail "not refused: $(cat c.out)"
want '"close_kind":"reset","reason":"refused","certainty":"observed"'

next=$((next + 1)) # nobody is there
"$build/tests/kernel_peer" connect $dead $next >c.out 2>&1 </dev/null
grep -qE 'ETIMEDOUT' c.out || fail "not timed out: $(cat c.out)"
want '"close_kind":"none","reason":"syn-unanswered","certainty":"observed".*"syn_retransmissions":[1-9]'

pair 'recv:10 recv:1' 'send:10 rest' # open, without a word, when the capture ends
c_go
s_go
s_says 'received 10'
want '"closed_first":"none","close_kind":"none","reason":"open"'
pair 'recv:10 rest wait' 'send:10 shut wait' # the same, half-closed
c_go
s_go
s_says 'eof at 10'
until_true "$limit" acked || fail "no FIN-WAIT-2"
want '"closed_first":"client","close_kind":"half-closed","reason":"open"'

kill -INT $pid
ended $pid
[ "$status" = 0 ] || fail "explain: status $status: $(cat err)"
compare wanted out
exit 0
