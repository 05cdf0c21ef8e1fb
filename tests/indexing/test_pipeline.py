"""The order of the work: documents are written first, and a few batches run ahead of what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fake_encoder import StandIn

from qa.index import generation
from qa.index.dense.vectors import Vectors
from qa.indexing import pipeline
from qa.indexing.encoding import Batch, encode
from qa.indexing.incremental import Previous, made_with
from qa.indexing.pipeline import PassageEmbedder
from qa.indexing.workers import Wait
from qa.types import Float32, PassageInput, Span


class Noting:
    """A worker that encodes only when it is waited for, and notes what happens."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead
        self.steps: list[str] = []

    def read(self, files: Sequence[object]) -> Iterator[object]:
        return iter(())

    def encoding(self, projection: Float32) -> Callable[[Batch], Wait]:
        def start(batch: Batch) -> Wait:
            number = sum(step.startswith("start") for step in self.steps)
            self.steps.append(f"start {number}")

            def wait() -> Sequence[object]:
                self.steps.append(f"wait {number}")
                return encode(StandIn(), projection, batch)

            return wait

        return start


def _passage(number: int) -> PassageInput:
    text = f"Rice number {number}. It was sold."
    return PassageInput("", text, (Span(0, text.index(".") + 1), Span(text.index(".") + 2, len(text))))


def _embed(folder: Path, count: int, ahead: int) -> tuple[PassageEmbedder, Noting]:
    folder.mkdir()
    workers = Noting(ahead)
    previous = Previous(None, made_with(StandIn(), "auto"), folder)
    embedder = PassageEmbedder(folder, StandIn(), previous, workers)
    for number in range(count):
        embedder.add(f"key {number}", _passage(number))
    return embedder, workers


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH_SIZE", 3)


def test_a_full_batch_starts_at_once_and_the_oldest_is_waited_for(tmp_path: Path) -> None:
    embedder, workers = _embed(tmp_path / "g", 10, ahead=2)
    assert workers.steps == ["start 0", "start 1", "start 2", "wait 0"]
    embedder.finish()
    assert workers.steps[4:] == ["start 3", "wait 1", "wait 2", "wait 3"]


@pytest.mark.parametrize(("count", "ahead"), [(0, 2), (1, 0), (3, 1), (10, 2), (11, 9)])
def test_vectors_are_in_the_order_of_the_passages(tmp_path: Path, count: int, ahead: int) -> None:
    folder = tmp_path / "g"
    embedder, _ = _embed(folder, count, ahead)
    embedder.finish()
    assert embedder.embedded == count
    assert embedder.sentences == 2 * count
    if count:
        expected = [v.passage for v in StandIn().encode_passages([_passage(n) for n in range(count)])]
        written = Vectors(folder / generation.PASSAGES, StandIn().dimension).vectors(np.arange(count))
        np.testing.assert_allclose(written, np.stack(expected), atol=1e-4)
        assert embedder.close(2**30) is not None
        starts = np.load(folder / generation.SENTENCE_STARTS)
        assert starts.tolist() == list(range(0, 2 * count + 1, 2))


def test_an_encoder_that_refuses_is_heard_before_anything_is_written(tmp_path: Path) -> None:
    class Refusing(StandIn):
        def check(self, sentences: Sequence[str]) -> None:
            raise ArithmeticError(f"of {len(sentences)} sentences")

    folder = tmp_path / "g"
    folder.mkdir()
    workers, previous = Noting(ahead=0), Previous(None, made_with(StandIn(), "auto"), folder)
    embedder = PassageEmbedder(folder, Refusing(), previous, workers)
    embedder.add("a", _passage(1))
    with pytest.raises(ArithmeticError, match="of 2 sentences"):
        embedder.finish()
    assert embedder.sentences == 0
