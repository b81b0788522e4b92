#!/bin/sh
# SPDX-License-Identifier: MIT
# Offload over TUN, over IPv4 and IPv6: megabytes each way between the kernel's TCP and lastack connect, with segments joined and cut, with
# checksums alone left to the kernel, and without either. The ladder tells what shared a frame; the file shows segments.
set -u
. "$(dirname "$0")/lib.sh"
need ss timeout cmp
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
side=left drawn=err
port=5300
bytes=5000000
"$build/tests/kernel_peer" pattern $bytes >pattern

# counter NAME: of the kernel's TCP in this namespace.
counter() {
  awk -v want="$1" '/^Tcp:/ { if (!n++) { for (i = 2; i <= NF; i++) at[$i] = i; next } print $at[want] }' /proc/net/snmp
}
# both_ways ARG...: the pattern to the peer, then from it; both ends compare what they get.
both_ways() {
  port=$((port + 1))
  peer listen "$any" $port recv:$bytes send:$bytes shut rest
  said listening
  # shellcheck disable=SC2086
  "$lastack" connect $wire -v --ascii --pcapng $port.pcapng "$@" $theirs $port <pattern >got 2>err 7>&- &
  pid=$!
  pids="$pids $pid"
  said 'accepted [0-9]*'
  go
  ended $pid
  [ "$status" = 0 ] || flunk "status $status"
  peer_over
  cmp -s got pattern || flunk "other bytes than were sent"
  grep -q "$bytes bytes in, $bytes out" err || flunk "the end: $(tail -n 1 err)"
}
# shared MIN: so many rows each way, at least, stand for ten segments or more; with 0 none does for more than one.
shared() {
  for way in '(1[0-9]|[2-9][0-9]) segs\) -*>' '<-.*(1[0-9]|[2-9][0-9]) segs\)'; do
    n=$(grep -cE "$way" err)
    if [ "$1" = 0 ]; then
      ! grep -q 'segs)' err || flunk "frames are shared: $(grep 'segs)' err | head -n 1)"
    else
      [ "$n" -ge "$1" ] || flunk "$n rows with /$way/, fewer than $1"
    fi
  done
}
# file: single segments with right checksums, in both directions, and all bytes.
file() {
  witness $port.pcapng $ours
  command -v tshark >/dev/null 2>&1 || return 0
  tshark -r $port.pcapng -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y tcp -T fields -e frame.len -e tcp.checksum.status -e tcp.len \
    >fields 2>tsherr || flunk "tshark: $(cat tsherr)"
  awk -v all=$((2 * bytes)) '$1 > 1500 { long++ } $2 != 1 { bad++ } { sum += $3 }
    END { if (long || bad || sum < all) { print long + 0 " too long, " bad + 0 " with a bad checksum, " sum " bytes"; exit 1 } }' fields >said ||
    flunk "$port.pcapng: $(cat said)"
}

scene='all that there is'
both_ways
shared 20
file

scene='checksums alone'
bytes=600000 # one by one no more than fit the device's queue of 500, however seldom we have the processor
head -c $bytes pattern >less && mv less pattern
both_ways --offload sum
shared 0
file

scene='none'
both_ways --offload none
shared 0
witness $port.pcapng $ours

[ "$(counter InErrs) $(counter InCsumErrors)" = '0 0' ] ||
  flunk "the kernel counts $(counter InErrs) errors, $(counter InCsumErrors) bad checksums"

scene='a bad wire meets segments one by one' # and what is damaged is noticed, though the kernel leaves checksums unfinished
port=$((port + 1))
peer listen "$any" $port recv:$bytes send:$bytes shut rest
said listening
# shellcheck disable=SC2086
"$lastack" connect $wire -v --ascii --fault drop=1%,corrupt=1%,seed=3 $theirs $port <pattern >got 2>err 7>&- &
pid=$!
pids="$pids $pid"
limit=60
said 'accepted [0-9]*'
go
ended $pid
[ "$status" = 0 ] || flunk "status $status"
peer_over
cmp -s got pattern || flunk "other bytes than were sent"
shared 0
grep -q 'dropped: TCP_CSUM' err || flunk "nothing that was damaged was noticed"
exit 0
