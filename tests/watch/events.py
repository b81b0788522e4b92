# SPDX-License-Identifier: MIT
import collections
import json
import socket
import struct
import subprocess
import sys

import jsonschema
from stack import LASTACK, LIMIT, Serve, dial, run, until

ROOT = sys.argv[1]
SCHEMA = json.load(open(ROOT + "/docs/events.schema.json"))
jsonschema.Draft202012Validator.check_schema(SCHEMA)
# Each line against the one definition that its name chooses: oneOf over all of them says less when it fails, and takes ten times as long.
ONE = {name: jsonschema.Draft202012Validator({"$ref": "#/$defs/" + name, "$defs": SCHEMA["$defs"]})
       for name in (d["$ref"].split("/")[-1] for d in SCHEMA["oneOf"])}
WHOLE = jsonschema.Draft202012Validator(SCHEMA)
seen = collections.Counter()


def read(path):
    lines = [json.loads(line) for line in open(path)]
    for o in lines:
        seen[o["name"]] += 1
        error = jsonschema.exceptions.best_match((ONE[o["name"]] if seen[o["name"]] > 20 else WHOLE).iter_errors(o))
        assert not error, (o, error.message)
    assert lines[0]["name"] == "log_started", lines[0]
    return lines


def lives(lines):
    """Each connection: opened once, a chain of states without a gap, closed at most once and then no more but for its last transition."""
    open_now, state, ended, log, last = set(), {}, {}, 0, 0
    for o in lines:
        if o["name"] == "log_started":
            open_now, state, ended, last = set(), {}, {}, 0
            log += 1
            continue
        if o["name"] == "stack_started":
            for key in [k for k in list(state) + list(ended) if k[:2] == (o.get("run"), o.get("host"))]:
                open_now.discard(key)
                state.pop(key, None)
                ended.pop(key, None)
        if "conn" not in o:
            continue
        key = (o.get("run"), o.get("host"), o["conn"])
        if o["name"] == "connection_opened":
            assert key not in open_now and key not in ended, o
            open_now.add(key)
            state[key] = "SYN-RECEIVED" if o["data"]["opened_by"] == "peer" else "CLOSED"
        elif o["name"] == "state_updated":
            assert key in open_now and o["data"]["from"] == state[key], (o, state.get(key))
            state[key] = o["data"]["to"]
            assert key not in ended, o
        elif o["name"] == "connection_closed":
            assert key in open_now and key not in ended, o
            d = o["data"]
            assert state[key] in ("CLOSED", "TIME-WAIT"), (o, state[key])
            assert abs(sum(d["in_state_ms"]) - d["duration"]) <= 1, o
            assert (d["time_wait_until"] is not None) == (d["time_wait"] in ("local", "both")), o
            ended[key] = o
    return ended


# ---- the scenarios, with everything; the same twice; without detail only what is short ----
run("sim", "--all", "--events", "sim.json")
lines = read("sim.json")
assert sum(o["name"] == "log_started" for o in lines) == len(run("sim", "--list").splitlines()) and lines[0]["clock"] == "virtual", lines[0]
assert not {"segment_sent", "segment_received", "segment_dropped", "metrics_updated"} & set(seen), seen
lives(lines)
scenarios = "release-four", "losses", "time-wait-2msl", "old-duplicate", "backlog", "ecn", "tail-probe", "keepalive-crashed"
for family in ([], ["--ipv6"]):
    run("sim", "-q", *scenarios, *family, "--events", "some.json", "--event-detail", "segments,recovery")
    run("sim", "-q", *scenarios, *family, "--events", "again.json", "--event-detail", "segments,recovery")
    assert open("some.json").read() == open("again.json").read(), "two runs differ"
    lives(read("some.json"))
