#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that is told to stop in the middle of a transfer: what was queued still arrives, then the kernel sees a FIN, for each of many
# connections; nobody new gets in; and a second signal does not wait for a peer that never closes.
set -u
. "$(dirname "$0")/lib.sh"
need ss timeout python3
both_families "$@"
in_namespace "$0" "$@"
begin
family "$1"
side=right drawn=out

serve() {
  : >out
  # shellcheck disable=SC2086
  "$lastack" serve $wire "$@" >out 2>err 7>&- &
  pid=$!
  pids="$pids $pid"
  until_true "$limit" grep -q '^lastack: serving on ' out || flunk "serve $*: not ready"
  lossless
}
# over: it has ended by itself, well, without a word, and the device is gone.
over() {
  ended $pid
  [ "$status" = 0 ] && [ ! -s err ] || flunk "serve: status $status"
  [ ! -e /sys/class/net/t0 ] || flunk "the device is still there"
}

scene="$ours: stopped while it sends"
serve --chargen -v --ascii
peer connect "$ours" 19 rcvbuf:4096 some wait end wait close
said 'connected [0-9]*'
port=$(connected)
states ESTAB ESTABLISHED "$port"
go
said some
kill -s TERM $pid
until_true "$limit" sh -c "grep -q '| FIN-WAIT-1$' out" || flunk "it does not close"
[ "$(kernel_state "$port")" = ESTAB ] || flunk "the kernel's state is $(kernel_state "$port") before it has read"
go
said 'eof after [0-9]*'
states CLOSE-WAIT FIN-WAIT-2 "$port"
go
peer_over
over
grep -qE "^$shown:19 <- .*:$port: four-segment release, closed first by local" out || flunk 'the ending is not told'

# Fifty clients in the middle of an echo, of which each sees a clean end; a fifty-first, who comes too late, is refused at once.
scene="$ours: stopped with fifty connections"
serve --echo
cat >crowd.py <<'END'
import os, socket, sys, time
ours, go = sys.argv[1], sys.argv[2]
cs = []
for i in range(50):
    s = socket.create_connection((ours, 7), 20)
    s.sendall(b"x" * i)
    cs.append(s)
for i, s in enumerate(cs):
    got = b""
    while len(got) < i:
        got += s.recv(1000)
open(go, "w").close()
for s in cs[1:]:
    assert s.recv(1) == b"", "no end of stream"
# The first is still open, and keeps the program from ending.
try:
    socket.create_connection((ours, 7), 20)
    sys.exit("a new connection got in")
except ConnectionRefusedError:
    pass
assert cs[0].recv(1) == b"", "no end of stream"
END
python3 crowd.py "$ours" ready >peer.out 2>&1 7>&- &
peer_pid=$!
pids="$pids $peer_pid"
until_true "$limit" test -e ready || flunk "no fifty connections"
kill -s INT $pid
ended $peer_pid
[ "$status" = 0 ] || flunk "the clients: status $status"
over
[ "$(grep -cE "^$shown:7 <- .*release, closed first by local" out)" = 50 ] || flunk "$(grep -c ' <- ' out) endings"

scene="$ours: told twice"
serve --echo -v --ascii
peer connect "$ours" 7 send:10 recv:10 wait close
go
said 'connected [0-9]*'
port=$(connected)
said 'received 10'
kill -s INT $pid
states CLOSE-WAIT FIN-WAIT-2 "$port"
kill -s INT $pid
over
grep -q ' <- ' out && flunk 'an ending is told that did not happen'
[ "$(kernel_state "$port")" = CLOSE-WAIT ] || flunk "the kernel's state is $(kernel_state "$port")"
go
ended $peer_pid
scene=
exit 0
