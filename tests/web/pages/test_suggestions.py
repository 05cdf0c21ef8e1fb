from __future__ import annotations

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Metadata
from qa.web.pages.suggestions import suggestions
from web.fake_search import FakeSearch
from web.helpers import page


def search_with(*headings: str, title: str | None = None) -> FakeSearch:
    """Return a search over one document with these headings, each with a passage."""
    search = FakeSearch()
    search.add("faq.md", "\n\n".join(f"# {heading}\n\nText." for heading in headings), Metadata(title=title))
    return search


def test_a_question_is_preferred_and_then_the_heading_with_the_most_words() -> None:
    assert suggestions(search_with("A long and winding section", "Who pays for it?")) == ["Who pays for it?"]
    assert suggestions(search_with("Infrastructure", "A winding section")) == ["A winding section"]


def test_headings_that_say_too_little_or_too_much_are_left_out() -> None:
    assert suggestions(search_with("Short", "x" * 81)) == []
    assert suggestions(search_with("The title of all", title="The title of all")) == []


def test_a_very_long_document_is_not_looked_through() -> None:
    assert suggestions(search_with(*["Who pays for it?"] * 500)) == ["Who pays for it?"]
    assert suggestions(search_with(*["Who pays for it?"] * 501)) == []


@given(st.integers(0, 30))
def test_suggestions_are_distinct_and_spread_over_the_list(documents: int) -> None:
    search = FakeSearch()
    for number in range(documents):
        search.add(f"{number:02}.md", f"# Question number {number // 2}?\n\nText.")
    shown = suggestions(search)
    assert len(shown) == len(set(shown)) <= 6
    assert bool(shown) == bool(documents)
    if documents >= 12:
        numbers = [int(name.split()[-1].rstrip("?")) for name in shown]
        assert len(numbers) == 6
        assert numbers[0] == 0
        assert numbers[-1] >= documents // 2 * 0.8 - 1


def test_the_start_page_links_to_a_search_for_each(client: FlaskClient, search: FakeSearch) -> None:
    search.add("faq.md", "# Short\n\nText.\n\n# Who pays for the roads?\n\nText.")
    html = page(client, "/")
    assert '<a href="/?q=Economic+cooperation" dir="auto">Economic cooperation</a>' in html
    assert 'dir="auto">Who pays for the roads?</a>' in html
