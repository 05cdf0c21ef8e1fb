"""Read one document, and build files of each format."""

import io
import tarfile
import zipfile

from PIL import Image, ImageDraw, ImageFont

from qa.readers import read
from qa.types import Reading

CONTAINER = """<?xml version="1.0"?>
<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles>
</container>"""
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0"
xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>A Book</dc:title>
<dc:creator>Ann One</dc:creator><dc:creator>Bob Two</dc:creator>
<dc:publisher>Some House</dc:publisher><dc:date>2019-07-03</dc:date>
<dc:language>en-GB</dc:language></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="c2" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="c1" href="text/one%20.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="nav"/><itemref idref="c1"/><itemref idref="c2"/></spine></package>"""
XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{}</body></html>'


def one(name, data, sidecar=None) -> Reading:
    if isinstance(data, str):
        data = data.encode()
    (reading,) = read(name, data, sidecar_data=sidecar)
    assert isinstance(reading, Reading)
    for heading in reading.headings or ():
        assert heading.span.slice(reading.text).strip() == heading.span.slice(reading.text) != ""
    assert not any("\ud800" <= character <= "\udfff" for character in reading.text)
    return reading


def headings(reading):
    return [(heading.level, heading.span.slice(reading.text)) for heading in reading.headings]


def make_zip(files):
    """Pack bytes by path; the paths may be ``ZipInfo``, for what else an entry has."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return buffer.getvalue()


def make_tar(files, compression="", **fields):
    """Pack bytes by path; ``fields`` are those of each entry."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            for name, value in fields.items():
                setattr(entry, name, value)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def make_epub(*chapters, package=PACKAGE, **extra):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/book.opf", package)
        archive.writestr("OEBPS/nav.xhtml", XHTML.format("<p>Contents</p>"))
        for path, chapter in zip(("one .xhtml", "two.xhtml"), chapters, strict=False):
            archive.writestr(f"OEBPS/text/{path}", XHTML.format(chapter))
        for path, content in extra.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def make_docx(build=None, **properties):
    from docx import Document

    document = Document()
    document.core_properties.author = ""
    for name, value in properties.items():
        setattr(document.core_properties, name, value)
    if build:
        build(document)
    else:
        document.add_paragraph("Some text.")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def make_pdf(*pages, title=None, author=None, **canvas_options):
    """Draw lines of text: a page is a list of (x, y, text) or (x, y, text, size)."""
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, **canvas_options)
    if title:
        canvas.setTitle(title)
    if author:
        canvas.setAuthor(author)
    for page in pages:
        for x, y, text, *size in page:
            canvas.setFont("Helvetica", *(size or [12]))
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def draw_picture(text: str, turn: int = 0) -> Image.Image:
    image = Image.new("L", (1240, 500), 255)
    ImageDraw.Draw(image).multiline_text((90, 90), text, 20, ImageFont.load_default(28), spacing=14)
    return image.rotate(turn, expand=True)


def picture_file(kind: str, *pages: Image.Image) -> bytes:
    file = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}
    pages[0].save(file, kind, dpi=(150, 150), **more)
    return file.getvalue()


def one_slide(presentation):
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Some text."


def make_pptx(build, **properties):
    from pptx import Presentation

    presentation = Presentation()
    presentation.core_properties.title = presentation.core_properties.author = ""
    for name, value in properties.items():
        setattr(presentation.core_properties, name, value)
    build(presentation)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


ODF_NAMES = ("office", "text", "table", "style", "presentation", "meta")
ODF_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ODF_NAMES
)
ODF_SPACES += (
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def make_odf(body, *, kind="text", styles="", meta="", manifest=""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "content.xml",
            f"<office:document-content {ODF_SPACES}>"
            f"<office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        )
        archive.writestr(
            "meta.xml",
            f"<office:document-meta {ODF_SPACES}><office:meta>{meta}</office:meta></office:document-meta>",
        )
        archive.writestr("META-INF/manifest.xml", manifest)
    return buffer.getvalue()


def make_xlsx(**sheets):
    """Write a workbook: each sheet is a list of rows; ``title`` and ``author`` are its properties."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as workbook:
        workbook.set_properties({name: sheets.pop(name) for name in ("title", "author") if name in sheets})
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return buffer.getvalue()


def make_ods(meta="", repeated=1, **sheets):
    """Write a workbook: sheets are lists of rows, and ``meta`` has the elements of the properties."""
    names = ("office", "table", "text", "meta")
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    cell = f'<table:table-cell office:value-type="string" table:number-columns-repeated="{repeated}">'
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(_ods_row, rows))}</table:table>'.replace(
            "<cell>", cell
        )
        for name, rows in sheets.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", ODS)
        body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        archive.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
        spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        meta = f"<office:meta>{meta}</office:meta>"
        archive.writestr("meta.xml", f"<office:document-meta {spaces}>{meta}</office:document-meta>")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    return buffer.getvalue()


def _ods_row(row):
    cells = "".join(f"<cell><text:p>{text}</text:p></table:table-cell>" for text in row)
    return f"<table:table-row>{cells}</table:table-row>"


ODS = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = f"""<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/></manifest:manifest>"""
