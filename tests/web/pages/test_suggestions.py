from __future__ import annotations

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Metadata
from qa.web.pages.suggestions import suggestions
from web.fake_search import FakeSearch, MakeApp
from web.helpers import page


def search_with(*headings: str, title: str | None = None) -> FakeSearch:
    """Return a search over one document with these headings, each with a passage."""
    search = FakeSearch()
    search.add("faq.md", "\n\n".join(f"# {heading}\n\nText." for heading in headings), Metadata(title=title))
    search.changes = {"answerable": True}
    return search


def test_a_question_comes_first_and_then_the_heading_with_the_most_words() -> None:
    headings = ("Infrastructure", "A winding section", "A long and winding section", "Who pays for it?")
    assert suggestions(search_with(*headings), "en") == [
        *("Who pays for it?", "A long and winding section", "A winding section", "Infrastructure")
    ]


def test_headings_that_say_too_little_or_too_much_are_left_out() -> None:
    assert suggestions(search_with("Short", "x" * 81), "en") == []
    assert suggestions(search_with("The title of all", title="The title of all"), "en") == []


def test_a_very_long_document_is_not_looked_through() -> None:
    assert suggestions(search_with(*["Who pays for it?"] * 500), "en") == ["Who pays for it?"]
    assert suggestions(search_with(*["Who pays for it?"] * 501), "en") == []


def in_two_languages() -> FakeSearch:
    search = FakeSearch(changes={"answerable": True})
    for n in range(8):
        search.add(f"{n}.md", f"# Who pays for road {n}?\n\nText.", Metadata(language="en"))
    text = "# Кто платит за паром?\n\nТекст.\n\n# Как часто ходит паром?\n\nТекст."
    search.add("ru.md", text, Metadata(language="ru"))
    return search


def test_questions_are_in_the_language_of_the_page_if_documents_are() -> None:
    search = in_two_languages()
    assert suggestions(search, "ru") == ["Кто платит за паром?", "Как часто ходит паром?"]
    english = suggestions(search, "en")
    assert len(english) == 6
    assert all(question.startswith("Who pays for road ") for question in english)
    assert len(suggestions(search, "fr")) == 6


def test_no_question_is_offered_that_the_documents_do_not_answer() -> None:
    search = in_two_languages()
    search.changes = {"answerable": False}
    assert suggestions(search, "ru") == []


def test_each_page_offers_its_own(make_app: MakeApp) -> None:
    search = in_two_languages()
    client = make_app(lambda: search).test_client()
    for _ in range(2):
        russian = client.get("/", headers={"Accept-Language": "ru"}).get_data(as_text=True)
        assert "Кто платит за паром?" in russian
        assert "Who pays" not in russian
        assert "Who pays for road 0?" in page(client, "/")
    assert len(search.queries) == 2 + 6  # they are kept


@given(st.integers(0, 30))
def test_suggestions_are_distinct_and_spread_over_the_list(documents: int) -> None:
    search = FakeSearch(changes={"answerable": True})
    for number in range(documents):
        search.add(f"{number:02}.md", f"# Question number {number // 2}?\n\nText.")
    shown = suggestions(search, "en")
    assert len(shown) == len(set(shown)) <= 6
    assert bool(shown) == bool(documents)
    if documents >= 12:
        numbers = [int(name.split()[-1].rstrip("?")) for name in shown]
        assert len(numbers) == 6
        assert numbers[0] == 0
        assert numbers[-1] >= documents // 2 * 0.8 - 1


def test_the_start_page_links_to_a_search_for_each(client: FlaskClient, search: FakeSearch) -> None:
    search.add("faq.md", "# Who pays for the roads?\n\nText.", Metadata(language="en"))
    search.changes = {"answerable": True}
    html = page(client, "/")
    assert '<a href="/?q=Economic+cooperation" dir="auto">Economic cooperation</a>' in html
    assert 'dir="auto">Who pays for the roads?</a>' in html
