# SPDX-License-Identifier: MIT
import atexit
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte
from stack import LASTACK, LIMIT, Serve, dial, rows, until


class Top:
    def __init__(self, *args, lines=24, columns=200, term="xterm-256color"):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM=term, LC_ALL="C.UTF-8", LINES="", COLUMNS="")
            del os.environ["LINES"], os.environ["COLUMNS"]
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execv(LASTACK, [LASTACK, "top"] + [str(a) for a in args])
        self.over = self.reaped = False
        atexit.register(self.kill)

    def kill(self):
        if not self.reaped:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def read(self, wait=0.05):
        while select.select([self.fd], [], [], wait)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the other end is closed
                data = b""
            if not data:
                self.over = True
                return
            self.stream.feed(data)
            wait = 0

    def shows(self, what, fn):
        def look():
            self.read()
            return fn(self.screen.display)
        try:
            return until(what, look)
        except AssertionError:
            print("\n".join(self.screen.display))
            raise

    def press(self, keys):
        os.write(self.fd, keys if isinstance(keys, bytes) else keys.encode())

    def resize(self, lines, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)
        os.kill(self.pid, signal.SIGWINCH)

    def end(self):
        deadline = time.monotonic() + LIMIT
        while not self.over:
            self.read()
            assert time.monotonic() < deadline, "top does not end"
        self.reaped = True
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def table(display):
    """Rows below the heading, as lists of words."""
    return [line.split() for line in display[3:-1] if re.match(r" *\d+ ", line)]


def reversed_text(screen, line):
    return "".join(c.data for _, c in sorted(screen.buffer[line].items()) if c.reverse).strip()


# ---- not a terminal, or none that is known ----
for how in ({"stdin": subprocess.DEVNULL}, {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL}):
    r = subprocess.run([LASTACK, "top"], stderr=subprocess.PIPE, timeout=LIMIT, text=True, **how)
    assert r.returncode == 1 and r.stderr.count("\n") == 1 and "must be a terminal" in r.stderr, r
t = Top(term="nosuch-terminal")
assert t.end() == 1 and "nosuch-terminal is not known" in "".join(t.screen.display)

# ---- nobody there, then somebody ----
t = Top("-d", "0.2")
t.shows("nobody", lambda d: "no running stack answers" in d[-1])
srv = Serve("--echo", "--msl", "30")
t.shows("a process", lambda d: "1 process," in d[0] and "every 0.2 s" in d[0])
assert not table(t.screen.display)
conns = [dial(7) for _ in range(5)]
conns[0].sendall(b"x" * 70000)
d = t.shows("five rows", lambda d: len(table(d)) == 5 and d)
ports = [c.getsockname()[1] for c in conns]
text = "\n".join(d)
for p in ports:
    assert "10.0.0.1:7 -> 10.0.0.2:%d" % p in text, text
assert d[1].startswith("LISTEN 1  ESTABLISHED 5"), d[1]
assert d[2].split()[:10] == ["pid", "id", "state", "since", "recv-q", "send-q", "rate", "rtt", "cwnd", "again"], d[2]
assert reversed_text(t.screen, 2) == "rate"
assert all(w[0] == str(srv.pid) and w[2] == "ESTABLISHED" for w in table(d)), d

# ---- a rate: whoever sends comes first ----
def sender_first():
    conns[3].sendall(b"y" * 2000)
    conns[3].recv(100000)
    t.read()
    first = table(t.screen.display)[0]
    return float(re.sub("[kM]", "", first[6])) > 0 and ":%d" % ports[3] in " ".join(first)
until("the sender is first", sender_first)

# ---- sorting, turning round, all ----
ids = [r["id"] for r in rows(srv.pid)]
t.press("<" * 5)  # from rate back to id
t.shows("by id", lambda d: reversed_text(t.screen, 2) == "id" and [int(w[1]) for w in table(d)] == sorted(ids))
t.press("r")
t.shows("downwards", lambda d: [int(w[1]) for w in table(d)] == sorted(ids, reverse=True))
t.press("r>")
t.shows("by state", lambda d: reversed_text(t.screen, 2) == "state")
t.press("a")
t.shows("the listener", lambda d: any(w[2] == "LISTEN" for w in table(d)) and len(table(d)) == 6)
t.press("a")
t.shows("without it", lambda d: len(table(d)) == 5)

# ---- another size: narrower, lower; and scrolling in it ----
t.press("<")
t.resize(7, 60)
d = t.shows("three rows", lambda d: [int(w[1]) for w in table(d)] == sorted(ids)[:3] and all(len(line) == 60 for line in d) and d)
t.press(b"\x1bOB")  # down
t.shows("one down", lambda d: [int(w[1]) for w in table(d)] == sorted(ids)[1:4])
t.press(b"\x1b[6~")  # page down
t.shows("the end", lambda d: [int(w[1]) for w in table(d)] == sorted(ids)[2:5])
t.press(b"\x1bOA" * 9)
t.shows("the beginning", lambda d: [int(w[1]) for w in table(d)] == sorted(ids)[:3])
for lines, columns in ((1, 1), (2, 5), (4, 300)):  # nothing to be seen, and no crash
    t.resize(lines, columns)
    t.press(" ")
    t.read(0.3)
    assert not t.over
t.resize(30, 160)
d = t.shows("all again", lambda d: len(table(d)) == 5 and "q quit" in d[-1] and d)
if os.environ.get("TOP_SHOW"):
    print("\n".join(line.rstrip() for line in d))

# ---- who waits for whom ----
conns[1].close()
t.shows("one less", lambda d: len(table(d)) == 4)
srv.stop()
t.shows("nobody again", lambda d: "no running stack answers" in d[-1])
t.press("q")
assert t.end() == 0

# ---- a filter and a column of its own ----
srv = Serve("--echo")
conns = [dial(7) for _ in range(3)]
t = Top("-o", "since", "-r", "dport", conns[1].getsockname()[1])
t.shows("one row", lambda d: len(table(d)) == 1 and reversed_text(t.screen, 2) == "since")
os.kill(t.pid, signal.SIGINT)
t.end()
for args, word in ((["-d", "0"], "--delay"), (["-d", "x"], "--delay"), (["-o", "nosuch"], "nosuch"), (["state", "nosuch"], "nosuch")):
    r = subprocess.run([LASTACK, "top"] + args, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert r.returncode == 2 and word in r.stderr and r.stderr.count("\n") == 1, r
srv.stop()
print("ok")
sys.stdout.flush()
