import io
import zipfile

import pytest

from qa.errors import ReadError
from qa.readers import archives
from readers.samples import headings, make_odf, one


def odt(body, **parts):
    return one("a.odt", make_odf(body, **parts))


def p(text, style=""):
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def test_paragraphs_headings_and_metadata():
    reading = odt(
        '<text:h text:outline-level="1">Tides</text:h>'
        + p("It<text:s text:c='2'/>rises<text:tab/>and<text:line-break/>falls.")
        + '<text:h text:outline-level="2">Ebb</text:h>' + p("It <text:span>leaves</text:span> mud."),
        meta="<dc:title>On tides</dc:title><meta:initial-creator>Ann</meta:initial-creator>"
        "<dc:creator>Bob</dc:creator><dc:language>en-GB</dc:language>",
    )  # fmt: skip
    assert reading.text == "Tides\n\nIt rises and falls.\n\nEbb\n\nIt leaves mud."
    assert headings(reading) == [(1, "Tides"), (2, "Ebb")]
    found = reading.metadata
    assert (found.title, found.author, found.language) == ("On tides", "Ann", "en")


def test_what_was_deleted_hidden_or_is_pronunciation_is_left_out():
    hidden = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
    reading = odt(
        f"<text:tracked-changes><text:changed-region>{p('Deleted.')}</text:changed-region></text:tracked-changes>"
        + p("Seen<text:span text:style-name='H'> hidden</text:span>.")
        + p(
            "<text:ruby><text:ruby-base>大阪</text:ruby-base><text:ruby-text>おおさか</text:ruby-text></text:ruby>の橋"
        )
        + p("Read<office:annotation><text:p>Really?</text:p></office:annotation> on."),
        styles=hidden,
    )
    assert reading.text == "Seen.\n\n大阪の橋\n\nRead on."
    assert reading.notes == ("comments were left out: 1",)


def test_notes_follow_the_text_with_their_markers():
    note = (
        "<text:note><text:note-citation>1</text:note-citation>"
        f"<text:note-body>{p('In crowns.')}</text:note-body></text:note>"
    )
    assert odt(p(f"It cost 40{note} then.")).text == "It cost 40[1] then.\n\n[1] In crowns."


def test_raised_digits_do_not_fuse():
    style = (
        '<style:style style:name="S"><style:text-properties style:text-position="super 58%"/></style:style>'
    )
    up = "<text:span text:style-name='S'>{}</text:span>"
    assert odt(p(f"10{up.format(3)} m{up.format(2)}"), styles=style).text == "10^3 m²"


LISTS = (
    '<text:list-style style:name="N">'
    '<text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>'
    '<text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"/>'
    "</text:list-style>"
    '<text:list-style style:name="B"><text:list-level-style-bullet text:level="1"/></text:list-style>'
)


def item(*content, start=""):
    return f"<text:list-item {start}>{''.join(content)}</text:list-item>"


def test_lists_keep_their_numbers():
    inner = f"<text:list>{item(p('Left'))}{item(p('Right'))}</text:list>"
    numbered = f'<text:list text:style-name="N">{item(p("Row"), inner)}{item(p("Rest"))}</text:list>'
    goes_on = f'<text:list text:style-name="N" text:continue-numbering="true">{item(p("Sleep"))}</text:list>'
    bullets = f'<text:list text:style-name="B">{item(p("Oar"))}{item(p("Sail"))}</text:list>'
    begun = f"""<text:list text:style-name="N">{item(p("Nine"), start='text:start-value="9"')}</text:list>"""
    assert odt(numbered + p("Then:") + goes_on + bullets + begun, styles=LISTS).text == (
        "1. Row\na) Left\nb) Right\n2. Rest\n\nThen:\n\n3. Sleep\n\n• Oar\n• Sail\n\n9. Nine"
    )


def cell(text, spans=""):
    return f"<table:table-cell {spans}>{p(text)}</table:table-cell>"


def row(*cells):
    return f"<table:table-row>{''.join(c if c.startswith('<') else cell(c) for c in cells)}</table:table-row>"


def test_tables_keep_their_grid_and_nested_ones_stand_once():
    nested = f"<table:table>{row('Low', '3')}{row('High', '5')}</table:table>"
    reading = odt(
        "<table:table><table:table-header-rows>"
        + row("Port", cell("Berths", 'table:number-columns-spanned="2"'), "<table:covered-table-cell/>")
        + "</table:table-header-rows>"
        + row(cell("Wick", 'table:number-rows-spanned="2"'), "1", "2")
        + row(
            "<table:covered-table-cell/>", "3", f"<table:table-cell>{p('Tide:')}{nested}</table:table-cell>"
        )
        + "</table:table>"
    )
    assert reading.text == "Port | Berths | \nWick | 1 | 2\n | 3 | Tide: Low 3; High 5"
    assert [(t.header.slice(reading.text), len(t.rows)) for t in reading.tables] == [("Port | Berths | ", 2)]


def test_text_boxes_stand_once():
    box = f"<draw:frame><draw:text-box>{p('Boxed.')}</draw:text-box></draw:frame>"
    assert odt(p(f"Outer.{box}")).text == "Outer.\n\nBoxed."


def frame(text, kind="", x=0, y=0):
    return (
        f'<draw:frame presentation:class="{kind}" svg:x="{x}cm" svg:y="{y}cm">'
        f"<draw:text-box>{p(text)}</draw:text-box></draw:frame>"
    )


def test_slides_are_pages():
    notes = f"<presentation:notes>{frame('Slowly.', 'notes')}</presentation:notes>"
    properties = '<style:drawing-page-properties presentation:visibility="hidden"/>'
    hidden = f'<style:style style:name="H">{properties}</style:style>'
    first = frame("Right.", x=9, y=3) + frame("Left.", x=1, y=3) + frame("Tides", "title")
    last = frame("Last.") + frame("7", "page-number")
    reading = one(
        "a.odp",
        make_odf(
            f"<draw:page>{first}{notes}</draw:page><draw:page/>"
            f"<draw:page draw:style-name='H'>{last}</draw:page>",
            kind="presentation",
            styles=hidden,
        ),
    )
    assert [page.slice(reading.text) for page in reading.pages] == [
        "Tides\n\nLeft.\n\nRight.\n\nNotes: Slowly.", "", "Last.",
    ]  # fmt: skip
    assert headings(reading) == [(2, "Tides")]
    assert reading.metadata.title == "Tides"
    assert reading.notes == ("slide 3 is hidden",)


def test_what_is_no_odf_is_an_error(monkeypatch):
    for name in ("a.odt", "a.odp"):
        with pytest.raises(ReadError, match="that can be opened"):
            one(name, b"text")
        with pytest.raises(ReadError, match="that can be opened: it holds no"):
            one(name, make_odf("", kind="spreadsheet"))
        with pytest.raises(ReadError, match="it is encrypted"):
            one(name, make_odf("", manifest="<manifest:encryption-data/>"))
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>"
    data = make_odf(p("One."))
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        content = old.read("content.xml").decode()
        new.writestr("content.xml", bomb + content.replace("One.", "One &b;."))
    assert one("a.odt", buffer.getvalue()).text == "One ."
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 100)
    with pytest.raises(ReadError, match="would unpack to more than"):
        one("a.odt", data)
