#!/bin/sh
# SPDX-License-Identifier: MIT
# The examples do what their first lines say: pair by itself, tun and libuv against the kernel's TCP.
set -u
. "$(dirname "$0")/../kernel/lib.sh"
examples=${LASTACK_BUILD:-$(pwd)/build}/examples

if [ -z "${LASTACK_TEST_NS:-}" ]; then
  [ "$(grep -c '' "$(dirname "$0")/../../examples/pair.c")" -lt 80 ] || fail "pair.c is no longer small"
  out=$(timeout 10 "$examples/pair") || fail "pair: status $?"
  [ "$out" = "hello, last ACK
client: three-segment release, application close
server: three-segment release, application close" ] || fail "pair: $out"
fi

need python3 timeout
in_namespace "$0" "$@"
dir=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# start NAME: returns when it serves.
start() {
  "$examples/$1" t0 10.9.0.1 10.9.0.2 >out 2>err &
  pid=$!
  until_true 20 grep -q 'on 10.9.0.1$' out || fail "$1: not ready: $(cat out err)"
}

# over STATUS: within seconds, with this status, and the device is gone.
over() {
  until_true 20 gone "$pid" || fail "it does not end: $(cat out err)"
  wait "$pid"
  status=$?
  pid=
  [ "$status" = "$1" ] || fail "status $status instead of $1: $(cat out err)"
  [ ! -e /sys/class/net/t0 ] || fail "the device is still there"
}

refused() {
  timeout 10 "$@" >out 2>err
  [ $? = 1 ] && [ "$(grep -c '' err)" = 1 ] && [ ! -s out ] || fail "$*: $(cat out err)"
}
refused "$examples/tun"
refused "$examples/tun" t0 x 10.9.0.2
refused "$examples/tun" lo 10.9.0.1 10.9.0.2

start tun
python3 - <<'END' || fail "tun: $(cat out err)"
import os, socket, threading
data = os.urandom(2000000)
def one(data):
    s = socket.create_connection(("10.9.0.1", 7), 20)
    def feed():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    t = threading.Thread(target=feed)
    t.start()
    got = bytearray()
    while True:
        d = s.recv(65536)
        if not d:
            break
        got += d
    t.join()
    assert bytes(got) == data, (len(got), len(data))
ts = [threading.Thread(target=one, args=(data[: n * n * 20000],)) for n in range(11)]
[t.start() for t in ts]
[t.join() for t in ts]
END
until_true 10 sh -c "[ \$(grep -c '^10.9.0.2 port .*application close' out) = 11 ]" || fail "tun: $(cat out)"
ip link del t0
over 1
grep -q '^tun: ' err || fail "the device is gone, and it says $(cat err)"

[ -x "$examples/libuv" ] || skip "libuv is not installed: pair and tun were tested"
refused "$examples/libuv" t0
refused "$examples/libuv" lo 10.9.0.1 10.9.0.2
start libuv
python3 - <<'END' || fail "libuv: $(cat out err)"
import re, socket
for i in range(50):
    s = socket.create_connection(("10.9.0.1", 13), 20)
    got = b""
    while True:
        d = s.recv(100)
        if not d:
            break
        got += d
    assert re.fullmatch(rb"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n", got), got
    s.close()
END
until_true 10 sh -c "[ \$(grep -c '^port .*application close' out) = 50 ]" || fail "libuv: $(cat out)"
# A peer that took the greeting and does not close: the signal waits for it, and no longer than the program has patience.
python3 -c '
import socket, sys
s = socket.create_connection(("10.9.0.1", 13), 20)
while s.recv(100):
    pass
open("greeted", "w").close()
try:
    s.settimeout(20)
    while True:
        s.send(b"x")
except OSError:
    sys.exit(0)' &
client=$!
until_true 20 test -e greeted || fail "no greeting"
kill -TERM "$pid"
wait $client || fail "the client"
over 0
[ "$(grep -c '^port ' out)" = 51 ] || fail "libuv: the last ending is not told: $(tail -n 3 out)"
start libuv
ip link del t0
over 1
exit 0
