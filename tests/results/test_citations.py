from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.results.citations import FORMATS, Quotation, bibtex, csl_json, markdown, plain, ris, title_of
from qa.types import Document, Metadata, Span

TEXTS = st.text(alphabet="ab {}\\%&$#_~^*[]`<>|\n\r\té\u2028“", max_size=40)
LINK = "http://localhost/documents/d?start=2&end=9#passage"


def quotation(
    text: str = "It is so.", page: int | None = None, section: str | None = None, **meta
) -> Quotation:
    document = Document("0" * 16, "news/a.txt", "text/plain", "ab" * 32, Metadata(**meta), 99, 1)
    return Quotation(document, Span(2, 2 + len(text)), text, LINK, page, section)


FULL = {
    "title": "Trade & tea",
    "source": "TASS",
    "author": "A. Writer",
    "published": "2019-07-03",
    "language": "en",
}


def test_a_plain_citation_is_one_line_with_all_metadata() -> None:
    line = plain(quotation("It\nis so.", 3, "Trade", **FULL))
    assert line == (
        "“It is so.” — Trade & tea, A. Writer, TASS, 2019-07-03, p. 3, section “Trade”, characters 2–11, "
        f"SHA-256 abababababab. {LINK}"
    )


def test_a_document_without_a_title_has_its_file_name() -> None:
    assert title_of(quotation().document) == "a.txt"
    assert title_of(quotation(title="Trade\nand tea").document) == "Trade\nand tea"
    assert quotation(title="Trade\nand tea").title == "Trade and tea"


def test_nothing_is_guessed() -> None:
    bare = quotation(dateline="HANOI, July 3. /TASS/")
    assert plain(bare).startswith("“It is so.” — a.txt, HANOI, July 3. /TASS/, characters 2–11")
    [item] = json.loads(csl_json(bare))
    assert not item.keys() & {"issued", "author", "publisher", "page", "language"}
    assert "year" not in bibtex(bare)
    assert "PY" not in ris(bare)
    assert all("HANOI, July 3. /TASS/" in format_.write(bare) for format_ in FORMATS.values())


def test_csl_json_keeps_the_quotation_unchanged() -> None:
    [item] = json.loads(csl_json(quotation("It\n is “so”.", 3, **FULL)))
    assert item["annote"] == "It\n is “so”."
    assert item["issued"] == {"date-parts": [[2019, 7, 3]]}
    assert item["author"] == [{"literal": "A. Writer"}]
    assert (item["type"], item["publisher"], item["page"], item["URL"]) == ("document", "TASS", "3", LINK)


@given(TEXTS, TEXTS, TEXTS)
def test_ris_has_one_tag_per_line(text: str, title: str, source: str) -> None:
    record = ris(quotation(text, title=title or None, source=source or None))
    lines = record.split("\r\n")
    assert lines[0] == "TY  - GEN"
    assert lines[-2:] == ["ER  - ", ""]
    assert all(
        re.match(r"[A-Z][A-Z0-9]  - ", line) and not re.search(r"[\r\n\u2028]", line) for line in lines[:-1]
    )


@given(TEXTS, TEXTS, TEXTS)
def test_bibtex_has_balanced_braces_and_escapes_special_characters(
    text: str, title: str, author: str
) -> None:
    entry = bibtex(quotation(text, title=title or None, author=author or None))
    bare = re.sub(r"\\[{}&%$#_]", "", entry)
    assert bare.count("{") == bare.count("}")
    values = re.findall(r"^  (?!url)\w+ = \{(.*)\},?$", entry, re.MULTILINE)
    assert values
    assert not [value for value in values if re.search(r"(?<!\\)[&%$#_^~]", value)]
    assert entry.startswith("@misc{" + "0" * 16)


@pytest.mark.parametrize("sign", list("\\`*_{}[]<>#|~"))
def test_markdown_escapes_special_characters(sign: str) -> None:
    assert f"> a\\{sign}b\n" in markdown(quotation(f"a{sign}b"))
    assert f"[a\\{sign}b](" in markdown(quotation(title=f"a{sign}b"))
