"""Files of every format."""

import pytest

from qa.readers import recognition
from readers.mail.msg_files import make_msg
from readers.samples import (
    XHTML,
    draw_picture,
    make_docx,
    make_epub,
    make_odf,
    make_ods,
    make_pdf,
    make_pptx,
    make_tar,
    make_xlsx,
    make_zip,
    one_slide,
    picture_file,
)


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
        "a.doc": make_docx(),
        "a.ppt": make_pptx(one_slide),
        "a.pptx": make_pptx(one_slide),
        "a.odt": make_odf("<text:p>Some text.</text:p>"),
        "a.odp": make_odf(
            "<draw:page><draw:frame><text:p>Some text.</text:p></draw:frame></draw:page>", kind="presentation"
        ),
        "a.rtf": rb"{\rtf1\ansi Some text.\par}",
        "a.rst": b"Title\n=====\n\nSome text.\n",
        "a.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nSome text.\n",
        "a.srt": b"1\n00:00:01,000 --> 00:00:02,000\nSome text.\n",
        "a.xml": b"<a><b>Some text.</b></a>",
        "a.epub": make_epub("<h1>One</h1><p>Text one.</p>", "<p>Text two.</p>"),
        "a.eml": message.encode(),
        "a.mbox": f"From a@b.example Mon Jun  3 10:00:00 2019\n{message}".encode(),
        "a.emlx": b"%d\n%s<?xml version='1.0'?><plist/>" % (len(message), message.encode()),
        **dict.fromkeys(("a.mht", "a.mhtml"), b"Content-Type: text/html\n\n<p>Some text.</p>"),
        "a.msg": make_msg({0x1000: "Some text."}),
        "a.ics": b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Some text.\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        "a.zip": make_zip({"a.txt": b"Some text."}),
        "a.tar": make_tar({"a.txt": b"Some text."}),
        **{f"a.{kind}": make_tar({"a.txt": b"Some text."}, "gz") for kind in ("tgz", "tar.gz")},
        **{f"a.{kind}": make_tar({"a.txt": b"Some text."}, "bz2") for kind in ("tbz2", "tar.bz2")},
        **{f"a.{kind}": make_tar({"a.txt": b"Some text."}, "xz") for kind in ("txz", "tar.xz")},
        "a.jsonl": b'{"text": "Some text."}\n{"text": "More."}\n',
        "a.ndjson": b'{"text": "Some text."}\n{"text": "More."}\n',
        "a.json": b'[{"text": "Some text."}, {"text": "More."}]',
        "a.csv": b"id,text\n1,Some text.\n2,More.\n",
        **{f"a.{kind}": make_xlsx(Sheet=[["Some text."]]) for kind in ("xlsx", "xlsm", "xls", "xlsb")},
        "a.ods": make_ods(Sheet=[["Some text."]]),
        "a.psv": b"id|text\n1|Some text.\n2|More.\n",
        "a.tab": b"id\ttext\n1\tSome text.\n2\tMore.\n",
        "a.tsv": b"id\ttext\n1\tSome text.\n",
        **_pictures(),
    }


def _pictures():
    """Return a picture of each kind, where Tesseract can read it."""
    if "eng" not in recognition.installed_languages():
        return {}
    kinds = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "tiff": "TIFF", "webp": "WEBP"}
    return {f"a.{suffix}": picture_file(kind, draw_picture("Some text.")) for suffix, kind in kinds.items()}
