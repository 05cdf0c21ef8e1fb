from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.errors import ReadError
from readers.samples import XHTML, headings, one

SENTENCE = "The two countries have long been partners and they trade with each other every year. "


def page(body, head=""):
    return f"<!DOCTYPE html><html lang='en-GB'><head>{head}</head><body>{body}</body></html>"


def test_paragraphs_headings_lists_and_tables():
    reading = one(
        "a.html",
        page(
            "<h1>The <em>title</em></h1><p>First\n line<br>and&nbsp;more.<p>Sec&shy;ond."
            "<ul><li>one<ul><li>nested</ul><li><p>two</p></ul><h2>Part</h2>"
            "<table><caption>Trade</caption><tr><th>Year<th>Sum<tr><td>2018<td></td><td>5<br>4</table>"
            "<pre>code\n  lines</pre><div>Old<br><br>page</div><blockquote>Said</blockquote>tail"
        ),
    )
    assert reading.text.split("\n\n") == [
        "The title",
        "First line and more.",
        "Second.",
        "- one\n- nested\n- two",
        "Part",
        "Trade",
        "Year | Sum | \n2018 |  | 5 4",
        "code\n  lines",
        "Old",
        "page",
        "Said",
        "tail",
    ]
    assert headings(reading) == [(1, "The title"), (2, "Part")]


def test_what_is_not_shown_is_left_out():
    body = (
        "<script>bad()</script><style>bad{}</style><template>bad</template><!-- bad -->"
        "<p hidden>bad</p><div style='color:red; display: none'>bad</div><nav>bad</nav><p>Good.</p>"
    )
    assert one("a.html", page(body, "<title>Bad</title>")).text == "Good."


def test_an_article_among_much_else_is_found():
    links = "".join(f"<li><a href='/{n}'>Some other news item number {n}</a></li>" for n in range(40))
    story = "".join(f"<p>Paragraph {n}. {SENTENCE * 3}</p>" for n in range(12))
    around = f"<div class='menu'><ul>{links}</ul></div>"
    reading = one(
        "a.html", page(f"{around}<article><h1>The title</h1>{story}</article><footer>{links}</footer>")
    )
    assert "Paragraph 0." in reading.text
    assert "Paragraph 11." in reading.text
    assert "number 39" not in reading.text


def test_what_the_page_marks_as_its_main_part_is_read_whole():
    story = "".join(f"<p>Paragraph {n}. {SENTENCE * 3}</p><h2>Part {n}</h2><p>x{n}</p>" for n in range(9))
    reading = one(
        "a.html", page(f"<div>{'Menu item. ' * 30}</div><main><h1>Title</h1>{story}<h2>End</h2></main>")
    )
    assert [text for _, text in headings(reading)] == ["Title", *(f"Part {n}" for n in range(9)), "End"]
    assert "x8" in reading.text
    assert "Menu" not in reading.text


def test_a_page_that_lays_out_by_tables_is_read_as_paragraphs():
    cells = "".join(f"<tr><td><p>{n} {SENTENCE * 5}</p><p>Next.</p></td></tr>" for n in range(2))
    assert one("a.html", page(f"<table>{cells}</table>")).text.count("\n\nNext.") == 2


def test_metadata_from_tags():
    head = """<title>The title | A Site</title><meta property="og:title" content="The title">
        <meta name="author" content="Ann One"><meta property="article:author" content="https://x.example/ann">
        <meta property="og:site_name" content="A Site"><link rel="canonical" href="https://x.example/a">
        <meta property="article:published_time" content="2019-07-03T10:00:00+03:00">"""
    found = one("a.html", page("<p>Text.</p>", head)).metadata
    assert (found.title, found.author, found.source) == ("The title", "Ann One", "A Site")
    assert (found.published, found.url, found.language) == ("2019-07-03", "https://x.example/a", "en")
    assert set(found.found.values()) == {"file"}


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("A story | A Site", "A story", "A story"),
        ("A story", "Welcome", "A story"),
        ("", "A story", "A story"),
        ("A Site: a story", "A story", "A story"),
    ],
)
def test_title_of_the_page_or_its_heading(title, heading, expected):
    markup = page(f"<h1>{heading}</h1><p>Text.</p>", f"<title>{title}</title>")
    assert one("a.html", markup).metadata.title == expected


