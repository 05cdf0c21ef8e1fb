"""Files of Word and PowerPoint before 2007 (.doc, .ppt): LibreOffice converts them, if it is installed.

It runs in a session and with a profile of its own, where no macro runs and nothing is fetched, under the
reader's limits.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from qa.errors import ReadError
from qa.readers import docx, plain_text, pptx, rtf
from qa.readers.archives import MAX_UNPACKED_BYTES
from qa.readers.extract import Extract
from qa.readers.html import article
from qa.readers.mail import web_archive
from qa.readers.sandbox.resource_limits import seconds_left, wall_seconds_left

_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP = b"PK\x03\x04"
_PAGES = (b"<html", b"<!doctype html", b"<?xml", b"<head", b"<meta")

_MOST_SECONDS = 300
"""Seconds that a conversion may take where no limit is set. Chosen: it takes three for a letter."""

_SPARE = 5
"""Seconds by the clock that are left for reading the converted file."""

_LIMITED = 'ulimit -t "$1" && shift && exec "$@"'
"""Runs a command that the system ends after so many seconds of processor time, even if nobody waits."""

_ENDED = frozenset({-signal.SIGXCPU, -signal.SIGKILL, 128 + signal.SIGXCPU, 128 + signal.SIGKILL})
"""What a command returns that the system has ended."""

_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel">
<value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution">
<value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent">
<value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="BlockUntrustedRefererLinks"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link">
<value>0</value></prop></item>
</oor:items>
"""
"""Settings of LibreOffice: no macros, no active content, and links are never followed."""


def read_doc(data: bytes) -> Extract:
    """Read a ``.doc`` file: Word before 2007, or DOCX, RTF, HTML, MHTML or plain text with that suffix.

    Raises:
        ReadError: it cannot be converted or read.
    """
    if data.startswith(_COMPOUND_FILE):
        return docx.read(convert(data, "doc", "docx", package="libreoffice-writer-nogui"))
    if data.startswith(_ZIP):
        return docx.read(data)
    start = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"{\\rtf"):
        return rtf.read(data)
    if start.startswith(_PAGES):
        return article.read(data)
    if b"mime-version:" in start and b"multipart/related" in start:
        return web_archive.read(data)
    return replace(plain_text.read(data), headings=())


def read_ppt(data: bytes) -> Extract:
    """Read a ``.ppt`` file: PowerPoint before 2007, or PPTX with that suffix.

    Raises:
        ReadError: it cannot be converted or read.
    """
    if data.startswith(_ZIP):
        return pptx.read(data)
    if not data.startswith(_COMPOUND_FILE):
        raise ReadError("is not a PowerPoint file")
    return pptx.read(convert(data, "ppt", "pptx", package="libreoffice-impress-nogui"))


def convert(data: bytes, old: str, new: str, *, package: str) -> bytes:
    """Convert a file by LibreOffice.

    Args:
        data: the file's bytes.
        old: the suffix of its format, without the dot.
        new: that of the wanted format.
        package: what Debian and Ubuntu call the part of LibreOffice that does it.

    Raises:
        ReadError: LibreOffice is not installed, fails, or takes too much time or memory.
    """
    program = shutil.which("soffice")
    if program is None:
        raise ReadError(f"is not read without LibreOffice: apt-get install {package}")
    with TemporaryDirectory(prefix="qa-convert-") as name:
        folder = Path(name)
        given, made = folder / f"given.{old}", folder / "out" / f"given.{new}"
        given.write_bytes(data)
        settings = folder / "profile" / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(_PROFILE, "utf-8")
        _run(program, folder, given, new)
        if not made.is_file():
            raise ReadError(
                f"cannot be read: LibreOffice does not convert it (is it encrypted, or {package} missing?)"
            )
        if made.stat().st_size > MAX_UNPACKED_BYTES:
            raise ReadError("is not read: it is too large when converted")
        return made.read_bytes()


def _run(program: str, folder: Path, given: Path, new: str) -> None:
    wall = min(_MOST_SECONDS, max(1, wall_seconds_left() - _SPARE))
    processor = math.ceil(min(_MOST_SECONDS, seconds_left()))
    command = [program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    command += ["--norestore", "--nologo", "--nolockcheck", "--convert-to", new]
    command += ["--outdir", str(folder / "out"), str(given)]
    process = subprocess.Popen(  # noqa: S603 -- nothing in it comes from a file
        ["/bin/sh", "-c", _LIMITED, "sh", str(processor), *command],
        env={
            "PATH": f"{Path(program).parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LC_ALL": "C.UTF-8",
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if process.wait(wall) in _ENDED:
            raise ReadError(f"is not read: LibreOffice needs more than {processor} seconds (read_seconds)")
    except subprocess.TimeoutExpired:
        raise ReadError(f"is not read: LibreOffice takes more than {wall:.0f} seconds") from None
    finally:
        with suppress(ProcessLookupError):  # what it started ends with it
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
