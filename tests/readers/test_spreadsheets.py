import io
from datetime import UTC, date, datetime

import pytest
from xlsxwriter import Workbook

from readers.samples import headings, make_ods, make_xlsx, one


def lines(reading, number=0):
    table = reading.tables[number]
    header = table.header.slice(reading.text) if table.header else None
    return header, [row.slice(reading.text) for row in table.rows]


def test_each_sheet_is_a_section_with_a_table():
    sheets = {
        "Fees": [["Boat", "Fee"], ["Dinghy", 4], ["Yacht", 12.5]],
        "Empty": [],
        "Tides": [["High"], [3]],
    }
    reading = one("fees.xlsx", make_xlsx(**sheets, title="Harbour fees", author="Ann Reed"))
    assert headings(reading) == [(1, "Fees"), (1, "Tides")]
    assert lines(reading) == ("Boat | Fee", ["Dinghy | 4", "Yacht | 12.5"])
    assert lines(reading, 1) == (None, ["High", "3"])
    assert (reading.metadata.title, reading.metadata.author) == ("Harbour fees", "Ann Reed")
    assert reading.notes == ()


def test_values_are_shown_as_people_write_them():
    row = [
        "x",
        7.0,
        0.1 + 0.2,
        True,
        date(2019, 7, 3),
        datetime(2019, 7, 3, 10, 30, tzinfo=UTC).replace(tzinfo=None),
        "two\nlines",
        10**12,
    ]
    assert lines(one("a.xlsx", make_xlsx(A=[row])))[1] == [
        "x | 7 | 0.3 | yes | 2019-07-03 | 2019-07-03 10:30:00 | two lines | 1000000000000"
    ]


def test_empty_and_merged_cells_keep_their_places():
    buffer = io.BytesIO()
    with Workbook(buffer) as workbook:
        sheet = workbook.add_worksheet("Fees")
        sheet.write_row(2, 1, ["Boat", "Day", "Week"])
        sheet.merge_range(3, 1, 3, 2, "Dinghy")
        sheet.write(3, 3, 5)
        sheet.write(5, 3, 9)
        hidden = workbook.add_worksheet("Draft")
        hidden.write(0, 0, "Unsure")
        hidden.hide()
    reading = one("harbour_fees.xlsx", buffer.getvalue())
    assert lines(reading) == ("Boat | Day | Week", ["Dinghy |  | 5", " |  | 9"])
    assert reading.notes == ("the sheet 'Draft' is hidden; it was read",)
    assert "Unsure" in reading.text
    assert (reading.metadata.title, reading.metadata.found["title"]) == ("harbour fees", "filename")


def test_a_title_of_a_program_is_no_title():
    assert one("fees.xlsx", make_xlsx(A=[["x"]], title="Book1.xlsx")).metadata.title == "fees"


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_what_is_no_spreadsheet_is_an_error(suffix):
    with pytest.raises(Exception, match="spreadsheet"):
        one(f"a.{suffix}", b"PK no")


def test_open_documents_are_read():
    rows = [["Boat", "Fee"], ["Dinghy", "4"]]
    reading = one("a.ods", make_ods("<dc:title>Harbour fees</dc:title>", Fees=rows))
    assert headings(reading) == [(1, "Fees")]
    assert lines(reading) == ("Boat | Fee", ["Dinghy | 4"])
    assert reading.metadata.title == "Harbour fees"
    assert lines(one("a.ods", make_ods(repeated=2, A=[["Same"]]))) == (None, ["Same | Same"])
