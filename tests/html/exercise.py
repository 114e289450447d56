"""Opens HTML reports in headless Chromium and holds them to what docs/reports.md promises. Called by tests/html/run.

usage: exercise.py CHROMEDRIVER CHROMIUM PICTURES NAME=REPORT.html,REPORT.json...

Speaks WebDriver to chromedriver, with nothing but Python's own library. Exit code: 0 every check holds, 1 one doesn't.
"""

import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

# A machine that does other work at the same time takes longer; what is promised is a second.
PROMISED_MS = 1000
FAILS_MS = 5000
WORDS = ["accepted", "confirmed", "failed", "unknown", "skipped", "not_attempted"]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,900",
    "about:blank",
]

failures = []


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what)
    if not holds:
        failures.append(what)


class Browser:
    """One session with an empty profile."""

    def __init__(self, port, chromium, profile):
        self.base = f"http://127.0.0.1:{port}"
        options = {"binary": chromium, "args": [*FLAGS, f"--user-data-dir={profile}"],
                   "perfLoggingPrefs": {"enableNetwork": True, "enablePage": False}}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self.base += f"/session/{session}"

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode(errors='replace')[:2000]}") from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script):
        return self.call("POST", "/execute/async", {"script": script, "args": []})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def press(self, selector, keys):
        element = next(iter(self.call("POST", "/element", {"using": "css selector", "value": selector}).values()))
        self.call("POST", f"/element/{element}/value", {"text": keys})

    def picture(self, path, whole=True):
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

    def scheme(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


# Runs a change of the table and gives the milliseconds that it took, drawing included.
TIMED = """
const [kind, what, value] = arguments;
const began = performance.now();
if (kind === 'click') document.querySelectorAll('#table thead button')[what].click();
else {
  const field = document.getElementById(what);
  field.value = value;
  field.dispatchEvent(new Event(kind, { bubbles: true }));
}
document.body.getBoundingClientRect();
return performance.now() - began;
"""

# Texts whose contrast with what is behind them is below 4.5, as "text: contrast".
CONTRAST = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const light = colour => {
  const [r, g, b] = numbers(colour).map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if ((numbers(colour)[3] ?? 1) === 1) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const low = [];
for (const element of document.querySelectorAll('body *')) {
  const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join(' ').trim();
  if (!text || element.closest('script, style, title, desc, .hidden, [hidden]')) continue;
  const style = getComputedStyle(element);
  const pair = [light(element instanceof SVGElement ? style.fill : style.color), light(behind(element))].sort((a, b) => b - a);
  const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
  if (contrast < 4.5) low.push(text.slice(0, 40) + ': ' + contrast.toFixed(2));
}
return [...new Set(low)];
"""

# What has no name for who doesn't see it, and what can't be reached by keyboard.
ACCESS = """
const bad = [];
for (const e of document.querySelectorAll('button, input, select, svg[role], section, nav, [tabindex="0"]')) {
  const by = (e.getAttribute('aria-labelledby') || '').split(' ').map(id => document.getElementById(id)?.textContent || '').join('');
  const name = e.getAttribute('aria-label') || by || (e.labels && e.labels[0]?.textContent) || (e.matches('button') && e.textContent);
  if (!name || !name.trim()) bad.push('no name: ' + e.outerHTML.slice(0, 80));
}
for (const e of document.querySelectorAll('th')) if (!e.scope) bad.push('no scope: ' + e.textContent);
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
for (const id of new Set(ids)) if (ids.filter(i => i === id).length > 1) bad.push('twice: ' + id);
const levels = [...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]));
levels.forEach((level, i) => { if (i && level > levels[i - 1] + 1) bad.push('a heading skips a level'); });
for (const tag of ['header', 'main', 'footer', 'h1']) if (document.querySelectorAll(tag).length !== 1) bad.push('not one ' + tag);
return bad;
"""

ROWS = "return [...document.querySelectorAll('#table > tbody > tr:not(.more)')].map(r => [...r.cells].map(c => c.textContent.trim()));"


def in_time(name, what, took):
    check(took < FAILS_MS, f"{name}: {what} took {took:.0f} ms (promised: {PROMISED_MS})")


def looks(browser, name, pictures):
    """Light, dark, narrow and printed."""
    for scheme in ["light", "dark"]:
        browser.scheme(scheme)
        low = browser.run(CONTRAST)
        check(not low, f"{name}: every text has a contrast of 4.5 in {scheme}{': ' if low else ''}{'; '.join(low[:5])}")
        browser.picture(pictures / f"{name}-{scheme}.png", whole=name != "large")
        browser.run("document.getElementById('calls').scrollIntoView()")
        browser.picture(pictures / f"{name}-{scheme}-calls.png", whole=False)
        browser.run("scrollTo(0, 0)")
    browser.scheme("light")
    browser.devtools("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=False)
    wide = browser.run("return document.documentElement.scrollWidth")
    check(wide <= 400, f"{name}: nothing is wider than a narrow window ({wide} of 400 px)")
    browser.picture(pictures / f"{name}-narrow.png", whole=False)
    browser.devtools("Emulation.clearDeviceMetricsOverride")
    printed = base64.b64decode(browser.devtools("Page.printToPDF", printBackground=False)["data"])
    (pictures / f"{name}.pdf").write_bytes(printed)
    check(len(printed) > 10_000, f"{name}: it prints ({len(printed) // 1024} KiB)")


def table(browser, name, report):
    """Filters, sorts, opens and turns pages, by pointer and by keyboard."""
    operations = report["operations"]
    rows = browser.run(ROWS)
    check(len(rows) == min(100, len(operations)), f"{name}: the table has a page of rows ({len(rows)})")

    project, region = operations[-1]["project"], operations[-1]["region"]
    took = browser.run(TIMED, "input", "search", f"{project} {region}")
    found = browser.run(ROWS)
    wanted = sum(project in str(o["id"]) and o["region"] == region for o in operations)
    check(0 < len(found) <= max(wanted, 1) and all(r[2] == project and r[3] == region for r in found),
          f"{name}: a search finds {len(found)} of {len(operations)}")
    in_time(name, "a search", took)
    in_time(name, "the search for what all have", browser.run(TIMED, "input", "search", "e"))
    in_time(name, "the search for nothing", browser.run(TIMED, "input", "search", ""))

    for option in ["accepted", "unknown"]:
        value = browser.run("return [...document.getElementById('outcome').options].find(o => o.text.startsWith(arguments[0]))?.value ?? null", option)
        count = report["summary"][option]
        check((value is not None) == (count > 0), f"{name}: {option} can be chosen if there is one")
        if value is None:
            continue
        in_time(name, f"a filter by outcome ({option})", browser.run(TIMED, "change", "outcome", value))
        found = browser.run(ROWS)
        said = browser.run("return document.getElementById('shown').textContent")
        check(all(r[1].endswith(option) for r in found) and f"of {count:,} operations" in said, f"{name}: {said} are {option}")
    browser.run(TIMED, "change", "outcome", "")

    heads = browser.run("return [...document.querySelectorAll('#table thead th')].map(h => h.textContent)")
    for column, head in enumerate(heads):
        for direction in ["ascending", "descending"]:
            # The second column is sorted from the beginning.
            took = browser.run(TIMED, "click", column, "")
            sorts = browser.run("return [...document.querySelectorAll('#table thead th')].map(h => h.getAttribute('aria-sort'))")
            says = sorts[column] in ("ascending", "descending") and sum(s is not None for s in sorts) == 1
            check(says and took < FAILS_MS, f"{name}: sorted by {head}, {sorts[column]}: {took:.0f} ms (promised: {PROMISED_MS})")
            if head == "No.":
                numbers = [int(r[0].rstrip("+−")) for r in browser.run(ROWS)]
                all_of_them = range(1, len(operations) + 1)
                first = list(all_of_them if sorts[column] == "ascending" else reversed(all_of_them))[:100]
                check(numbers == first, f"{name}: by number from {numbers[0]} on")
            if head in ("Project", "Region"):
                key = head.lower()
                ends = sorted((o[key] for o in operations), reverse=sorts[column] == "descending")
                check(browser.run(ROWS)[0][column] == ends[0], f"{name}: {ends[0]} comes first")

    browser.press("#search", operations[0]["project"])
    check(all(r[2] == operations[0]["project"] for r in browser.run(ROWS)), f"{name}: typing filters")
    browser.press("#table thead th:nth-child(4) button", "\ue007")
    check(browser.run("return document.querySelector('#table thead th:nth-child(4)').getAttribute('aria-sort')") == "ascending",
          f"{name}: Enter on a heading sorts")
    browser.press("#table button.open", "\ue007")
    opened = browser.run("return [document.querySelector('#table button.open').getAttribute('aria-expanded'), "
                         "document.querySelectorAll('#table tr.more tbody tr').length, "
                         "document.querySelector('#table tr.more dd').textContent]")
    first = browser.run(ROWS)[0]
    known = operations[int(first[0].rstrip("+−")) - 1]
    check(opened == ["true", len(known["attempts"]), known["id"]], f"{name}: Enter on a row shows its attempts ({opened[1]})")
    browser.press("#table button.open", "\ue007")
    check(browser.run("return document.querySelectorAll('#table tr.more').length") == 0, f"{name}: and once more hides them")
    browser.press(".controls button[type=reset]", "\ue007")
    browser.wait("setTimeout(arguments[0], 50)")
    check(len(browser.run(ROWS)) == min(100, len(operations)), f"{name}: Clear shows all again")
    if len(operations) > 100:
        browser.press("#after", "\ue007")
        check(browser.run("return document.getElementById('shown').textContent").startswith("101–200 of"), f"{name}: Next turns the page")
        browser.press("#before", "\ue007")


def exercise(browser, name, page, report, pictures):
    url = page.resolve().as_uri()
    # What the browser's own first page asks for is not this page's.
    browser.open("about:blank")
    browser.log("performance")
    browser.open(url)
    told = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    asked = {t["params"]["request"]["url"] for t in told if t["method"] == "Network.requestWillBeSent"}
    check(asked == {url}, f"{name}: it asks for itself only: {sorted(asked)}")

    counts = dict(browser.run("return [...document.querySelectorAll('dd[data-count]')].map(d => [d.dataset.count, Number(d.textContent)])"))
    check(all(counts[w] == report["summary"][w] for w in [*WORDS, "planned"]) and sum(counts[w] for w in WORDS) == counts["planned"],
          f"{name}: the six counts are the report's and sum up to {counts['planned']}")
    path = browser.run("return [document.querySelector('tbody td:nth-child(2)').textContent, window.injected ?? null]")
    check(path == [report["plans"][0]["path"], None], f"{name}: a path is text: {path[0]}")
    bad = browser.run(ACCESS)
    check(not bad, f"{name}: names, landmarks and headings{': ' if bad else ''}{'; '.join(bad[:5])}")
    looks(browser, name, pictures)
    table(browser, name, report)
    if report["summary"]["failed"] + report["summary"]["unknown"] > 0:
        browser.press("button[data-cause='0']", "\ue007")
        check(all(r[1].split()[-1] in ("failed", "unknown") for r in browser.run(ROWS)), f"{name}: a cause shows its operations")
        browser.press("#table button.open", "\ue007")
        browser.picture(pictures / f"{name}-cause.png", whole=False)

    told = browser.log("performance")
    asked = [json.loads(e["message"])["message"] for e in told]
    asked = [t["params"]["request"]["url"] for t in asked if t["method"] == "Network.requestWillBeSent"]
    check(not asked, f"{name}: it asks for nothing later{': ' if asked else ''}{asked or ''}")
    said = [entry["message"] for entry in browser.log("browser")]
    check(not said, f"{name}: the console is empty{': ' if said else ''}{'; '.join(said[:5])}")

    # Last, since they are told on the console: what somebody who got markup into the page could do.
    refused = browser.wait("""
