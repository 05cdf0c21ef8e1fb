"""What a page shows on demand."""

from __future__ import annotations

import pytest

from readers.samples import one

ANSWER = "A mooring costs 12 euros a night."

SHORT = "12 euros."


def _text(body: str) -> str:
    return one("a.html", f"<html><body><main><p>A first paragraph.</p>{body}</main></body></html>").text


@pytest.mark.parametrize(
    "markup",
    [
        f"<h3><button aria-controls=a>What does it cost?</button></h3><div id=a hidden><p>{ANSWER}</p></div>",
        f"<button aria-expanded=false>What does it cost?</button><div style='display:none'>{ANSWER}</div>",
        f"<dt><button aria-expanded>What does it cost?</button></dt><dd style='display:none'>{ANSWER}</dd>",
        f"<p>What does it cost?</p><div class='faq-answer' style='display:none'>{ANSWER}</div>",
        f"<a aria-controls=t2>What does it cost?</a><div role=tabpanel id=t2 hidden>{ANSWER}</div>",
        f"<h3><button aria-controls=b>What does it cost?</button></h3><p id=b hidden>{SHORT}</p>",
        f"<a data-toggle=collapse href='#c'>What does it cost?</a><p id=c hidden>{SHORT}</p>",
        f"<div class=faq><p>What does it cost?</p><div style='display:none'>{ANSWER}</div></div>",
        f"<button class=acc>What does it cost?</button><div class=panel>{ANSWER}</div>",
        f"<button>What does it cost?</button><!-- x --><div>{ANSWER}</div>",
        f"<button aria-expanded=false>What does it cost?</button><!-- x --><div hidden>{ANSWER}</div>",
        f"<h2><button>What does it cost?</button></h2><div>{ANSWER}</div>",
        f"<p>What does it cost? <span id=more style='display: none'>{ANSWER}</span></p>",
        f"<p>What does it cost?</p><p hidden=until-found>{ANSWER}</p>",
        f"<details><summary>What does it cost?</summary><p>{ANSWER}</p></details>",
    ],
)
def test_questions_and_answers_of_accordions_are_read(markup):
    text = _text(markup)
    assert "What does it cost?" in text
    assert ANSWER in text or SHORT in text


def test_labels_of_switches_are_no_text():
    text = _text(f"<h2>Costs</h2><button aria-controls=a>Show answer</button><p id=a hidden>{ANSWER}</p>")
    assert text == f"A first paragraph.\n\nCosts\n\n{ANSWER}"


@pytest.mark.parametrize(
    "markup",
    [
        f"<nav><button aria-controls=m>Menu</button><div id=m hidden>{ANSWER}</div></nav>",
        f"<div class='cookie-panel' hidden>{ANSWER}</div>",
        f"<button aria-controls=d>Sign up</button><div id=d class=modal hidden>{ANSWER}</div>",
        f"<div hidden>{ANSWER}</div>",
        f"<div id=cookie-banner><p>{ANSWER}</p><button>Accept?</button></div>",
        f"<button aria-haspopup=true aria-controls=m>Boats</button><div id=m hidden>{ANSWER}</div>",
        f"<button aria-controls=m>All</button><ul id=m hidden><li><a href=x>{ANSWER}</a></ul>",
        "<button>Share</button><button aria-expanded=false>More</button>",
    ],
)
def test_menus_banners_and_other_hidden_parts_are_not(markup):
    assert _text(markup) == "A first paragraph."
