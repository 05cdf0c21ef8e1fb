import pytest

from qa.errors import ReadError
from qa.readers import archives
from readers.samples import headings, make_pptx, one


def add_slide(presentation, layout, title=None, body=None):
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    if body:
        slide.placeholders[1].text = body
    return slide


def add_box(slide, left, top, text):
    slide.shapes.add_textbox(left * 10**6, top * 10**6, 10**6, 10**5).text_frame.text = text


def pages(reading):
    return [page.slice(reading.text) for page in reading.pages]


def test_each_slide_is_a_page_and_its_title_a_heading():
    def build(presentation):
        add_slide(presentation, 0, "Tides of the north", "A short course")
        add_slide(presentation, 6)
        slide = add_slide(presentation, 1, "Ebb", "It falls.\nIt leaves mud.")
        slide.notes_slide.notes_text_frame.text = "Say it slowly.\nThen wait."

    reading = one("a.pptx", make_pptx(build, author="Ann"))
    assert pages(reading) == [
        "Tides of the north\n\nA short course",
        "",
        "Ebb\n\n• It falls.\n• It leaves mud.\n\nNotes: Say it slowly.\n\nThen wait.",
    ]
    assert headings(reading) == [(1, "Tides of the north"), (2, "Ebb")]
    assert (reading.metadata.title, reading.metadata.author) == ("Tides of the north", "Ann")


def test_boxes_are_read_from_the_top_left_and_groups_together():
    def build(presentation):
        slide = add_slide(presentation, 6)
        add_box(slide, 5, 4, "Fourth.")
        add_box(slide, 5, 1, "Second.")
        add_box(slide, 1, 1, "First.")
        group = slide.shapes.add_group_shape()
        for top, text in ((3.5, "Third b."), (3, "Third a.")):
            group.shapes.add_textbox(10**6, int(top * 10**6), 10**6, 10**5).text_frame.text = text

    text = one("a.pptx", make_pptx(build)).text
    assert text == "First.\n\nSecond.\n\nThird a.\n\nThird b.\n\nFourth."


def test_tables_keep_their_grid():
    def build(presentation):
        table = add_slide(presentation, 6).shapes.add_table(3, 3, 0, 0, 10**6, 10**6).table
        for place, text in enumerate(("Port", "1880", "1890", "Wick", "12", "15", "", "", "9")):
            table.cell(place // 3, place % 3).text = text
        table.cell(1, 0).merge(table.cell(2, 0))

    reading = one("a.pptx", make_pptx(build))
    assert reading.text == "Port | 1880 | 1890\nWick | 12 | 15\n |  | 9"
    assert [(t.header.slice(reading.text), len(t.rows)) for t in reading.tables] == [
        ("Port | 1880 | 1890", 2)
    ]


def test_charts_are_read_as_tables():
    def build(presentation):
        from pptx.chart.data import CategoryChartData
        from pptx.enum.chart import XL_CHART_TYPE

        data = CategoryChartData()
        data.categories = ["Wick", "Nairn"]
        data.add_series("1880", (12, 7.5))
        data.add_series("1890", (1500000, None))
        frame = add_slide(presentation, 6).shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 9, 9, data)
        frame.chart.has_title = True
        frame.chart.chart_title.text_frame.text = "Herring landed"

    text = one("a.pptx", make_pptx(build)).text
    assert text == "Herring landed\n\n | 1880 | 1890\nWick | 12 | 1500000\nNairn | 7.5 | "


def test_hidden_slides_are_noted_and_numbers_of_slides_left_out():
    def build(presentation):
        add_slide(presentation, 5, "Seen")
        slide = add_slide(presentation, 5, "Unseen")
        slide.element.set("show", "0")
        layout = presentation.slide_layouts[5]
        for placeholder in layout.placeholders:
            if placeholder.placeholder_format.type.name in {"FOOTER", "SLIDE_NUMBER"}:
                slide.shapes._spTree.append(placeholder.element)
                slide.shapes[-1].text_frame.text = "Company 7"

    reading = one("a.pptx", make_pptx(build))
    assert reading.text == "Seen\n\nUnseen"
    assert reading.notes == ("slide 2 is hidden",)


def test_numbered_items_keep_their_numbers():
    def build(presentation):
        from pptx.oxml import parse_xml

        slide = add_slide(presentation, 1, "Steps", "Cast off\nRow")
        for paragraph in slide.placeholders[1].text_frame.paragraphs:
            numbered = '<a:buAutoNum xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"/>'
            paragraph._p.get_or_add_pPr().append(parse_xml(numbered))

    assert one("a.pptx", make_pptx(build)).text == "Steps\n\n1. Cast off\n2. Row"


def test_what_is_no_pptx_is_an_error(monkeypatch):
    with pytest.raises(ReadError, match="is not a PPTX that can be opened"):
        one("a.pptx", b"text")
    data = make_pptx(lambda presentation: add_slide(presentation, 5, "One"))
    with pytest.raises(ReadError, match="is not a PPTX that can be opened"):
        one("a.pptx", data[: len(data) // 2])
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(ReadError, match="would unpack to more than"):
        one("a.pptx", data)
