from pathlib import Path

import pytest

from qa.contracts import ReadError, ReadFailure, Reading
from qa.readers import SUFFIXES, html, is_sidecar, read, sidecar_of, supported


def test_every_suffix_is_read(samples):
    assert {Path(name).suffix for name in samples} == set(SUFFIXES)
    for name, data in samples.items():
        for reading in read(name, data):
            assert isinstance(reading, Reading), name
            assert reading.media_type == SUFFIXES[Path(name).suffix]
            assert "text" in reading.text.lower() or reading.text.strip() in {"Body.", "More."}


def test_suffixes_in_capitals_are_supported_and_sidecars_are_not():
    assert supported(Path("REPORT.PDF"))
    assert not supported(Path("report.pdf.meta.toml"))
    assert not supported(Path("image.png"))


def test_sidecar_has_the_whole_file_name():
    assert sidecar_of(Path("docs/report.pdf")) == Path("docs/report.pdf.meta.toml")
    assert is_sidecar(Path("docs/report.pdf.meta.toml"))
    assert not is_sidecar(Path("docs/meta.toml"))


def test_unknown_suffix_is_an_error():
    with pytest.raises(ReadError, match="no kind that can be read"):
        list(read("a.png", b""))


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_empty_files_are_errors(suffix):
    with pytest.raises(ReadError):
        list(read(f"a{suffix}", b""))


def test_truncated_and_damaged_files_give_readings_or_named_errors(samples):
    for name, data in samples.items():
        cuts = [data[: len(data) * part // 8] for part in range(8)]
        noise = [data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :] for at in range(0, len(data), 97)]
        for damaged in [
            *cuts,
            *noise[:25],
            bytes(range(256)) * 4,
            b"%PDF-1.7\n%%EOF",
            b"PK\x03\x04" + b"\0" * 40,
        ]:
            try:
                found = list(read(name, damaged))
            except ReadError:
                continue
            assert all(isinstance(item, Reading | ReadFailure) for item in found)


def test_whatever_a_library_raises_becomes_a_read_error(monkeypatch):
    def parse(markup):
        raise IndexError("out of range")

    monkeypatch.setattr(html, "parse", parse)
    with pytest.raises(ReadError, match="IndexError: out of range"):
        list(read("a.html", b"<p>x</p>"))
