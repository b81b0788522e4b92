#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack connect to the kernel's TCP, over IPv4 and IPv6: releases of every kind, resets, refusal, keepalive, signals, back-pressure, crowds.
# At each step the kernel's state and ours are compared.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/explained.sh"
need ss timeout cmp
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
side=left drawn=err
port=5000
mkfifo in unread
"$build/tests/kernel_peer" pattern 5000000 >pattern

# listen STEP...: the kernel's end, on a port of its own.
listen() {
  port=$((port + 1))
  peer listen "$any" $port "$@"
  said listening
}
# start ARG...: lastack connect, whose input is "$input" and whose output is in got.
input=in output=got
start() {
  # shellcheck disable=SC2086
  : >err
  "$lastack" connect $wire -v --ascii --pcapng $port.pcapng "$@" $theirs $port <$input >$output 2>err 7>&- &
  pid=$!
  pids="$pids $pid"
  [ $input != in ] || exec 8>in
}
# link_up STEP...: a connection that is open at both ends; the peer then takes the steps.
link_up() {
  listen "$@"
  # shellcheck disable=SC2086
  start ${args:-}
  said 'accepted [0-9]*'
  states ESTAB ESTABLISHED $port
  go
}
say() { head -c "$1" pattern >&8; }
hang_up() { exec 8>&-; }
# over STATUS PATTERN: how it ends, by its exit status and by its last words.
over() {
  ended $pid
  [ "$status" = "$1" ] || flunk "status $status instead of $1"
  grep -qE -e "$2" err || flunk "not told: $2"
  explained $port.pcapng err
  exec 8>&-
}
has() { head -c "$1" pattern | cmp -s - got; }
same() { has "$1" || flunk "the output is not what was sent"; }

releases() {
  scene="$theirs: we close, then data of the peer's, four segments"
  link_up recv:1000 wait send:1000 close
  say 1000
  said 'received 1000'
  states ESTAB ESTABLISHED $port
  hang_up
  states CLOSE-WAIT FIN-WAIT-2 $port
  go
  states - TIME-WAIT $port
  over 0 'four-segment release, closed first by local .*TIME-WAIT carried by us; 1000 bytes in, 1000 out, [0-9]+ retrans'
  same 1000
  peer_over

  scene="$theirs: we close, three segments" # if the peer is quick enough to close before its ACK is due
  for try in 1 2 3 4 5 6 7 8 9 10; do
    link_up quickack:0 end close
    hang_up
    states - TIME-WAIT $port
    over 0 'release, closed first by local .*TIME-WAIT carried by us; 0 bytes in, 0 out, [0-9]+ retrans'
    peer_over
    ! grep -q three-segment err || break
  done
  [ $try -lt 10 ] || flunk "never three segments"

  scene="$theirs: the peer closes, then data of ours, four segments"
  link_up send:1000 shut wait recv:500 rest wait close
  states FIN-WAIT-2 CLOSE-WAIT $port
  go
  say 500
  said 'received 500'
  states FIN-WAIT-2 CLOSE-WAIT $port
  hang_up
  said 'eof at 500'
  states TIME-WAIT CLOSED $port
  over 0 'four-segment release, closed first by peer .*TIME-WAIT carried by peer; 1000 bytes in, 500 out, [0-9]+ retrans'
  same 1000
  go
  peer_over
}

resets() {
  scene="$theirs: the peer resets"
  link_up reset
  states - CLOSED $port
  over 5 'reset by peer .* in ESTABLISHED'
  peer_over

  scene="$theirs: we reset, after everything has been acknowledged"
  args=--abort link_up recv:1000 end
  say 1000
  hang_up
  said 'received 1000'
  said 'ECONNRESET after 0'
  states - CLOSED $port
  over 0 'reset by local \(abort\) in ESTABLISHED; 0 bytes in, 1000 out'
  peer_over

  scene="$theirs: nobody listens"
  port=$((port + 1))
  start
  over 3 'reset by peer .* in SYN-SENT'

  scene="$theirs: nobody is there"
  port=$((port + 1))
  input=/dev/null
  kept=$theirs
  theirs=$nobody
  start --timeout 1
  over 4 'silent by clock \(SYN time-out\) in SYN-SENT'
  theirs=$kept
  input=in
}

# A router on the way says no each time; that is never fatal by itself (RFC 1122 4.2.3.9), but said when time is up.
unreachable() {
  scene="$theirs: a router says unreachable"
  port=$((port + 1))
  case $1 in
    4) forward=/proc/sys/net/ipv4/ip_forward nowhere=10.9.0.1 ;;
    6) forward=/proc/sys/net/ipv6/conf/all/forwarding nowhere=fd09::1 ;;
  esac
  echo 1 2>/dev/null >$forward || return 0
  ip route add unreachable $nowhere
  kept=$theirs input=/dev/null
  theirs=$nowhere
  start --timeout 2
  over 6 'silent by clock \(SYN time-out\) in SYN-SENT'
  theirs=$kept input=in
  ip route del unreachable $nowhere
  echo 0 >$forward
  rm $port.pcapng # the SYN was sent again
}

probes() { [ "$(grep -c 'keepalive probe' err)" -ge "$1" ]; }
keepalive() {
  scene="$theirs: our keepalive is answered by the kernel, until its address is gone"
  args='--keepalive 1,1,2' link_up wait
  until_true "$limit" probes 3 || flunk "no probes"
  states ESTAB ESTABLISHED $port
  ip addr del $theirs/$len dev t0
  over 4 'by clock \(keepalive'
  grep -q 'FIN' err && flunk "a FIN"
  kill $peer_pid
  ended $peer_pid
}

