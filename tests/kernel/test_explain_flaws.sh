#!/bin/sh
# SPDX-License-Identifier: MIT
# Imperfect captures of real connections between kernels: the same traffic taken with a short snap length, by way of "any", on a VLAN's
# carrier, of one side alone, from the midst on, by a capturer that loses packets, on the loopback device. What the programs did is known:
# the verdict must still be right, or say that it cannot be, and why.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
need ss nsenter tcpdump
both_families "$@"
in_namespace "$0" "$@"
begin
case $1 in
  4) a=10.1.0.1 b=10.1.0.2 va=10.7.0.1 vb=10.7.0.2 loop=127.0.0.1 len=24 snap=60 nodad='' ;;
  6) a=fd01::1 b=fd01::2 va=fd07::1 vb=fd07::2 loop=::1 len=64 snap=80 nodad=nodad ;;
esac
talk
hold
far=$held
there() { nsenter -t "$far" -n "$@"; }
ip link add v0 type veth peer name v1 netns "$far" 2>err || skip "no veth: $(cat err)"
# shellcheck disable=SC2086
{
  ip addr add $a/$len dev v0 $nodad
  there ip addr add $b/$len dev v1 $nodad
}
ip link set v0 up
there ip link set v1 up
there ip link set lo up
vlan=yes
if ip link add link v0 name v0.7 type vlan id 7 2>/dev/null && there ip link add link v1 name v1.7 type vlan id 7 2>/dev/null; then
  # shellcheck disable=SC2086
  {
    ip addr add $va/$len dev v0.7 $nodad
    there ip addr add $vb/$len dev v1.7 $nodad
  }
  ip link set v0.7 up
  there ip link set v1.7 up
else
  vlan=
fi
carrier() { ip -o link show v0 | grep -q LOWER_UP; }
until_true "$limit" carrier || fail "no carrier"

# take FILE OPTION...: a capture in the background; its process in $taker.
takers=
take() {
  file=$1
  shift
  tcpdump -n -U -B 4096 -w "$file" "$@" 2>"$file.err" 5>&- 6>&- 7>&- 8>&- &
  taker=$!
  pids="$pids $taker"
  takers="$takers $taker"
  until_true "$limit" grep -q 'listening on' "$file.err" || skip "no right to capture: $(cat "$file.err")"
}
holds() { "$lastack" explain -q "$1" 2>/dev/null | grep -q "\]*:$next  .*$2"; }
# says FILE PATTERN: of this connection's JSON, when the file has its end (or END is given).
says() {
  until_true "$limit" holds "$1" "${3:-release}" || fail "port $next: the end is not in $1: $("$lastack" explain -q "$1")"
  "$lastack" explain --json "$1" 2>/dev/null | grep -E "\"server\":\"[^\"]*:$next\"" >line || fail "port $next is not in $1"
  [ "$(grep -c '' line)" = 1 ] || fail "port $next: more than one connection in $1"
  grep -qE -- "$2" line || fail "$1, port $next: not $2: $(cat line)"
}

# --follow of an interface where nothing happens is told to stop all the same
"$lastack" explain -q --follow lo >quiet.out 2>quiet.err 5>&- 6>&- 7>&- 8>&- &
quiet=$!
pids="$pids $quiet"
until_true "$limit" grep -q following quiet.err || skip "no right to capture: $(cat quiet.err)"
kill -INT $quiet
ended $quiet
[ "$status" = 0 ] || fail "a quiet --follow: status $status: $(cat quiet.err)"

take whole.pcap -i v0 tcp
take short.pcap -i v0 -s $snap tcp
take cooked.pcap -i any tcp
take cooked1.pcap -i any -y LINUX_SLL tcp
take server.pcap -i v0 src host $b and tcp
take client.pcap -i v0 src host $a and tcp

# ---- the release, seen by all of them; large segments (offload)
pair 'recv:200000 rest wait close' 'send:200000 shut rest close'
c_go
s_go
s_says 'eof at 200000'
acked() { ss -Htn state fin-wait-2 "dport = :$next" | grep -q .; }
until_true "$limit" acked || fail "no FIN-WAIT-2"
s_go
over
truth='"closed_first":"client","close_kind":"four-segment","reason":"close","certainty"'
says whole.pcap "$truth:\"observed\".*\"gro\".*\"client_end\":\{[^}]*\"bytes\":200000,"
says short.pcap "$truth:\"observed\".*\"capture\":\[\"truncated\".*\"client_end\":\{[^}]*\"bytes\":200000,"
says cooked.pcap "$truth:\"observed\".*\"client_end\":\{[^}]*\"bytes\":200000,"
says cooked1.pcap "$truth:\"observed\".*\"client_end\":\{[^}]*\"bytes\":200000,"
# Of one side alone a release cannot be certain.
for file in client server; do
  says $file.pcap '"closed_first":"none".*"reason":"close","certainty":"ambiguous","candidates":\["close","closing"\].*"capture":\["one-sided"' .
