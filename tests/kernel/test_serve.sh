#!/bin/sh
# SPDX-License-Identifier: MIT
# lastack serve against the kernel's TCP: HTTP, echo, discard, chargen, half-close, signals, devices in use.
set -u
. "$(dirname "$0")/lib.sh"
need curl python3 timeout
in_namespace "$0" "$@"
dir=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# start ARG...: returns when it serves.
start() {
  : >out
  # shellcheck disable=SC2086
  ${LASTACK_WRAP:-} "$lastack" serve --tun t0 --addr 10.0.0.1/24 --host-addr 10.0.0.2/24 "$@" >out 2>err &
  pid=$!
  until_true 20 grep -q '^lastack: serving on 10.0.0.1:[0-9]* over t0$' out || fail "serve $*: not ready: $(cat out err)"
}

# stop [SIGNAL]: it must end by itself, with status 0 and without a word on stderr; the device must be gone.
stop() {
  kill -s "${1:-TERM}" $pid
  deadline=$(($(date +%s) + 20))
  while kill -0 $pid 2>/dev/null && [ "$(ps -o stat= -p $pid | cut -c 1)" != Z ]; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "serve does not stop: $(cat out err)"
    sleep 0.02
  done
  wait $pid
  status=$?
  pid=
  [ "$status" = 0 ] || fail "status $status: $(cat err)"
  [ ! -s err ] || fail "something on stderr: $(cat err)"
  [ ! -e /sys/class/net/t0 ] || fail "the device is still there"
}

get() { curl -q -sS --noproxy '*' --max-time 20 "$@"; }
code() { get -o body -w '%{http_code}' "$@"; }

mkdir -p root/sub root/empty
echo '<h1>top</h1>' >root/index.html
echo sub >root/sub/index.html
echo 'a b' >'root/a b.txt'
echo secret >secret
ln -s ../secret root/escape
ln -s "$dir/secret" root/escape2
ln -s 'a b.txt' root/inside
mkfifo root/fifo
head -c 20000000 /dev/urandom >root/big.bin

# ---- HTTP ----
start --root root --pcapng cap.pcapng
url=http://10.0.0.1
[ "$(get $url/)" = '<h1>top</h1>' ] || fail "index"
[ "$(get $url/sub/)" = sub ] || fail "sub/"
[ "$(get "$url/a%20b.txt?x=y")" = 'a b' ] || fail "percent-decoding"
[ "$(get $url/inside)" = 'a b' ] || fail "a link that stays inside"
[ "$(get -L $url/sub)" = sub ] || fail "redirect"
[ "$(code $url/sub)" = 301 ] || fail "301"
for path in /nosuch /escape /escape2 /empty/ /fifo /..%2fsecret /../secret /%2e%2e/secret //etc/passwd /sub/../../secret; do
  [ "$(code --path-as-is $url$path)" = 404 ] || fail "$path is not 404: $(cat body)"
done
for path in /%zz /a%00b /%4; do
  [ "$(code $url$path)" = 400 ] || fail "$path is not 400"
