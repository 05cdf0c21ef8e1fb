"""reStructuredText: paragraphs, headings, lists and tables. Nothing outside the file is read or run."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

from qa.readers.extract import Block, Extract, assemble, mark_first, one_line
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.header_rows import with_header
from qa.readers.metadata import Facts
from qa.readers.numerals import write_number
from qa.readers.plain_text import decode_leniently

_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": False,
    "syntax_highlight": "none",
    "line_length_limit": 10**9,
    "doctitle_xform": False,
    "docinfo_xform": False,
}
_SKIPPED = frozenset({"comment", "target", "substitution_definition", "label", "colspec", "image", "meta"})
_LINES = frozenset(
    ["paragraph", "term", "classifier", "caption", "attribution", "math_block", "line", "rubric", "title"]
)
_LITERAL = frozenset({"literal_block", "doctest_block"})
_FORMS = {
    "loweralpha": "lowerLetter", "upperalpha": "upperLetter", "lowerroman": "lowerRoman",
    "upperroman": "upperRoman",
}  # fmt: skip
_FIELDS = {"author": "author", "authors": "author", "date": "published", "language": "language"}

_ROLE = re.compile(
    r"(?<![\w:]):[\w+.-]{1,30}+(?::[\w+.-]{1,30}+)?+:`~?+([^`<]{0,300}+)(?:<([^`>]{0,300}+)>)?+`"
)
"""A word in a role that docutils does not know, such as Sphinx's, with the place that it links to."""

_DIRECTIVE = re.compile(r"\.\. ([\w:+.-]+)::[ \t]*+([^\n]*+)\n?")
_OPTION = re.compile(r"\s*+:[\w -]+:(?:\s|$)")
_WITHOUT_TEXT = frozenset({"toctree", "raw", "index", "contents", "highlight", "default-role", "image"})

_MAX_DEPTH = 4
"""Unknown directives in unknown directives that are read: each takes another pass over its text."""


def read(data: bytes) -> Extract:
    """Read a document: its text, headings and the fields at its beginning."""
    reader = _Reader()
    text, damaged = decode_leniently(data)
    document = _parse(text)
    text, headings, tables = assemble(reader.blocks(document, 0))
    facts = Facts()
    facts.add_all(reader.fields, "file")
    if headings:
        facts.add("title", headings[0].span.slice(text), "text")
    return Extract(text, facts, headings, tables=tables, notes=(*damaged, *reader.noted))


def _parse(text: str) -> Any:
    from docutils.core import publish_doctree

    return publish_doctree(text, settings_overrides=dict(_SETTINGS))


def _text(node: Any) -> str:
    return one_line(_ROLE.sub(lambda match: match[1].strip() or match[2] or "", "".join(_pieces(node))))


def _pieces(node: Any) -> Iterator[str]:
    for child in node.children:
        name = child.tagname
        if name == "#text":
            yield child.astext()
        elif name in {"footnote_reference", "citation_reference"}:
            yield f"[{child.astext()}]"
        elif name == "image":
            yield child.get("alt", "")
        elif name not in _SKIPPED and name != "system_message":
            yield from _pieces(child)


class _Reader:
    """Turns a tree of docutils into blocks."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.noted: list[str] = []
        self._has_prose = False
        self._passes = 0

    def blocks(self, node: Any, level: int) -> Iterator[Block | Grid]:
        """Yield the blocks of a node's children; ``level`` is that of the heading above them."""
        for child in node.children:
            yield from self._block(child, level)

    def _block(self, node: Any, level: int) -> Iterator[Block | Grid]:
        name = node.tagname
        if name in _SKIPPED:
            return
        if name == "section":
            yield from self.blocks(node, level + 1)
        elif name == "title" and node.parent.tagname == "section":
            yield Block(_text(node), level)
        elif name in _LINES:
            self._has_prose = True
            yield Block(_text(node), tight=name == "line")
        elif name in _LITERAL:
            yield Block(node.astext().strip("\n"))
        else:
            yield from self._structure(node, level)

    def _structure(self, node: Any, level: int) -> Iterator[Block | Grid]:
        name = node.tagname
        if name in {"bullet_list", "enumerated_list"}:
            yield from self._list(node, level)
        elif name == "field":
            yield from self._field(node)
        elif name == "table":
            yield from (Block(_text(child)) for child in node.children if child.tagname == "title")
            yield self._table(node)
        elif name in {"footnote", "citation"}:
            yield from mark_first(self.blocks(node, level), f"[{node.children[0].astext()}]")
        elif name == "system_message":
            yield from self._unknown(node, level)
        else:
            yield from self.blocks(node, level)

    def _list(self, node: Any, level: int) -> Iterator[Block | Grid]:
        number = node.get("start", 1)
        form = _FORMS.get(node.get("enumtype", ""), "decimal")
        for place, item in enumerate(node.children):
            if node.tagname == "enumerated_list":
                mark = f"{node['prefix']}{write_number(number + place, form)}{node['suffix']}"
            else:
                mark = "-"
            yield from mark_first(self.blocks(item, level), mark, tight=place > 0)

    def _field(self, node: Any) -> Iterator[Block]:
        name, value = _text(node.children[0]), _text(node.children[-1])
        if not self._has_prose and (field := _FIELDS.get(name.lower())):
            self.fields.setdefault(field, value)
        yield Block(f"{name}: {value}" if value else name, tight=node.parent.index(node) > 0)

    def _table(self, node: Any) -> Grid:
        rows, header_rows = [], 0
        for row in node.findall(lambda other: other.tagname == "row"):
            header_rows += row.parent.tagname == "thead"
            rows.append(
                [
                    Cell(self._cell(entry), entry.get("morerows", 0) + 1, entry.get("morecols", 0) + 1)
                    for entry in row
                ]
            )
        grid = lay_out(rows, header_rows=header_rows)
        return with_header(grid)

    def _cell(self, entry: Any) -> str:
        return one_line(" ".join(block.text for block in self.blocks(entry, 0)))

    def _unknown(self, message: Any, level: int) -> Iterator[Block | Grid]:
        """Yield what a directive says that docutils does not know or is not allowed to run."""
        source = message.children[-1]
        directive = _DIRECTIVE.match(source.astext()) if source.tagname == "literal_block" else None
        if directive is None or directive[1] in _WITHOUT_TEXT:
            return
        if directive[1] in {"include", "literalinclude", "csv-table"}:
            self.noted.append(f"{directive[1]} was left out: {directive[2]}")
            return
        rest = source.astext()[directive.end() :].split("\n")
        while rest and _OPTION.match(rest[0]):
            rest.pop(0)
        body = textwrap.dedent("\n".join(rest))
        if self._passes >= _MAX_DEPTH:
            yield Block(one_line(f"{directive[2]} {body}"))
            return
        self._passes += 1
        yield from self.blocks(_parse(f"{directive[2]}\n\n{body}"), level)
        self._passes -= 1
