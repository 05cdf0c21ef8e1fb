"""Measure the page of a document of 2,000 pages: its first paint at a passage, and finding in it.

    python benchmarks/long_document.py [--pages 2000] [--write FILE]

A PDF is made of the demo corpus's sentences, shuffled, some thirty on a page with a number of its own, and
Chromium opens it at passages all over it. The first paint is the browser's own (first-contentful-paint), from
the start of the navigation; the passage must then be in view. A find goes from the input event of the last
letter to the first frame with the marked match in it, less the pause for which the page waits before it
asks. Words that stand once, on every page, and nowhere, a phrase, and questions by meaning are sought.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from playwright.sync_api import Page, sync_playwright

FIND = common.ROOT / "qa" / "web" / "static" / "find.js"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
OPENED = 40
SENTENCES = 30

_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_WATCH = """() => {
  document.getElementById("find").addEventListener("input", () => { window.typed = performance.now(); });
  document.addEventListener("shown", () => {
    requestAnimationFrame(() => {
      const channel = new MessageChannel(); // its message comes once the frame has been drawn
      channel.port1.onmessage = () => window.done?.(performance.now() - window.typed);
      channel.port2.postMessage(null);
    });
  });
}"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=2000, help="pages of the document, 2,000 by default")
    parser.add_argument("--write", type=Path, help="write the report to this file as JSON")
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        docs, index = Path(name) / "docs", Path(name) / "index"
        docs.mkdir()
        _write_pdf(docs / "long.pdf", args.pages)
        common.build_index(docs, index)
        with common.service(index, docs=docs) as service:
            figures = _measure(service.url)
    print(json.dumps(figures, indent=1))
    common.write_json(args.write, {"pages": args.pages}, figures)


def _write_pdf(path: Path, pages: int) -> None:
    from reportlab.lib.styles import ParagraphStyle  # noqa: PLC0415
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate  # noqa: PLC0415

    texts = [file.read_text("utf-8") for file in sorted((common.ROOT / "docs_raw").glob("*.txt"))]
    sentences = [
        found.replace("\n", " ") for text in texts for found in re.findall(r"[A-Z][^.]{40,200}\.", text)
    ]
    draw = random.Random(1)  # noqa: S311 -- the same document each time
    style = ParagraphStyle("body", fontSize=9, leading=12, spaceAfter=8)
    parts = []
    for number in range(1, pages + 1):
        drawn = [draw.choice(sentences) for _ in range(SENTENCES)]
        parts.append(
            Paragraph(f"Entry register{number} of the long report, written for this measurement.", style)
        )
        parts += [Paragraph(" ".join(drawn[first : first + 6]), style) for first in range(0, SENTENCES, 6)]
        parts.append(PageBreak())
    SimpleDocTemplate(str(path)).build(parts)


def _measure(address: str) -> common.Row:
    """Open the document at passages, and find in it; give times in ms."""
    pause = int(re.findall(r"const PAUSE = (\d+)", FIND.read_text("utf-8"))[0])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=FLAGS
        )
        page = browser.new_page(viewport={"width": 1180, "height": 900})
        (document,) = page.request.get(f"{address}/api/v1/documents").json()["documents"]
        reading = f"{address}/documents/{document['id']}"
        paints = [
            _open(page, reading, document["characters"] * n // (OPENED + 1)) for n in range(1, OPENED + 1)
        ]
        page.evaluate(_WATCH)
        numbers = [document["pages"] * n // 11 for n in range(1, 11)]
        sought = {
            "a word that stands once": [f"register{n}" for n in numbers],
            "a word on every page": ["trade", "Russia", "agreement", "ministers", "the"],
            "a phrase": ["of the long report", "trade turnover", "written for this measurement"],
            "a word that stands nowhere": ["zeppelin", "quinoa", "narwhal"],
        }
        times = {name: [_find(page, words) - pause for words in own] for name, own in sought.items()}
        page.locator("#find").fill("")
        page.locator("select[name=by]").select_option("meaning")
        questions = ["How large was the trade turnover in 2018?", "Who studied in Moscow?", "Which treaties?"]
        times["a question by meaning"] = [_find(page, question) - pause for question in questions]
        browser.close()
    every = [time for own in times.values() for time in own]
    return {
        "characters": document["characters"],
        "passages": document["passages"],
        "document_pages": document["pages"],
        "first_paint_ms": common.percentiles(paints[2:], 50, 95),
        "find_ms": common.percentiles(every, 50, 95),
        "find_ms_by_kind": {name: common.percentiles(own, 50, 95) for name, own in times.items()},
    }


def _open(page: Page, reading: str, start: int) -> float:
    """Open the document at a place; give the ms to the first paint, in which the place must be in view."""
    page.goto(f"{reading}?start={start}&end={start + 80}#passage")
    box = page.locator("mark#passage").bounding_box()
    if box is None or not 0 <= box["y"] <= page.viewport_size["height"]:
        raise SystemExit(f"{start} is not in view")
    paint: float = page.wait_for_function(_PAINT).json_value()
    return paint


def _find(page: Page, words: str) -> float:
    """Type the last letter of words whose others stand there; give the ms to the painted match."""
    page.evaluate("() => { window.done = null; }")
    page.locator("#find").fill(words[:-1])
    page.wait_for_timeout(1500)
    page.evaluate("() => { window.painted = new Promise((done) => { window.done = done; }); }")
    page.locator("#find").press("End")
    page.keyboard.type(words[-1])
    taken: float = page.evaluate("() => window.painted")
    return taken


if __name__ == "__main__":
    main()
