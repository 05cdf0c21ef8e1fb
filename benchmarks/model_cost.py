"""What a model costs beside the default one: time to an index, and time of a question over HTTP.

    python benchmarks/model_cost.py DATA [--model multilingual-e5-small] [--runs 3] [--write FILE]

Both models take turns: `qa index` of DATA/docs into a new folder, as a whole process, and then the questions
of DATA, a part of them each time, of both services, from one client. The packages of both models must be
installed, and both are prepared for the processor before the clock runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import clients
import common
from common import Figure, Row

from qa.embedding.models import DEFAULT_MODEL, MULTILINGUAL_MODEL

MOST = {"ms_p50": 1.5, "seconds": 2.2}
"""How many times as long it may take: the bars."""


def main() -> None:
    """Measure, and print what came of it."""
    arguments = common.parser(__doc__, peers=False)
    arguments.add_argument("--model", default=MULTILINGUAL_MODEL)
    arguments.add_argument("--runs", type=int, default=3)
    args = arguments.parse_args()
    models = (DEFAULT_MODEL, args.model)
    questions = [row["question"] for row in common.read_questions(args.data)]
    with TemporaryDirectory() as work:
        indexes = {model: Path(work, model.replace("/", "_")) for model in models}
        for model, index in indexes.items():
            common.build_index(args.data / "docs", index, QA_MODEL=model)
        building = {model: partial(_build, args.data / "docs", Path(work), model) for model in models}
        runs = {"index": common.take_turns(building, args.runs)}
        with common.service(indexes[models[0]]) as default, common.service(indexes[models[1]]) as other:
            for service in (default, other):
                clients.ask(service.url, 1, common.warm_up(questions))
            asking = {
                model: partial(_ask, service.url, iter(_parts(questions, args.runs)))
                for model, service in zip(models, (default, other), strict=True)
            }
            runs["questions"] = common.take_turns(asking, args.runs)
    taken = {
        model: common.medians(runs["index"][model]) | common.medians(runs["questions"][model])
        for model in models
    }
    figures = [
        Figure.alone(
            f"{name}, times the default model's", taken[models[1]][name] / taken[models[0]][name], most=most
        )
        for name, most in MOST.items()
    ]
    common.show([figure.row(None) for figure in figures])
    common.write_json(args.write, {"models": models, "medians": taken}, {"each_run": runs})


def _build(docs: Path, work: Path, model: str) -> Row:
    """Time `qa index` into a new folder."""
    with TemporaryDirectory(dir=work) as index:
        started = time.perf_counter()
        common.build_index(docs, Path(index), QA_MODEL=model)
        return {"seconds": time.perf_counter() - started}


def _parts(questions: Sequence[str], count: int) -> list[Sequence[str]]:
    return [questions[number::count] for number in range(count)]


def _ask(url: str, parts: Iterator[Sequence[str]]) -> Row:
    """Time the next part of the questions."""
    return common.percentiles(clients.ask(url, 1, next(parts)).ms, 50, 99)


if __name__ == "__main__":
    main()
