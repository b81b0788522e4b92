#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack as a station on an Ethernet: a packet socket on one port of a bridge, the kernel's TCP of another namespace on another port. Both
# directions, what the kernel knows of our address, addresses that change, a neighbour who is not there, addresses that are taken.
set -u
. "$(dirname "$0")/lib.sh"
need curl ping cmp nsenter
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
url=$shown
mac=02:00:00:00:00:07 new_mac=02:00:00:00:00:77
"$build/tests/kernel_peer" pattern 3000000 >pattern
mkdir www && cp pattern www/file

# The far namespace lives as long as the process that waits in it.
mkfifo hold
exec 8<>hold
unshare -n sh -c 'echo there; read -r _ <&8' >far.out 7>&- &
far=$!
pids="$pids $far"
until_true "$limit" grep -q there far.out || skip "no second network namespace"
there() { nsenter -t $far -n "$@"; }
ip link add br0 type bridge 2>err || skip "no bridge: $(cat err)"
ip link set br0 up
# station NAME: a device for a station, whose other end is a port of the bridge.
station() {
  ip link add "$1" type veth peer name "$1p" 2>err || skip "no veth: $(cat err)"
  ip link set "$1p" master br0 up
  ip link set "$1" up
}
station k0
station la0
station la1
ip link set k0 netns $far
there ip link set lo up
there ip link set k0 up
nodad=
[ "$1" = 4 ] || nodad=nodad
# shellcheck disable=SC2086
there ip addr add $theirs/$len dev k0 $nodad
kernel_mac() { there ip -o link show k0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/'; }
forwarding() { bridge_state="$(cat /sys/class/net/k0p/brport/state 2>/dev/null || echo 3)" && [ "$bridge_state" = 3 ]; }
until_true "$limit" forwarding || fail "the bridge does not forward"

quick="--no-probe --mac $mac"
# serve ARG...: our server, ready.
serve() {
  : >out
  # shellcheck disable=SC2086
  "$lastack" serve --root www --packet la0 --addr $ours/$len "$@" >out 2>err 7>&- 8>&- &
  pid=$!
  pids="$pids $pid"
  until_true "$limit" grep -q serving out || flunk "no server"
}
stop() {
  kill -INT $pid
  ended $pid
  [ "$status" = 0 ] || flunk "status $status"
}
fetch() { there curl -sS -m "$limit" -o got "http://$url/file" 2>curl.err && cmp -s got pattern; }
fetched() { fetch || flunk "the page: $(cat curl.err)"; }
# knows MAC: the kernel has it for our address, in a state in which it is used.
knows() { there ip neigh show to $ours dev k0 | grep -qE "lladdr $1 .*(REACHABLE|STALE|DELAY|PROBE)"; }
# far_peer ARG...: the kernel's end, in the far namespace.
far_peer() {
  : >peer.out
  nsenter -t $far -n "$build/tests/kernel_peer" "$@" <ctl >peer.out 2>&1 7>&- 8>&- &
  peer_pid=$!
  pids="$pids $peer_pid"
}
# connect PORT ARG...: ours to the kernel, with the pattern as input.
connect() {
  to=$1
  shift
  # shellcheck disable=SC2086
  "$lastack" connect --packet la0 $quick --addr $ours/$len "$@" $theirs "$to" <pattern >got 2>err 7>&- 8>&- &
  pid=$!
  pids="$pids $pid"
}

scene="$ours: the kernel's ping and curl"
# shellcheck disable=SC2086
serve $quick --pcapng served.pcapng
there ping -q -c 1 -W "$limit" $ours >ping.out 2>&1 || flunk "no echo: $(cat ping.out)"
fetched
knows $mac || flunk "the kernel's table: $(there ip neigh)"
stop
grep -qE 'bytes in, 3000[0-9]* out, [0-9]+ retrans' out || flunk "not that many bytes"
"$lastack" explain served.pcapng >explained || flunk "explain"
grep -qE 'closed first: .*-segment release \[certain\]' explained || flunk "explained: $(cat explained)"
witness served.pcapng $ours

scene="$ours: our connection to the kernel, both ways"
far_peer listen "$any" 5001 recv:3000000 send:3000000 close
said listening
connect 5001
go
ended $pid
[ "$status" = 0 ] || flunk "status $status"
cmp -s got pattern || flunk "what came is not what was sent"
peer_over

# What the interface may be left with. Frames of the kernel's come joined in any case.
for offload in all sum none; do
  scene="$ours: --offload $offload"
  far_peer listen "$any" 5003 recv:3000000 send:3000000 close
  said listening
  connect 5003 --offload $offload -v --ascii
  go
  ended $pid
  [ "$status" = 0 ] || flunk "status $status"
  cmp -s got pattern || flunk "what came is not what was sent"
  peer_over
  if [ $offload = all ]; then
    grep -qE 'segs\) -*>' err || flunk "no frame of ours has several segments"
  else
    ! grep -qE 'segs\) -*>' err || flunk "frames of ours have several segments"
  fi
done

scene="$ours: another hardware address at the kernel's, in mid-connection"
far_peer listen "$any" 5002 recv:1000000 wait recv:2000000 send:10 close
said listening
connect 5002
go
said 'received 1000000'
there ip link set k0 address $new_mac
[ "$(kernel_mac)" = $new_mac ] || flunk "the address does not change"
go
ended $pid
[ "$status" = 0 ] || flunk "status $status"
peer_over

scene="$ours: another hardware address of ours"
# shellcheck disable=SC2086
serve $quick
fetched
knows $mac || flunk "the kernel's table: $(there ip neigh)"
stop
mac=02:00:00:00:00:08 quick="--no-probe --mac 02:00:00:00:00:08"
serve --mac $mac # asked for and announced: the kernel, which remembers the other one, learns this one without asking
until_true "$limit" knows $mac || flunk "the kernel's table: $(there ip neigh)"
fetched
stop

scene="$nobody: nobody is there"
# shellcheck disable=SC2086
"$lastack" connect --packet la0 $quick --addr $ours/$len $nobody 80 </dev/null >got 2>err 7>&- 8>&-
[ $? = 6 ] || flunk "not unreachable: $(cat err)"
grep -q 'neighbour does not answer' err || flunk "the reason: $(cat err)"

scene="$ours: we are gone"
there ip neigh flush dev k0
there "$build/tests/kernel_peer" connect $ours 80 >peer.out 2>&1 </dev/null
grep -q EHOSTUNREACH peer.out || flunk "the kernel's error: $(cat peer.out)"

scene="$theirs: an address that the kernel has"
timeout "$limit" "$lastack" serve --echo --packet la0 --addr $theirs/$len --mac $mac >out 2>err 7>&- 8>&-
[ $? = 1 ] && grep -q "$theirs: another host has this address" err || flunk "taken: $(cat err out)"
there ping -q -c 1 -W "$limit" $theirs >ping.out 2>&1 || flunk "the kernel has lost its address"

scene="$ours: an address that we have"
serve --mac $mac
timeout "$limit" "$lastack" serve --echo --packet la1 --addr $ours/$len --mac $new_mac >out2 2>err2 7>&- 8>&-
[ $? = 1 ] && grep -q "$ours: another host has this address" err2 || flunk "taken: $(cat err2 out2)"
if [ "$1" = 6 ]; then
  there ip addr add $ours/$len dev k0
  given_up() { there ip -6 addr show dev k0 | grep -A1 " $ours/" | grep -q dadfailed; }
  until_true "$limit" given_up || flunk "the kernel takes it: $(there ip addr show dev k0)"
  there ip addr del $ours/$len dev k0
fi
fetched
stop

scene="$ours: a TAP device, and a wire that loses one segment of data"
"$lastack" serve --root www --tap t0 --no-probe --mac $mac --addr $ours/$len --host-addr $theirs/$len --fault drop:out:data:3 >out 2>err 7>&- 8>&- &
pid=$!
pids="$pids $pid"
until_true "$limit" grep -q serving out || flunk "no server"
curl -sS -m "$limit" -o got "http://$url/file" 2>curl.err && cmp -s got pattern || flunk "the page: $(cat curl.err)"
ip neigh show to $ours dev t0 | grep -q "lladdr $mac" || flunk "the kernel's table: $(ip neigh)"
stop
grep -q ' [1-9][0-9]* retransmission' out || flunk "nothing was lost"

scene="$ours: a TAP device without offload"
"$lastack" serve --root www --tap t1 --no-probe --offload none --mac $mac --addr $ours/$len --host-addr $theirs/$len -v --ascii >out 2>err 7>&- 8>&- &
pid=$!
pids="$pids $pid"
until_true "$limit" grep -q serving out || flunk "no server"
curl -sS -m "$limit" -o got "http://$url/file" 2>curl.err && cmp -s got pattern || flunk "the page: $(cat curl.err)"
stop
! grep -q 'segs)' out err || flunk "frames are shared"
