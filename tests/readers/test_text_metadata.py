import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.readers import dates, text_metadata
from readers.samples import one

PROSE = "The two countries have long been partners. They trade, and students travel between them every year."


def meta(text):
    return one("some_file-name.txt", text).metadata


@pytest.mark.parametrize(
    ("line", "dateline", "source", "published"),
    [
        ("HANOI, July 3. /TASS/. Russia and", "HANOI, July 3. /TASS/", "TASS", None),
        ("HANOI, July 3, 2019. /TASS/. Russia", "HANOI, July 3, 2019. /TASS/", "TASS", "2019-07-03"),
        ("Phnom Penh (FN), Sep. 13 – Russian Embassy", "Phnom Penh (FN), Sep. 13", "FN", None),
        ("MOSCOW (Reuters) - The ministry", "MOSCOW (Reuters)", "Reuters", None),
        ("WASHINGTON, D.C., Jan 5 (Reuters) – The", "WASHINGTON, D.C., Jan 5 (Reuters)", "Reuters", None),
        ("ПНОМПЕНЬ, 3 июля. /ТАСС/. Россия и", "ПНОМПЕНЬ, 3 июля. /ТАСС/", "ТАСС", None),
        ("МОСКВА, 3 июл — РИА Новости. Россия", "МОСКВА, 3 июл — РИА Новости", "РИА Новости", None),
        (
            "САНКТ-ПЕТЕРБУРГ, 13 сентября 2019 г. /ТАСС/. А",
            "САНКТ-ПЕТЕРБУРГ, 13 сентября 2019 г. /ТАСС/",
            "ТАСС",
            "2019-09-13",
        ),
        ("LONDON, May 5 – The talks", "LONDON, May 5", None, None),
    ],
)
def test_datelines_are_given_as_they_stand(line, dateline, source, published):
    found = meta(f"A headline stands here\n\n{line} talks went on. {PROSE}")
    assert (found.dateline, found.source, found.published) == (dateline, source, published)
    assert found.found["dateline"] == "text"
    assert found.title == "A headline stands here"


@pytest.mark.parametrize(
    "line",
    [
        "The United Nations (UN) – an organisation of states – met in July.",
        "Anatoly Borovik (ambassador) – a diplomat – spoke on July 3, 2019.",
        "NATO (OTAN) – an alliance – was founded in 1949.",
        "Paris (France), July 3 was a fine day.",
        "In Hanoi, July 3. /TASS/ reported it.",
    ],
)
def test_prose_is_no_dateline(line):
    found = meta(f"{line}\n\n{PROSE}")
    assert (found.dateline, found.source, found.published) == (None, None, None)


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("29 December 2020", "2020-12-29"),
        ("29 December 202017:39", "2020-12-29"),
        ("July 3, 2019", "2019-07-03"),
        ("Wednesday, July 3rd, 2019 at 5:30 pm", "2019-07-03"),
        ("Sept. 13, 2019", "2019-09-13"),
        ("3 июля 2019 г.", "2019-07-03"),
        ("3 июля 2019 года, 17:39 (МСК)", "2019-07-03"),
        ("2019-07-03", "2019-07-03"),
        ("2019-07-03T23:30:00+07:00", "2019-07-03"),
        ("2019/07/03", "2019-07-03"),
        ("03/07/2019", None),
        ("3.07.2019", None),
        ("July 3", None),
        ("July 2019", None),
        ("2019", None),
        ("31 February 2019", None),
        ("2019-13-01", None),
        ("29 December 20201", None),
        ("not a date", None),
    ],
)
def test_only_full_unambiguous_dates_are_dates(line, date):
    assert dates.parse(line) == date
    found = meta(f"A headline stands here\n\n{line}\n\n{PROSE}")
    assert found.published == date
    assert found.found.get("published") == ("text" if date else None)


def test_a_date_in_prose_is_no_date_of_publication():
    text = f"The treaty was signed on 3 July 2019 in Moscow.\n\n{PROSE}"
    assert meta(text).published is None


