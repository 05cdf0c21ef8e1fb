"""Measure the page in a browser: from the last key to the painted results, and what it loads.

    python benchmarks/page.py [--write FILE]

The demo corpus is indexed and served, and Chromium asks the questions of `tests/demo_questions.jsonl` as a
person types them: word by word, each word followed by a pause in which the results of what stands there
arrive. A time goes from the input event of the last letter to the first frame with the results in it, less
the pause for which the page waits before it asks. Counted are also the bytes that the page loads,
uncompressed, and what should never be: complaints of the browser, requests that leave the service, shifts
of the layout.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from playwright.sync_api import Page, sync_playwright

DOCS = common.ROOT / "docs_raw"
QUESTIONS = common.ROOT / "tests" / "demo_questions.jsonl"
ASK = common.ROOT / "qa" / "web" / "static" / "ask.js"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

_WATCH = """() => {
  window.typed = 0;
  window.shifts = 0;
  document.getElementById("q").addEventListener("input", () => { window.typed = performance.now(); });
  document.addEventListener("answered", () => {
    const asked = window.typed;
    requestAnimationFrame(() => {
      const channel = new MessageChannel(); // its message comes once the frame has been drawn
      channel.port1.onmessage = () => { if (asked === window.typed) window.done(performance.now() - asked); };
      channel.port2.postMessage(null);
    });
  });
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) window.shifts += shift.value;
  }).observe({ type: "layout-shift", buffered: true });
}"""
_LOADED = """() => performance.getEntries()
  .filter((entry) => entry.decodedBodySize !== undefined && !entry.name.includes("?q="))
  .map((entry) => [entry.name, entry.decodedBodySize])"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="write the report to this file as JSON")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        common.build_index(DOCS, Path(folder))
        with common.service(Path(folder)) as service:
            figures = _measure(service.url)
    print(json.dumps(figures, indent=1))
    common.write_json(args.write, {"corpus": DOCS.name}, figures)


def _measure(address: str) -> common.Row:
    """Ask every question in a browser; give times in ms and bytes."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    complaints: list[str] = []
    times: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 900})
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: complaints.append(sent.url) if address not in sent.url else None)
        page.goto(address)
        page.evaluate(_WATCH)
        pause = int(re.findall(r"const PAUSE = (\d+)", ASK.read_text("utf-8"))[0])
        for line in QUESTIONS.read_text("utf-8").splitlines():
            times += [time - pause for time in _type(page, json.loads(line)["question"])]
        loaded = dict(page.evaluate(_LOADED))
        results = len(page.request.get(page.url).body())
        shifts = page.evaluate("window.shifts")
        browser.close()
    first = times[: len(times) // 20]  # until the service and the browser are warm
    return {
        "questions_asked": len(times),
        "pause_ms": pause,
        "ms": common.percentiles(times[len(first) :], 50, 95, 99),
        "loaded_bytes": {name.removeprefix(address): size for name, size in loaded.items()},
        "results_bytes": results,
        "all_bytes": sum(loaded.values()) + results,
        "complaints": complaints,
        "layout_shift": shifts,
    }


def _type(page: Page, question: str) -> list[float]:
    """Type a question word by word; give the ms from the last letter of each to its painted results."""
    page.locator("#q").fill("")
    times = []
    for word in question.split():
        page.evaluate("() => { window.painted = new Promise((done) => { window.done = done; }); }")
        page.keyboard.type(f"{word} ")
        times.append(page.evaluate("() => window.painted"))
    return times


if __name__ == "__main__":
    main()
