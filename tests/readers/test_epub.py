import pytest

from qa.errors import ReadError
from readers.samples import PACKAGE, headings, make_epub, one


def test_chapters_in_the_order_of_the_spine():
    reading = one("a.epub", make_epub("<h1>One</h1><p>Text&#160;one.</p>", "<h2>Two</h2><p>Text\ntwo.</p>"))
    assert reading.text == "One\n\nText one.\n\nTwo\n\nText two."
    assert headings(reading) == [(1, "One"), (2, "Two")]
    assert reading.pages == ()


def test_metadata():
    found = one("a.epub", make_epub("<p>Text.</p>", "<p>Text.</p>")).metadata
    assert (found.title, found.author, found.source) == ("A Book", "Ann One, Bob Two", "Some House")
    assert (found.published, found.language) == ("2019-07-03", "en")


def test_a_year_is_no_date():
    package = PACKAGE.replace("2019-07-03", "2019")
    assert (
        one("a.epub", make_epub("<p>Text.</p>", "<p>Text.</p>", package=package)).metadata.published is None
    )


def test_a_missing_chapter_is_noted():
    reading = one("a.epub", make_epub("<p>Text.</p>"))
    assert reading.text == "Text."
    assert reading.notes[0].startswith("chapter OEBPS/text/two.xhtml was not read")


@pytest.mark.parametrize(
    "package", ["<package", "", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>']
)
def test_broken_packages_are_errors(package):
    with pytest.raises(ReadError):
        one("a.epub", make_epub("<p>Text.</p>", package=package))
