# SPDX-License-Identifier: MIT
"""A headless Chromium, driven over the pipe of its DevTools protocol: Python's own library and Debian's chromium are all it takes."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile


class Browser:
    def __init__(self):
        self.home = tempfile.mkdtemp()
        to_read, self.to = os.pipe()
        self.come, come_write = os.pipe()
        args = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--force-color-profile=srgb", "--no-first-run", "--user-data-dir=" + self.home, "--remote-debugging-pipe", "about:blank"]
        # The browser wants its commands at 3 and answers at 4; as root it has no sandbox of its own, and reads only what the tests wrote.
        self.process = subprocess.Popen(["sh", "-c", 'exec "$@" 3<&%d 4>&%d' % (to_read, come_write), "sh"] + args,
                                        pass_fds=(to_read, come_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, HOME=self.home))
        os.close(to_read)
        os.close(come_write)
        self.number = 0
        self.buffer = b""
        self.events = []
        target = self.call("Target.createTarget", session=None, url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", session=None, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        try:
            self.call("Browser.close", session=None)
        except Exception:
            self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.come)
        shutil.rmtree(self.home, ignore_errors=True)

    def message(self):
        while b"\0" not in self.buffer:
            if not select.select([self.come], [], [], 60)[0]:
                raise TimeoutError("the browser says nothing")
            part = os.read(self.come, 1 << 20)
            if not part:
                raise EOFError("the browser has gone")
            self.buffer += part
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, session=True, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while True:
            m = self.message()
            if m.get("id") == self.number:
                if "error" in m:
                    raise RuntimeError("%s: %s" % (method, m["error"]["message"]))
                return m["result"]
            self.events.append(m)

    def wait(self, method):
        while True:
            for m in self.events:
                if m.get("method") == method:
                    self.events.remove(m)
                    return m["params"]
            self.events.append(self.message())

    def view(self, width, height, dark=False, touch=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def open(self, path):
        self.events = [m for m in self.events if m.get("method") != "Page.loadEventFired"]
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("Page.loadEventFired")

    def js(self, text):
        r = self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise RuntimeError("%s\n%s" % (text, json.dumps(r["exceptionDetails"])))
        return r["result"].get("value")

    def middle(self, selector):
        """Scrolls an element into sight; the middle of it."""
        return self.js("(() => { const e = document.querySelector(%s); e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
                       " return [b.x + b.width / 2, b.y + b.height / 2]; })()" % json.dumps(selector))

    def hover(self, selector):
        x, y = self.middle(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector):
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, name, code=0, text=None):
        extra = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, code=name, windowsVirtualKeyCode=code, **extra)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=code)

    def picture(self, path, full=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def complaints(self):
        """What a console would show in red, and every request that is not for the page's own file."""
        self.js("0")
        bad = []
        for m in self.events:
            p = m.get("params", {})
            if m.get("method") == "Runtime.exceptionThrown":
                bad.append(p["exceptionDetails"].get("text", "exception"))
            elif m.get("method") == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning"):
                bad.append("console: %s" % p["args"])
            elif m.get("method") == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                bad.append(p["entry"]["text"])
            elif m.get("method") == "Network.requestWillBeSent" and not p["request"]["url"].startswith(("file:", "about:")):
                bad.append("request: " + p["request"]["url"])
        return bad


# Pairs of texts whose boxes, turned as they are drawn, lie over each other by more than a pixel; and texts that leave the drawing.
OVERLAPS = r"""(() => {
  const bad = [];
  for (const svg of document.querySelectorAll('svg')) {
    if (!svg.getBoundingClientRect().width) continue;
    const view = svg.viewBox.baseVal, inverse = svg.getScreenCTM().inverse();
    const items = Array.from(svg.querySelectorAll('text')).map((t) => {
      const b = t.getBBox(), m = inverse.multiply(t.getScreenCTM());
      const at = (x, y) => { const p = new DOMPoint(x, y).matrixTransform(m); return [p.x, p.y]; };
      const trim = b.height * .16; /* ascenders and descenders of others may touch the leading */
      return {text: t.textContent, quad: [at(b.x, b.y + trim), at(b.x + b.width, b.y + trim), at(b.x + b.width, b.y + b.height - trim), at(b.x, b.y + b.height - trim)]};
    }).filter((i) => i.text);
    const apart = (p, q) => {
      for (const r of [p, q]) for (let i = 0; i < 2; i++) {
        const ax = r[i + 1][1] - r[i][1], ay = r[i][0] - r[i + 1][0], len = Math.hypot(ax, ay) || 1;
        const on = (s) => s.map((v) => (v[0] * ax + v[1] * ay) / len);
        const a = on(p), b = on(q);
        if (Math.max(...a) < Math.min(...b) + 1 || Math.max(...b) < Math.min(...a) + 1) return true;
      }
      return false;
    };
    items.forEach((a, i) => {
      for (const b of items.slice(i + 1))
        if (!apart(a.quad, b.quad)) bad.push(a.text + ' over ' + b.text);
      for (const [x, y] of a.quad)
        if (x < view.x - 1 || x > view.x + view.width + 1 || y < view.y - 1 || y > view.y + view.height + 1) { bad.push('outside: ' + a.text); break; }
    });
  }
  return bad;
})()"""
