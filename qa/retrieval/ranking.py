"""Candidates → passages in order, in two stages.

First stage: cheap signals of all candidates are fused, and the likeliest are kept. Of near-duplicates among
them the best stands for all. Second stage: those that are left get all signals and are fused again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from qa.retrieval import near_duplicates
from qa.retrieval.facts import KEYWORDS, FactMatches, are_keywords
from qa.retrieval.fusion import fuse
from qa.retrieval.signals import QuestionSignals, Signals
from qa.stores.protocol import Corpus
from qa.text.language import LEGIBLE
from qa.types import Float32, Int64

LIKELY, _LIKELY_FOR_ONE = 60, 2
"""Near-duplicates are sought among at least so many candidates, and so many for each passage wanted. Chosen:
a page of ten stays full if each passage stands there six times."""

TIER = 20
"""How many passages the second stage looks at and orders at a time. Measured: 15, 20, 30 and 60 are equally
good (``benchmarks/README.md``)."""

TIER_ACROSS_LANGUAGES = 60
"""The same where passages may be in another language than the question: without words, the first stage has
sentences alone. Measured: with 20, .013 of the right passages for Russian questions are not looked at."""

REPEATED_PAGE_DISCOUNT = 0.8
"""What each better passage on the same page leaves of a passage's score when places are given. Chosen on
questions about company reports: the right page is among the first five for .67 of them, without it .50."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Passages that may answer, best first.

    Attributes:
        rows: the passages' rows.
        scores: their scores, which never rise.
        fused: their scores as their signals alone make them.
        signals: their signals, by name.
        copies: for each passage, the rows of its near-duplicates, which are not among ``rows``.
    """

    rows: Int64
    scores: Float32
    fused: Float32
    signals: Signals
    copies: list[Int64]

    def take(self, places: Int64) -> Ranking:
        """Return the passages at these places, in this order."""
        signals = {name: values[places] for name, values in self.signals.items()}
        copies = [self.copies[i] for i in places.tolist()]
        return Ranking(self.rows[places], self.scores[places], self.fused[places], signals, copies)


def rank(corpus: Corpus, question: QuestionSignals) -> Ranking:
    """Rank a question's candidates: at least as many as are wanted, if there are.

    They are ranked in tiers of twenty or, across languages, sixty. The first tier is the same however many
    are wanted. The first has signals of its own if the model reads the question: which facts it doesn't meet.
    """
    candidates = question.candidates
    rows, wanted, mode = candidates.rows, candidates.wanted, candidates.query.mode
    signals = question.first_stage(rows)
    likely = best_first(fuse(signals, question.fit, mode, candidates.fluency), rows)
    likely = likely[: max(LIKELY, _LIKELY_FOR_ONE * wanted)]
    matrix = corpus.near_duplicates(rows[likely], near_duplicates.THRESHOLD)
    tier = TIER_ACROSS_LANGUAGES if candidates.foreign else TIER
    groups = near_duplicates.group(matrix, tier * ceil(wanted / tier))
    copies = [rows[likely[group[1:]]] if len(group) > 1 else _NONE for group in groups]
    firsts = likely[[group[0] for group in groups]]
    signals = {name: values[firsts] for name, values in signals.items()}
    signals = {**signals, **question.second_stage(rows[firsts])}
    scores = fuse(signals, question.fit, mode, candidates.fluency)
    ranking = Ranking(rows[firsts], scores, scores, signals, copies)
    ranking = ranking.take(tiers_best_first(scores, ranking.rows, tier))
    ranking = replace(ranking, scores=np.minimum.accumulate(ranking.scores))
    return _with_facts(corpus, question, ranking) if candidates.fluency >= LEGIBLE else ranking


def _with_facts(corpus: Corpus, question: QuestionSignals, ranking: Ranking) -> Ranking:
    """Give the first passage the signals of ``facts``; the others have none."""
    if not len(ranking.rows):
        return ranking
    first = int(ranking.rows[0])
    (passage,) = corpus.store.passages([first])
    signals = dict(ranking.signals)
    unmet = FactMatches(question).unmet(first, passage)
    for name, value in {**unmet, KEYWORDS: float(are_keywords(question.candidates))}.items():
        signals[name] = np.full(len(ranking.rows), np.nan, np.float32)
        signals[name][0] = value
    return replace(ranking, signals=signals)


def spread_over_pages(ranking: Ranking, pages: Sequence[Hashable | None]) -> Ranking:
    """Put passages of other pages before further ones of the same page, if they are nearly as good.

    The first passage stays the first, and each stays in its tier.

    Args:
        ranking: the passages.
        pages: for each passage, what tells its page from all others; None if its document has no pages.
    """
    counts: Counter[Hashable] = Counter()
    weights = np.ones(len(pages), np.float32)
    for place, page in enumerate(pages):
        if page is not None:
            weights[place] = REPEATED_PAGE_DISCOUNT ** counts[page]
            counts[page] += 1
    spread = ranking.take(tiers_best_first(ranking.fused * weights, np.arange(len(pages))))
    return replace(spread, scores=np.minimum.accumulate(spread.fused))


def best_first(scores: Float32, rows: Int64) -> Int64:
    """Return places by falling score; equal scores by row, so that a question always gets the same answer.

    >>> best_first(np.array([0.5, 0.7, 0.5]), np.array([9, 4, 3])).tolist()
    [1, 2, 0]
    """
    return np.lexsort((rows, -scores))


def tiers_best_first(scores: Float32, rows: Int64, tier: int = TIER) -> Int64:
    """Return places by tier and, inside a tier, as ``best_first`` does.

    The first ``tier`` places are the first tier, and so on. A later one's best may score higher than an
    earlier one's worst, and still comes after it:

    >>> tiers_best_first(np.array([0.1, 0.3, 0.2, 0.9]), np.array([7, 5, 6, 8]), tier=2).tolist()
    [1, 0, 3, 2]
    """
    return np.lexsort((rows, -scores, np.arange(len(rows)) // tier))
