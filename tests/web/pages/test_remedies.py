"""Reasons of readers become advice."""

from __future__ import annotations

import pytest

from qa.readers import NOT_READ
from qa.web.pages.remedies import remedy_for


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("is not a PDF that can be opened: it needs a password", "password"),
        ("cannot be read: it is encrypted", "password"),
        (f"{NOT_READ}: .txt, .md", "kind"),
        ("is a picture without text that can be recognised", "picture"),
        ("is not read without LibreOffice: apt-get install libreoffice-writer-nogui", "libreoffice"),
        ("has more than 20 million characters: split it", "size"),
        ("it takes too long", "time"),
        ("report.pdf.meta.toml: unknown key 'titel'; known are title", "sidecar"),
        ("cannot be opened: Permission denied", "access"),
        ("holds no text", "empty"),
        ("is not a DOCX that can be opened: File is not a zip file", "damaged"),
        ("is hidden: its name begins with a dot", "hidden"),
        ("describes a file that is not there", "alone"),
        ("takes more than 60 seconds to read, which is the limit (read_seconds)", "time"),
        ("has no title", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_reason_has_its_remedy(reason: str | None, remedy: str) -> None:
    assert remedy_for(reason) == remedy
