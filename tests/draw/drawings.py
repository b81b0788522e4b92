# SPDX-License-Identifier: MIT
"""Every form of every drawing: drawings.py DIR, where test_drawings.sh has put NAME.svg, NAME.html, NAME.mmd."""
import glob
import re
import sys
import xml.etree.ElementTree as xml

from browser import OVERLAPS, Browser

failures = []


def check(what, holds, *more):
    if not holds:
        failures.append(what)
        print("failed:", what, *more)


# What Mermaid's grammar takes of a sequence diagram, as far as we use it. Texts must not hold what it gives a meaning to.
TEXT = r"(?:[^#;<>&\"%\n]|#[0-9]+;)+"
LINE = re.compile(r"  (?:participant P\d+ as {0}|Note (?:left of P\d+|right of P\d+|over P\d+(?:,P\d+)?): {0}|P\d+(?:->>|-x)P\d+: {0})$"
                  .replace("{0}", TEXT))


def mermaid(path):
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    check(path + ": ends with a newline", lines.pop() == "")
    check(path + ": begins", lines[0] == "sequenceDiagram")
    known = set()
    for line in lines[1:]:
        check("%s: not a line of a sequence diagram: %s" % (path, line), LINE.match(line))
        named = set(re.findall(r"\bP\d+\b", line.split(": ")[0]))
        if line.startswith("  participant"):
            known |= {line.split()[1]}
        else:
            check("%s: participants that are known: %s" % (path, line), named and named <= known)


def svg(path):
    tree = xml.parse(path).getroot()
    check(path + ": has a size", tree.get("viewBox") and tree.get("width"))
    outside = [a for e in tree.iter() for n, a in e.attrib.items() if n.endswith("href") or ("url(" in a and not a.startswith("url(#"))]
    check(path + ": refers to nothing outside", not outside, outside)
    check(path + ": no script", not [e for e in tree.iter() if e.tag.endswith("script")])


SYN = re.compile(r"SYN(,[A-Z]+)*seq ")
END = re.compile(r"([A-Z]+,)*(FIN|RST)(,[A-Z]+)*seq ")


def runs(path):
    """The texts of each run in a picture, by its title; {"": texts} where there are no titles."""
    found = {"": []}
    title = ""
    for e in xml.parse(path).getroot().iter():
        if e.tag.endswith("text"):
            text = "".join(e.itertext())
            if e.get("class") == "h2":
                title = text
                found[title] = []
            else:
                found[title].append(text)
    if len(found) > 1:
        del found[""]
    return found


def whole(path):
    """An opening and a release, or whatever ends it, in each run: an empty ladder has neither."""
    for title, texts in runs(path).items():
        check("%s: %s: its opening" % (path, title), any(SYN.match(t) for t in texts), len(texts))
        check("%s: %s: its end" % (path, title), any(END.match(t) for t in texts), len(texts))
        check("%s: %s: what is told of it" % (path, title), len(texts) >= 15, len(texts))


# Scenarios that are about what is not opened, or not released.
PARTS = {"backlog", "half-open-reboot", "icmp-from-host", "icmp-from-router", "keepalive-alive", "keepalive-rebooted", "neighbour", "open",
         "quiet-time", "refused", "retransmit-timeout", "simultaneous-open", "syn-timeout", "udp-unreachable"}
# Scenarios that compare runs draw more than one.
COMPARED = {"bbr", "bbr-sound", "buffer-tuning", "byte-counting", "dscp-ttl-urgent", "ecn", "hystart", "idle-restart", "initial-window",
            "long-fat-path", "nagle-and-cork", "offload", "pacing", "pmtu-blackhole", "pmtu-icmp", "pmtu-probe", "quick-ack",
            "silly-window", "spurious-timeout", "window-validation"}

folder = sys.argv[1]
browser = Browser()
try:
    for path in sorted(glob.glob(folder + "/*.mmd")):
        mermaid(path)
    for path in sorted(glob.glob(folder + "/sim-*.svg")):
        name = path.rpartition("/sim-")[2][:-4]
        if name not in PARTS:
            whole(path)
        elif name != "udp-unreachable":
            check(path + ": a segment", any(SYN.match(t) for texts in runs(path).values() for t in texts))
        if name in COMPARED:
            check(path + ": both runs", len(runs(path)) > 1)
    for path in sorted(glob.glob(folder + "/*.svg")):
        svg(path)
        browser.view(1280, 900)
        browser.open(path)
        bad = browser.js(OVERLAPS)
        check(path + ": texts lie over each other, or outside", not bad, bad[:5])
    for path in sorted(glob.glob(folder + "/*.html")):
        for width in (1280, 360) if "explain" in path else (360,):  # the wide one is the SVG's
            browser.view(width, 900, dark=width == 360)
            browser.open(path)
            bad = browser.js(OVERLAPS)
            check("%s at %d: texts lie over each other, or outside" % (path, width), not bad, bad[:5])
            wide = browser.js("document.documentElement.scrollWidth")
            check("%s at %d: wider than the window: %d" % (path, width, wide), wide <= width)
            said = browser.complaints()
            check("%s: the browser complains" % path, not said, said)
            browser.events = []
finally:
    browser.close()
print("%d failures" % len(failures))
sys.exit(bool(failures))
