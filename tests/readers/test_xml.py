import pytest

from qa.errors import ReadError
from readers.samples import headings, one


def test_each_element_with_text_of_its_own_is_a_paragraph():
    reading = one(
        "a.xml",
        "<book><title>Tides</title><!-- no --><part><title>Ebb</title>"
        "<p>It <b>falls</b> H<i>2</i>O<?x no?>.</p>"
        "<row><a>Wick</a><b>12</b></row></part></book>",
    )
    assert reading.text == "Tides\n\nEbb\n\nIt falls H2O.\n\nWick\n\n12"
    assert headings(reading) == [(1, "Tides"), (2, "Ebb")]
    assert reading.metadata.title == "Tides"


def test_declared_encodings_are_used():
    assert (
        one("a.xml", '<?xml version="1.0" encoding="cp1251"?><a>Прилив</a>'.encode("cp1251")).text == "Прилив"
    )


def test_entities_are_not_followed():
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "yy">]><a>One &x;two&y;.</a>'
    reading = one("a.xml", outside)
    assert reading.text == "One two."
    assert reading.notes == ("entities were left out: 2",)


def test_damaged_xml_is_an_error():
    for text in ("<a>", "text", "<a>" * 1000):
        with pytest.raises(ReadError, match="is not XML that can be read"):
            one("a.xml", text)
