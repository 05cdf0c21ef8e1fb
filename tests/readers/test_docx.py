import io
import zipfile

import pytest

from qa.errors import ReadError
from qa.readers import archives
from readers.samples import headings, make_docx, one


def test_paragraphs_headings_and_tables():
    def build(document):
        document.add_heading("The title", 0)
        document.add_paragraph("First\nline\tand more.")
        document.add_heading("Part", 2)
        table = document.add_table(2, 2)
        for cell, text in zip(
            (c for row in table.rows for c in row.cells), ("Year", "Sum", "2018", "54"), strict=True
        ):
            cell.text = text
        document.add_paragraph("")
        document.add_paragraph("Last.")

    reading = one("a.docx", make_docx(build))
    assert reading.text == "The title\n\nFirst line and more.\n\nPart\n\nYear | Sum\n2018 | 54\n\nLast."
    assert headings(reading) == [(1, "The title"), (2, "Part")]
    assert (reading.metadata.title, reading.metadata.found["title"]) == ("The title", "text")


def test_inserted_text_links_and_text_boxes_are_kept():
    def build(document):
        from docx.oxml import parse_xml

        space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        document.element.body.insert(
            0,
            parse_xml(
                f"<w:p {space}><w:r><w:t>Kept, </w:t></w:r><w:ins><w:r><w:t>inserted, </w:t></w:r></w:ins>"
                "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
                "<w:hyperlink><w:r><w:t>linked.</w:t></w:r></w:hyperlink>"
                "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r></w:p>"
            ),
        )

    assert one("a.docx", make_docx(build)).text == "Kept, inserted, linked.\n\nBoxed."


def test_footnotes_follow_the_text():
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    note = "<w:footnote><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote>"
    notes = f"<w:footnotes {space}>{note}</w:footnotes>"
    related = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(make_docx())) as plain, zipfile.ZipFile(buffer, "w") as archive:
        for name in plain.namelist():
            content = plain.read(name).decode("latin-1")
            if name == "word/_rels/document.xml.rels":
                link = f'<Relationship Id="rIdN" Type="{related}" Target="footnotes.xml"/></Relationships>'
                content = content.replace("</Relationships>", link)
            archive.writestr(name, content.encode("latin-1"))
        archive.writestr("word/footnotes.xml", notes)
    assert one("a.docx", buffer.getvalue()).text == "Some text.\n\nA note."


def test_core_properties():
    found = one("a.docx", make_docx(title="A title", author="Ann", language="ru-RU")).metadata
    assert (found.title, found.author, found.language, found.published) == ("A title", "Ann", "ru", None)
    found = one("a.docx", make_docx(author="python-docx", title="Document1")).metadata
    assert (found.title, found.author) == ("a", None)


def test_what_is_no_docx_is_an_error():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "text")
    for data in (b"text", buffer.getvalue(), b"\xd0\xcf\x11\xe0" + b"\0" * 600):
        with pytest.raises(ReadError, match="is not a DOCX that can be opened"):
            one("a.docx", data)


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(ReadError, match="would unpack to more than"):
        one("a.docx", make_docx())


SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)


def run(text, properties=""):
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*content, properties=""):
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(content)}</w:p>"


def with_body(*elements, numbering=None):
    def build(document):
        from docx.oxml import parse_xml

        for place, element in enumerate(parse_xml(f"<w:body {SPACES}>{''.join(elements)}</w:body>")):
            document.element.body.insert(place, element)
        if numbering:
            part = document.part.numbering_part
            for old in list(part.element):
                part.element.remove(old)
            for new in parse_xml(f"<w:numbering {SPACES}>{numbering}</w:numbering>"):
                part.element.append(new)

    return one("a.docx", make_docx(build))


def body(*elements, numbering=None):
    return with_body(*elements, numbering=numbering).text


def math(inner):
    return f"<m:oMath>{inner}</m:oMath>"