signals() {
  scene="$theirs: we are interrupted"
  link_up send:1000 end close
  until_true "$limit" has 1000 || flunk "the data does not come out"
  kill -s INT $pid
  said 'eof after 0'
  states - TIME-WAIT $port
  over 1 'interrupted'
  peer_over

  scene="$theirs: we are told to stop, the peer does not close, and is reset"
  link_up send:1000 end wait send:1
  until_true "$limit" has 1000 || flunk "the data does not come out"
  kill -s TERM $pid
  states CLOSE-WAIT FIN-WAIT-2 $port
  over 1 'reset by '
  states - CLOSED $port
  go
  said 'error E(CONNRESET|PIPE) in send'

  scene="$theirs: the peer is killed amid unread data"
  link_up rcvbuf:4096 wait
  say 1000000 &
  said 'accepted [0-9]*'
  until_true "$limit" sh -c "ss -Htan 'sport = :$port' | awk '\$2 > 1000 { n++ } END { exit !n }'" || flunk "nothing unread"
  kill -9 $peer_pid
  ended $peer_pid
  states - CLOSED $port
  over 5 'reset by peer .* in ESTABLISHED'
  wait $! 2>/dev/null

  scene="$theirs: the peer is interrupted, nothing unread; what we still say draws a RST"
  link_up wait
  kill -s INT $peer_pid
  ended $peer_pid
  states FIN-WAIT-2 CLOSE-WAIT $port
  say 10
  over 5 'reset by peer .* in CLOSE-WAIT'

  scene="$theirs: we are killed; our successor at the same port finds the old connection and ends it"
  port=$((port + 1))
  : >echo.out
  "$build/tests/kernel_peer" echo "$any" $port >echo.out 2>&1 7>&- &
  echo=$!
  pids="$pids $echo"
  until_true "$limit" grep -q listening echo.out || flunk "no echo service"
  start --local-port 7777
  states ESTAB ESTABLISHED 7777
  kill -9 $pid
  ended $pid
  hang_up
  [ "$(kernel_state 7777)" = ESTAB ] || flunk "the kernel's connection is $(kernel_state 7777)"
  start --local-port 7777
  states ESTAB ESTABLISHED 7777
  say 1000
  hang_up
  over 0 'release, closed first by local .*; 1000 bytes in, 1000 out'
  same 1000
  kill $echo
  rm $port.pcapng # a SYN had to be sent again
}

position() { sed -n 's/^pos:[^0-9]*//p' "/proc/$pid/fdinfo/0"; }
back_pressure() {
  scene="$theirs: the peer does not read: no more is read from the input than buffers hold"
  input=pattern
  link_up rcvbuf:4096 wait rest close
  until_true "$limit" grep -q 'window probe' err || flunk "the window does not close"
  [ "$(position)" -lt 1500000 ] || flunk "$(position) bytes were read from the input"
  states ESTAB ESTABLISHED $port
  go
  said 'eof at 5000000'
  over 0 '; 0 bytes in, 5000000 out'
  peer_over
  rm $port.pcapng # window probes
  input=in

  scene="$theirs: nobody reads our output: the window closes"
  output=unread
  exec 9<>unread
  link_up send:5000000 shut end
  until_true "$limit" sh -c "ss -Htano 'sport = :$port' | grep -q persist" || flunk "the window does not close"
  ss -Htan "sport = :$port" | awk '{ exit !(5000000 - $3 > 0) }' || flunk "$(ss -Htan)"
  grep -c 'len=1448\|len=1428' err >taken
  [ "$(cat taken)" -lt 1000 ] || flunk "$(cat taken) segments were taken"
  cat <unread >got 7>&- 8>&- 9>&- &
  reader=$!
  until_true "$limit" test -s got || flunk "nothing comes out"
  exec 9>&-
  said 'sent 5000000'
  hang_up
  over 0 '; 5000000 bytes in, 0 out'
  wait $reader
  same 5000000
  rm $port.pcapng
  output=got
}

crowds() {
  port=7
  for crowd in '1000 1 3000' '500 500 5000'; do
    scene="$theirs: crowd $crowd"
    : >swarm.out
    # shellcheck disable=SC2086
    timeout 60 "$build/tests/kernel_swarm" t0 $ours/$len $theirs/$len 7 $crowd <ctl >swarm.out 2>&1 7>&- &
    swarm=$!
    pids="$pids $swarm"
    until_true "$limit" grep -q '^ready' swarm.out || flunk "$(cat swarm.out)"
    lossless
    : >echo.out
    "$build/tests/kernel_peer" echo "$theirs" 7 >echo.out 2>&1 7>&- &
    echo=$!
    pids="$pids $echo"
    until_true "$limit" grep -q listening echo.out || flunk "no echo service"
    go
    until_true 60 gone $swarm || flunk "no end: $(cat swarm.out)"
    wait $swarm || flunk "status $?: $(cat swarm.out)"
    grep -q "^all ${crowd%% *}\$" swarm.out || flunk "$(cat swarm.out)"
    kill $echo
    ended $echo
  done
}

releases
resets
unreachable "$1"
keepalive
signals
back_pressure
crowds
scene=
if command -v mergecap >/dev/null 2>&1; then
  mergecap -w all.pcapng [0-9]*.pcapng || flunk mergecap
  witness all.pcapng $ours
fi
exit 0
