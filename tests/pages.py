"""The pages of the documentation: their code blocks, tables and links.

The language of a code block says what happens to it: ``sh`` and ``python`` run in the tests, and an output
right below one (``text`` or ``json``) is compared. ``console`` shows commands that no test can run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
OTHERS = [
    ROOT / name
    for name in (
        *("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "index/README.md", "examples/README.md"),
        *("benchmarks/README.md", "benchmarks/RELIABILITY.md"),
    )
]
RUN = [README, *DOCS]
"""The pages whose commands run in the tests."""

ALL = [*RUN, *OTHERS]

RUNNABLE = {"sh", "python"}
OUTPUT = {"text", "json"}

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A code block; ``output`` is where on the page its output is shown, if it is."""

    language: str
    text: str
    output: tuple[int, int] | None


def blocks(page: str) -> list[Block]:
    """Return the code blocks of a page, each with the output right below it."""
    matches = list(_BLOCK.finditer(page))
    result = []
    for match, following in zip(matches, [*matches[1:], None], strict=False):
        is_output = (
            following is not None
            and match["language"] in RUNNABLE
            and following["language"] in OUTPUT
            and not page[match.end() : following.start()].strip()
        )
        result.append(
            Block(
                match["language"], match["text"], following.span("text") if following and is_output else None
            )
        )
    return result


def runnable(page: str) -> list[Block]:
    """Return the blocks of a page that run in the tests."""
    return [block for block in blocks(page) if block.language in RUNNABLE]


def prose(page: str) -> str:
    """Return a page without its code blocks."""
    return _BLOCK.sub("", page)


def table(page: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose header begins with this cell."""
    rows = page.split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" |")] for row in rows]


def code(text: str) -> list[str]:
    """Return what a text has between backticks."""
    return _CODE.findall(text)


def links(page: str) -> Iterator[str]:
    """Yield the targets of a page's links and pictures."""
    yield from _LINK.findall(prose(page))


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = (_NOT_IN_ANCHORS.sub("", heading) for heading in _HEADING.findall(prose(page)))
    return {heading.strip().lower().replace(" ", "-") for heading in headings}