done

# ---- a reset, likewise
pair 'recv:10 close' 'send:10 reset'
c_go
c_says reset
s_go
over 2>/dev/null
for file in whole short cooked cooked1; do
  says $file.pcap '"close_kind":"reset","reason":"abort".*"by":"client"' 'client reset'
done

# ---- from the midst on
pair 'recv:10 recv:10 rest close' 'send:10 wait send:10 close'
c_go
s_go
s_says 'received 10'
take midst.pcap -i v0 tcp
c_go
over
says midst.pcap '"client":"[^"]*'"$a"'[^"]*",.*"closed_first":"client","close_kind":"[a-z]*-segment","reason":"close","certainty":"inferred".*"capture":\["midstream"'

# ---- a capturer that stops for a while, with room for little
# shellcheck disable=SC2086
kill -INT $takers
take lossy.pcap -i v0 -B 32 tcp
lossy=$taker
pair 'recv:3000000 rest close' 'send:3000000 close'
kill -STOP $lossy
c_go
s_go
s_says 'received 3000000'
kill -CONT $lossy
over
tcpdump_done() { holds lossy.pcap . ; }
until_true "$limit" tcpdump_done || fail "nothing in lossy.pcap"
kill -INT $lossy
ended $lossy
"$lastack" explain --json lossy.pcap 2>/dev/null | grep -E "\"server\":\"[^\"]*:$next\"" >line
dropped=$(sed -n 's/^\([0-9]*\) packets* dropped by kernel.*/\1/p' lossy.pcap.err)
if [ "${dropped:-0}" -gt 0 ]; then # the verdict is not a certainty any more, unless both FINs are there
  grep -qE '"capture":\[("midstream",)?("truncated",)?"missed"|"reason":"(open|closing)"' line || fail "$dropped packets dropped, and: $(cat line)"
fi

# ---- the same frames twice: two captures of one interface in one file
if command -v mergecap >/dev/null 2>&1; then
  take again.pcap -i v0 tcp
  take again2.pcap -i v0 tcp
  pair 'recv:10 rest close' 'send:10 close'
  c_go
  s_go
  over
  says again.pcap '"reason":"close","certainty":"observed"'
  says again2.pcap '"reason":"close","certainty":"observed"'
  mergecap -F pcap -w twice.pcap again.pcap again2.pcap
  says twice.pcap '"closed_first":"client","close_kind":"[a-z]*-segment","reason":"close","certainty":"observed".*"capture":\["duplicates".*"client_end":\{[^}]*"bytes":10,.*"retransmissions":0'
fi

# ---- tags
if [ -n "$vlan" ]; then
  take tagged.pcap -i v0 vlan
  plain=$b
  b=$vb
  pair 'recv:10 rest close' 'send:10 close'
  c_go
  s_go
  over
  b=$plain
  says tagged.pcap '"closed_first":"client","close_kind":"[a-z]*-segment","reason":"close","certainty":"observed".*"capture":\[[^]]*"vlan"'
fi

# ---- the loopback device
take loop.pcap -i lo tcp
far=$$
b=$loop
pair 'recv:10 rest close' 'send:10 close'
c_go
s_go
over
says loop.pcap '"closed_first":"client","close_kind":"[a-z]*-segment","reason":"close","certainty":"observed"'

# a pipe, until its writer ends; a file that breaks off
tcpdump -n -U -w - -r whole.pcap 2>/dev/null | "$lastack" explain --json - >piped || fail "a pipe: status $?"
"$lastack" explain --json whole.pcap | cmp -s - piped || fail "through a pipe it is another story"
size=$(wc -c <whole.pcap)
head -c $((size - 7)) whole.pcap >broken.pcap
"$lastack" explain -q broken.pcap >broken.out 2>broken.err
[ $? = 3 ] || fail "a broken file: not status 3"
grep -qE 'broken at offset [0-9]+, after [0-9]+ packets' broken.err || fail "no offset: $(cat broken.err)"
[ -s broken.out ] || fail "what came before the break does not count"
# shellcheck disable=SC2086
kill -INT $takers 2>/dev/null
exit 0