done
[ "$(code -X POST -d x $url/)" = 405 ] || fail "POST"
[ "$(code -X BREW $url/)" = 501 ] || fail "BREW"
[ "$(code -H 'Host:' $url/)" = 400 ] || fail "no Host"
get -I $url/big.bin | grep -qi '^content-length: 20000000' || fail "HEAD"
get -I $url/ | grep -qi '^content-type: text/html' || fail "content type"
get -o body $url/big.bin && cmp -s body root/big.bin || fail "a large file"
# keep-alive: one connection for three requests
[ "$(get -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' $url/ $url/sub/ $url/inside)" = '1 0 0 ' ] || fail "keep-alive"
get -H 'Connection: close' -D head -o /dev/null $url/ && grep -qi '^connection: close' head || fail "Connection: close"
# pipelined requests, and a request in single bytes
python3 - <<'END' || fail "pipelining"
import socket
def talk(pieces, answers):
    s = socket.create_connection(("10.0.0.1", 80), 20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for p in pieces:
        s.sendall(p)
    s.shutdown(socket.SHUT_WR)
    got = b""
    while True:
        d = s.recv(65536)
        if not d:
            break
        got += d
    assert got.count(b"HTTP/1.1 ") == answers, got
    return got
r = b"GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n"
assert talk([r * 5], 5).count(b"\r\n\r\nsub\n") == 5
talk([r[i:i + 1] for i in range(len(r))], 1)
assert b" 400 " in talk([b"\x16\x03\x01 rubbish\r\n\r\n"], 1)
assert b" 505 " in talk([b"GET / HTTP/3.0\r\n\r\n"], 1)
assert b" 414 " in talk([b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], 1)
assert b"\r\n\r\nsub\n" in talk([b"GET http://10.0.0.1/sub/ HTTP/1.1\r\nHost: x\r\n\r\n"], 1)
assert talk([b"GET /sub/ HTTP/1.0\r\n\r\n"], 1).endswith(b"\r\n\r\nsub\n")
END
# many at once
seq 200 | sed "s|.*|url = $url/sub/|; a output = /dev/null" >many
get --parallel --parallel-max 100 -K many 2>/dev/null || fail "200 downloads, 100 at once"
stop INT
grep -qE '^10\.0\.0\.1:80 <- 10\.0\.0\.2:[0-9]+: .*; [0-9]+ bytes in, [0-9]+ out, ' out || fail "no ending: $(cat out)"
grep ' <- ' out | grep -v 'closed first by' >odd && fail "an odd ending: $(cat odd)"
if command -v tshark >/dev/null 2>&1; then
  tshark -r cap.pcapng -Y 'frame.comment contains "lastack: SYN-RECEIVED -> ESTABLISHED"' >bad 2>tsherr || fail "tshark: $(cat tsherr)"
  [ "$(grep -c '' bad)" = "$(grep -c ' <- ' out)" ] || fail "$(grep -c '' bad) comments for $(grep -c ' <- ' out) connections"
  tshark -r cap.pcapng -Y 'ip.src == 10.0.0.1 && (_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad")' \
    -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE >bad 2>/dev/null
  [ ! -s bad ] || fail "tshark finds fault: $(head -n 5 bad)"
fi

# ---- echo, with half-close: everything comes back before the stack's FIN; and a reset ----
start --echo -v --ascii
python3 - <<'END' || fail "echo: $(tail -n 20 out)"
import socket, threading, struct, os
data = os.urandom(3000000)
def one(data):
    s = socket.create_connection(("10.0.0.1", 7), 20)
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
one(data)
one(b"")
ts = [threading.Thread(target=one, args=(data[:10000 * i],)) for i in range(1, 30)]
[t.start() for t in ts]
[t.join() for t in ts]
s = socket.create_connection(("10.0.0.1", 7), 20)
s.sendall(b"x")
assert s.recv(1) == b"x"
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
END
until_true 10 grep -q 'reset.* by peer' out || fail "the reset is not told: $(grep ' <- ' out)"
all_ended() { [ "$(grep -c ' <- ' out)" = 32 ]; }
until_true 10 all_ended || fail "$(grep -c ' <- ' out) endings instead of 32"
grep -q 'FIN,ACK seq=' out || fail "no ladder: $(head -n 50 out)"
# an open connection is released when the server stops
python3 -c '
import socket, sys
s = socket.create_connection(("10.0.0.1", 7), 20)
s.sendall(b"x"); s.recv(1)
open("connected", "w").close()
sys.exit(0 if s.recv(1) == b"" else 1)' &
client=$!
until_true 20 test -e connected || fail "no connection"
stop
wait $client || fail "the client saw no clean end"
tail -n 3 out | grep -q 'closed first by local' || fail "no ending at the stop: $(tail -n 5 out)"

# ---- discard and chargen ----
start --discard --json
python3 - <<'END' || fail discard
import socket
s = socket.create_connection(("10.0.0.1", 9), 20)
s.sendall(b"d" * 1000000)
s.shutdown(socket.SHUT_WR)
assert s.recv(1) == b""
END
until_true 10 grep -q '"bytes_in":1000000' out || fail "discard: $(cat out)"
tail -n 1 out | python3 -c 'import json, sys; e = json.load(sys.stdin); assert e["local"] == {"addr": "10.0.0.1", "port": 9}, e' ||
  fail "JSON: $(cat out)"
stop
start --chargen --port 1919 --msl 1
python3 - <<'END' || fail chargen
import socket
s = socket.create_connection(("10.0.0.1", 1919), 20)
got = b""
while len(got) < 200000:
    got += s.recv(65536)
lines = got.split(b"\r\n")[:-1]
assert len(lines) > 2000
for i, line in enumerate(lines):
    assert line == bytes(32 + (i + j) % 95 for j in range(72)), (i, line)
s.shutdown(socket.SHUT_WR)
while s.recv(65536):
    pass
END
stop

# ---- failures: one line, status 1, nothing left ----
# refuse WORD ARG...
refuse() {
  word=$1
  shift
  timeout 20 "$lastack" serve --echo "$@" >rout 2>rerr
  status=$?
  [ "$status" = 1 ] && [ "$(grep -c '' rerr)" = 1 ] && [ ! -s rout ] && grep -qF -e "$word" rerr || fail "serve $*: status $status: $(cat rerr rout)"
  [ ! -e /sys/class/net/t1 ] || fail "serve $*: the device is still there"
}
start --echo
refuse t0 --tun t0 --addr 10.0.1.1/24
stop
refuse lo --tun lo
refuse /nonexistent/x --tun t1 --pcapng /nonexistent/x
refuse "$dir" --tun t1 --pcapng "$dir"

# the device is taken away under it
start --echo
ip link del t0
until_true 10 sh -c "! kill -0 $pid 2>/dev/null || [ \"\$(ps -o stat= -p $pid | cut -c 1)\" = Z ]" || fail "it goes on without its device"
wait $pid
status=$?
pid=
[ "$status" = 1 ] && grep -q t0 err || fail "device gone: status $status: $(cat err)"
exit 0
