"""Make questions that documents nearly answer: with a name or a number exchanged, or negated.

    python benchmarks/exchanged.py DATA OUT

For each set in DATA that has documents, OUT gets a link to it and a set NAME-exchanged, whose questions the
documents do not answer; a few may be answered all the same. `fit.py` takes OUT.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

_NAME = re.compile(r"(?<=\s)[^\W\d_a-zа-я]\w+(?: [^\W\d_a-zа-я]\w+)*")
_NUMBER = re.compile(r"\b\d+\b")
_AUXILIARY = re.compile(r"\b(?:did|does|do|was|were|is|are|could|has|have|would)\b")
_STEPS = (1, 2, 3, 7, 11, 40)
"""A number is exchanged for one so far from it: a year stays one."""

_MOST = 400


def main() -> None:
    """Write the sets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(args.data.glob("*/questions.jsonl")):
        name = path.parent.name
        link = args.out / name
        if not link.exists():
            link.symlink_to(path.parent.resolve())
        if (path.parent / "docs").is_dir():
            _write(args.out / f"{name}-exchanged", list(_answered(path)))


def _answered(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["answers"]:
            yield row["question"]


def _write(folder: Path, questions: Sequence[str]) -> None:
    random = Random(0)  # noqa: S311 -- a sample, the same every time
    names = [name for question in questions for name in _NAME.findall(question)]
    changed = [other for question in questions if (other := exchange(question, names, random))]
    random.shuffle(changed)
    rows = [{"id": str(i), "question": other, "answers": []} for i, other in enumerate(changed[:_MOST])]
    folder.mkdir(exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / "questions.jsonl").write_text("".join(lines), "utf-8")


def exchange(question: str, names: Sequence[str], random: Random) -> str | None:
    """Return a question with one of its facts exchanged; None if it has none that can be."""
    changed = []
    others = [name for name in names if name not in question]
    if others and (match := _NAME.search(question)):
        changed.append(question.replace(match.group(), random.choice(others)))
    if match := _NUMBER.search(question):
        number = int(match.group()) + random.choice(_STEPS)
        changed.append(f"{question[: match.start()]}{number}{question[match.end() :]}")
    if match := _AUXILIARY.search(question):
        changed.append(f"{question[: match.end()]}n't{question[match.end() :]}")
    return random.choice(changed) if changed else None


if __name__ == "__main__":
    main()
