"""Fuzz the readers and the division into passages with atheris: ``make fuzz``.

Whatever the bytes, a reader gives documents or a ReadError, and the passages of a document are slices of its
text that hold every letter of it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["qa.readers", "qa.text.segmentation"]):
    from qa import readers
    from qa.errors import ReadError
    from qa.text.segmentation.passages import split_passages
    from qa.types import Reading

from bad_input import cases
from fake_encoder import count_tokens

SUFFIXES = tuple(readers.SUFFIXES)
_LONGEST = 4096
_MATTER = 200_000  # passages of what is longer take long, and say nothing new


def one(data: bytes) -> None:
    """Read what the first byte names the kind of."""
    if not data:
        return
    try:
        readings = list(readers.read(f"a{SUFFIXES[data[0] % len(SUFFIXES)]}", data[1:]))
    except ReadError:
        return
    for reading in readings:
        if isinstance(reading, Reading) and len(reading.text) < _MATTER:
            _check(reading)


def _check(reading: Reading) -> None:
    reading.text.encode()  # no halves of characters
    spans = split_passages(reading, count_tokens=count_tokens, max_tokens=60, language=lambda _: None)
    covered = bytearray(len(reading.text))
    end = 0
    for passage in spans:
        assert end <= passage.span.start < passage.span.end <= len(reading.text), passage
        end = passage.span.end
        for start, stop in (passage.span, *passage.lead):
            covered[start:stop] = b"\1" * (stop - start)
        assert all(passage.span.start <= a < b <= passage.span.end for a, b in passage.sentences), passage
    if spans:
        missing = [c for c, seen in zip(reading.text, covered, strict=True) if not seen and c.isalnum()]
        assert not missing, missing[:20]


def _seeds(folder: Path) -> None:
    """Begin with a good and a bad file of each kind."""
    for number, case in enumerate(cases(quick=False)):
        suffix = Path(case.path).suffix.lower()
        if suffix in SUFFIXES and not callable(case.make):
            data = case.make.encode("utf-8", "surrogatepass") if isinstance(case.make, str) else case.make
            if len(data) <= _LONGEST:
                (folder / str(number)).write_bytes(bytes([SUFFIXES.index(suffix)]) + data)


if __name__ == "__main__":
    with TemporaryDirectory() as corpus:
        _seeds(Path(corpus))
        limits = [
            f"-max_len={_LONGEST}",
            "-timeout=30",
            "-rss_limit_mb=4096",
            f"-artifact_prefix={Path.cwd()}/",
        ]
        atheris.Setup([sys.argv[0], *limits, *sys.argv[1:], corpus], one)
        atheris.Fuzz()
