"""Mailboxes as programs write them."""

from pathlib import Path

import pytest

from qa.readers import read, supported

ONE = "From: Eve <eve@x.example>\nSubject: Roof\nMessage-ID: <1@x>\n\nThe roof leaks.\n"
TWO = (
    "From: Bob <bob@x.example>\nSubject: Gutter\nMessage-ID: <2@x>\n\nIt drips.\n\n>From it.\n>>From there.\n"
)


def texts(name, data):
    return [(reading.key, reading.text) for reading in read(name, data.encode())]


@pytest.mark.parametrize(
    "line",
    [
        "From eve@x.example Tue Jan  7 08:00:00 2020",
        "From eve at x.example  Tue Jan  7 08:00:00 2020",
        "From MAILER-DAEMON Tue Jan  7 08:00:00 EST 2020",
        "From 1653248@xxx Tue Jan 07 08:00:00 +0000 2020",
        "From eve Tue Jan  7 08:00:00 2020 remote from host",
        "From eve@x.example 2020-01-07 08:00:00",
        "From eve@x.example 2020-01-07T08:00:00+00:00",
        "From eve@x.example",
        "From -",
        "From - ",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_between_messages(line, end):
    data = f"{line}\n{ONE}\n{line}\n{TWO}".replace("\n", end)
    assert texts("a.mbox", data) == [
        ("1@x", "The roof leaks."),
        ("2@x", "It drips.\n\nFrom it.\n>From there."),
    ]


def test_a_sentence_is_no_line_between_messages():
    first = ONE.replace(
        "leaks.", "leaks.\n\nFrom eve@x.example\nwe hear: it rains.\n\nFrom now on\nNote: it rains."
    )
    (only,) = texts("a.mbox", f"From eve@x.example Tue Jan  7 08:00:00 2020\n{first}")
    assert only[1].endswith("From now on\nNote: it rains.")


def test_a_message_may_tell_its_length():
    line = "From eve@x.example Tue Jan  7 08:00:00 2020\n"
    body = f"Above.\n\n{line}Subject: Quoted\n\nBelow.\n"
    told = f"From: Eve <eve@x.example>\nContent-Length: {len(body)}\n\n{body}"
    assert texts("a.mbox", f"{line}{told}\n{line}{TWO}")[0] == ("1", body.strip())
    wrong = told.replace(str(len(body)), str(len(body) - 9))
    assert len(texts("a.mbox", f"{line}{wrong}\n{line}{TWO}")) == 3


def test_what_a_server_keeps_for_itself_is_no_message():
    line = "From x Tue Jan  7 08:00:00 2020\n"
    data = (
        f"{line}From: Mail System Internal Data <x@x.example>\nSubject: DON'T DELETE\n\nText.\n\n{line}{ONE}"
    )
    assert texts("a.mbox", data) == [("1@x", "The roof leaks.")]


@pytest.mark.parametrize("name", ["Inbox", "a.sbd/Sent", "mbox", "a.eml"])
def test_names_of_mailboxes(name):
    assert supported(Path(name))
    line = "From - Tue Jan  7 08:00:00 2020\n"
    assert [key for key, _ in texts(name, f"{line}{ONE}\n{line}{TWO}")] == ["1@x", "2@x"]
