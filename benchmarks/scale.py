"""Measure how build, memory and search grow with the index, up to a million passages.

    python benchmarks/scale.py DATA... [--sizes N...] [--work FOLDER] [--rebuild] [--write FILE]

DATA are folders with `docs/` and `questions.jsonl`. No corpus of a million passages is at hand, and
embedding one takes hours, so both the texts and the vectors are made up, in the image of DATA:

- the documents are real sentences with other words in them (`synthetic_text.py`);
- the vectors are drawn from a distribution fitted to those that the real encoder gives
  (`synthetic_vectors.py`), by a stand-in for the encoder: what a build takes is all but the encoder's work,
  which `bench-encode` measures. How near neighbours lie is printed for both;
- the questions are about known passages, in the words and at the distance of real ones
  (`synthetic_questions.py`). When they are asked the real encoder works too, on the question's text, and then
  the drawn vector takes the place of its own: a search takes as long as with real vectors.

Each size is, each in a process of its own:

- built from nothing by `qa.build`, from files in the system's cache; a build that is there is left as it
  is, and so are its figures, unless --rebuild is given. The time to draw vectors is in it, and told apart.
  Memory is the most that was resident, mapped files included;
- built once more with nothing changed: the whole process, as `qa index` would be, which has another
  encoder;
- opened and searched as `qa serve` does, on one core, question after question, after others that warm it
  up; then its memory is read: resident in all, and of that what is its own and what are files that are
  mapped;
- compared with exact search: of the ten nearest sentences, those that the index finds when asked for as
  many as a search asks for; and of the first ten hits, those that a search has which knows the nearest
  exactly.

The exponent of time against size is that of a power law through all sizes, by least squares. With --write
the growth is drawn, too, into a file of the same name that ends in .svg. Everything but that is kept in
--work: a million passages need some 30 GB. Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import common
import scale_jobs
import synthetic_fit
import synthetic_text
import synthetic_vectors
from common import Figure, Row
from growth import Curve, Panel, draw, exponent

SIZES = [10_000, 100_000, 1_000_000]


def main() -> None:
    """Measure every size and print what came of it."""
    args = _parser().parse_args()
    fitted = fitted_to(args.work / "fit", [path.resolve() for path in args.data])
    rows = {size: _measure(args.work, size, fitted, rebuild=args.rebuild) for size in sorted(set(args.sizes))}
    figures = list(_figures(rows))
    _show(rows)
    print()
    common.show([figure.row(None) for figure in figures])
    print()
    drawn = next(iter(rows.values()))["neighbourhood"]
    common.show([{"vectors": name, **row} for name, row in (("real", fitted["real"]), ("drawn", drawn))])
    if args.write:
        facts = {"sets": [path.name for path in args.data], "fit": fitted}
        bars = [asdict(figure) | {"met": figure.met} for figure in figures]
        common.write_json(args.write, facts, {"rows": bars, "sizes": rows})
        args.write.with_suffix(".svg").write_text(_drawing(rows), "utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = common.parser(__doc__, peers=False, several=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many passages")
    parser.add_argument("--work", type=Path, default=common.ROOT / "build/scale", help="folder for the files")
    parser.add_argument("--rebuild", action="store_true", help="build what is built already, too")
    return parser


# One size


def _measure(work: Path, size: int, fitted: Row, *, rebuild: bool) -> Row:
    """Build, open and search an index of so many passages."""
    task = {"work": str(work / str(size)), "fit": str(work / "fit"), "passages": size}
    row = {"passages": size} | built(task, fitted["fingerprint"], rebuild=rebuild)
    _tell(f"{size:,}: once more, nothing changed")
    started = time.perf_counter()
    if _work("build", task)["changed"]:
        raise SystemExit(
            "the second build changed something: was the first one of another version? --rebuild"
        )
    row["unchanged_seconds"] = time.perf_counter() - started
    _tell(f"{size:,}: questions")
    row |= _work("questions", task)
    row |= _work("serve", task, OMP_NUM_THREADS="1")
    _tell(f"{size:,}: the same, exactly")
    return row | _work("compare", task)


def built(task: Row, fingerprint: str, *, rebuild: bool) -> Row:
    """Build the index if it is not there, or not of these vectors; give the figures of when it was built."""
    folder, size = Path(task["work"]), task["passages"]
    facts = folder / "built.json"
    done: Row = json.loads(facts.read_bytes()) if facts.exists() else {}
    if done.get("fingerprint") != fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        _tell(f"{size:,}: documents")
        done = _work("write", task) | {"fingerprint": fingerprint}
        facts.write_text(json.dumps(done), "utf-8")
    if rebuild or "build_seconds" not in done:
        shutil.rmtree(folder / "index", ignore_errors=True)
        _tell(f"{size:,}: build")
        done |= _work("build", task) | {"built_at": common.commit()}
        if done["built_passages"] != size:
            raise SystemExit(f"{size} passages were written, and came out as {done['built_passages']}")
        facts.write_text(json.dumps(done), "utf-8")
    return done


def _work(job: str, task: Row, **environment: str) -> Row:
    return common.run_worker(sys.executable, __file__, job, task, **environment)


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def fitted_to(folder: Path, data: Sequence[Path]) -> Row:
    """Fit to the real sets, unless that is done."""
    fingerprint = _fingerprint(data)
    facts = synthetic_vectors.read_facts(folder)
    if facts is None or facts["fingerprint"] != fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number, path in enumerate(data):
            _tell(f"the real vectors of {path.name}")
            common.build_index(path / "docs", folder / "real" / str(number))
        task = {"to": str(folder), "data": list(map(str, data)), "fingerprint": fingerprint}
        facts = _work("fit", task)
    return {name: facts[name] for name in ("fingerprint", "real", "cosines")}


def _fingerprint(data: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{synthetic_text.VERSION} {synthetic_vectors.VERSION}".encode())
    for folder in data:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


# Reports


def _show(rows: Mapping[int, Row]) -> None:
    """Print a column a size."""
    measures = [name for name, value in next(iter(rows.values())).items() if isinstance(value, int | float)]
    common.show(
        [
            {"measure": name} | {f"{size:,}": common.number(row[name]) for size, row in rows.items()}
            for name in measures
            if name not in ("passages", "changed", "built_passages")
        ]
    )


def _figures(rows: Mapping[int, Row]) -> Iterator[Figure]:
    """Hold the largest size, growth and the unchanged build against their bars."""
    size, row = max(rows.items())
    at = f"{size:,} passages: "
    yield Figure.alone(at + "recall@10, nearest sentences", row["recall_sentences"], least=0.97)
    yield Figure.alone(at + "recall@10, hits", row["recall_hits"], least=0.97)
    yield Figure.alone(at + "p95 ms a question", row["ms_p95"], most=25)
    yield Figure.alone(at + "GiB resident, serving", row["serve_VmRSS_gib"], most=3)
    yield Figure.alone(at + "GiB resident, building", row["build_rss_gib"], most=6)
    if len(rows) > 1:
        for name in ("p50", "p95"):
            grown = exponent(list(rows), [each[f"ms_{name}"] for each in rows.values()])
            yield Figure.alone(f"exponent of {name} against size", grown, most=0.5)
    if row := rows.get(100_000, {}):
        yield Figure.alone(
            "100,000 passages: seconds where nothing has changed", row["unchanged_seconds"], most=5
        )


def _drawing(rows: Mapping[int, Row]) -> str:
    def curve(name: str, measure: str) -> Curve:
        return Curve(name, [row[measure] for row in rows.values()])

    return draw(
        list(rows),
        [
            Panel("milliseconds a question", [curve("p95", "ms_p95"), curve("p50", "ms_p50")]),
            Panel(
                "GiB",
                [
                    curve("index on disk", "index_gib"),
                    curve("resident, building", "build_rss_gib"),
                    curve("resident, serving", "serve_VmRSS_gib"),
                    curve("serving, mapped files left out", "serve_RssAnon_gib"),
                ],
            ),
            Panel(
                "seconds", [curve("build", "build_seconds"), curve("nothing changed", "unchanged_seconds")]
            ),
        ],
    )


if __name__ == "__main__":
    jobs = (scale_jobs.write, scale_jobs.build, scale_jobs.questions, scale_jobs.serve, scale_jobs.compare)
    common.start(main, {"fit": synthetic_fit.fit} | {job.__name__: job for job in jobs})
