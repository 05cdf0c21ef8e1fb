"""A reader's part in a result: the short answer, and its share in the confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qa.embedding.model_protocols import Reader
from qa.types import Passage, ReaderAnswer, ShortAnswer, Span

READ = 3
"""How many passages a reader reads: the first ones. Its time grows with their length."""

_MOST_LOG_ODDS = 7.0
"""Neither is taken to be surer than this, a thousand to one, so that one of them alone decides nothing."""


def read_first(reader: Reader, question: str, passages: Sequence[Passage]) -> ReaderAnswer:
    """Return what a reader makes of the first passages' own texts."""
    return reader.read(question, [passage.text for passage in passages[:READ]])


def joint_confidence(confidence: float, log_odds: float) -> float:
    """Return the confidence that retrieval and a reader have together.

    It is the logistic of the mean of their log odds: a logarithmic opinion pool of equal weights (Genest and
    Zidek, 1986). The weights are chosen, not fitted: they hold for no reader in particular.

    Args:
        confidence: retrieval's calibrated probability that the first passages answer the question.
        log_odds: the reader's, that they do.

    >>> round(joint_confidence(0.9, math.log(9)), 3), joint_confidence(0.9, -math.log(9))
    (0.9, 0.5)
    """
    own = _limited(_logit(confidence))
    return 1 / (1 + math.exp(-(own + _limited(log_odds)) / 2))


def short_answer(answer: ReaderAnswer, passages: Sequence[Passage]) -> ShortAnswer | None:
    """Return the words that a reader marked; None if it is likelier that there is no answer."""
    if answer.passage is None or answer.span is None or answer.log_odds < 0:
        return None
    passage = passages[answer.passage]
    shift = passage.span.start
    span = Span(answer.span.start + shift, answer.span.end + shift)
    return ShortAnswer(passage.slice(span), span, passage.id)


def _limited(log_odds: float) -> float:
    return max(-_MOST_LOG_ODDS, min(_MOST_LOG_ODDS, log_odds))


def _logit(probability: float) -> float:
    if probability in (0.0, 1.0):
        return math.inf if probability else -math.inf
    return math.log(probability / (1 - probability))
