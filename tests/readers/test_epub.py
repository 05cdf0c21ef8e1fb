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


def _dated(*dates):
    metas = "".join(dates)
    return make_epub("<p>Text.</p>", "", package=PACKAGE.replace("<dc:date>2019-07-03</dc:date>", metas))


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        (('<dc:date xmlns:o="http://www.idpf.org/2007/opf" o:event="creation">2021-01-01</dc:date>',), None),
        (
            (
                '<dc:date xmlns:o="http://www.idpf.org/2007/opf" o:event="modification">2021-01-01</dc:date>',
                "<dc:date>1987-02-03</dc:date>",
            ),
            "1987-02-03",
        ),
        (("<dc:date>0101-01-01T00:00:00+00:00</dc:date>",), None),
    ],
)
def test_only_a_date_of_publication_counts(dates, published):
    assert one("a.epub", _dated(*dates)).metadata.published == published


def test_a_chapter_of_an_outdated_type_is_read_and_noted():
    package = PACKAGE.replace(
        'href="text/two.xhtml" media-type="application/xhtml+xml"',
        'href="text/two.xhtml" media-type="text/x-oeb1-document"',
    )
    reading = one("a.epub", make_epub("<p>First.</p>", "<p>Second.</p>", package=package))
    assert "Second." in reading.text
    assert "has an outdated type" in reading.notes[0]


def test_a_chapter_of_an_unknown_type_is_noted():
    package = PACKAGE.replace(
        'href="text/two.xhtml" media-type="application/xhtml+xml"',
        'href="text/two.xhtml" media-type="application/x-strange"',
    )
    notes = one("a.epub", make_epub("<p>First.</p>", "<p>Second.</p>", package=package)).notes
    assert notes == ("chapter OEBPS/text/two.xhtml was not read: it is of type application/x-strange",)


TYPE_OF_TWO = 'href="text/two.xhtml" media-type="application/xhtml+xml"'


@pytest.mark.parametrize("media_type", ["text/xml", "Application/XHTML+XML; charset=utf-8", ""])
def test_a_page_of_a_vague_type_is_read(media_type):
    package = PACKAGE.replace(TYPE_OF_TWO, f'href="text/two.xhtml" media-type="{media_type}"')
    reading = one("a.epub", make_epub("<p>First.</p>", "<p>Second.</p>", package=package))
    assert (reading.text, reading.notes) == ("First.\n\nSecond.", ())


def test_what_a_package_names_instead_of_a_foreign_chapter_is_read():
    foreign = 'href="two.dat" media-type="application/x-strange" fallback="plain"'
    item = (
        '<item id="plain" href="text/two.xhtml" media-type="application/xhtml+xml" fallback="c2"/></manifest>'
    )
    package = PACKAGE.replace(TYPE_OF_TWO, foreign).replace("</manifest>", item)
    assert one("a.epub", make_epub("<p>First.</p>", "<p>Second.</p>", package=package)).text.endswith(
        "Second."
    )
    circle = package.replace('xhtml+xml" fallback', 'x-strange" fallback')
    assert "was not read" in one("a.epub", make_epub("<p>First.</p>", "", package=circle)).notes[0]


def test_a_chapter_stands_once_and_a_missing_item_is_noted():
    spine = '<itemref idref="c1"/><itemref idref="c1"/><itemref idref="c9"/></spine>'
    reading = one("a.epub", make_epub("<p>First.</p>", "", package=PACKAGE.replace("</spine>", spine)))
    assert reading.text == "First."
    assert "a chapter was not read: the package has no item 'c9'" in reading.notes


def test_a_table_of_contents_is_left_out():
    guide = '</spine><guide><reference type="toc" href="text/two.xhtml#top"/></guide>'
    package = PACKAGE.replace("</spine>", guide)
    links = "<p><a href='one'>First chapter</a> 3</p>"
    assert one("a.epub", make_epub("<p>First.</p>", links, package=package)).text == "First."
    prose = f"<p>This book has {links}</p><p>one long chapter about the sea.</p>"
    assert "sea" in one("a.epub", make_epub("<p>First.</p>", prose, package=package)).text


def test_translators_are_no_authors():
    creators = (
        '<dc:creator id="a">Ann One</dc:creator><dc:creator id="b">Bob Two</dc:creator>'
        '<meta refines="#b" property="role" scheme="marc:relators">trl</meta>'
        '<dc:creator xmlns:o="http://www.idpf.org/2007/opf" o:role="ill">Cy Three</dc:creator>'
    )
    package = PACKAGE.replace("<dc:creator>Ann One</dc:creator><dc:creator>Bob Two</dc:creator>", creators)
    assert one("a.epub", make_epub("<p>Text.</p>", "", package=package)).metadata.author == "Ann One"
