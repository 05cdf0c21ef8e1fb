"""Small corpora of index terms, and BM25 by its formula."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from qa.index.lexical.bm25 import K1, B
from qa.index.lexical.inverted_index import LexicalIndex, LexicalWriter, PassageTerms
from qa.index.lexical.term_matches import COMMON_SHARE
from qa.types import Int64

TERMS = st.lists(st.sampled_from("abcdef"), max_size=5)
PASSAGES = st.builds(PassageTerms, TERMS, st.lists(TERMS, min_size=1, max_size=4))
CORPORA = st.lists(PASSAGES, min_size=1, max_size=8)
QUESTIONS = st.lists(st.sampled_from("abcdefxyz"), min_size=1, max_size=6)


def write_index(folder: Path, corpus: Iterable[PassageTerms], languages: Iterable[str] = ()) -> LexicalIndex:
    writer = LexicalWriter(folder)
    for passage in corpus:
        writer.add(passage)
    writer.close(languages)
    return LexicalIndex(folder)


def index_of(corpus: Iterable[PassageTerms], languages: Iterable[str] = ()) -> LexicalIndex:
    with tempfile.TemporaryDirectory() as folder:  # what is mapped stays there for as long as it is
        return write_index(Path(folder) / "lexical", corpus, languages)


def passage_of(*sentences: str, context: str = "") -> PassageTerms:
    return PassageTerms(context.split(), [sentence.split() for sentence in sentences])


def all_terms(passage: PassageTerms) -> list[str]:
    return [*passage.context, *chain.from_iterable(passage.sentences)]


def text_terms(passage: PassageTerms) -> list[str]:
    return [term for sentence in passage.sentences for term in sentence]


def sentence_bounds(corpus: list[PassageTerms]) -> tuple[Int64, Int64]:
    lasts = np.cumsum([len(passage.sentences) for passage in corpus], dtype=np.int64)
    return np.append(0, lasts)[:-1], lasts


def idf_by_formula(corpus: list[PassageTerms], term: str) -> float:
    frequency = sum(term in all_terms(passage) for passage in corpus)
    return math.log(1 + (len(corpus) - frequency + 0.5) / (frequency + 0.5))


def bm25_by_formula(corpus: list[PassageTerms], query: list[str], common: Iterable[str] = ()) -> list[float]:
    """Score each passage as Lucene does, as a share of what the query could give at most.

    Robertson and Zaragoza (2009), equation 3.15, with Lucene's idf, which is never negative.
    """
    texts = [all_terms(passage) for passage in corpus]
    average = sum(map(len, texts)) / len(texts)
    weights = {term: idf_by_formula(corpus, term) * (COMMON_SHARE if term in common else 1) for term in query}
    scores = []
    for text in texts:
        counts = Counter(text)
        length = K1 * (1 - B + B * len(text) / (average or 1))
        gains = (weights[term] * counts[term] / (counts[term] + length) for term in weights if counts[term])
        scores.append(sum(gains) / sum(weights.values()))
    return scores
