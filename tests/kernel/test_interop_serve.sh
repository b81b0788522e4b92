#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernel's TCP opens connections to lastack serve, over IPv4 and IPv6: releases of every kind, resets, keepalive, signals, crowds. At
# each step the kernel's state and ours are compared.
set -u
. "$(dirname "$0")/lib.sh"
need ss timeout
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
side=right drawn=out

# serve NAME ARG...: returns when it serves; its packets go to NAME.pcapng.
serve() {
  name=$1
  shift
  : >out
  # shellcheck disable=SC2086
  "$lastack" serve $wire "$@" --pcapng "$name.pcapng" >out 2>err 7>&- &
  pid=$!
  pids="$pids $pid"
  until_true "$limit" grep -q '^lastack: serving on ' out || flunk "serve $*: not ready"
  lossless
}
# stop SIGNAL: ends cleanly.
stop() {
  kill -s "$1" $pid
  ended $pid
  [ "$status" = 0 ] && [ ! -s err ] || flunk "serve: status $status"
  [ ! -e /sys/class/net/t0 ] || flunk "the device is still there"
}
# told PATTERN: the line about the end of the peer's connection. How often we probed the tail of what was sent depends on when the peer gets the
# processor; `witness` sees that nothing else went twice.
told() {
  until_true "$limit" grep -qE "^$shown:[0-9]+ <- .*:$port: .*($1)" out || flunk "not told: $1"
}
# client STEP...: a connection to the echo service, open at both ends.
client() {
  peer connect "$ours" 7 "$@"
  said 'connected [0-9]*'
  port=$(connected)
  states ESTAB ESTABLISHED "$port"
  go
}

releases() {
  scene="$ours: client closes, three segments"
  client send:1000 recv:1000 wait shut rest wait
  said 'received 1000'
  go
  said 'eof at 1000'
  states TIME-WAIT CLOSED "$port"
  told 'three-segment release, closed first by peer .*TIME-WAIT carried by peer; 1000 bytes in, 1000 out, [0-9]+ retrans'
  go
  peer_over

  scene="$ours: client closes, data of ours after its FIN, four segments"
  client rcvbuf:4096 send:370000 shut wait rest # more than our two buffers hold is not yet echoed
  said shut
  states FIN-WAIT-2 CLOSE-WAIT "$port"
  go
  said 'eof at 370000'
  states TIME-WAIT CLOSED "$port"
  told 'four-segment release, closed first by peer .*TIME-WAIT carried by peer; 370000 bytes in, 370000 out, [0-9]+ retrans'
  peer_over

  scene="$ours: client resets"
  client send:10 recv:10 wait reset
  said 'received 10'
  go
  said reset
  states - CLOSED "$port"
  told 'reset by peer .*; 10 bytes in, 10 out'
  peer_over

  scene="$ours: client is killed, nothing unread"
  client send:10 recv:10 wait
  said 'received 10'
  kill -9 $peer_pid
  ended $peer_pid
  states TIME-WAIT CLOSED "$port"
  told 'release, closed first by peer'

  scene="$ours: client is interrupted amid unread data"
  client rcvbuf:4096 send:370000 wait
  said 'sent 370000'
  kill -s INT $peer_pid
  ended $peer_pid
  states - CLOSED "$port"
  told 'reset by peer'

  scene="$ours: nobody listens"
  peer connect "$ours" 4444
  said 'error ECONNREFUSED in connect'
  ended $peer_pid
}

probes() { [ "$(grep -cE -e '--- ACK seq=0 ack=1 ' out)" -ge 2 ]; }
keepalive() {
  scene="$ours: the kernel's keepalive is answered"
  client keepalive:1,1,2 wait shut end
  # Three probes at least, where two unanswered ones would end it.
  before=$(grep -c '' out)
  until_true "$limit" sh -c "[ \$(tail -n +$before out | grep -cE 'ACK seq=0 ack=1 ') -ge 3 ]" || flunk "no probes"
  states ESTAB ESTABLISHED "$port"
  go
  said 'eof after 0'
  states TIME-WAIT CLOSED "$port"
  peer_over
}

crowds() {
  for crowd in '1000 1 3000' '500 500 5000'; do
    scene="$ours: crowd $crowd"
    # shellcheck disable=SC2086
    timeout 60 "$build/tests/kernel_peer" many "$ours" 7 $crowd >crowd.out 2>&1 || flunk "$(tail -n 3 crowd.out)"
    grep -q "^all ${crowd%% *}\$" crowd.out || flunk "$(cat crowd.out)"
  done
  until_true "$limit" sh -c "[ \$(grep -c ' <- ' out) = 1500 ]" || flunk "$(grep -c ' <- ' out) endings instead of 1500"
  grep ' <- ' out | grep -vE 'release, closed first by peer .*, [0-9]+ retrans' >odd && flunk "an odd ending: $(head -n 3 odd)"
}

server_first() {
  mkdir -p root
  echo hello >root/index.html
  serve http --root root --msl 1 -v --ascii --port 7
  scene="$ours: server closes, then data of the client's, four segments"
  client 'text:GET / HTTP/1.0~~' end wait text:more~ wait close
  said 'eof after [0-9]*'
  states CLOSE-WAIT FIN-WAIT-2 "$port"
  go
  until_true "$limit" sh -c "grep -c '^text' peer.out | grep -qx 2" || flunk "no second text"
  states CLOSE-WAIT FIN-WAIT-2 "$port"
  go
  said close
  states - TIME-WAIT "$port"
  told 'four-segment release, closed first by local .*TIME-WAIT carried by us; 24 bytes in'
  peer_over
  states - CLOSED "$port" # after 2MSL
  stop TERM
}

stops() {
  serve stop --echo -v --ascii
  scene="$ours: server is interrupted, client closes"
  client send:1000 recv:1000 end close
  said 'received 1000'
  stop INT
  said 'eof after 0'
  told 'closed first by local .*TIME-WAIT carried by us'
  peer_over

  serve term --echo -v --ascii
  scene="$ours: server is told to stop, client does not close, and is reset"
  client send:1000 recv:1000 end wait send:10
  said 'received 1000'
  kill -s TERM $pid
  states CLOSE-WAIT FIN-WAIT-2 "$port"
  ended $pid
  told 'reset by '
  states - CLOSED "$port"
  go
  said 'error E(CONNRESET|PIPE) in send'
  ended $peer_pid

  serve kill --echo -v --ascii
  scene="$ours: server is killed; its successor resets what it does not know"
  client send:1000 recv:1000 wait send:10 end
  said 'received 1000'
  kill -9 $pid
  ended $pid
  serve next --echo -v --ascii
  [ "$(kernel_state "$port")" = ESTAB ] || flunk "the kernel's connection is $(kernel_state "$port")"
  go
  said 'ECONNRESET after 0|error ECONNRESET in send'
  states - CLOSED "$port"
  ended $peer_pid
  stop TERM
}

serve echo --echo -v --ascii
releases
keepalive
stop TERM
serve crowd --echo
crowds
stop TERM
server_first
stops
scene=
for file in echo crowd http stop term; do
  witness $file.pcapng $ours
done
exit 0
