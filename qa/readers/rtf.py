"""RTF: paragraphs, headings and tables in the order of the document, then the notes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.header_rows import with_header
from qa.readers.metadata import Facts, written_by_hand
from qa.readers.rtf_encodings import Encodings, joined
from qa.readers.superscripts import raise_text

_TOKEN = re.compile(
    r"\\(?P<word>[A-Za-z]{1,32}+)(?P<number>-?\d{1,9}+)?+ ?+|\\'(?P<hex>[0-9A-Fa-f]{2})|\\(?P<sign>[^A-Za-z])"
    r"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]++)|[\r\n]++|(?P<stray>.)",
    re.DOTALL,
)
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)

_SKIPPED = frozenset(
    [
        *("pict", "objdata", "nonshppict", "shprslt", "sp", "nonesttables", "upr", "colortbl"),
        *("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"),
        *("xe", "tc", "rxe", "bkmkstart", "bkmkend", "fldinst", "datafield"),
        *("ftnsep", "ftnsepc", "aftnsep", "aftnsepc"),
    ]
)
"""Groups that hold no text of the document, or the same text as another group."""

_STARRED = frozenset({"shpinst", "shptxt", "ud", "footnote"})
"""Groups marked as new in some version of RTF, whose text is read all the same."""

_SIGNS = {"~": "\xa0", "_": "\u2011", "-": "", "\\": "\\", "{": "{", "}": "}"}
_WORDS = {
    "tab": " ", "line": " ", "lbr": " ", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘",
    "rquote": "’", "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ",
    "nestcell": " ", "nestrow": "; ",
}  # fmt: skip
_BODY_TEXT = 9  # the outline level of text that is no heading, from 0
_MAX_DEPTH = 2_000  # groups in groups


@dataclass(slots=True)
class _Flow:
    """A run of paragraphs and tables: the body's, or a note's."""

    blocks: list[Block | Grid] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    header_rows: int = 0


@dataclass(slots=True)
class _State:
    """What a group inherits from the one around it."""

    flow: _Flow
    place: str = ""  # the group that it is in, if that is not the body
    skipped: bool = False
    starred: bool = False
    replaced: int = 1  # characters after a Unicode one that stand for it in old programs
    font: int = -1
    hidden: bool = False
    raised: bool = False


def read(data: bytes) -> Extract:
    """Read a document: its text, headings and the title and author that it names."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ReadError("is not an RTF file that can be opened")
    parser = _Parser()
    parser.parse(data.decode("latin-1"))
    text, headings, tables = assemble([*parser.body.blocks, *parser.notes])
    facts = Facts()
    for name in ("title", "author"):
        facts.add(name, written_by_hand(one_line(joined(parser.info.get(name, [])))), "file")
    noted = (f"comments were left out: {parser.comments}",) if parser.comments else ()
    return Extract(text, facts, headings, tables=tables, notes=noted)


