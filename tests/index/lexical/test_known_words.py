"""Which words are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.index.lexical.known_words import KnownWords, frequent_languages, write_known_words
from qa.index.lexical.real_words import compared_forms
from qa.text.word_comparison import compared_words


def test_words_of_documents_and_of_their_languages_are_known(tmp_path: Path, cache: Path) -> None:
    counts = np.array([3, 1])
    write_known_words(tmp_path / "spelling", ["sihanoukville", "port"], counts, ["en", "xx"], cache)
    held, is_real = KnownWords(tmp_path / "spelling").look_up(["port", "Port", "sihanoukville", "bridges"])
    assert held.tolist() == [1, 0, 3, 0]
    assert is_real.tolist() == [True, False, False, True]


def test_parts_that_do_not_fit_are_refused(tmp_path: Path, cache: Path) -> None:
    write_known_words(tmp_path / "spelling", ["a", "b"], np.array([3, 1]), [], cache)
    np.save(tmp_path / "spelling" / "counts.npy", np.array([1], np.int32))
    with pytest.raises(ValueError, match="does not count 2 words"):
        KnownWords(tmp_path / "spelling")


def test_a_language_of_few_passages_is_none_of_the_documents() -> None:
    assert frequent_languages(["en"] * 99 + ["la"]) == ["en"]
    assert frequent_languages([]) == []


def test_forms_are_compared_as_other_words() -> None:
    forms = {"ещё", "ёлка", "йод", "Порты", "Straße", "naïve", "ŉa", "anti-", "x2", "Œuvre", "l’été"}
    assert compared_forms(forms) == {word for form in forms for word in compared_words(form)}
