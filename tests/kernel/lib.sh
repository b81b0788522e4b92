# SPDX-License-Identifier: MIT
# For tests that meet the kernel: sourced, runs the script anew in a network namespace of its own, or skips it.
# Whatever is made there vanishes with the last process in it.
lastack=${LASTACK:-build/lastack}
case $lastack in /*) ;; *) lastack=$(pwd)/$lastack ;; esac

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "failed: $*"
  exit 1
}

# need PROGRAM...
need() {
  for program; do
    command -v "$program" >/dev/null 2>&1 || skip "$program is not installed"
  done
}

# in_namespace SCRIPT ARG...: as root at once, else by way of a user namespace.
in_namespace() {
  [ -z "${LASTACK_TEST_NS:-}" ] || return 0
  need unshare ip
  [ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
  LASTACK_TEST_NS=1
  export LASTACK_TEST_NS
  for how in -n -Urn; do
    if unshare $how sh -c 'ip tuntap add dev probe0 mode tun && ip link del probe0' 2>/dev/null; then
      exec unshare $how sh "$@"
    fi
  done
  skip "no right to make a network namespace with a TUN device"
}

# until_true SECONDS COMMAND...: tries until it succeeds, or fails at the deadline.
until_true() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}

# ---- interop: one end is the kernel's, led by peer.c ----

build=${LASTACK_BUILD:-build}
case $build in /*) ;; *) build=$(pwd)/$build ;; esac
limit=20 # seconds for any one event
pids=    # to be killed at the end, whatever happens

# both_families [4|6]: without an argument, the script runs with each at once, and both must succeed.
both_families() {
  [ $# = 0 ] || return 0
  [ -x "$build/tests/kernel_peer" ] || skip "the tests were not built"
  "$0" 4 &
  four=$!
  six=0
  if [ -e /proc/sys/net/ipv6 ]; then
    "$0" 6 || six=$?
  else
    echo "there is no IPv6 here"
  fi
  wait $four
  for result in $? $six; do # a failure counts for more than a test that was skipped
    case $result in
      0) ;;
      77) skipped=77 ;;
      *) exit "$result" ;;
    esac
  done
  exit ${skipped:-0}
}

# begin: a folder of its own, the loopback device, and nothing left behind.
begin() {
  dir=$(mktemp -d) || exit 1
  trap 'kill -9 $pids 2>/dev/null; rm -rf "$dir"' EXIT
  cd "$dir" || exit 1
  ip link set lo up
  mkfifo ctl
  exec 7<>ctl
}

# family 4|6: the two addresses.
family() {
  case $1 in
    4) ours=10.0.0.1 theirs=10.0.0.2 nobody=10.0.0.9 any=0.0.0.0 len=24 shown=10.0.0.1 ;;
    6) ours=fd00::1 theirs=fd00::2 nobody=fd00::9 any=:: len=64 shown='\[fd00::1\]' ;;
  esac
  wire="--tun t0 --addr $ours/$len --host-addr $theirs/$len"
}

# context: what a failure prints.
context() {
  echo "---- peer"
  tail -n 20 peer.out 2>/dev/null
  echo "---- lastack"
  tail -n 30 out err 2>/dev/null
  ss -tan 2>/dev/null | head -n 20
}
flunk() { fail "${scene:-}: $*: $(context)"; }

# peer ARG...: the kernel's end, in the background.
peer() {
  : >peer.out
  "$build/tests/kernel_peer" "$@" <ctl >peer.out 2>&1 7>&- 8>&- &
  peer_pid=$!
  pids="$pids $peer_pid"
}
go() { echo >&7; }
said() { until_true "$limit" grep -qE "^($1)\$" peer.out || flunk "the peer does not say \"$1\""; }
connected() { sed -n 's/^\(connected\|accepted\) //p' peer.out; }

gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }
# ended PID: waits for its end; its exit status in $status.
ended() {
  until_true "$limit" gone "$1" || flunk "process $1 does not end"
  wait "$1"
  status=$?
}
peer_over() {
  ended "$peer_pid"
  [ "$status" = 0 ] || flunk "the peer's status is $status"
  said over
}

# The state of the kernel's connection that has PORT at either end; - for none.
kernel_state() {
  ss -Htan state all "( sport = :$1 or dport = :$1 )" | awk '$1 != "LISTEN" { print $1; n++ } END { if (!n) print "-" }'
}
# our_state left|right PORT FILE: the last one drawn for the connection with that port.
our_state() {
  awk -v side="$1" -v port="$2" '
    / peer .*lastack | lastack .*peer / { here = $0 ~ ":" port "( |$)"; next }
    !here { next }
    side == "right" && /\| [A-Z][-A-Z0-9]*$/ { state = $NF }
    side == "left" && /^ *[0-9.]+ +[A-Z][-A-Z0-9]* +\|/ { state = $2 }
    END { print state }' "$3"
}
agree() { [ "$(kernel_state "$3")" = "$1" ] && [ "$(our_state "$side" "$3" "$drawn")" = "$2" ]; }
# states KERNEL OURS PORT: both ends get there. `side` and `drawn` say where ours are found.
states() {
  until_true "$limit" agree "$@" || flunk "states $(kernel_state "$3") and $(our_state "$side" "$3" "$drawn") instead of $1 and $2"
}

# The kernel drops what a TUN device's queue cannot hold.
lossless() { ip link set t0 txqueuelen 20000; }

# witness FILE OURS: tshark finds nothing wrong with what we sent, no retransmission, and nothing missing. (Both sides probe the tail of what
# they sent when the other does not get the processor within milliseconds, or delays its ACK; our probes say so in the file. A probe that follows
# within milliseconds is out of order to tshark.)
witness() {
  command -v tshark >/dev/null 2>&1 || return 0
  from="ip.src == $2"
  case $2 in *:*) from="ipv6.src == $2" ;; esac
  again='tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.spurious_retransmission || tcp.analysis.out_of_order'
  odd='tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment'
  tshark -r "$1" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
    -Y "_ws.malformed || ($from && (ip.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\")) || ($from && ($again) && !(frame.comment contains \"tail loss probe\")) || $odd" \
    >faults 2>tsherr || fail "tshark: $(cat tsherr)"
  [ ! -s faults ] || fail "tshark finds fault with $1: $(head -n 20 faults)"
  [ "$(tshark -r "$1" -Y "tcp && $from" -c 1000 2>/dev/null | grep -c '')" -gt 0 ] || fail "nothing of ours in $1"
}
