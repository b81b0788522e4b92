#!/bin/sh
# SPDX-License-Identifier: MIT
# Real captures of what is no Ethernet, or more than that: a TUN device (raw IP), and a VXLAN between two kernels, seen inside, outside, and from
# everywhere at once. The programs know how their connections ended.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
need ss nsenter tcpdump
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
case $1 in
  4) a=10.1.0.1 b=10.1.0.2 ia=10.8.0.1 ib=10.8.0.2 plen=24 nodad='' ;;
  6) a=fd01::1 b=fd01::2 ia=fd08::1 ib=fd08::2 plen=64 nodad=nodad ;;
esac
takers=
take() {
  file=$1
  shift
  tcpdump -n -U -B 4096 -w "$file" "$@" 2>"$file.err" 5>&- 6>&- 7>&- 8>&- &
  pids="$pids $!"
  takers="$takers $!"
  until_true "$limit" grep -q 'listening on' "$file.err" || skip "no right to capture: $(cat "$file.err")"
}
holds() { "$lastack" explain -q "$1" 2>/dev/null | grep -qE "$2"; }
# says FILE PORT PATTERN: of the only connection to that port, when its end is there.
says() {
  until_true "$limit" holds "$1" ":$2  .*(release|reset)" || flunk "port $2: no end in $1: $("$lastack" explain -q "$1")"
  "$lastack" explain --json "$1" 2>/dev/null | grep -E "\"server\":\"[^\"]*:$2\"" >line
  [ "$(grep -c '' line)" = 1 ] || flunk "port $2: not one connection in $1: $(cat line)"
  grep -qE -- "$3" line || flunk "$1, port $2: not $3: $(cat line)"
}

# ---- raw IP
# shellcheck disable=SC2086
"$lastack" serve $wire --echo >out 2>err 7>&- &
served=$!
pids="$pids $served"
until_true "$limit" grep -q '^lastack: serving on ' out || flunk "not ready"
take raw.pcap -i t0 tcp
grep -q 'link-type RAW' raw.pcap.err || flunk "not raw IP: $(cat raw.pcap.err)"
peer connect "$ours" 7 send:10 recv:10 close
said 'connected [0-9]*'
go
peer_over
told() { grep -qE 'segment release, closed first by peer' out err; }
until_true "$limit" told || flunk "lastack does not tell"
says raw.pcap 7 "\"client\":\"[^\"]*$theirs[^\"]*\".*\"closed_first\":\"client\",\"close_kind\":\"[a-z]*-segment\",\"reason\":\"close\",\"certainty\":\"observed\""
peer connect "$ours" 7 send:10 recv:10 reset
said 'connected [0-9]*'
go
peer_over 2>/dev/null
second() { [ "$("$lastack" explain -q raw.pcap 2>/dev/null | grep -c 'client reset')" = 1 ]; }
until_true "$limit" second || flunk "no reset: $("$lastack" explain raw.pcap)"
kill -s TERM "$served"
ended "$served"

# ---- a tunnel
talk
hold
far=$held
there() { nsenter -t "$far" -n "$@"; }
ip link add v0 type veth peer name v1 netns "$far" 2>err || skip "no veth: $(cat err)"
ip link add x0 type vxlan id 5 dstport 4789 local $a remote $b dev v0 2>err || skip "no vxlan: $(cat err)"
there ip link add x1 type vxlan id 5 dstport 4789 local $b remote $a dev v1
# shellcheck disable=SC2086
{
  ip addr add $a/$plen dev v0 $nodad
  there ip addr add $b/$plen dev v1 $nodad
  ip addr add $ia/$plen dev x0 $nodad
  there ip addr add $ib/$plen dev x1 $nodad
}
for device in v0 x0; do ip link set $device up; done
for device in v1 x1; do there ip link set $device up; done
carrier() { ip -o link show v0 | grep -q LOWER_UP; }
until_true "$limit" carrier || flunk "no carrier"
take outside.pcap -i v0 udp
take inside.pcap -i x0 tcp
take all.pcap -i any
b=$ib
pair 'recv:3000 rest wait close' 'send:3000 shut rest close'
c_go
s_go
s_says 'eof at 3000'
until_true "$limit" in_state fin-wait-2 || flunk "no FIN-WAIT-2"
s_go
over
truth='"closed_first":"client","close_kind":"four-segment","reason":"close","certainty":"observed".*"client_end":\{[^}]*"bytes":3000,[^}]*"retransmissions":0'
for file in outside inside all; do
  says $file.pcap "$next" "$truth"
done
pair 'recv:10 rest wait' 'send:10 reset'
c_go
s_go
c_says reset
for file in outside inside all; do
  says $file.pcap "$next" '"close_kind":"reset","reason":"abort".*"by":"client"'
done
ended "$server"
# shellcheck disable=SC2086
kill -INT $takers 2>/dev/null
exit 0
