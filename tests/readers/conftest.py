"""Files of every format."""

import pytest

from readers.samples import XHTML, make_docx, make_epub, make_ods, make_pdf, make_xlsx


@pytest.fixture(scope="session")
def samples():
    """A small file of every suffix that can be read."""
    message = "From: Ann <a@b.example>\r\nSubject: News\r\n\r\nBody.\r\n"
    return {
        "a.txt": b"Some text.",
        "a.text": b"Some text.",
        "a.md": b"# Title\n\nSome text.",
        "a.markdown": b"# Title\n\nSome text.",
        "a.html": b"<html><body><h1>Title</h1><p>Some text.</p></body></html>",
        "a.htm": b"<p>Some text.</p>",
        "a.xhtml": XHTML.format("<p>Some text.</p>").encode(),
        "a.pdf": make_pdf([(72, 700, "Some text.")]),
        "a.docx": make_docx(),
        "a.epub": make_epub("<h1>One</h1><p>Text one.</p>", "<p>Text two.</p>"),
        "a.eml": message.encode(),
        "a.jsonl": b'{"text": "Some text."}\n{"text": "More."}\n',
        "a.ndjson": b'{"text": "Some text."}\n{"text": "More."}\n',
        "a.json": b'[{"text": "Some text."}, {"text": "More."}]',
        "a.csv": b"id,text\n1,Some text.\n2,More.\n",
        **{f"a.{kind}": make_xlsx(Sheet=[["Some text."]]) for kind in ("xlsx", "xlsm", "xls", "xlsb")},
        "a.ods": make_ods(Sheet=[["Some text."]]),
        "a.psv": b"id|text\n1|Some text.\n2|More.\n",
        "a.tab": b"id\ttext\n1\tSome text.\n2\tMore.\n",
        "a.tsv": b"id\ttext\n1\tSome text.\n",
    }
