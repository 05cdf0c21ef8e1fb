import pytest

from qa.errors import ReadError
from readers.samples import one

VTT = """WEBVTT - A talk

NOTE not said

STYLE
::cue { color: red }

first
00:01.000 --> 00:03.500 align:start
<v Ann>The tide <i>rises</i>

00:03.500 --> 00:05.000
<v Ann>twice a day &amp; falls.

01:05:05.000 --> 01:05:07.000
<v.loud Bob>Why?</v>
"""


def test_cues_join_in_paragraphs_that_begin_with_their_time():
    assert one("a.vtt", VTT).text == (
        "[00:00:01] Ann: The tide rises twice a day & falls.\n\n[01:05:05] Bob: Why?"
    )


def test_subrip():
    text = (
        "1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<b>Ebb</b>\r\nand flow.\r\n\r\n"
        "2\r\n00:00:02,100 --> 00:00:03,000\r\n12 ships.\r\n\r\n"
        "3\r\n00:00:30,000 --> 00:00:31,000\r\nLater: 3 < 4."
    )
    assert one("a.srt", text).text == "[00:00:01] Ebb and flow. 12 ships.\n\n[00:00:30] Later: 3 < 4."


def test_a_line_that_rolls_upwards_stands_once():
    cues = [("01", "03", "we rowed"), ("03", "05", "we rowed\nall night"), ("05", "07", "all night\nand day")]
    text = "\n\n".join(f"00:00:{a}.000 --> 00:00:{b}.000\n{shown}" for a, b, shown in cues)
    assert one("a.vtt", f"WEBVTT\n\n{text}").text == "[00:00:01] we rowed all night and day"


def test_long_speech_is_split_at_the_ends_of_sentences():
    cues = (
        f"00:{s // 60:02}:{s % 60:02}.000 --> 00:{s // 60:02}:{s % 60:02}.900\nIt was {s} once."
        for s in range(120)
    )
    paragraphs = one("a.vtt", "WEBVTT\n\n" + "\n\n".join(cues)).text.split("\n\n")
    assert len(paragraphs) > 2
    assert all(paragraph.endswith("once.") for paragraph in paragraphs)


def test_what_holds_no_cues_is_an_error():
    with pytest.raises(ReadError, match="holds no subtitles"):
        one("a.vtt", "WEBVTT\n\nNOTE only this\n")
