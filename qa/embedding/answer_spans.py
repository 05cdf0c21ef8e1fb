"""Which words of a window of text a reader takes for the answer, and how likely it has one.

As SQuAD 2.0 has it (Rajpurkar et al., 2018; Devlin et al., BERT, 2019, section 4.3): the score of a span is
the start logit of its first token plus the end logit of its last, and that of "no answer" is the same for the
first token of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa.text.graphemes import whole_graphemes
from qa.types import Float32, Span

MAX_SPAN_TOKENS = 30
"""Longest answer, in tokens: as in BERT's own program for SQuAD."""


class WindowScore(NamedTuple):
    """What a reader makes of one window.

    Attributes:
        log_odds: that the window answers the question: of all spans together against "no answer".
        margin: the score of the best span less that of "no answer".
        first: its first token.
        last: its last token.
    """

    log_odds: float
    margin: float
    first: int
    last: int


def score_window(logits: Float32, allowed: NDArray[np.bool_]) -> WindowScore | None:
    """Score the spans of a window.

    Args:
        logits: each token's start and end logit, shape (tokens, 2).
        allowed: whether an answer may begin or end with a token, shape (tokens,).

    Returns:
        The scores; None if no token is allowed.
    """
    if not allowed.any():
        return None
    start, end = logits.astype(np.float64).T
    places = np.arange(len(logits))
    length = places[None, :] - places[:, None]
    is_span = allowed[:, None] & allowed[None, :] & (length >= 0) & (length < MAX_SPAN_TOKENS)
    scores = np.where(is_span, start[:, None] + end[None, :], -np.inf) - (start[0] + end[0])
    first, last = np.unravel_index(int(scores.argmax()), scores.shape)
    margin = float(scores[first, last])
    log_odds = margin + float(np.log(np.exp(scores - margin).sum()))
    return WindowScore(log_odds, margin, int(first), int(last))


def log_odds_of_any(log_odds: Sequence[float]) -> float:
    """Return the log odds that one of several passages has the answer, given each one's against none.

    It is one softmax over the spans of all passages and a single "no answer": the scores of a passage are
    comparable with those of another once its own "no answer" has been subtracted.
    """
    return float(np.logaddexp.reduce(np.array(log_odds, np.float64)))


def span_of_tokens(text: str, first: tuple[int, int], last: tuple[int, int]) -> Span:
    """Return what a person would mark of a text: without white space around it, and with whole graphemes.

    Args:
        text: the text.
        first: where the first token stands in it, by code points.
        last: where the last token stands.
    """
    start, end = first[0], max(first[1], last[1])
    marked = text[start:end]
    end -= len(marked) - len(marked.rstrip())
    start = min(end, start + len(marked) - len(marked.lstrip()))
    return whole_graphemes(text, Span(start, end))
