"""The language of the pages: English or Russian, as the browser requests, with its dates and numbers.

The templates contain the messages in English. ``translations/LANGUAGE.po`` translates them; it is read
directly, without a compilation step.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from flask import Flask, g, has_request_context, request
from werkzeug.wrappers import Response

from qa.results.facets import Unit

LOCALES = {"en": Locale("en", "GB"), "ru": Locale("ru")}
DEFAULT = "en"
FOLDER = Path(__file__).parents[1] / "translations"


def init_app(app: Flask) -> None:
    """Render the templates of ``app`` in the language that the browser requests."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.after_request(_vary)
    app.context_processor(lambda: {"language": language()})
    for filter_ in (human_date, human_time, human_period, language_name, count, percent):
        app.add_template_filter(filter_)


def language() -> str:
    """Return the language of the answer to this request."""
    if not has_request_context():
        return DEFAULT
    if "language" not in g:
        g.language = request.accept_languages.best_match(LOCALES, DEFAULT)
    code: str = g.language
    return code


def gettext(message: str) -> str:
    """Return the translation of a message."""
    return _translations(language()).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the translation of a message that contains a number."""
    return _translations(language()).ngettext(singular, plural, number)


def human_date(iso: str) -> str:
    """Return an ISO date in words."""
    try:
        return format_date(date.fromisoformat(iso), "long", _locale())
    except ValueError:
        return iso


def human_time(iso: str) -> str:
    """Return an ISO time in words."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return (
        f"{format_date(moment, 'long', _locale())}, {format_datetime(moment, 'HH:mm', locale=_locale())} UTC"
    )


def human_period(start: str, end: str, unit: Unit) -> str:
    """Return a period of days, months or years in words; ``start`` and ``end`` are ISO dates, inclusive."""
    write = {"day": human_date, "month": _month, "year": _year}[unit]
    first, last = write(start), write(end)
    return first if first == last else f"{first} – {last}"


def _month(iso: str) -> str:
    return format_skeleton("yMMMM", date.fromisoformat(iso), locale=_locale())


def _year(iso: str) -> str:
    return str(date.fromisoformat(iso).year)


def language_name(code: str) -> str:
    """Return the name of a language; an unknown code is returned unchanged."""
    try:
        return Locale.parse(code, sep="-").get_language_name(_locale()) or code
    except (UnknownLocaleError, ValueError):
        return code


def count(number: int) -> str:
    """Return a number with the language's separators."""
    return format_decimal(number, locale=_locale())


def percent(share: float) -> str:
    """Return a probability in percent, at most 99%: no answer is certain."""
    return f"{min(round(share * 100), 99)}%"


def _locale() -> Locale:
    return LOCALES[language()]


@cache
def _translations(language: str) -> NullTranslations:
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


def _vary(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    return response
