"""Which words are known: those of the documents, and those of the documents' languages.

Words are compared as ``qa.text.word_comparison`` does, and stand on disk as hashes: everything is mapped into
memory and nothing is read whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.arrays import mapped
from qa.index.lexical.real_words import real_words
from qa.index.lexical.term_matches import hash_terms
from qa.types import Int32, Int64

_HASHES, _COUNTS, _LANGUAGES = "hashes.npy", "counts.npy", "languages"

_FREQUENT = 0.02
"""A language of at least this share of the passages is one of the documents'. Chosen: in the few passages of
other ones there are names, quotations and mistaken languages."""


def frequent_languages(languages: Sequence[str]) -> list[str]:
    """Return the languages of many passages, given each passage's language, empty where unknown.

    >>> frequent_languages(["en"] * 97 + ["ru"] * 2 + [""])
    ['en', 'ru']
    """
    counts = Counter(filter(None, languages))
    return sorted(code for code, count in counts.items() if count >= _FREQUENT * len(languages))


def write_known_words(
    folder: Path, words: Iterable[str], counts: Int64, languages: Iterable[str], cache: Path
) -> None:
    """Write ``KnownWords`` into a new folder.

    Args:
        folder: the new folder.
        words: the different words of the documents, as they are compared.
        counts: how often each stands there.
        languages: the documents' languages, as ISO 639-1 codes.
        cache: where lists of words are kept between builds.
    """
    (folder / _LANGUAGES).mkdir(parents=True)
    hashes = hash_terms(words)
    order = np.argsort(hashes)
    np.save(folder / _HASHES, hashes[order], allow_pickle=False)
    np.save(folder / _COUNTS, np.minimum(counts[order], 2**31 - 1).astype(np.int32), allow_pickle=False)
    for language in languages:
        real_words(language, cache, folder / _LANGUAGES / f"{language}.npy")


class KnownWords:
    """The words of the documents and of their languages."""

    def __init__(self, folder: Path) -> None:
        """Open what ``write_known_words`` wrote.

        Raises:
            OSError: a file cannot be read.
            ValueError: the parts do not fit together.
        """
        self._hashes: NDArray[np.uint64] = mapped(folder / _HASHES, np.uint64)
        self._counts: Int32 = mapped(folder / _COUNTS, np.int32)
        if len(self._hashes) != len(self._counts):
            raise ValueError(f"{folder / _COUNTS} does not count {len(self._hashes)} words")
        lists = sorted((folder / _LANGUAGES).glob("*.npy"))
        self._lists: list[NDArray[np.uint64]] = [mapped(path, np.uint64) for path in lists]

    def look_up(self, words: Iterable[str]) -> tuple[Int64, NDArray[np.bool_]]:
        """Return how often each word stands in the documents, and whether it is one of their languages.

        Args:
            words: as they are compared.
        """
        hashes = hash_terms(words)
        held, places = _find(self._hashes, hashes)
        counts = np.zeros(len(hashes), np.int64)
        counts[held] = self._counts[places[held]]
        is_real = np.zeros(len(hashes), np.bool_)
        for words_of_language in self._lists:
            is_real |= _find(words_of_language, hashes)[0]
        return counts, is_real


def _find(ordered: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], Int64]:
    """Return which hashes are among the ordered ones, and where."""
    places = np.searchsorted(ordered, hashes)
    held = places < len(ordered)
    held[held] = ordered[places[held]] == hashes[held]
    return held, places
