# SPDX-License-Identifier: MIT
"""The pages as a person meets them: page.py SIM.html EXPLAIN.html EVIL.html [PICTURES], made by test_page.sh."""
import sys

from browser import OVERLAPS, Browser

failures = []


def check(what, holds, *more):
    if not holds:
        failures.append(what)
        print("failed:", what, *more)


def text(b, selector):
    return b.js("(document.querySelector(%r) || {}).textContent || ''" % selector)


def shown(b, selector):
    return b.js("(() => { const e = document.querySelector(%r); return !!e && e.getClientRects().length > 0; })()" % selector)


def colour(b, selector, name="backgroundColor"):
    return b.js("getComputedStyle(document.querySelector(%r)).%s" % (selector, name))


def light(rgb):
    return sum(int(x) for x in rgb[rgb.index("(") + 1:-1].split(",")[:3]) > 3 * 128


def legible(b, where):
    """Nothing over anything else, nothing wider than the window, nothing in the console, no request."""
    b.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    bad = b.js(OVERLAPS)
    check("%s: texts lie over each other" % where, not bad, bad[:5])
    wide, window = b.js("[document.documentElement.scrollWidth, innerWidth]")
    check("%s: wider than the window" % where, wide <= window, wide, window)
    said = b.complaints()
    check("%s: the browser complains" % where, not said, said)
    b.js("document.querySelectorAll('details').forEach((d) => { d.open = false; })")


def sim(b, path, pictures):
    b.view(1280, 800)
    b.open(path)
    legible(b, "sim, wide")
    check("wide: the wide drawing shows", shown(b, "svg.large") and not shown(b, "svg.small"))
    check("no card before the pointer comes", not shown(b, "#card"))
    b.hover("svg.large g.syn")
    card = text(b, "#card")
    check("hover: the card shows", shown(b, "#card"))
    for word in ("SYN", "client", "server", "0.000000 s", "10 ms", "absolute", "65535", "1460", "permitted", "val "):
        check("hover: the card has %s" % word, word in card, card)
    if pictures:
        b.picture(pictures + "/hover.png", False)
    b.hover("h1")
    check("the card goes with the pointer", not shown(b, "#card"))
    b.click("svg.large text[aria-label='client: TIME-WAIT']")
    panel = text(b, "#panel")
    for word in ("client: TIME-WAIT", "RFC 9293 3.10.7.4", "2MSL", "60 s", "FIN-WAIT-2", "Close"):
        check("click: the panel has %s" % word, word in panel, panel)
    if pictures:
        b.picture(pictures + "/click.png", False)
    b.key("Escape", 27)
    check("Escape closes the panel", not shown(b, "#panel"))
    b.click("svg.large rect.s-est")
    check("click on a lifeline: its state", "ESTABLISHED" in text(b, "#panel"))
    b.click("#panel button")
    check("the button closes the panel", not shown(b, "#panel"))
    b.click("svg.large text.clock")
    check("click on a clock", "2MSL" in text(b, "#panel") and "ran out" in text(b, "#panel"), text(b, "#panel"))
    b.key("Escape", 27)


def keys(b, path):
    """Everything without a mouse, and a screen reader's names."""
    b.view(1280, 800)
    b.open(path)
    for _ in range(2):
        b.key("Tab", 9)
    check("Tab reaches the drawing", b.js("!!document.activeElement.closest('svg.large')"))
    check("the card comes with the focus", shown(b, "#card"))
    first = b.js("document.activeElement.getAttribute('aria-label')")
    b.key("ArrowDown", 40)
    check("the arrow key goes on", b.js("document.activeElement.getAttribute('aria-label')") != first)
    b.key("Enter", 13, "\r")
    check("Enter opens the panel", shown(b, "#panel"))
    check("the focus is in the panel", b.js("document.activeElement.textContent") == "Close")
    b.key("Escape", 27)
    check("and back with Escape", not shown(b, "#panel") and b.js("!!document.activeElement.closest('svg.large')"))
    nameless = b.js("Array.from(document.querySelectorAll('svg.large [tabindex]')).filter((e) => !(e.getAttribute('aria-label') || "
                    "e.textContent)).length")
    check("everything that can be reached has a name", nameless == 0, nameless)


