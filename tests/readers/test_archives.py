"""Zip files, whole and damaged."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import ReadError
from qa.readers import archives
from qa.readers.archives import open_zip


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@given(st.dictionaries(st.text("abc/", min_size=1, max_size=5), st.binary(max_size=50), max_size=4))
def test_members_are_read_as_they_were_written(members: dict[str, bytes]) -> None:
    with open_zip(_zipped(members), "a DOCX") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == members


@pytest.mark.parametrize("data", [b"", b"not a zip file", _zipped({"a": b"x" * 99})[:-9]])
def test_what_is_not_a_zip_file_is_refused(data: bytes) -> None:
    with pytest.raises(ReadError, match=r"^is not a DOCX that can be opened: "):
        open_zip(data, "a DOCX")


def test_all_members_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 2**20)
    half = b"\0" * 2**19
    open_zip(_zipped({"a": half, "b": half}), "a DOCX").close()
    with pytest.raises(ReadError, match=r"^is not read: it would unpack to more than 1 MiB$"):
        open_zip(_zipped({"a": half, "b": half, "c": b"\0"}), "a DOCX")


def test_a_member_that_declares_too_little_is_not_unpacked_further() -> None:
    data = bytearray(_zipped({"a": b"\0" * 5_000}))
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    with open_zip(bytes(data), "a DOCX") as archive, suppress(*archives.DAMAGED):
        assert len(archive.read("a")) <= 10


def test_encrypted_members_are_refused() -> None:
    data = bytearray(_zipped({"a": b"secret"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ReadError, match="it is encrypted"):
        open_zip(bytes(data), "an EPUB")
