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


folder = sys.argv[1]
browser = Browser()
try:
    for path in sorted(glob.glob(folder + "/*.mmd")):
        mermaid(path)
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
