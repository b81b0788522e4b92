#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo: the kernel's curl fetches a page, what happened is drawn, told and written down, and nothing is left behind.
set -u
. "$(dirname "$0")/lib.sh"
need curl timeout
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# run ARG...: the demo must end by itself within seconds. LASTACK_WRAP may be valgrind.
run() {
  # shellcheck disable=SC2086
  timeout 30 ${LASTACK_WRAP:-} "$lastack" demo --ascii "$@" >out 2>err || fail "status $?: $(cat err out)"
  [ ! -s err ] || fail "something on stderr: $(cat err)"
}

# The states that both ends must go through, the arrows, the ending, the comments.
check() {
  for state in LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK TIME-WAIT CLOSED; do
    grep -q "$state" out || fail "$state is not drawn: $(cat out)"
  done
  grep -q 'SYN seq=0 len=0 mss=1460' out || fail "no SYN: $(cat out)"
  grep -q 'SYN,ACK seq=0 ack=1' out || fail "no SYN,ACK: $(cat out)"
  [ "$(grep -c 'FIN,' out)" -ge 2 ] || fail "no two FINs: $(cat out)"
  grep -qE '^10\.77\.0\.1:80 <- 10\.77\.0\.2:[0-9]+: .*closed first by peer.*TIME-WAIT carried by peer' out || fail "no ending: $(cat out)"
  # States in order: the client's at the left, the stack's at the right.
  left=$(sed -n 's/^ *[0-9.]* \{1,\}\([A-Z][A-Z0-9-]*\) |.*/\1/p' out | tr '\n' ' ')
  right=$(sed -n 's/.*| \([A-Z][A-Z0-9-]*\)$/\1/p' out | tr '\n' ' ')
  case $left in
    'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT ' | 'CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 TIME-WAIT ') ;;
    *) fail "states at the left: $left" ;;
  esac
  [ "$right" = 'LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED ' ] || fail "states at the right: $right"
  [ -s "$1" ] || fail "no $1"
  if command -v tshark >/dev/null 2>&1; then
    tshark -r "$1" -T fields -e tcp.flags.str -e frame.comment >comments 2>tsherr || fail "tshark: $(cat tsherr)"
    for move in 'LISTEN -> SYN-RECEIVED' 'SYN-RECEIVED -> ESTABLISHED' 'ESTABLISHED -> CLOSE-WAIT' 'CLOSE-WAIT -> LAST-ACK' \
      'LAST-ACK -> CLOSED'; do
      grep -q "lastack: $move (" comments || fail "no comment $move: $(cat comments)"
    done
    bad_sum='ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"' # only ours: tshark faults the kernel's 0xffff
    tshark -r "$1" -Y "_ws.malformed || tcp.analysis.flags || (ip.src == 10.77.0.1 && ($bad_sum))" \
      -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE >bad 2>/dev/null
    [ ! -s bad ] || fail "tshark finds fault: $(cat bad)"
  fi
}

# What a demo could leave behind: its device, and a curl that bears our mark in its environment.
LASTACK_TEST_MARK=demo$$
export LASTACK_TEST_MARK
present() {
  [ ! -e /sys/class/net/lastack0 ] || echo lastack0
  for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" = curl ] && grep -qs "LASTACK_TEST_MARK=demo$$" "$process/environ" && echo "$process"
  done
}

run --pair --pcapng pair.pcapng
check pair.pcapng
grep -q 'client 10' out || fail "not between two stacks: $(cat out)"

mkdir build
run
check build/demo.pcapng
kernel=$(grep -c 'kernel 10' out)
[ -z "$(present)" ] || fail "left behind: $(present)"
made=$(find . -type f ! -name bad ! -name comments ! -name tsherr | sort | tr '\n' ' ')
[ "$made" = './build/demo.pcapng ./err ./out ./pair.pcapng ' ] || fail "files left behind: $made"

# Without curl it says so and does the same between two stacks.
PATH=/nonexistent "$lastack" demo --ascii --pcapng x.pcapng >out 2>err || fail "without curl: status $?"
grep -q curl out || fail "does not tell that curl is missing: $(cat out)"
check x.pcapng

timeout 30 "$lastack" demo --pcapng /nonexistent/x >out 2>err
[ $? = 1 ] && [ "$(grep -c '' err)" = 1 ] && grep -q /nonexistent/x err || fail "an unwritable file: $(cat err)"
[ "$kernel" -gt 0 ] || skip "no right to make namespaces or TUN devices: only the exchange between two stacks was tested"
