"""Frames and messages between the processes: round trips, and the refusal of anything else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.readers.sandbox import wire
from qa.readers.sandbox.wire import BadAnswerError, End
from qa.readers.size_limits import MAX_MEMBER_LENGTH
from qa.text.recognised import pack, unpack
from qa.types import Heading, Metadata, ReadFailure, Reading, RecognisedPage, Span, Table, WordBox

TEXT = st.text(max_size=20)
SHORT = st.text(max_size=9)
MEMBERS = (
    {},
    {"member": "report.pdf", "member_sha256": "0" * 64},
    {"member": "7/Ärger/a (2).pdf", "member_sha256": "0123456789abcdef" * 4},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=9,
)


def _receive(data: bytes) -> Callable[[int], bytes]:
    stream = io.BytesIO(data)
    return lambda max_bytes: wire.read_frame(stream, max_bytes)


@st.composite
def recognised_pages(draw: st.DrawFn, length: int, pages: int) -> list[RecognisedPage]:
    found, start = [], 0
    for page in sorted(draw(st.sets(st.integers(1, pages)))) if pages else ():
        end = draw(st.integers(start, length))
        starts = sorted(draw(st.lists(st.integers(start, end), max_size=3)))
        words = [WordBox(first, end, 0.25, 0, 0.5, 1) for first in starts]
        found.append(RecognisedPage(page, Span(start, end), draw(st.floats(0, 1)), unpack(pack(words))))
        start = end
    return found


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    text = draw(TEXT)
    bounds = st.lists(st.integers(0, len(text)), min_size=2, max_size=2).map(sorted)
    span = bounds.map(lambda pair: Span(*pair))
    spans = st.lists(span, max_size=3)
    tables = st.lists(st.builds(Table, st.none() | span, spans.map(tuple)), max_size=3)
    headings = st.none() | spans.map(lambda places: tuple(Heading(place, 2) for place in places))
    pages = tuple(draw(spans))
    return Reading(
        text=text,
        media_type="text/plain",
        metadata=Metadata(
            title=draw(st.none() | SHORT), url=draw(st.none() | SHORT), found={"title": "text"}
        ),
        headings=draw(headings),
        tables=tuple(draw(tables)),
        pages=pages,
        recognised=tuple(draw(recognised_pages(len(text), len(pages)))),
        key=draw(st.none() | SHORT),
        **draw(st.sampled_from(MEMBERS)),
        notes=tuple(draw(st.lists(SHORT, max_size=3))),
    )


@given(readings())
def test_a_document_arrives_as_it_was_sent(reading: Reading) -> None:
    assert wire.read_answer(_receive(wire.pack(reading))) == reading


@given(SHORT, SHORT, st.none() | SHORT, st.integers(1, 2**63 - 1))
def test_a_failure_arrives_as_it_was_sent(path: str, reason: str, row: str | None, count: int) -> None:
    failure = ReadFailure(path, reason, row, count)
    assert wire.read_answer(_receive(wire.pack(failure))) == failure


@given(st.none() | SHORT, st.booleans())
def test_the_end_of_a_file_arrives_as_it_was_sent(error: str | None, worn: bool) -> None:  # noqa: FBT001
    assert wire.read_answer(_receive(wire.frame({"error": error, "worn": worn}))) == End(error, worn)


@given(SHORT, st.binary(max_size=99), st.none() | st.binary(max_size=99))
def test_a_request_arrives_as_it_was_sent(name: str, data: bytes, sidecar: bytes | None) -> None:
    receive = _receive(b"".join(wire.request(name, data, sidecar)))
    assert wire.read_request(lambda: receive(2**20)) == (name, data, sidecar, None)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_frames_follow_each_other(contents: list[bytes]) -> None:
    receive = _receive(b"".join(map(wire.frame, contents)))
    assert [receive(50) for _ in contents] == contents
    with pytest.raises(EOFError):
        receive(50)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_frame_that_is_cut_or_too_long_is_refused(content: bytes, data: st.DataObject) -> None:
    sent = wire.frame(content)
    with pytest.raises(EOFError):
        _receive(sent[: data.draw(st.integers(0, len(sent) - 1))])(50)
    with pytest.raises(EOFError):
        _receive(sent)(len(content) - 1)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_json_are_refused(content: bytes) -> None:
    try:
        json.loads(content)
    except ValueError:
        with pytest.raises(BadAnswerError):
            wire.read_answer(_receive(wire.frame(content)))


@given(JSON)
def test_json_that_is_no_answer_is_refused(content: object) -> None:
    with pytest.raises(BadAnswerError):
        wire.read_answer(_receive(wire.frame(json.dumps(content).encode())))


@given(
    readings(),
    st.sampled_from(
        [
            *("media_type", "metadata", "headings", "pages", "tables", "key", "member", "member_sha256"),
            *("recognised", "notes"),
        ]
    ),
    JSON,
)
def test_a_document_with_any_other_field_is_refused_or_well_formed(
    reading: Reading, name: str, value: object
) -> None:
    sent = io.BytesIO(wire.pack(reading))
    fields = json.loads(wire.read_frame(sent, 2**20))
    fields["reading"][name] = value
    frames = wire.frame(json.dumps(fields).encode()) + sent.read()
    try:
        received = wire.read_answer(_receive(frames))
    except BadAnswerError:
        return
    assert isinstance(received, Reading)
    wire.pack(received)
    for span in (*received.pages, *(heading.span for heading in received.headings or ())):
        assert 0 <= span.start <= span.end <= len(received.text)


SCAN = Reading(
    "One two.\n\nThree.",
    "image/tiff",
    pages=(Span(0, 8), Span(10, 16)),
    recognised=(
        RecognisedPage(1, Span(0, 8), 0.9, (WordBox(0, 3, 0, 0, 1, 1), WordBox(4, 8, 0, 0, 1, 1))),
        RecognisedPage(2, Span(10, 16), 0.8, (WordBox(10, 16, 0, 0, 1, 1),)),
    ),
)


@pytest.mark.parametrize(
    "pages",
    [
        [[1, 0, 8, 0.9, 2]],  # a word is left over
        [[1, 0, 8, 0.9, 2], [2, 10, 16, 0.8, 2]],
        [[1, 0, 8, 0.9, 3], [2, 10, 16, 0.8, 0]],  # a word of another page
        [[1, 0, 8, 0.9, 2], [1, 10, 16, 0.8, 1]],
        [[1, 0, 8, 0.9, 2], [3, 10, 16, 0.8, 1]],
        [[0, 0, 8, 0.9, 2], [2, 10, 16, 0.8, 1]],
        [[1, 0, 11, 0.9, 2], [2, 10, 16, 0.8, 1]],
        [[1, 0, 8, 0.9, 2], [2, 10, 17, 0.8, 1]],
        [[1, 0, 8, 1.1, 2], [2, 10, 16, 0.8, 1]],
        [[1, 0, 8, float("nan"), 2], [2, 10, 16, 0.8, 1]],
        [[1, 0, 8, "1", 2], [2, 10, 16, 0.8, 1]],
        [[1, 0, 8, 0.9, -1], [2, 10, 16, 0.8, 4]],
        [[1, 0, 8, 0.9, True], [2, 10, 16, 0.8, 2]],
        [[1, 0, 7, 0.9, 2], [2, 10, 16, 0.8, 1]],  # a word that ends outside the text of its page
        [],
        [[1, 0, 8]],
        7,
    ],
)
def test_recognised_pages_that_do_not_fit_the_text_are_refused(pages: object) -> None:
    assert wire.read_answer(_receive(wire.pack(SCAN))) == SCAN
    sent = io.BytesIO(wire.pack(SCAN))
    fields = json.loads(wire.read_frame(sent, 2**20))
    fields["reading"]["recognised"] = pages
    frames = wire.frame(json.dumps(fields).encode()) + sent.read()
    with pytest.raises(BadAnswerError):
        wire.read_answer(_receive(frames))


@pytest.mark.parametrize("box", [(0.5, 0, 0.4, 1), (0, 0.5, 1, 0.4)])
def test_a_box_without_an_inside_is_refused(box: tuple[float, ...]) -> None:
    page = RecognisedPage(1, Span(0, 8), 0.9, (WordBox(0, 3, *box),))
    with pytest.raises(BadAnswerError):
        wire.read_answer(_receive(wire.pack(replace(SCAN, recognised=(page,)))))


@pytest.mark.parametrize(
    ("member", "digest"),
    [
        ("/etc/passwd", "0" * 64),
        ("../a", "0" * 64),
        ("a/../b", "0" * 64),
        ("a//b", "0" * 64),
        ("a/", "0" * 64),
        ("a/./b", "0" * 64),
        ("", "0" * 64),
        ("a\0b", "0" * 64),
        ("a" * (MAX_MEMBER_LENGTH + 1), "0" * 64),
        (7, "0" * 64),
        ("a", None),
        (None, "0" * 64),
        ("a", "0" * 63),
        ("a", "g" * 64),
        ("a", "A" * 64),
        ("a", "0" * 63 + "\n"),
    ],
)
def test_a_member_outside_the_file_or_without_a_digest_is_refused(member: object, digest: object) -> None:
    sent = io.BytesIO(wire.pack(Reading("Text.", "text/plain")))
    fields = json.loads(wire.read_frame(sent, 2**20))
    fields["reading"] |= {"member": member, "member_sha256": digest}
    frames = wire.frame(json.dumps(fields).encode()) + sent.read()
    with pytest.raises(BadAnswerError):
        wire.read_answer(_receive(frames))