const done = arguments[0], broken = [];
document.addEventListener('securitypolicyviolation', event => broken.push(event.effectiveDirective));
const script = document.createElement('script');
script.textContent = 'window.injected = 1';
document.body.append(script);
document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/image' }));
fetch('http://127.0.0.1:9/fetch').catch(() => {});
setTimeout(() => done([broken.sort(), window.injected ?? null]), 300);
""")
    check(refused == [["connect-src", "img-src", "script-src-elem"], None], f"{name}: its policy refuses what is put in: {refused[0]}")

    browser.log("browser")

    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    browser.scheme("light")
    browser.picture(pictures / f"{name}-without-script.png")
    node = browser.devtools("DOM.getDocument")["root"]["nodeId"]
    rows = browser.devtools("DOM.querySelectorAll", nodeId=node, selector="#table > tbody > tr")["nodeIds"]
    fields = browser.devtools("DOM.querySelectorAll", nodeId=node, selector=".script:not([hidden])")["nodeIds"]
    check(len(rows) == min(100, len(report["operations"])) and not fields, f"{name}: without JavaScript the table has {len(rows)} rows")
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def main(driver, chromium, pictures, *pages):
    # So that an end by a signal ends the browser as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    pictures = pathlib.Path(pictures)
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/driver", "w") as log:
            process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            port = None
            for line in process.stdout:
                if "on port" in line:
                    port = "".join(c for c in line.rsplit("port", 1)[1] if c.isdigit())
                if "started successfully" in line:
                    break
            if not port:
                sys.exit(f"chromedriver did not start:\n{pathlib.Path(work, 'driver').read_text()}")
            browser = Browser(port, chromium, f"{work}/profile")
            try:
                for page in pages:
                    name, files = page.split("=", 1)
                    html, report = map(pathlib.Path, files.split(","))
                    exercise(browser, name, html, json.loads(report.read_text()), pictures)
            finally:
                browser.call("DELETE", "")
        finally:
            process.terminate()
            process.wait()
    print(f"{len(failures)} failed" if failures else f"every check holds; pictures are in {pictures}{os.sep}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