def test_two_different_dates_leave_doubt():
    assert meta(f"3 July 2019\n\n4 July 2019\n\n{PROSE}").published is None
    assert meta(f"Published: 3 July 2019\n\n2019-07-03\n\n{PROSE}").published == "2019-07-03"


@pytest.mark.parametrize(
    ("line", "author"),
    [
        (
            "By H.E. Mr. Anatoly Borovik, Ambassador of Russia",
            "H.E. Mr. Anatoly Borovik, Ambassador of Russia",
        ),
        ("by Jane Doe and John Roe", "Jane Doe and John Roe"),
        ("Автор: Иван Петров", "Иван Петров"),
        ("By Monday the talks had ended.", None),
        ("By land and by sea", None),
        ("By 2019", None),
    ],
)
def test_bylines(line, author):
    assert meta(f"A headline stands here\n\n{line}\n\n{PROSE}").author == author
    assert meta(f"A headline stands here\n\n{PROSE}\n\n{line}").author == author
    assert meta(f"{line}\n\n{PROSE}\n\n{PROSE}").author is None


def test_title_is_the_line_above_the_prose():
    found = meta(f"Partners for many years\n\n{PROSE}")
    assert (found.title, found.found["title"]) == ("Partners for many years", "text")


def test_menus_above_the_title_are_passed_over():
    menu = "All news\n\nAdvanced settings"
    text = f"{menu}\n\nTwo countries, partners in trade\n\n3 July 2019\n\n• en ru\n\n{PROSE}"
    assert meta(text).title == "Two countries, partners in trade"


@pytest.mark.parametrize("text", [PROSE, f"{PROSE}\n\nLast words", "Only\n\nshort\n\nlines"])
def test_without_a_title_the_file_name_serves(text):
    found = meta(text)
    assert (found.title, found.found["title"]) == ("some file name", "filename")


def test_headlines_with_windows_line_ends():
    assert meta(f"Partners for many years\r\n\r\n{PROSE}\r\n").title == "Partners for many years"


_FIRST_NAME = r"(?:[A-ZА-ЯЁ][\w’'-]*\.?(?:[A-ZА-ЯЁ]\.)*|de|del|la|van|von|der|bin|al|and|и|&)"
_FIRST_BYLINE = re.compile(
    rf"(?:(?:[Ww]ritten\s)?(?:By|BY|by)\s+(?P<by>{_FIRST_NAME}(?:\s+{_FIRST_NAME})+(?:,\s.*[^.!?:;,…])?)"
    r"|(?:Author|Автор|Авторы|Authors)\s*:\s*(?P<label>\S.*))"
)
_NAMES = [
    "Ann",
    "J.",
    "J.R.R.",
    "AB.C.",
    "O’Neil",
    "de",
    "del",
    "der",
    "and",
    "AA.",
    "Лев",
    "Ann,",
    "a",
    "Mc-A.",
    "A1",
]


@given(st.sampled_from(["By", "by", "Written by", "Author:"]), st.lists(st.sampled_from(_NAMES), max_size=6))
def test_bylines_are_what_they_were(label: str, names: list[str]) -> None:
    line = " ".join([label, *names])
    found, expected = text_metadata._BYLINE.fullmatch(line), _FIRST_BYLINE.fullmatch(line)
    assert (found and found.groupdict()) == (expected and expected.groupdict())


@given(
    st.lists(
        st.sampled_from(["A Title Here", "Menu", "Some title", "Here come menus"]), min_size=1, max_size=4
    )
)
def test_the_title_is_the_line_whose_words_the_text_takes_up_most(lines: list[str]) -> None:
    text = "\n\n".join([*lines, "The title that stands here is taken up again by this, its menu is not."])

    def share(line: str) -> float:
        words = text_metadata._stems(line)
        after = text_metadata._stems(text[text.index(line) + len(line) :])
        return len(words & after) ** 2 / len(words)

    assert list(text_metadata._repeated_shares(lines, text)) == [share(line) for line in lines]