class _Parser:
    def __init__(self) -> None:
        self.body = _Flow()
        self.notes: list[Block | Grid] = []
        self.info: dict[str, list[str]] = {}
        self.comments = 0
        self._encodings = Encodings()
        self._state = _State(self.body)
        self._outer: list[_State] = []
        self._to_skip = 0
        self._bytes = bytearray()
        self._levels: dict[int, int] = {}
        self._style, self._outline = -1, -1
        self._style_name: list[str] = []
        self._in_table = self._is_header = False
        self._note_count = 0
        self._ends = {
            "par": self._end_paragraph,
            "sect": self._end_paragraph,
            "page": self._end_paragraph,
            "pard": self._begin_paragraph,
            "cell": self._end_cell,
            "trowd": self._begin_row,
            "row": self._end_row,
        }

    def parse(self, text: str) -> None:
        """Read the whole file."""
        position = 0
        while match := _TOKEN.match(text, position):
            position = match.end()
            if match["word"] == "bin":
                position += max(0, int(match["number"] or 0))
            elif match["brace"]:
                self._flush()
                self._open() if match["brace"] == "{" else self._close()
            elif match["word"]:
                self._flush()
                self._word(match["word"], int(match["number"]) if match["number"] else None)
            elif match["hex"]:
                self._raw(bytes.fromhex(match["hex"]))
            elif match["sign"]:
                self._sign(match["sign"])
            elif match["text"]:
                skipped, self._to_skip = self._to_skip, max(0, self._to_skip - len(match["text"]))
                self._bytes += match["text"][skipped:].encode("latin-1")
        self._flush()
        self._end_paragraph()
        self._end_table()

    def _open(self) -> None:
        if len(self._outer) >= _MAX_DEPTH:
            raise ReadError("cannot be read: it is nested too deeply")
        self._outer.append(self._state)
        self._state = replace(self._state)
        self._to_skip = 0

    def _close(self) -> None:
        if not self._outer:
            return
        ended, self._state = self._state, self._outer.pop()
        self._to_skip = 0
        if ended.place == "stylesheet" and self._style_name:
            self._name_style("".join(self._style_name))
            self._style_name = []
        if ended.flow is not self._state.flow:
            inner, self._state = self._state, ended
            self._end_paragraph()
            self._end_table()
            self._state = inner
            first, *others = ended.flow.blocks or [Block("")]
            marked = Block(f"[{self._note_count}] {first.text}") if isinstance(first, Block) else first
            self.notes += [marked, *others]

    def _name_style(self, name: str) -> None:
        stripped = name.strip().rstrip(";").lower()
        if heading := _HEADING.fullmatch(stripped):
            self._levels[self._style] = int(heading[1])
        elif stripped == "title":
            self._levels[self._style] = 1

    def _raw(self, data: bytes) -> None:
        if self._to_skip:
            self._to_skip -= 1
        else:
            self._bytes += data

    def _flush(self) -> None:
        if self._bytes:
            text = self._encodings.decode(bytes(self._bytes), self._state.font)
            self._bytes.clear()
            self._put(text)

    def _put(self, text: str) -> None:
        state = self._state
        if state.place == "stylesheet":
            self._style_name.append(text)
        elif state.place in {"title", "author"}:
            self.info.setdefault(state.place, []).append(text)
        elif not (state.skipped or state.hidden or state.place):
            pieces = state.flow.pieces
            before = pieces[-1] if pieces else ""
            pieces.append(raise_text(text, before) if state.raised else text)

    def _sign(self, sign: str) -> None:
        if sign == "*":
            self._state.starred = True
            return
        self._flush()
        if self._to_skip:
            self._to_skip -= 1
        elif sign in "\r\n":
            self._end_paragraph()
        else:
            self._put(_SIGNS.get(sign, ""))

    def _word(self, word: str, number: int | None) -> None:
        state = self._state
        if state.starred:
            state.starred = False
            state.skipped = (state.skipped and word != "ud") or word not in _STARRED
            self.comments += word == "annotation"
        if word in _SKIPPED:
            state.skipped = True
        elif word in {"fonttbl", "stylesheet", "info"}:
            state.place = word
        elif state.place == "info":
            state.place = word if word in {"title", "author"} else "other"
        elif word in _WORDS:
            self._put(_WORDS[word])
        elif word == "u":
            self._put(chr((number or 0) % 0x10000))
            self._to_skip = state.replaced
        elif not self._encodings.word(word, number, in_table=state.place == "fonttbl"):
            self._format(word, number)
        if word == "f":
            state.font = -1 if number is None else number

    def _format(self, word: str, number: int | None) -> None:
        state, is_on = self._state, number != 0
        if word == "uc":
            state.replaced = max(0, number or 0)
        elif word in {"v", "deleted"}:
            state.hidden = is_on
        elif word in {"super", "nosupersub"}:
            state.raised = word == "super" and is_on
        elif word == "plain":
            state.hidden = state.raised = False
        elif word == "footnote" and not state.skipped:
            self._begin_note()
        elif not (state.skipped or state.place) and word in self._ends:
            self._ends[word]()
        else:
            self._format_paragraph(word, -1 if number is None else number)

    def _format_paragraph(self, word: str, number: int) -> None:
        if word == "s":
            self._style = number
        elif word == "outlinelevel":
            self._outline = number
        elif word == "trhdr":
            self._is_header = True
        elif word == "intbl":
            self._in_table = True

    def _begin_note(self) -> None:
        self._note_count += 1
        self._state.raised = False
        self._put(f"[{self._note_count}]")
        self._state.flow = _Flow()

    def _paragraph(self) -> str:
        flow = self._state.flow
        text = one_line(joined(flow.pieces))
        flow.pieces = []
        return text

    def _end_paragraph(self) -> None:
        flow = self._state.flow
        if self._in_table and flow is self.body:
            flow.pieces.append(" ")
            return
        if text := self._paragraph():
            self._end_table()
            level = self._outline + 1 if 0 <= self._outline < _BODY_TEXT else self._levels.get(self._style)
            flow.blocks.append(Block(text, level if flow is self.body else None))

    def _begin_paragraph(self) -> None:
        self._style, self._outline, self._in_table = -1, -1, False

    def _end_cell(self) -> None:
        self._state.flow.cells.append(self._paragraph())

    def _begin_row(self) -> None:
        self._is_header = False

    def _end_row(self) -> None:
        flow = self._state.flow
        if self._is_header and flow.header_rows == len(flow.rows):
            flow.header_rows += 1
        flow.rows.append(flow.cells)
        flow.cells = []

    def _end_table(self) -> None:
        flow = self._state.flow
        rows, flow.rows = flow.rows, []
        header_rows, flow.header_rows = flow.header_rows, 0
        if flow.cells:
            rows.append(flow.cells)
            flow.cells = []
        if all(len(row) <= 1 for row in rows):
            flow.blocks += [Block(text) for row in rows for text in row]
            return
        count = header_rows if header_rows < len(rows) else 0
        grid = lay_out([map(Cell, row) for row in rows], header_rows=count)
        flow.blocks.append(with_header(grid))
