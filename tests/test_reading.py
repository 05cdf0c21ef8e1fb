"""Reading in a process of its own: the same comes out, and what breaks it loses one file only."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qa import readers
from qa.contracts import ReadError, ReadFailure, Reading
from qa.reading import Contents, Limits, Reader

ROOT = Path(__file__).parent.parent
TABLE = b'{"id": "a", "text": "One."}\n{"id": "b"}\n{"id": "c", "text": "Three."}\n' + b"\n" * 2**16


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(Limits(seconds=1, memory=2**30)) as reader:
        yield reader


def _documents(
    reader: Reader, name: str, data: bytes, sidecar: bytes | None = None
) -> Iterator[Reading | ReadFailure]:
    with closing(reader.read_all([Contents(name, data, sidecar)])) as files:
        yield from next(files)
        assert next(files, None) is None


def _read(
    reader: Reader, name: str, data: bytes, sidecar: bytes | None = None
) -> list[Reading | ReadFailure]:
    return list(_documents(reader, name, data, sidecar))


def _pid(reader: Reader) -> int:
    return reader._process._popen.pid


@pytest.mark.parametrize("path", sorted(path.name for path in (ROOT / "docs_raw").glob("*.*")))
def test_the_same_comes_out(reader: Reader, path: str) -> None:
    if not readers.supported(Path(path)):
        pytest.skip("a sidecar")
    data = (ROOT / "docs_raw" / path).read_bytes() + b" " * 2**16 * path.endswith((".md", ".txt"))
    sidecar = b'title = "Another"\npublished = 2019-03-01\n'
    for given in (None, sidecar):
        assert _read(reader, path, data, given) == list(readers.read(path, data, sidecar_data=given))


def test_a_table_gives_its_rows_and_what_is_wrong_with_some(reader: Reader) -> None:
    found = _read(reader, "t.jsonl", TABLE)
    assert found == list(readers.read("t.jsonl", TABLE))
    assert [type(one) for one in found] == [Reading, ReadFailure, Reading]


def test_errors_come_out_as_they_are(reader: Reader) -> None:
    with pytest.raises(ReadError, match="is not a PDF that can be opened"):
        _read(reader, "a.pdf", b"no PDF")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("slow.md", b"[" * 2_000_000, r"takes more than 1 seconds to read.*read_seconds"),
        ("large.html", b"<p>a " * 12_000_000, r"more memory .*read_memory|takes more than 1 seconds"),
        ("long.txt", b"a" * 20_000_001, "has more than 20 million characters"),
    ],
)
def test_what_takes_too_much_is_told_and_the_next_is_read(
    reader: Reader, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(ReadError, match=message):
        _read(reader, name, data)
    assert len(_read(reader, "t.jsonl", TABLE)) == 3


def test_a_reader_that_breaks_down_is_told_and_the_next_is_read(reader: Reader) -> None:
    answers = _documents(reader, "t.jsonl", b'{"text": "One."}\n' * 20_000)
    next(answers)
    os.kill(_pid(reader), signal.SIGSEGV)
    with pytest.raises(ReadError, match=r"the reader broke down over it \(SIGSEGV\)"):
        list(answers)
    assert len(_read(reader, "t.jsonl", TABLE)) == 3
    # Between two files nobody is to blame.
    os.kill(_pid(reader), signal.SIGKILL)
    os.waitid(os.P_PID, _pid(reader), os.WEXITED | os.WNOWAIT)
    assert len(_read(reader, "t.jsonl", TABLE)) == 3


def test_what_is_not_read_to_its_end_does_not_come_again(reader: Reader) -> None:
    answers = _documents(reader, "t.jsonl", TABLE)
    next(answers)
    answers.close()
    assert len(_read(reader, "t.jsonl", TABLE)) == 3
