#!/bin/sh
# SPDX-License-Identifier: MIT
# tshark as the witness: what the demo between two stacks writes down is read without complaint, and its comments say what each segment did.
set -u
lastack=${LASTACK:-build/lastack}
command -v tshark >/dev/null 2>&1 || { echo "skipped: tshark is not installed" && exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() {
  echo "failed: $*"
  exit 1
}
"$lastack" demo --pair --ascii --pcapng "$dir/x.pcapng" >"$dir/out" 2>&1 || fail "demo: $(cat "$dir/out")"
# fields DISPLAY-FILTER FIELD...
fields() {
  filter=$1
  shift
  for field; do set -- "$@" -e "$field" && shift; done
  tshark -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -r "$dir/x.pcapng" -Y "$filter" -T fields "$@" 2>"$dir/err" || fail "tshark: $(cat "$dir/err")"
}
[ -z "$(fields '_ws.malformed || _ws.expert.severity == error || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"' frame.number)" ] ||
  fail "tshark finds fault"
[ "$(fields 'tcp.flags.syn == 1' tcp.flags.ack | tr '\n' ' ')" = '0 1 ' ] || fail "not one SYN and one SYN,ACK"
fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' frame.comment | grep -q 'lastack: LISTEN -> SYN-RECEIVED (' || fail "comment of SYN"
fields 'tcp.flags.syn == 1 && tcp.flags.ack == 1' frame.comment | grep -q 'client: SYN-SENT -> ESTABLISHED (' || fail "comment of SYN,ACK"
fields 'tcp.seq == 1 && tcp.ack == 1' frame.comment | grep -q 'lastack: SYN-RECEIVED -> ESTABLISHED (ACK of SYN)' || fail "comment of the third segment"
fields 'tcp.flags.fin == 1' frame.comment | grep -q 'lastack: ESTABLISHED -> CLOSE-WAIT (' || fail "comment of FIN"
# each comment stands by itself, so that a filter finds it
[ -n "$(fields 'frame.comment == "lastack: SYN-RECEIVED -> ESTABLISHED (ACK of SYN)"' frame.number)" ] || fail "the comment is not a line of its own"
# directions, as the server sees them, and times of this day
[ -n "$(fields 'frame.packet_flags_direction == 1 && tcp.dstport == 80' frame.number)" ] || fail "no inbound packet"
[ -z "$(fields 'frame.packet_flags_direction == 1 && tcp.srcport == 80' frame.number)" ] || fail "an answer is marked inbound"
now=$(date +%s)
then=$(fields 'frame.number == 1' frame.time_epoch)
[ "${then%.*}" -ge $((now - 600)) ] && [ "${then%.*}" -le $((now + 600)) ] || fail "time $then"
exit 0
