# SPDX-License-Identifier: MIT
"""The progress of `lastack explain` as a terminal shows it: progress.py LASTACK DIR. Stdout on the same terminal, and elsewhere."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

lastack, folder = sys.argv[1:]
capture = folder + "/long.pcap"
failures = 0


def check(what, holds, *more):
    global failures
    if not holds:
        failures += 1
        print("failed:", what, *more)


def write_capture(connections, segments):
    """Raw IP; each connection opens, carries text and is released."""
    text = b"x" * 1400

    def packet(src, dst, sport, dport, flags, seq, ack, data=b""):
        total = 40 + len(data)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0x4000, 64, 6, 0, src, dst)
        return ip + struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0) + data

    with open(capture, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for k in range(connections):
            a, b = struct.pack(">I", 0x0a000001 + k // 50000), b"\x0a\x00\x00\xfe"
            port = 1024 + k % 50000
            out = [packet(a, b, port, 80, 2, 99, 0), packet(b, a, 80, port, 18, 499, 100), packet(a, b, port, 80, 16, 100, 500)]
            out += [packet(b, a, 80, port, 16, 500 + 1400 * i, 100, text) for i in range(segments)]
            end = 500 + 1400 * segments
            out += [packet(a, b, port, 80, 17, 100, end), packet(b, a, 80, port, 17, end, 101), packet(a, b, port, 80, 16, 101, end + 1)]
            f.write(b"".join(struct.pack("<IIII", 1000 + k, i, len(p), len(p)) + p for i, p in enumerate(out)))


def run(columns, both, *arguments):
    """What goes to the terminal, and what to stdout if that is elsewhere."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(folder + "/out", "wb") as out:
        child = subprocess.Popen([lastack, "explain", *arguments], stdin=subprocess.DEVNULL, stdout=slave if both else out, stderr=slave,
                                 env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    os.close(slave)
    text = b""
    while True:
        try:
            some = os.read(master, 65536)
        except OSError:  # nobody is left at the other end
            break
        if not some:
            break
        text += some
    os.close(master)
    child.wait()
    check("status of " + " ".join(arguments), child.returncode == 0, child.returncode)
    with open(folder + "/out", "rb") as f:
        return text.decode(), f.read().decode()


def screen(text, columns):
    """Its lines when all has been written, as a terminal of that width keeps them; and the widest that a bar ever was."""
    lines, row, at, widest = [[]], 0, 0, 0
    for c in text:
        if c == "\n":
            row += 1
            if row == len(lines):
                lines.append([])
        elif c == "\r":
            at = 0
        else:
            if at == columns:
                at, row = 0, row + 1
                if row == len(lines):
                    lines.append([])
            line = lines[row]
            line += [" "] * (at + 1 - len(line))
            line[at] = c
            at += 1
            widest = max(widest, at)
    return ["".join(line).rstrip() for line in lines], widest


BAR = re.compile(r" *(\d+)% \[(#*)( *)\]")
write_capture(1000, 49)
name = os.path.basename(capture)
plain = subprocess.run([lastack, "explain", capture], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
check("no terminal, no bar", plain.stderr == "", plain.stderr[:200])

for columns in (200, 60, 40, 33, 20):
    told, out = run(columns, False, capture)
    check("%d columns: stdout elsewhere" % columns, out == plain.stdout)
    bars = BAR.findall(told)
    parts = [int(b[0]) for b in bars]
    if columns > 31:
        check("%d columns: it grows" % columns, len(parts) >= 3 and parts == sorted(set(parts)) and parts[-1] <= 100, parts)
        check("%d columns: as long as it says" % columns, all(len(b[1]) + len(b[2]) == 24 for b in bars), bars)
    else:
        check("%d columns: nothing that does not fit" % columns, told == "", told[:100])
    kept, widest = screen(told, columns)
    check("%d columns: it is gone" % columns, kept == [""], kept)
    check("%d columns: one line" % columns, widest < columns or not told, widest)
    check("%d columns: the name where there is room" % columns, (name in told) == (31 + 2 + len(capture) < columns), told[:100])

for columns in (200, 60):
    for arguments in ((capture,), ("--json", capture), ("-c", "7", capture)):
        told, _ = run(columns, True, *arguments)
        want = subprocess.run([lastack, "explain", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
        bar = BAR.search(told)
        check("%s: a bar" % (arguments,), bar)
        kept, _ = screen(told, columns)
        wanted, _ = screen(want.replace("\n", "\r\n"), columns)
        wrong = [(k, w) for k, w in zip(kept, wanted) if k != w]
        check("%s: on one terminal: the lines as they are" % (arguments,), kept == wanted, len(kept), len(wanted), wrong[:2])

told, _ = run(80, True, "--findings", capture)
check("no findings: the terminal is as it was", not "".join(screen(told, 80)[0]).count("%"), told[-200:])
sys.exit(bool(failures))