assert all(seen[n] for n in ONE if n != "records_lost"), seen
sent = {o["data"]["sent"] for o in read("some.json") if o["name"] == "segment_sent"}
assert sent >= {"first", "retransmission", "keepalive probe", "tail loss probe"}, sent
run("sim", "-q", "release-four", "--events", "one.json")
text = [(o["host"], o["data"]["from"], o["data"]["to"]) for o in read("one.json") if o["name"] == "state_updated" and o["host"] == "client"]
assert [t[2] for t in text] == ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"], text
closed = [o for o in read("one.json") if o["name"] == "connection_closed"]
assert [c["data"]["why"] for c in closed] == ["application close"] * 2 and closed[0]["data"]["how"] == "four-segment release", closed

# ---- scripts: in the order of their names, however many at a time ----
run("drill", "-q", "--events", "drill.json", ROOT + "/tests/drill/3.6")
run("drill", "-q", "-j", "4", "--events", "drill4.json", ROOT + "/tests/drill/3.6")
assert open("drill.json").read() == open("drill4.json").read()
lines = read("drill.json")
assert [o["title"] for o in lines if o["name"] == "log_started"][0].endswith(".pkt")
lives(lines)

# ---- serve: what the log says of an end is what the program prints ----
srv = Serve("--echo", "--json", "--msl", "1", "--events", "serve.json")
for i in range(4):
    s = dial(7)
    s.sendall(b"x" * 100 * i)
    got = 0
    while got < 100 * i:
        got += len(s.recv(65536))
    if i == 3:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
until("four ends", lambda: srv.text().count('"how"') == 4)
until("flushed", lambda: open("serve.json").read().count("connection_closed") == 4)  # while it runs on
srv.stop()
lines = read("serve.json")
assert lines[0]["clock"] == "real" and lines[0]["title"] == "lastack serve", lines[0]
logged = {o["remote"]["port"]: o["data"] for o in lives(lines).values()}
for line in srv.text().splitlines()[1:]:
    e = json.loads(line)
    d = logged.pop(e["remote"]["port"])
    for name in ("how", "who", "why", "first_fin", "state", "error", "time_wait", "bytes_in", "bytes_out", "retransmissions",
                 "fin_retransmissions", "in_state_ms"):
        assert d[name] == e[name], (name, d, e)
    assert abs(d["duration"] - e["duration_ms"]) < 0.001 and d["opened_by"] == ("peer" if e["passive"] else "local"), (d, e)
assert not logged, logged

# ---- connect ----
listener = socket.create_server(("127.0.0.1", 0))
r = subprocess.run([LASTACK, "connect", "--tun", "t0", "--addr", "10.0.0.1/24", "--host-addr", "10.0.0.2/24", "--events", "connect.json",
                    "--event-detail", "segments", "10.0.0.2", "9"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
assert r.returncode == 3, r
lines = read("connect.json")
(end,) = lives(lines).values()
assert end["data"]["why"] == "no listener" and end["data"]["error"] == "ECONNREFUSED" and end["data"]["opened_by"] == "local", end
assert [o["data"]["flags"] for o in lines if o["name"] == "segment_sent"] == [["SYN"]], lines

# ---- wrong usage, and files that cannot be written ----
for args in (["sim", "open"], ["drill", "."], ["serve", "--echo"], ["connect", "10.0.0.2", "9"]):
    if args[0] != "drill":
        err = run(*args, "--event-detail", "segments", status=2)
        assert "without --events" in err and err.count("\n") == 1, err
        err = run(*args, "--events", "x", "--event-detail", "segment", status=2)
        assert "--event-detail segment" in err and err.count("\n") == 1, err
err = run("sim", "-q", "open", "--events", "/nonexistent/x", status=1)
assert "/nonexistent/x" in err and err.count("\n") == 1, err
r = subprocess.run([LASTACK, "sim", "-q", "open", "--events", "/dev/full"], capture_output=True, text=True)
assert r.returncode == 1 and "/dev/full" in r.stderr, r
print("ok:", sum(seen.values()), "lines")