def m(text):
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (m("h=1.25 m"), "h=1.25 m"),
        (f"<m:f><m:num>{m('a+b')}</m:num><m:den>{m('c')}</m:den></m:f>", "(a+b)/c"),
        (f"<m:f><m:num>{m('3')}</m:num><m:den>{m('4')}</m:den></m:f>", "3/4"),
        (f"<m:sSup><m:e>{m('x')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>", "x^2"),
        (
            f"<m:sSubSup><m:e>{m('x')}</m:e><m:sub>{m('i')}</m:sub><m:sup>{m('n+1')}</m:sup></m:sSubSup>",
            "x_i^(n+1)",
        ),
        (f"<m:rad><m:deg/><m:e>{m('x+1')}</m:e></m:rad>", "√(x+1)"),
        (f"<m:rad><m:deg>{m('3')}</m:deg><m:e>{m('8')}</m:e></m:rad>", "√[3]8"),
        (
            (
                f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{m('i=1')}</m:sub>"
                f"<m:sup>{m('n')}</m:sup><m:e>{m('i')}</m:e></m:nary>"
            ),
            "∑_(i=1)^n i",
        ),
        (f"<m:d><m:e>{m('a')}</m:e><m:e>{m('b')}</m:e></m:d>", "(a|b)"),
        (f"<m:func><m:fName>{m('sin')}</m:fName><m:e>{m('x')}</m:e></m:func>", "sin x"),
        (
            f"<m:m><m:mr><m:e>{m('1')}</m:e><m:e>{m('0')}</m:e></m:mr><m:mr><m:e>{m('2')}</m:e></m:mr></m:m>",
            "[1, 0; 2]",
        ),
        (f"<m:phant><m:phantPr><m:show m:val='0'/></m:phantPr><m:e>{m('q')}</m:e></m:phant>{m('r')}", "r"),
    ],
)
def test_formulas_are_lines_of_text(formula, text):
    assert body(paragraph(run("The height "), math(formula), run(" counts."))) == f"The height {text} counts."


def test_moved_text_stands_where_it_was_moved_to():
    moved = run("The toll is 7 crowns.")
    text = body(
        paragraph(f"<w:moveFrom>{moved}</w:moveFrom>"),
        paragraph(run("Ships pay here.")),
        paragraph(f"<w:moveTo>{moved}</w:moveTo>"),
    )
    assert text == "Ships pay here.\n\nThe toll is 7 crowns."


def test_ruby_hidden_text_and_fields_instructions_are_left_out():
    ruby = "<w:r><w:ruby><w:rt>{}</w:rt><w:rubyBase>{}</w:rubyBase></w:ruby></w:r>"
    assert body(paragraph(ruby.format(run("おおさか"), run("大阪")), run("の橋"))) == "大阪の橋"
    assert body(
        paragraph(run("Seen."), run(" Hidden.", "<w:vanish/>"), run(" Shown.", '<w:vanish w:val="0"/>'))
    ) == ("Seen. Shown.")
    mark = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>"
    field = (
        f"{mark.format('begin')}<w:r><w:instrText>PAGEREF x</w:instrText></w:r>{run('code')}"
        f"{mark.format('separate')}{run('12')}{mark.format('end')}"
    )
    assert body(paragraph(run("See page "), field, run(" below."))) == "See page 12 below."
    assert body(paragraph(mark.format("begin"), run("lost")), paragraph(run("Kept."))) == "Kept."


def cell(*content, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(content) or '<w:p/>'}</w:tc>"


