"""Reading in a process of its own: the same comes out, and what breaks it loses one file only."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from qa import readers
from qa.errors import ReadError
from qa.readers import recognition, recognition_cache
from qa.readers.recognised_words import Paragraph
from qa.readers.recognition_options import OFF, RecognitionOptions
from qa.readers.sandbox import parent, resource_limits, wire
from qa.readers.sandbox.parent import Contents, Reader
from qa.readers.sandbox.resource_limits import Limits
from qa.types import ReadFailure, Reading
from readers.samples import draw_picture, picture_file

ROOT = Path(__file__).parents[3]
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


@pytest.mark.skipif("eng" not in recognition.installed_languages(), reason="Tesseract has no English here")
def test_what_was_recognised_is_kept_for_the_next_process(tmp_path: Path) -> None:
    picture = picture_file("PNG", draw_picture("The harbour of Leith has twelve berths."))
    limits = Limits(seconds=60, memory=2**31, recognition=RecognitionOptions(cache=tmp_path))
    with Reader(limits) as first:
        (reading,) = _read(first, "scan.png", picture)
    assert reading.text == "The harbour of Leith has twelve berths."
    (path,) = tmp_path.glob("*/*/*")
    kept = recognition_cache.load(tmp_path, path.name)
    other = replace(kept, paragraphs=(Paragraph("What was kept.", ()),))
    recognition_cache.keep(tmp_path, path.name, other)
    with Reader(limits) as second:
        (reading,) = _read(second, "scan.png", picture)
    assert reading.text == "What was kept."


def test_recognition_is_off_in_the_process_if_the_setting_says_so() -> None:
    limits = Limits(seconds=10, memory=2**31, recognition=RecognitionOptions(OFF))
    with Reader(limits) as reader, pytest.raises(ReadError, match="recognition of text is off"):
        _read(reader, "scan.png", picture_file("PNG", draw_picture("Leith")))


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
    ids=["slow", "large", "long"],  # made of the data, an id is too long for the environment of a process
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
    with pytest.raises(ReadError, match=r"the reader crashed \(SIGSEGV\)"):
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


HOSTILE = {
    "merge.md": b"---\na0: &a0 {k: v}\n"
    + b"".join(b"a%d: &a%d {<<: [*a%d, *a%d]}\n" % (n, n, n - 1, n - 1) for n in range(1, 41))
    + b"---\n# A note\n\nIt has a sentence.\n",
    "dotted.md": b"+++\n" + b"a." * 30_000 + b"a = 1\n+++\n# A note\n\nIt has a sentence.\n",
    "note.txt": b"A note\n\nIt has a sentence.\n",
}


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="Linux alone says what a process took at most"
)
def test_hostile_metadata_stays_within_the_limits(reader: Reader) -> None:
    for name in ("merge.md", "dotted.md"):
        (reading,) = _read(reader, name, HOSTILE[name])
        assert reading.metadata.title == "A note"
    with pytest.raises(ReadError, match=r"^note\.txt\.meta\.toml is not TOML that can be read"):
        _read(reader, "note.txt", HOSTILE["note.txt"], b"a." * 60_000 + b"a = 1")
    status = Path(f"/proc/{_pid(reader)}/status").read_text()
    assert int(status.partition("VmHWM:")[2].split()[0]) < 2**20  # KiB that it took at most


def _all(reader: Reader, files: Iterable[Contents]) -> list[list[Reading | ReadFailure] | str]:
    """Give what becomes of each file: its documents, or why it cannot be read."""
    results: list[list[Reading | ReadFailure] | str] = []
    with closing(reader.read_all(files)) as each:
        for documents in each:
            try:
                results.append(list(documents))
            except ReadError as error:
                results.append(str(error))
    return results


def test_many_files_come_in_order_whatever_becomes_of_some(reader: Reader) -> None:
    files = [
        Contents(f"{n}.txt", b"Text %d." % n, b"title = 'T%d'" % n if n % 3 else None) for n in range(90)
    ]
    files[20] = Contents("20.pdf", b"no PDF")
    files[30] = Contents("30.txt", error="cannot be opened")
    files[31] = Contents("31.txt", b"Large. " * 30_000)
    files[40] = Contents("40.md", b"[" * 2_000_000)
    files[50] = Contents("50.jsonl", TABLE)
    files[60] = Contents("60.txt", b"Text.", b"titel = 'x'")
    results = _all(reader, iter(files))
    assert len(results) == 90
    for n in set(range(90)) - {20, 30, 31, 40, 50, 60}:
        (reading,) = results[n]
        assert (reading.text, reading.metadata.title) == (f"Text {n}.", f"T{n}" if n % 3 else str(n))
    assert "is not a PDF" in results[20]
    assert results[30] == "cannot be opened"
    assert len(results[31][0].text) == 210_000
    assert "read_seconds" in results[40]
    assert len(results[50]) == 3
    assert "unknown key 'titel'" in results[60]


def test_what_is_not_taken_does_not_come_as_what_follows(reader: Reader) -> None:
    files = [Contents(f"{n}.txt", b"Text %d." % n) for n in range(40)]
    taken = [list(documents) for n, documents in enumerate(reader.read_all(files)) if n % 2]
    assert [reading.text for (reading,) in taken] == [f"Text {n}." for n in range(1, 40, 2)]


BROKEN = """\
import sys; sys.path[:] = {path!r}
import os, signal, sys, time
from qa.readers.sandbox import wire
def answer(data): os.write(1, data); time.sleep(60)
{what}
"""


def _broken(what: str) -> str:
    """Give the code of a reader that does something else than to read."""
    return BROKEN.replace("{what}", what.replace("{", "{{").replace("}", "}}"))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("answer(wire.LENGTH.pack(2 ** 40))", "its answer is invalid"),
        ("answer(b'no frame at all, but long enough for one')", "its answer is invalid"),
        ("answer(wire.frame(b'no JSON'))", "its answer is invalid"),
        ("answer(wire.frame(b'[' * 100_000))", "its answer is invalid"),
        ("answer(wire.frame({'error': 'x' * 9_999, 'worn': False}))", "its answer is invalid"),
        ("answer(wire.frame({'failure': {'path': 'x', 'reason': 'y', 'row': 5, 'count': 1}}))", "is invalid"),
        (
            "answer(wire.frame({'failure': {'path': 'x', 'reason': 'y', 'row': None, 'count': -1}}))",
            "is invalid",
        ),
        ('answer(wire.frame(b\'{"error": "\\\\ud800", "worn": false}\'))', "its answer is invalid"),
        ("answer(b'\\0' * 7)", "is not read after 1 seconds"),
        ("time.sleep(60)", "is not read after 1 seconds"),
        ("os.close(0); time.sleep(60)", "the reader crashed|is not read after 1 seconds"),
        ("os.close(1); time.sleep(60)", r"the reader crashed \(it closed its output\)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", r"\(SIGKILL\); more read_memory may help"),
        ("os.abort()", r"\(SIGABRT\); more read_memory may help"),
        ("os.kill(os.getpid(), 40)", r"the reader crashed \(signal 40\)"),
        ("sys.exit(3)", r"the reader crashed \(exit code 3\)"),
        ("sys.exit(wire.OUT_OF_MEMORY)", "more memory than a reader may have"),
    ],
)
def test_a_broken_reader_costs_its_file_and_no_more(
    monkeypatch: pytest.MonkeyPatch, what: str, message: str
) -> None:
    in_time = "not read" not in message
    monkeypatch.setattr(parent, "_GRACE", 1)
    monkeypatch.setattr(resource_limits, "WALL_TIME_FACTOR", 30 if in_time else 1)
    with Reader(Limits(seconds=1, memory=2**30)) as reader:
        with monkeypatch.context() as broken:
            broken.setattr(parent, "_CODE", _broken(what))
            with pytest.raises(ReadError, match=message):
                _read(reader, "a.txt", b"A text.")
            assert reader._process is None
        monkeypatch.setattr(resource_limits, "WALL_TIME_FACTOR", 30)
        assert len(_read(reader, "a.txt", b"A text.")) == 1


def test_a_reader_that_does_not_read_does_not_hold_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "_GRACE", 1)
    monkeypatch.setattr(resource_limits, "WALL_TIME_FACTOR", 1)
    monkeypatch.setattr(parent, "_CODE", _broken("answer(b'x' * 9)"))
    more_than_a_pipe_holds = b"x" * 3_000_000
    with Reader(Limits(seconds=1, memory=2**30)) as reader:
        started = time.monotonic()
        with pytest.raises(ReadError, match="is not read after 1 seconds"):
            _read(reader, "a.txt", more_than_a_pipe_holds)
        assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "changed",
    [
        {"text": 5},
        {"headings": [[0, 1, 1]] * 100_001},
        {"headings": [[0, 9, 1]]},
        {"headings": [[1, 0, 1]]},
        {"headings": [["0", 1, 1]]},
        {"headings": [[0, 1, 10**9]]},
        {"pages": [[0, 1]] * 100_001},
        {"pages": [[-1, 1]]},
        {"notes": ["x"] * 101},
        {"notes": ["x" * 501]},
        {"notes": [None]},
        {"key": "k" * 1_001},
        {"metadata": {"title": "t" * 1_001}},
        {"metadata": {"title": 5}},
        {"metadata": {"other": "x"}},
        {"metadata": {"found": {"other": "x"}}},
        {"media_type": None},
    ],
    ids=str,
)
def test_an_answer_beyond_the_limits_is_none(changed: dict[str, object]) -> None:
    fields = {
        "media_type": "text/plain",
        "metadata": {},
        "headings": [],
        "pages": [],
        "tables": [],
        "recognised": [],
        "key": None,
        "member": None,
        "member_sha256": None,
        "notes": [],
    }
    text = changed.pop("text", "x")
    frames = iter(
        [
            json.dumps({"reading": fields | changed}).encode(),
            text.encode() if text == "x" else b"\xff",
            b"",  # the words
        ]
    )
    with pytest.raises(wire.BadAnswerError):
        wire.read_answer(lambda most: next(frames))


def test_more_than_can_be_in_a_file_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent.size_limits, "MAX_CHARACTERS", 10)
    flood = "frame = wire.pack(Reading('x' * 5, 'text/plain'))\nwhile True: os.write(1, frame)"
    ours = "from qa.types import Reading\nfrom qa.readers.sandbox import wire\n"
    monkeypatch.setattr(parent, "_CODE", "import os, sys; sys.path[:] = {path!r}\n" + ours + flood)
    with Reader(Limits(seconds=5, memory=2**30)) as reader:
        answers = _documents(reader, "a.csv", b"1234567")
        assert [len(next(answers).text) for _ in range(3)] == [5] * 3
        with pytest.raises(ReadError, match="its answer is invalid"):
            next(answers)


def test_a_process_that_a_file_left_swollen_is_begun_anew() -> None:
    with Reader(Limits(seconds=20, memory=2**29)) as reader:
        _read(reader, "a.txt", b"A text.")
        first = _pid(reader)
        _read(reader, "b.txt", b"A text.")
        assert _pid(reader) == first
        for name, data in (
            ("a.jsonl", b'{"text": "' + b"x" * 150_000_000 + b'"}'),
            ("a.html", b"<p>a " * 6_000_000),  # lxml has an error of its own for it
        ):
            with pytest.raises(ReadError, match="more memory than a reader may have"):
                _read(reader, name, data)
            assert reader._process is None
        assert len(_read(reader, "c.txt", b"A text.")) == 1


def test_a_file_that_does_not_even_fit_is_told_as_such() -> None:
    with Reader(Limits(seconds=20, memory=2**28)) as reader:
        with pytest.raises(ReadError, match="more memory than a reader may have"):
            _read(reader, "a.txt", b"x" * 2**28)
        assert len(_read(reader, "c.txt", b"A text.")) == 1
