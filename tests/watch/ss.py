# SPDX-License-Identifier: MIT
import glob
import json
import os
import re
import socket
import stat
import struct
import subprocess

import exposition
from stack import LIMIT, Serve, answer, ask, dial, rows, rss, run, until

os.mkdir("root")
with open("root/big", "wb") as f:
    f.write(os.urandom(8_000_000))
with open("root/small", "w") as f:
    f.write("small\n")


def one(pid, *args):
    got = rows(pid, *args)
    assert len(got) == 1, (args, got)
    return got[0]


def half_open(sport):
    """A SYN in the name of an address that nobody has: the SYN-ACK is never answered."""
    src, dst = socket.inet_aton("10.0.0.77"), socket.inet_aton("10.0.0.1")
    tcp = struct.pack("!HHIIBBHHH", sport, 80, 1000, 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp)) + tcp
    s = sum(struct.unpack("!%dH" % (len(pseudo) // 2), pseudo))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    tcp = tcp[:16] + struct.pack("!H", ~s & 0xFFFF) + tcp[18:]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, src, dst)
    raw.sendto(ip + tcp, ("10.0.0.1", 0))
    raw.close()


# ---- nobody there ----
err = run("ss", status=1)
assert err.count("\n") == 1 and "no running stack answers in" in err and os.getcwd() + "/lastack" in err, err
run("metrics", "--socket", "nosuch", status=1)

# ---- connections in several states ----
srv = Serve("--root", "root", "--msl", "30")
pid = srv.pid
path = "lastack/%d.sock" % pid
assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_IMODE(os.stat("lastack").st_mode) == 0o700

idle = dial(80)
slow = dial(80, read=4096)  # asks for much and does not read
slow.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
lazy = dial(80)  # reads all and never closes: FIN-WAIT-2 at the server
lazy.sendall(b"GET /small HTTP/1.0\r\n\r\n")
while lazy.recv(1000):
    pass
gone = dial(80)  # the same, but closes: TIME-WAIT at the server
gone.sendall(b"GET /small HTTP/1.0\r\n\r\n")
while gone.recv(1000):
    pass
gone_port = gone.getsockname()[1]
gone.close()
half_open(4321)


def port(s):
    return s.getsockname()[1]


until("all states", lambda: {r["state"] for r in rows(pid, "-a")} ==
      {"LISTEN", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-2", "TIME-WAIT"} and len(rows(pid, "-a")) == 6)
until("the window is closed", lambda: one(pid, "dport", port(slow))["waiting"] == "the peer's window")

r = one(pid, "dport", "=", ":%d" % port(idle))
assert r["kind"] == "connection" and r["state"] == "ESTABLISHED" and r["opened_by"] == "peer", r
assert r["local"] == {"addr": "10.0.0.1", "port": 80} and r["remote"] == {"addr": "10.0.0.2", "port": port(idle)}, r
assert r["waiting"] == "nothing" and r["blame"] == "nobody" and r["ends_ms"] is None and r["clock_ms"] is None, r
assert [s["state"] for s in r["steps"]] == ["SYN-RECEIVED", "ESTABLISHED"] and r["age_ms"] >= r["in_state_ms"], r

r = one(pid, "dport", port(slow))
assert r["blame"] == "peer" and r["clock"] == "window probe" and r["clock_ms"] <= 120000, r
assert r["unsent"] > 0 and r["send_window"] < 65536 and r["bytes_out"] > 0 and r["srtt_us"] > 0 and r["cwnd"] >= r["mss"], r
# From each probe until its answer there is a limit; a peer that goes on answering is waited for.
assert r["congestion"] == "cubic" and (r["ends_ms"] is None or r["end_why"] == "retransmission limit"), r

r = one(pid, "state", "fin-wait-2")
assert r["remote"]["port"] == port(lazy) and r["waiting"] == "the peer's FIN" and r["blame"] == "peer", r
assert [s["state"] for s in r["steps"]] == ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"], r
lazy_id = r["id"]

r = one(pid, "state", "time-wait")
assert r["kind"] == "time-wait" and r["remote"]["port"] == gone_port and r["clock"] == "2MSL", r
assert 0 < r["clock_ms"] <= 60000 and r["blame"] == "clock", r
r = one(pid, "state", "syn-received")
assert r["kind"] == "half-open" and r["remote"] == {"addr": "10.0.0.77", "port": 4321} and r["clock"] == "SYN-ACK", r
r = one(pid, "-l")
assert r["kind"] == "listener" and r["backlog"] == 1024 and r["queued"] == 0, r

# ---- filters ----
every = len(rows(pid, "-a"))
for words, want in (
    ("", 3),
    ("state established", 2),
    ("state connected", 5),
    ("state all", every),
    ("exclude established", every - 2),
    ("state established state listen", 3),
    ("state bucket", 2),
    ("state big", every - 2),
    ("sport 80", 3),
    ("sport = :80 and dport = :%d" % port(idle), 1),
    ("( dport = %d or dport = %d )" % (port(idle), port(lazy)), 2),
    ("not dport %d" % port(idle), 2),
    ("! ( dport %d or dport %d )" % (port(idle), port(lazy)), 1),
    ("sport != 80", 0),
    ("sport lt 80", 0),
    ("sport <= 80", 3),
    ("dport > 1", 3),
    ("dst 10.0.0.2", 3),
    ("dst 10.0.0.0/24", 3),
    ("dst 10.0.1.0/24", 0),
    ("dst != 10.0.0.2", 0),
    ("src 10.0.0.1:80", 3),
    ("src :81", 0),
    ("dst 10.0.0.2:%d" % port(lazy), 1),
    ("dst [fd00::]/8", 0),
    ("-4", 3),
    ("-6", 0),
    ("-u", 0),
    ("state syn-recv dst 10.0.0.77", 1),
):
    got = rows(pid, *words.split())
    assert len(got) == want, (words, want, [(g["state"], g.get("remote")) for g in got])
for words, named in (("state nosuch", "nosuch"), ("sport", "sport"), ("sport x", "x"), ("sport 65536", "65536"), ("src 10.0.0", "10.0.0"),
                     ("dst 10.0.0.1/33", "/33"), ("( sport 80", ")"), ("sport 80 )", ")"), ("nonsense", "nonsense"), ("state", "state"),
                     ("src < 10.0.0.1", "src"), (" ".join(["not"] * 100) + " sport 1", "deep")):
    err = run("ss", *words.split(), status=2)
    assert err.count("\n") == 1 and named in err, (words, err)

# ---- what a person reads ----
text = run("ss", "-a", "-o", "-i", "--pid", pid)
lines = text.splitlines()
assert re.match(r"PID +ID +State +Since +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port", lines[0]), lines[0]
assert sum(line.startswith(str(pid)) for line in lines) == every, text
assert re.search(r"FIN-WAIT-2 .* 10\.0\.0\.2:%d +the peer's FIN \(peer\)" % port(lazy), text), text
assert re.search(r"the peer's window \(peer\) timer:\(window probe,[0-9.]+m?s,\d+\)", text), text
assert re.search(r"\tcubic|\t cubic ts sack wscale:\d+,\d+ rto:[\d.]+ rtt:[\d.]+/[\d.]+ .*cwnd:\d+", text), text
assert not run("ss", "-H", "--pid", pid).startswith("PID")
text = run("ss", "--why", lazy_id, "--pid", pid)
for want in ("connection %d of process %d (lastack serve): 10.0.0.1:80 <- 10.0.0.2:%d, FIN-WAIT-2" % (lazy_id, pid, port(lazy)),
             "opened by the peer", "FIN-WAIT-1", "still there", "waits for the peer's FIN: we have closed; the peer's application has not",
             "who must act: the peer", "nothing ends it by itself"):
    assert want in text, (want, text)
r = until("a window probe was answered", lambda: (lambda r: r if r["backoff"] else None)(one(pid, "dport", port(slow))))
text = run("ss", "--why", r["id"], "--pid", pid)
assert "window probes since, each later than the one before: " in text and "without an answer" not in text, text
assert re.search(r"\n  path: round trip [0-9.]+ ms \(least [0-9.]+ ms\), retransmission time-out \d+ ms; cwnd \d+, the peer's window \d+ "
                 r"bytes; MSS 1448\n", text), text
assert "no such connection" in run("ss", "--why", 4000000000, status=1)
run("ss", "--why", "x", status=2)
text = run("ss", "-s", "--pid", pid)
assert "opened 0 by us, 4 by peers; 1 ended" in text and re.search(r"TIME-WAIT +1\n", text) and re.search(r"SYN-RECEIVED +1\n", text), text

# ---- the same over the socket: one object a line, and an end ----
s = ask(path, {"v": 1, "get": "hello"}, {"get": "records", "v": 1, "id": lazy_id}, {"v": 1, "get": "stats", "stack": 0},
        {"v": 1, "get": "records", "stack": 1})
f = s.makefile("rb")
hello = answer(f)
assert len(hello) == 2 and hello[0]["pid"] == pid and hello[0]["v"] == 1 and hello[0]["name"] == "lastack serve", hello
got = answer(f)
assert len(got) == 3 and got[1]["id"] == lazy_id and got[2] == {"end": True, "records": 1}, got
got = answer(f)
assert got[1]["opened_passive"] == 4 and got[1]["states"]["FIN-WAIT-2"] == 1, got
assert answer(f)[-1] == {"end": True, "records": 0}
s.close()
for wrong in (b"\n", b"{}\n", b"x" * 3000, b'{"v":2,"get":"hello"}\n', b'{"v":1,"get":"nosuch"}\n', b'{"v":1}\n', b'{"v":1,"get":"hello"}x\n',
              b'{"v":1,"get":"hello","kill":1}\n', b'{"v":1,"get":"hello","id":99999999999}\n', b'{"v":1,"get":"h\\u0065llo"}\n',
              b'{"v":01,"get":"hello"}\n', b'{"v":1,"get":"hello",}\n', b"\0\xff\n", b'{"v":1,"get":"hello"' + b" " * 1100 + b"}\n"):
    s = ask(path, wrong)
    f = s.makefile("rb")
    got = answer(f)
    assert len(got) == 1 and got[0]["error"], (wrong, got)
    try:
        assert f.read() == b"", wrong
    except ConnectionResetError:  # it was hung up on with something unread
        pass
    s.close()

# ---- counters ----
first = exposition.check(run("metrics", "--socket", path))
http = subprocess.run(["curl", "-q", "-sS", "-D", "head", "--unix-socket", path, "http://x/metrics"], capture_output=True, text=True)
assert http.returncode == 0, http
assert exposition.check(http.stdout).keys() == first.keys()
assert "text/plain; version=0.0.4" in open("head").read()
assert subprocess.run(["curl", "-q", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path, "http://x/"],
                      capture_output=True, text=True).stdout == "404"


def sample(name, **labels):
    m = exposition.check(run("metrics", "--socket", path))
    return m["lastack_" + name, tuple(labels.items())]


assert sample("connections", state="ESTABLISHED") == 2 and sample("connections", state="TIME-WAIT") == 1
assert sample("connections", state="LISTEN") == 1 and sample("connections", state="SYN-RECEIVED") == 1
assert sample("ends_total", reason="application close", closed_first="local") == 1
assert sample("opened_total", side="passive") == 4
for i in range(5):  # closed first by the client: nothing was asked
    dial(80).close()
for i in range(3):  # and reset by it
    s = dial(80)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
until("five", lambda: sample("ends_total", reason="application close", closed_first="peer") == 5)
until("three", lambda: sample("ends_total", reason="reset by the peer", closed_first="nobody") == 3)
assert sample("state_seconds_count", state="LAST-ACK") == 5 and sample("state_seconds_count", state="CLOSE-WAIT") == 5
assert sample("state_seconds_count", state="ESTABLISHED") == 10 and sample("opened_total", side="passive") == 12
assert sample("state_seconds_count", state="SYN-RECEIVED") == 12
half = one(pid, "state", "syn-received")
lazy.close()
until("the last FIN", lambda: sample("connections", state="TIME-WAIT") == 2)
assert sample("state_seconds_count", state="FIN-WAIT-2") in (1, 2)  # the FIN of `gone` may have come with the ACK of ours

# ---- askers that ask and do not read: as many as there are places, each for more than it takes ----
many = [dial(80) for _ in range(600)]
until("600 more", lambda: len(rows(pid, "state", "established")) == 602)
before = rss(pid)
stuck = [ask(path, {"v": 1, "get": "records"}) for _ in range(7)]
deaf = ask(path)  # and one that does not even ask
late = ask(path, {"v": 1, "get": "hello"})  # for whom there is no place
late.settimeout(0.2)
try:
    late.recv(1)
    raise AssertionError("a ninth asker was answered")
except TimeoutError:
    pass
for i in range(20):  # the stack goes on meanwhile
    s = dial(80)
    s.sendall(b"GET /small HTTP/1.0\r\n\r\n")
    assert s.makefile("rb").read().endswith(b"small\n")
    s.close()
grown = rss(pid) - before
assert grown < 3 << 20, grown
late.settimeout(LIMIT)
deaf.close()  # its place is free
assert answer(late.makefile("rb"))[0]["pid"] == pid
late.close()
got = answer(stuck[0].makefile("rb"))  # who reads on gets everything, whatever has changed meanwhile
assert got[-1]["records"] == len(got) - 2 > 600, got[-1]
for s in stuck:
    s.close()
for s in many:
    s.close()

# ---- several processes; stale sockets; other paths ----
assert run("metrics", "--socket", path)
srv2 = None
try:
    base = ["serve", "--echo", "--tun", "t1", "--addr", "10.0.1.1/24", "--host-addr", "10.0.1.2/24"]
    from stack import LASTACK
    srv2 = subprocess.Popen([LASTACK] + base, stdout=subprocess.PIPE, text=True)
    assert "serving on" in srv2.stdout.readline()
    pids = {json.loads(line)["pid"] for line in run("ss", "-l", "--json").splitlines()}
    assert pids >= {pid, srv2.pid}, pids
    assert "say which" in run("metrics", status=1)
    for who, ended in ((pid, True), (srv2.pid, False)):
        m = exposition.check(run("metrics", "--pid", who))
        assert any(v for (name, _), v in m.items() if name == "lastack_ends_total") == ended, (who, m)
    assert "no stack of process 1 answers" in run("metrics", "--pid", 1, status=1)
    run("metrics", "--pid", "x", status=2)
    err = subprocess.run([LASTACK] + base[:3] + ["t2", "--monitor", path], capture_output=True, text=True, timeout=LIMIT)
    assert err.returncode == 1 and "another stack answers there" in err.stderr and err.stderr.count("\n") == 1, err
    err = subprocess.run([LASTACK] + base[:3] + ["t2", "--monitor", "root/small"], capture_output=True, text=True, timeout=LIMIT)
    assert err.returncode == 1 and "not a socket" in err.stderr and open("root/small").read() == "small\n", err
finally:
    if srv2:
        srv2.kill()
        srv2.wait(LIMIT)
left = "lastack/%d.sock" % srv2.pid
assert os.path.exists(left)  # killed: nobody took it away
run("ss", "--pid", pid)  # which disturbs nobody
os.rename(left, "stale")
os.link("stale", left)
srv.stop()
assert not os.path.exists(path), "the socket is left behind"
srv = Serve("--echo")
assert not os.path.exists(left), "a stale socket was not swept away"
assert os.listdir("lastack") == ["%d.sock" % srv.pid]
srv.stop()
srv = Serve("--echo", "--monitor", "stale")  # an explicit path: the stale one is replaced
assert len(answer(ask("stale", {"v": 1, "get": "records"}).makefile("rb"))) == 3
assert os.listdir("lastack") == [] and glob.glob("stale*") == ["stale"]
srv.stop()
assert not os.path.exists("stale")
srv = Serve("--echo", "--monitor", "off")
assert os.listdir("lastack") == []
srv.stop()
print("ok")
