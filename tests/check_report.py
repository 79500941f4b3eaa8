#!/usr/bin/env python3
"""The report in a browser, headless Chromium: no complaint, no request, tables sort, and it
prints.

check_report.py OHMWEAVE [FOLDER]

Exit status 77, which skips the test, without chromium or gnuplot.  With FOLDER the pages,
pictures and prints stay there.  The browser is told what to do through a pipe (the DevTools
protocol), so nothing listens on a port.
"""
import base64
import json
import os
import pathlib
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

SPEC = """\
vmm: {weights: {random: [8, 4], seed: 1}, inputs: {random: [12, 8], seed: 2}}
device: {set: ow_benign, sigma_program: 0.02}
engine: {name: dc}
sweep: {size: [8, 16, 32], array.r_wordline: [1, 20], seeds: 3}
limits: {accuracy.array.enob: {min: 2}, energy.per_mac: {max: 1p}}
"""
HOSTILE = """'"><img src=http://192.0.2.1/x onerror="document.title='owned'"><script>document.title='owned'</script>"""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--remote-debugging-pipe"]


class Browser:
    def __init__(self, program, profile):
        to_it, self.to = os.pipe()
        self.of, of_it = os.pipe()

        def plumb():  # the protocol's ends are 3 and 4
            a, b = os.dup(to_it), os.dup(of_it)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], close_fds=False,
            preexec_fn=plumb, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_it)
        os.close(of_it)
        self.buffer, self.number, self.events = b"", 0, []

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.of], [], [], left)[0]:
                return None
            more = os.read(self.of, 1 << 20)
            if not more:
                sys.exit("check_report: chromium ended")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive(60)
            if answer is None:
                sys.exit(f"check_report: no answer to {method}")
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"check_report: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def close(self):
        try:
            self.ask("Browser.close")
            self.process.wait(20)
        except (SystemExit, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


def fail(text):
    sys.exit(f"check_report: {text}")


def expect(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {got!r}, expected {wanted!r}")


SORT = """(function () {
  const table = document.querySelector('table'), head = table.tHead.rows[0].cells;
  const values = i => [...table.tBodies[0].rows].map(r => Number(r.cells[i].dataset.v));
  const i = [...head].findIndex(c => c.textContent.startsWith('ENOB'));
  const before = values(i);
  head[i].querySelector('button').click();
  const up = values(i), sort = head[i].getAttribute('aria-sort');
  head[i].querySelector('button').click();
  const down = values(i), sorted = [...before].sort((a, b) => a - b);
  return JSON.stringify([i >= 0, before.length, String(up) === String(sorted), sort,
    String(down) === String(sorted.reverse()), String(before) !== String(up)]);
})()"""

SEEN = """(function () {
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  const wide = [...document.querySelectorAll('figure svg')].every(e => {
    const r = e.getBoundingClientRect();
    return r.width > 300 && r.height > 150;
  });
  return JSON.stringify([document.querySelectorAll('figure svg').length, wide,
    new Set(ids).size === ids.length,
    document.documentElement.scrollWidth <= document.documentElement.clientWidth,
    document.querySelectorAll('img, iframe, object, embed').length]);
})()"""


def look(browser, page, folder, n_picture):
    """Open a page as a person does, then without scripts, on screen and on paper."""
    url = page.as_uri()
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(method, **params):
        return browser.ask(method, session, **params)

    def value(expression):
        result = ask("Runtime.evaluate", expression=expression)
        if "exceptionDetails" in result:
            fail(f"{page.name}: {result['exceptionDetails']}")
        return result["result"].get("value")

    for domain in ("Page", "Runtime", "Log", "Network"):
        ask(f"{domain}.enable")
    ask("Emulation.setDeviceMetricsOverride", width=1240, height=1000, deviceScaleFactor=1,
        mobile=False)
    browser.events.clear()
    ask("Page.navigate", url=url)
    end = time.monotonic() + 60
    while value("document.readyState") != "complete":
        if time.monotonic() > end:
            fail(f"{page.name}: not loaded after a minute")
        time.sleep(0.05)
    title = value("document.title")
    if "ohmweave report" not in title or title == "owned":
        fail(f"{page.name}: its title is {title!r}")
    n_svg, is_wide, is_unique, fits, n_foreign = json.loads(value(SEEN))
    expect(f"{page.name}: pictures", n_svg, n_picture)
    expect(f"{page.name}: pictures can be seen", is_wide, True)
    expect(f"{page.name}: ids differ", is_unique, True)
    expect(f"{page.name}: fits the window", fits, True)
    expect(f"{page.name}: images and frames", n_foreign, 0)
    has_column, n_row, is_up, sort, is_down, has_moved = json.loads(value(SORT))
    expect(f"{page.name}: a column ENOB", has_column, True)
    if n_row < 2 or not (is_up and is_down and has_moved and sort == "ascending"):
        fail(f"{page.name}: a click on the head does not sort")
    shot = base64.b64decode(ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])
    paper = base64.b64decode(ask("Page.printToPDF", printBackground=True,
                                 preferCSSPageSize=True)["data"])
    if not shot.startswith(b"\x89PNG") or len(shot) < 50000:
        fail(f"{page.name}: the picture of the window is {len(shot)} bytes")
    if not paper.startswith(b"%PDF") or len(paper) < 30000:
        fail(f"{page.name}: the print is {len(paper)} bytes")
    (folder / (page.stem + ".png")).write_bytes(shot)
    (folder / (page.stem + ".pdf")).write_bytes(paper)
    value("1")  # whatever was on its way has come
    for event in browser.events:
        method, params = event.get("method", ""), event.get("params", {})
        if method == "Network.requestWillBeSent":
            asked = params["request"]["url"]
            if asked != url and not asked.startswith("data:"):
                fail(f"{page.name}: asks for {asked}")
        if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            fail(f"{page.name}: complains: {json.dumps(params)[:500]}")
    ask("Emulation.setScriptExecutionDisabled", value=True)
    ask("Page.reload")
    time.sleep(0.5)
    document = ask("DOM.getDocument", depth=1)["root"]["nodeId"]
    for selector, least in (("figure svg", n_picture), ("tbody tr", n_row)):
        found = ask("DOM.querySelectorAll", nodeId=document, selector=selector)["nodeIds"]
        if len(found) < least:
            fail(f"{page.name}: without scripts {len(found)} of {selector}, expected {least}")
    browser.ask("Target.closeTarget", targetId=target)


def make_hostile(store):
    """Every text of the store says something else than it seems to."""
    with sqlite3.connect(store) as db:
        columns = json.loads(db.execute("SELECT value FROM about WHERE key = 'columns'")
                             .fetchone()[0])
        columns[1]["name"] = HOSTILE
        columns[1]["values"] = [HOSTILE, "a' `touch owned` $(touch owned) @x {/Symbol a}_b^c"]
        db.execute("UPDATE about SET value = ? WHERE key = 'columns'", (json.dumps(columns),))
        for key in ("path", "machine", "version", "began"):
            db.execute("UPDATE about SET value = ? WHERE key = ?", (HOSTILE, key))
        db.execute("UPDATE about SET value = ? WHERE key = 'files'",
                   (json.dumps({HOSTILE: HOSTILE}),))
        db.execute("UPDATE point SET host = ?1, version = ?1, misses = ?1", (HOSTILE,))
        db.execute("UPDATE point SET status = 'failed', error = ?, result = NULL WHERE id = 3",
                   (HOSTILE,))


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium or not shutil.which("gnuplot"):
        print("check_report: skipped: chromium or gnuplot is not there", file=sys.stderr)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else temporary).resolve()
        folder.mkdir(exist_ok=True)
        (folder / "grid.yaml").write_text(SPEC)

        def run(*words):
            done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                fail(f"ohmweave {' '.join(words)}: {done.stderr}")

        for name in ("grid.db", "hostile.db"):
            (folder / name).unlink(missing_ok=True)
        run("sweep", "grid.yaml", "--store", "grid.db", "--jobs", "2")
        shutil.copy(folder / "grid.db", folder / "hostile.db")
        make_hostile(folder / "hostile.db")
        run("report", "grid.db", "-o", "grid.html")
        run("report", "hostile.db", "-o", "hostile.html")
        browser = Browser(chromium, pathlib.Path(temporary) / "profile")
        try:
            # accuracy, energy, parts; one pair of keys, two maps; drop, errors, waves
            look(browser, folder / "grid.html", folder, 8)
            look(browser, folder / "hostile.html", folder, 8)
        finally:
            browser.close()
        if (folder / "owned").exists():
            fail("a text of the store was run")


if __name__ == "__main__":
    main()
