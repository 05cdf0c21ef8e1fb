from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

import qa.web
from qa.web.pages import i18n

WEB = Path(qa.web.__file__).parent
METHODS = [
    ("templates/**.html", "jinja2.ext:babel_extract"),
    ("templates/**.xml", "jinja2.ext:babel_extract"),
    ("pages/problem_texts.py", "python"),
]
KEYWORDS = {**DEFAULT_KEYWORDS, "said": None}
OPTIONS = {pattern: {"trimmed": "true"} for pattern, _ in METHODS}


def messages() -> Iterator[str | tuple[str, ...]]:
    """Yield the messages of the templates and of problems: an id, or a singular and a plural."""
    for _, _, message, _, _ in extract_from_dir(
        WEB, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        yield message


@pytest.mark.parametrize("language", sorted(i18n.LOCALES.keys() - {i18n.DEFAULT}))
def test_exactly_the_messages_of_the_templates_are_translated(language: str) -> None:
    with (i18n.FOLDER / f"{language}.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    used = set(messages())
    assert len(used) > 100
    assert {message.id for message in catalog if message.id} == used
    for message in catalog:
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(forms), message.id
        assert len(forms) == (catalog.num_plurals if message.pluralizable else 1)
        assert not list(message.check(catalog)), message.id


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-US,en;q=0.9,ru;q=0.5", "en"),
        ("fr", "en"),
        ("de;q=0.9,ru;q=0.1", "ru"),
        ("", "en"),
        ("*;;q=x", "en"),
    ],
)
def test_the_browser_decides_the_language(client: FlaskClient, accepted: str, language: str) -> None:
    response = client.get("/status", headers={"Accept-Language": accepted})
    html = response.get_data(as_text=True)
    assert f'<html lang="{language}">' in html
    assert ("2 января 2024\u202fг., 03:04 UTC" if language == "ru" else "2 January 2024, 03:04 UTC") in html
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 документ"), (3, "3 документа"), (11, "11 документов"), (21, "21 документ")]
)
def test_russian_plurals_have_three_forms(app: Flask, number: int, words: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "ru"}):
        form = i18n.ngettext("%(counted)s document", "%(counted)s documents", number)
        assert form % {"counted": number} == words


def test_dates_languages_and_numbers_follow_the_language(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "ru"}):
        assert i18n.human_date("2019-07-03") == "3 июля 2019\u202fг."
        assert i18n.human_period("2019-07-01", "2019-07-31", "month") == "июль 2019\u202fг."
        assert i18n.language_name("km") == "кхмерский"
        assert i18n.count(12345) == "12\u00a0345"
    assert i18n.human_date("2019-07-03") == "3 July 2019"
    assert i18n.human_date("July 3") == "July 3"
    assert i18n.human_period("2019-07-01", "2019-09-30", "month") == "July 2019 – September 2019"
    assert i18n.human_period("2010-01-01", "2019-12-31", "year") == "2010 – 2019"
    assert i18n.human_period("2019-07-03", "2019-07-03", "day") == "3 July 2019"
    assert i18n.language_name("km") == "Khmer"
    assert i18n.language_name("no such") == "no such"
    assert i18n.count(12345) == "12,345"
    assert i18n.percent(0.9999) == "99%"
