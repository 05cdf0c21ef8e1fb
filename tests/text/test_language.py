from __future__ import annotations

import pytest

from qa.text import language
from qa.text.language import detect_passage
from qa.text.terms import telling_words

TEXTS = {
    "en": "The ministers of the two countries have agreed on what should be done about the harbour and its "
    "railway, which was closed after the storms of last year.",
    "de": "Die Minister der beiden Länder haben sich darauf geeinigt, was mit dem Hafen und seiner Bahn "
    "geschehen soll, die nach den Stürmen des vergangenen Jahres geschlossen wurde.",
    "nl": "De ministers van de twee landen zijn het eens geworden over wat er met de haven en het spoor moet "
    "gebeuren, dat na de stormen van het vorige jaar gesloten werd.",
    "es": "Los ministros de los dos países han acordado lo que debe hacerse con el puerto y su ferrocarril, "
    "que fue cerrado después de las tormentas del año pasado.",
    "ru": "Министры двух стран договорились о том, что должно быть сделано с портом и его железной дорогой, "
    "которая была закрыта после бурь прошлого года.",
}


@pytest.mark.parametrize("document", TEXTS)
@pytest.mark.parametrize("passage", TEXTS)
def test_a_passage_is_in_its_own_language_whatever_its_documents_is(document: str, passage: str) -> None:
    assert detect_passage(TEXTS[passage], document) == passage


@pytest.mark.parametrize("spoken", TEXTS)
def test_a_passage_full_of_its_documents_own_words_is_not_looked_at_further(
    spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_identifier", None)
    assert detect_passage(TEXTS[spoken], spoken) == spoken


def test_what_is_too_short_to_tell_is_in_the_language_of_its_document() -> None:
    assert detect_passage("Hafen 1998", "de") == "de"
    assert detect_passage("Hafen 1998", None) is None


def test_words_that_tell_a_language_are_common_in_no_other() -> None:
    assert {"the", "and"} <= telling_words("en")
    assert not {"in", "is", "was"} & telling_words("en")  # Dutch has them too
    assert not telling_words("en") & telling_words("nl")


def test_a_language_without_a_list_has_no_telling_words() -> None:
    assert telling_words("km") == frozenset()
