from __future__ import annotations

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Metadata
from qa.web.pages.suggestions import suggestions
from web.fake_search import FakeSearch, MakeApp
from web.helpers import page

SURE = {"answerable": True, "confidence": 0.9}
ENGLISH = Metadata(language="en")


def search_with(text: str, language: str | None = "en") -> FakeSearch:
    """Return a search over one document, sure of every answer."""
    search = FakeSearch(changes=SURE)
    search.add("faq.md", text, Metadata(language=language))
    return search


def test_what_a_document_asks_comes_first_and_then_what_its_sentences_answer() -> None:
    text = (
        "# History\n\nThe Treaty of Rome was signed in 1957.\n\n"
        "In 2018 the trade turnover of South Peru reached $202 million.\n\n# Who pays for it?\n\nNobody."
    )
    assert suggestions(search_with(text), "en") == [
        "Who pays for it?",
        "How large was the trade turnover of South Peru in 2018?",
        "When was the Treaty of Rome signed?",
    ]


def test_a_heading_that_asks_nothing_is_no_suggestion() -> None:
    assert suggestions(search_with("# A long and winding section\n\nText.\n\n# Really?\n\nText."), "en") == []


def test_a_capital_is_kept_only_if_the_document_shows_that_it_belongs_to_the_word() -> None:
    fact = "Steam turbine parts were invented in 1884."
    assert suggestions(search_with(fact), "en") == []
    assert suggestions(search_with(f"{fact}\n\nA steam engine."), "en") == [
        "When were steam turbine parts invented?"
    ]
    assert suggestions(search_with(f"{fact}\n\nThe Steam company."), "en") == [
        "When were Steam turbine parts invented?"
    ]


def test_only_the_beginning_of_a_very_long_document_is_looked_through() -> None:
    assert suggestions(search_with("# Who pays for it?\n\nText.\n\n" * 400), "en") == ["Who pays for it?"]
    late = "Text.\n\n" * 300 + "# Who pays for it?\n\nText."
    assert suggestions(search_with(late), "en") == []


def in_two_languages() -> FakeSearch:
    search = FakeSearch(changes=SURE)
    for n in range(8):
        search.add(f"{n}.md", f"# Who pays for road {n}?\n\nRoad {n} costs.", ENGLISH)
    text = "# Кто платит за паром?\n\nГород платит.\n\n# Как часто ходит паром?\n\nПаром ходит."
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
    for changes in ({"answerable": False, "confidence": 0.9}, {"answerable": True, "confidence": 0.6}):
        search = in_two_languages()
        search.changes = changes
        assert suggestions(search, "ru") == []


def test_no_question_is_offered_whose_first_result_is_elsewhere() -> None:
    search = search_with("# Who pays for the long road?\n\nNobody knows.")
    search.add("other.md", "Who pays for the long road, they asked.", ENGLISH)
    assert suggestions(search, "en") == []


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
def test_suggestions_are_distinct_and_the_same_each_time(documents: int) -> None:
    search = FakeSearch(changes=SURE)
    for number in range(documents):
        search.add(f"{number:02}.md", f"# Where is question {number}?\n\nQuestion {number} is here.", ENGLISH)
    shown = suggestions(search, "en")
    assert len(shown) == len(set(shown)) == min(documents, 6)
    assert suggestions(search, "en") == shown


def test_the_start_page_links_to_a_search_for_each(client: FlaskClient, search: FakeSearch) -> None:
    search.add("faq.md", "# Who pays for the roads?\n\nThe county pays for the roads.", ENGLISH)
    search.changes = SURE
    html = page(client, "/")
    assert '<a href="/?q=Who+pays+for+the+roads%3F" dir="auto">Who pays for the roads?</a>' in html
