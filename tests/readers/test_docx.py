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