def row(*cells, properties=""):
    inner = "".join(c if c.startswith("<w:tc>") else cell(paragraph(run(c))) for c in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{inner}</w:tr>"


def table(*rows):
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


def test_nested_tables_stand_once():
    inner = table(row("Low", "The innermost tide is 3 m."), row("High", "5"))
    for _ in range(3):
        inner = table(row("Left", cell(paragraph(run("Here:")), inner, "<w:p/>")))
    text = body(inner)
    assert text.count("The innermost tide is 3 m.") == 1
    assert text.endswith("Here: Low The innermost tide is 3 m.; High 5")


def test_merged_cells_keep_their_places():
    down = "<w:vMerge w:val='restart'/>", "<w:vMerge/>"
    reading = with_body(
        table(
            row(
                "Port",
                cell(paragraph(run("Berths")), properties="<w:gridSpan w:val='2'/>"),
                properties="<w:tblHeader/>",
            ),
            row(cell(paragraph(run("Wick")), properties=down[0]), "1", "2"),
            row(cell(properties=down[1]), "3", ""),
        )
    )
    assert reading.text == "Port | Berths | \nWick | 1 | 2\n | 3 | "
    assert [t.header.slice(reading.text) for t in reading.tables] == ["Port | Berths | "]


def test_a_header_is_seen_by_its_style_its_bold_type_or_its_columns():
    numbers = row("Wick", "12", "15"), row("Nairn", "7", "9")
    bold = row(*(cell(paragraph(run(text, "<w:b/>"))) for text in ("Port", "Old", "New")))
    for first in (bold, row("Port", "1880", "1890"), row("Port", "Ships", "Boats")):
        reading = with_body(table(first, *numbers))
        assert [len(t.rows) for t in reading.tables] == [2]
    for rows in ((row("Name", "Ann"), row("Town", "Wick"), row("Trade", "Cooper")), numbers):
        assert with_body(table(*rows)).tables[0].header is None


def test_a_table_of_one_column_is_a_frame():
    assert body(table(row("Note"), row("Mind the tide."))) == "Note\n\nMind the tide."


LEVEL = '<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/></w:lvl>'
NUMBERING = (
    '<w:abstractNum w:abstractNumId="1">'
    + LEVEL.format(0, 1, "decimal", "%1.")
    + LEVEL.format(1, 1, "decimal", "%1.%2")
    + LEVEL.format(2, 1, "lowerLetter", "(%3)")
    + "</w:abstractNum><w:abstractNum w:abstractNumId='2'>"
    + LEVEL.format(0, 4, "upperRoman", "%1)")
    + LEVEL.format(1, 1, "bullet", "\uf0b7")
    + "</w:abstractNum>"
    '<w:num w:numId="5"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="6"><w:abstractNumId w:val="1"/>'
    '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    '<w:num w:numId="7"><w:abstractNumId w:val="2"/></w:num>'
)


def item(text, number, level=0):
    numbered = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return paragraph(run(text), properties=numbered)


def test_lists_keep_their_numbers():
    items = [("A", 5, 0), ("B", 5, 1), ("C", 5, 2), ("D", 5, 2), ("E", 5, 1), ("F", 5, 0), ("G", 5, 1),
             ("H", 6, 0), ("I", 7, 0), ("J", 7, 1), ("K", 7, 0), ("L", 0, 0)]  # fmt: skip
    text = body(*(item(*values) for values in items), numbering=NUMBERING)
    assert text == ("1. A\n1.1 B\n(a) C\n(b) D\n1.2 E\n2. F\n2.1 G\n1. H\nIV) I\n• J\nV) K\n\nL")


def test_raised_numbers_do_not_fuse_with_those_before():
    raised = '<w:vertAlign w:val="superscript"/>'
    assert body(paragraph(run("10"), run("3", raised), run(" m"), run("2", raised))) == "10^3 m²"
    reference = '<w:r><w:rPr><w:rStyle w:val="x"/></w:rPr><w:footnoteReference w:id="7"/></w:r>'
    assert body(paragraph(run("It cost 40"), reference, run(" then."))) == "It cost 40[1] then."


def test_signs_of_symbol_fonts_and_hyphens():
    symbol = '<w:r><w:sym w:font="{}" w:char="{}"/></w:r>'
    assert (
        body(paragraph(symbol.format("Symbol", "F06D"), run("m "), symbol.format("Wingdings", "F0FC")))
        == "μm ✓"
    )
    assert body(paragraph(run("har"), "<w:r><w:softHyphen/></w:r>", run("bour"))) == "harbour"


def test_a_text_box_stands_once():
    box = "<w:txbxContent>{}</w:txbxContent>"
    inner = paragraph(run("Inner."), f"<w:r><w:pict>{box.format(paragraph(run('Deep.')))}</w:pict></w:r>")
    text = body(
        paragraph(
            run("Outer."),
            f"<w:r><mc:AlternateContent><mc:Choice>{box.format(inner)}</mc:Choice>"
            f"<mc:Fallback><w:pict>{box.format(inner)}</w:pict></mc:Fallback></mc:AlternateContent></w:r>",
        )
    )
    assert text == "Outer.\n\nInner.\n\nDeep."


def test_content_controls_are_read_and_their_placeholders_names_are_not():
    control = (
        f"<w:sdt><w:sdtPr><w:alias w:val='Fee'/></w:sdtPr><w:sdtContent>{run('40')}</w:sdtContent></w:sdt>"
    )
    assert body(paragraph(run("Fee: "), control)) == "Fee: 40"


def test_comments_are_noted():
    def build(document):
        document.add_comment(document.add_paragraph("Some text.").runs, text="Is it so?", author="Ann")

    reading = one("a.docx", make_docx(build))
    assert reading.text == "Some text."
    assert reading.notes == ("comments were left out: 1",)
