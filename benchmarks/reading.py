"""Record what comes of difficult files: two sets over the API, and a Word file of nested tables.

    python benchmarks/reading.py DATA CHECKER SCORER [--work DIR] [--write FILE]

DATA has the sets `reading` (files, and what must come of them) and `filings` (questions with the page of a
PDF that answers). CHECKER scores the first and SCORER the second, as `quality.py` describes. The Word file is
made here: each of its four tables stands in a cell of the one before, and the innermost holds a sentence.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import common
import docx
import quality

from qa import readers
from qa.types import Reading

_DEPTH = 4
_SENTENCE = "The keeper of the light slept in the tower."


def main() -> None:
    """Score the sets, read the Word file, and print a row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("checker", type=Path)
    parser.add_argument("scorer", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/reading"), help="where the indexes are kept")
    parser.add_argument("--write", type=Path, help="write the rows to this file as JSON")
    args = parser.parse_args()
    rows = [
        quality.score(args.data / "reading", args.checker, args.work / "reading"),
        quality.score(args.data / "filings", args.scorer, args.work / "filings"),
        {"nested tables": _DEPTH, "times that the innermost sentence stands": _count_innermost()},
    ]
    for row in rows:
        print(json.dumps(row))
    common.write_json(args.write, {}, {"rows": rows})


def _count_innermost() -> int:
    """Read a Word file of nested tables, and count the sentence of the innermost."""
    document = docx.Document()
    table = document.add_table(2, 2)
    for _ in range(_DEPTH - 1):
        table.cell(0, 0).text = "Light"
        table = table.cell(1, 1).add_table(2, 2)
    table.cell(1, 1).text = _SENTENCE
    file = io.BytesIO()
    document.save(file)
    readings = readers.read("nested.docx", file.getvalue())
    return sum(reading.text.count(_SENTENCE) for reading in readings if isinstance(reading, Reading))


if __name__ == "__main__":
    main()
