# SPDX-License-Identifier: MIT
"""What the tests in this folder share: a stack that serves, the program run against it, and waiting with a deadline."""
import atexit
import json
import os
import select
import socket
import subprocess
import sys
import time

LASTACK = os.environ["LASTACK"]
LIMIT = 30


def until(what, fn):
    """Tries until fn returns something true."""
    deadline = time.monotonic() + LIMIT
    while True:
        got = fn()
        if got:
            return got
        assert time.monotonic() < deadline, "not within %d s: %s" % (LIMIT, what)
        select.select([], [], [], 0.02)


class Serve:
    def __init__(self, *args, where=None):
        self.log = open(where or "serve.out", "w+")
        base = [LASTACK, "serve", "--tun", "t0", "--addr", "10.0.0.1/24", "--host-addr", "10.0.0.2/24"]
        self.p = subprocess.Popen(base + list(args), stdout=self.log, stderr=subprocess.STDOUT)
        atexit.register(self.kill)
        until("ready", lambda: "serving on" in self.text() or self.p.poll() is not None)
        assert self.p.poll() is None, self.text()
        self.pid = self.p.pid

    def text(self):
        return open(self.log.name).read()

    def stop(self):
        self.p.terminate()
        assert self.p.wait(LIMIT) == 0, self.text()

    def kill(self):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait(LIMIT)


def run(*args, status=0):
    r = subprocess.run([LASTACK] + [str(a) for a in args], capture_output=True, text=True, timeout=LIMIT)
    assert r.returncode == status, (args, r)
    return r.stdout if status == 0 else r.stderr


def rows(pid, *args):
    return [json.loads(line) for line in run("ss", "--json", "--pid", pid, *args).splitlines()]


def dial(port, *, read=None):
    s = socket.socket()
    s.settimeout(LIMIT)
    if read:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read)
    s.connect(("10.0.0.1", port))
    return s


def ask(path, *lines):
    """A connection to the monitor with these requests sent."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(LIMIT)
    s.connect(path)
    s.sendall(b"".join(x if isinstance(x, bytes) else (json.dumps(x) + "\n").encode() for x in lines))
    return s


def answer(f):
    """Objects up to the one that says end."""
    out = []
    while not out or not out[-1].get("end"):
        line = f.readline()
        assert line, ("no end", out)
        out.append(json.loads(line))
    return out


def rss(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024


sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