def colours(b, path, pictures):
    b.view(1280, 800)
    b.open(path)
    check("light by preference", light(colour(b, "body")) and text(b, "#theme") == "Dark")
    b.click("#theme")
    check("the button makes it dark", not light(colour(b, "body")) and text(b, "#theme") == "Light")
    check("texts of the drawing, too", light(colour(b, "svg.large .name", "fill")), colour(b, "svg.large .name", "fill"))
    b.view(1280, 800, dark=True)
    b.open(path)
    check("dark by preference", not light(colour(b, "body")) and text(b, "#theme") == "Light")
    legible(b, "dark")
    b.click("#theme")
    check("the button makes it light", light(colour(b, "body")))
    if pictures:
        b.picture(pictures + "/light.png")


def telephone(b, path, pictures):
    b.view(360, 740, dark=True, touch=True)
    b.open(path)
    legible(b, "telephone")
    check("narrow: the narrow drawing shows", shown(b, "svg.small") and not shown(b, "svg.large"))
    size = b.js("(() => { const t = document.querySelector('svg.small .s'), m = t.getScreenCTM(); return 12.5 * m.a; })()")
    check("narrow: letters of a size that can be read", size > 11, size)
    b.click("svg.small text[aria-label='server: CLOSE-WAIT']")
    check("narrow: a click opens the panel", "CLOSE-WAIT" in text(b, "#panel"))
    check("narrow: what was clicked is not under it",
          b.js("document.querySelector('svg.small text.on').getBoundingClientRect().bottom <= document.getElementById('panel')"
               ".getBoundingClientRect().top"))
    if pictures:
        b.picture(pictures + "/telephone.png", False)
    legible(b, "telephone, with its panel")


def explain(b, path):
    b.view(1280, 800)
    b.open(path)
    legible(b, "explain")
    rows = b.js("Array.from(document.querySelectorAll('.index tbody tr')).map((r) => r.innerText)")
    check("index: one row each, with its verdict", len(rows) == 3 and "four-segment release" in rows[0] and "data for a closed socket" in
          rows[1] and "refused" in rows[2], rows)
    b.click(".index tr:nth-child(2) a")
    check("index: its link leads there", b.js("location.hash") == "#d1")
    check("the verdict stands over the ladder", "data for a closed socket" in text(b, "#d1 p"))
    b.hover("#d0 svg.large g.fin")
    check("hover: the frame's number", "frame" in text(b, "#card") and "FIN" in text(b, "#card"), text(b, "#card"))
    check("folded", "segments, " in text(b, "#d0 .fold") and "ACKs" in text(b, "#d0 .fold"), text(b, "#d0 .fold"))
    b.click("#d0 text[aria-label*='CLOSE-WAIT']")
    check("inferred states say so", "Inferred" in text(b, "#panel"))
    b.view(360, 740)
    b.open(path)
    legible(b, "explain, narrow")


def evil(b, path):
    """A capture's texts and a file's name stay text."""
    b.view(1280, 800)
    b.open(path)
    legible(b, "evil")
    check("no script of the capture runs", not b.js("!!window.evil"))
    check("no element of the capture's", not b.js("document.querySelectorAll('b, img, iframe').length"))
    check("but its text is there", "<img" in text(b, "h1") and "<img" in text(b, "svg.large") and "</script>" in text(b, "svg.large"))


b = Browser()
try:
    pictures = sys.argv[4] if len(sys.argv) > 4 else None
    sim(b, sys.argv[1], pictures)
    keys(b, sys.argv[1])
    colours(b, sys.argv[1], pictures)
    telephone(b, sys.argv[1], pictures)
    explain(b, sys.argv[2])
    evil(b, sys.argv[3])
finally:
    b.close()
print("%d failures" % len(failures))
sys.exit(bool(failures))