def test_metadata_from_linked_data():
    head = """<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "x"},
        {"@type": ["NewsArticle"], "headline": "The &quot;title&quot;", "datePublished": "2019-07-03",
         "author": [{"name": "Ann"}, {"name": "Bob"}], "publisher": {"name": "A Site"}}]}</script>
        <script type="application/ld+json">{broken</script><meta name="date" content="2020-01-01">"""
    found = one("a.html", page("<p>Text.</p>", head)).metadata
    assert (found.title, found.author, found.source) == ('The "title"', "Ann, Bob", "A Site")
    assert found.published == "2019-07-03"


@pytest.mark.parametrize(
    ("body", "published"),
    [
        ("<time datetime='2019-07-03T10:00'>x</time>", "2019-07-03"),
        ("<time datetime='2019-07-03'>x</time><time datetime='2019-07-03T09:00'>x</time>", "2019-07-03"),
        ("<time datetime='2019-07-03'>x</time><time datetime='2020-01-01'>other news</time>", None),
        ("<time datetime='2019-07-03' pubdate>x</time><time datetime='2020-01-01'>y</time>", "2019-07-03"),
        ("<time datetime='2020'>x</time>", None),
        ("<p>It was on 3 July 2019.</p><a href='/2019/07/03/story.html'>x</a>", None),
        ("<p>Copyright 2019</p>", None),
    ],
)
def test_dates_are_never_guessed(body, published):
    assert one("a.html", page(f"<p>{SENTENCE}</p>{body}")).metadata.published == published


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ("<meta charset='windows-1251'>", "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r"),
        ("<meta charset='utf-8'>", "cp1251"),
        ("<meta charset='no-such'>", "koi8-r"),
        ("", "cp1251"),
        ("", "utf-16"),
    ],
)
def test_declared_and_undeclared_encodings(declaration, encoding):
    text = "Россия и Камбоджа расширяют сотрудничество."
    assert one("a.html", page(f"<p>{text}</p>", declaration).encode(encoding)).text == text


def test_xhtml_with_declaration_empty_title_and_entities():
    markup = '<?xml version="1.0" encoding="windows-1251"?>\n' + XHTML.format(
        "<h2>Часть</h2><p>А&nbsp;&mdash;&#160;Б</p>"
    )
    reading = one("a.xhtml", markup.encode("cp1251"))
    assert reading.text == "Часть\n\nА — Б"
    assert headings(reading) == [(2, "Часть")]


def test_external_entities_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    markup = f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + XHTML.format(
        "<p>A &x; B</p>"
    )
    assert "secret" not in one("a.xhtml", markup).text


def test_hostile_nesting_is_read_or_refused():
    for markup in ("<div>" * 50_000 + "deep", "<b>" * 5_000 + "deep", "<ul><li>" * 3_000 + "deep"):
        with suppress(ReadError):
            one("a.html", markup)


def test_control_characters_become_spaces():
    assert one("a.html", b"<p title='\x02'>a\x01b c &#1;d &#x7f;e</p>").text == "a b c d e"


def test_a_page_without_text_is_an_error():
    with pytest.raises(ReadError, match="holds no text"):
        one("a.html", page("<script>x</script>"))


def test_a_title_alone_is_no_text_and_an_aside_alone_is():
    with pytest.raises(ReadError, match="holds no text"):
        one("a.html", page("<script>x</script>", "<title>The title</title>"))
    assert one("a.html", page("<aside>Low tide.</aside>", "<title>The title</title>")).text == "Low tide."


WORDS = st.text("abcdefghij", min_size=3, max_size=9)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["p", "div", "li", "h1", "h3", "td", "span", "pre"]), WORDS), min_size=1
    )
)
def test_every_word_of_the_body_is_kept_in_order(parts):
    body = "".join(f"<{tag}>{word}</{tag}>" for tag, word in parts)
    from qa.readers.html.article import parse
    from qa.readers.html.blocks import blocks

    words = (
        " ".join(block.text for block in blocks(parse(f"<body>{body}"))).replace("- ", "").replace("|", "")
    )
    assert words.replace(" ", "") == "".join(word for _, word in parts)
