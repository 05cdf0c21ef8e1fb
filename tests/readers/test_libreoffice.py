"""Files of Word and PowerPoint before 2007."""

import os
import shutil
import time
from pathlib import Path

import pytest

from qa.errors import ReadError
from qa.readers import libreoffice
from qa.readers.libreoffice import convert
from readers.samples import headings, make_docx, make_pptx, one, one_slide

OLD = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600

SAVED_PAGE = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=q\r\n\r\n"
    b"--q\r\nContent-Type: text/html\r\n\r\n<p>Some text.</p>\r\n--q--\r\n"
)

needs_libreoffice = pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")


def a_letter(document):
    document.add_heading("The boiler", 1)
    document.add_paragraph("It leaks.")
    table = document.add_table(2, 2)
    for row, texts in enumerate((("part", "price"), ("valve", "9 €"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    document.add_paragraph("Yours, Ann")


@pytest.fixture
def soffice(tmp_path, monkeypatch):
    """Put a program in the place of LibreOffice, which finds its arguments in ``$args``."""

    def put(script):
        program = tmp_path / "soffice"
        program.write_text(f'#!/bin/sh\nargs="$*"\necho "$args" >{tmp_path}/args\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return put


@needs_libreoffice
def test_an_old_word_file_is_read():
    old = convert(make_docx(a_letter, title="On boilers"), "docx", "doc", package="")
    reading = one("a.doc", old)
    assert reading.text == "The boiler\n\nIt leaks.\n\npart | price\nvalve | 9 €\n\nYours, Ann"
    assert headings(reading) == [(1, "The boiler")]
    assert (reading.metadata.title, reading.media_type) == ("On boilers", "application/msword")


@needs_libreoffice
def test_an_old_powerpoint_file_is_read():
    old = convert(make_pptx(one_slide), "pptx", "ppt", package="")
    reading = one("a.ppt", old)
    assert "Some text." in reading.text
    assert len(reading.pages) == 1


@needs_libreoffice
def test_what_libreoffice_cannot_read_is_an_error():
    with pytest.raises(ReadError, match="LibreOffice does not convert it"):
        one("a.doc", OLD)


def test_the_converted_file_is_read(soffice, tmp_path):
    (tmp_path / "made.docx").write_bytes(make_docx(a_letter))
    soffice(
        f'while [ "$1" != --outdir ]; do shift; done; mkdir "$2"; cp {tmp_path}/made.docx "$2"/given.docx'
    )
    assert one("a.doc", OLD).text.startswith("The boiler\n\nIt leaks.")
    args = (tmp_path / "args").read_text().split()
    assert args[0].startswith("-env:UserInstallation=file:///")
    assert {"--headless", "--convert-to", "docx"} <= set(args)
    assert not Path(args[-1]).parent.exists()


def test_macros_are_off_in_its_profile(soffice, tmp_path):
    soffice(f'cp "$HOME"/profile/user/registrymodifications.xcu {tmp_path}/settings')
    with pytest.raises(ReadError, match="LibreOffice does not convert it"):
        one("a.ppt", OLD)
    assert "DisableMacrosExecution" in (tmp_path / "settings").read_text()


def test_without_libreoffice_the_package_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ReadError, match="apt-get install libreoffice-writer-nogui"):
        one("a.doc", OLD)
    with pytest.raises(ReadError, match="apt-get install libreoffice-impress-nogui"):
        one("a.ppt", OLD)


def test_a_conversion_that_never_ends_is_ended_with_all_that_it_started(soffice, tmp_path, monkeypatch):
    monkeypatch.setattr(libreoffice, "_MOST_SECONDS", 1)
    soffice(f"sleep 60 & echo $! >{tmp_path}/child; wait")
    with pytest.raises(ReadError, match="takes more than 1 seconds"):
        one("a.doc", OLD)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(process):
    """Whether a process runs. One that has ended may wait for somebody to ask how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_processor_time_is_limited(soffice, tmp_path, monkeypatch):
    monkeypatch.setattr(libreoffice, "_MOST_SECONDS", 7)
    soffice(f"ulimit -t >{tmp_path}/limit")
    with pytest.raises(ReadError):
        one("a.doc", OLD)
    assert (tmp_path / "limit").read_text() == "7\n"


def test_a_conversion_that_takes_too_much_time_is_named(soffice):
    soffice("kill -XCPU $$")
    with pytest.raises(ReadError, match="read_seconds"):
        one("a.doc", OLD)


@pytest.mark.parametrize(
    "data",
    [
        make_docx(),
        rb"{\rtf1\ansi Some text.\par}",
        b"<html><body><p>Some text.</p></body></html>",
        SAVED_PAGE,
        b"Some text.",
    ],
    ids=["docx", "rtf", "html", "mht", "text"],
)
def test_other_formats_named_doc_are_read_as_what_they_are(data, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert one("a.doc", data).text.strip() == "Some text."


def test_what_is_no_presentation_is_an_error():
    with pytest.raises(ReadError, match="is not a PowerPoint file"):
        one("a.ppt", b"Some text.")
