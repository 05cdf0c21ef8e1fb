import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.errors import ReadError
from qa.readers.plain_text import decode
from readers.samples import one

RUSSIAN = [
    "Посол России в Камбодже заявил о расширении сотрудничества",
    "ПНОМПЕНЬ, 3 июля. /ТАСС/. Россия и Камбоджа активизируют отношения.",
    "«Мы готовы к диалогу», – сказал дипломат № 5 в 2019 году…",
    "Съёмка объявлений: ещё раз об этом, подъезд и вьюга.",
    "РОССИЙСКО-КАМБОДЖИЙСКОЕ СОТРУДНИЧЕСТВО",
    "Торговый оборот вырос на 21,5% (по сравнению с 2017 годом), экспорт – на 54 млн",
    "Hun Sen visited Moscow: премьер-министр Камбоджи Хун Сен посетил Москву",
    "Старый договор",
]
WORDS = """
    россия камбоджа отношения сотрудничество посол договор экономика торговля культура образование министр
    заявил отметил развитие безопасность регион стран между которые также время года народов визит Москва
    Пномпень Азия встреча соглашение дружба взаимный доверие университет помощь объём рост вопрос это и в на
""".split()  # noqa: SIM905


def encodable(text, encoding):
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("text", RUSSIAN)
def test_a_line_of_russian_comes_out_right(text, encoding):
    if encodable(text, encoding):
        assert decode(text.encode(encoding)) == text


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=5, max_size=40, unique=True),
    encoding=st.sampled_from(["cp1251", "koi8-r", "utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    ending=st.sampled_from([".", "\r\n", "!", ""]),
    change=st.sampled_from([str.lower, str.capitalize, str.upper, str]),
)
def test_russian_comes_back_from_every_encoding(words, encoding, ending, change):
    text = change(" ".join(words)) + ending
    assert decode(text.encode(encoding)) == text


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), min_size=1))
def test_utf8_is_never_changed(text):
    assert decode(text.encode()) == text


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: "\ufeff" not in text), st.sampled_from(["le", "be"]))
def test_marked_utf16_is_never_changed(text, order):
    mark = codecs.BOM_UTF16_LE if order == "le" else codecs.BOM_UTF16_BE
    if not text.startswith("\0"):  # which after the mark of UTF-16-LE reads as that of UTF-32
        assert decode(mark + text.encode(f"utf-16-{order}")) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Café über naïve garçon à Paris, élève", "cp1252"),
        ("£5 million “quoted” – it’s", "cp1252"),
        ("Das Jahr 2020 — größer, schöner, Öl, Ärger", "cp1252"),
        ("Zażółć gęślą jaźń w Polsce", "cp1250"),
        ("Η Ελλάδα είναι μια χώρα στη νοτιοανατολική Ευρώπη και έχει πολλά νησιά", "cp1253"),
        ("东京是日本的首都，人口众多，经济发达。中国和柬埔寨的关系。", "gb18030"),
        ("日本の首都は東京です。人口が多いです。", "cp932"),
        ("Україна і Росія є сусідами, її столиця Київ", "cp1251"),
        ("Plain English in UTF-16 without its mark", "utf-16-le"),
    ],
)
def test_other_languages_come_out_right(text, encoding):
    assert decode(text.encode(encoding)) == text


def test_only_the_mark_is_dropped():
    text = "Line one\r\n\r\nLine\x0btwo \x01 \u2028 end\r\n"
    assert one("a.txt", codecs.BOM_UTF8 + text.encode()).text == text
    assert one("a.txt", text.encode()).headings is None


def test_a_damaged_byte_of_a_file_costs_a_character_and_a_note():
    reading = one("a.txt", "Москва, столица России".encode()[:-1])
    assert reading.text == "Москва, столица Росси\ufffd"
    marked = one("a.txt", codecs.BOM_UTF8 + b"The ferry leaves at nine.\xff")
    assert marked.text == "The ferry leaves at nine.\ufffd"
    assert marked.notes == reading.notes
    assert reading.notes == ("1 damaged character was replaced by \ufffd: the file is not quite UTF-8",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not text"),
        (b"a\0b" * 9, "not text"),
        (bytes(range(1, 32)) * 20 + b"\xff\xfe\x81", "control characters"),
        (codecs.BOM_UTF16_LE + b"a", "marked as UTF-16-LE"),
        ("Москва, столица России".encode()[:-1], "UTF-8 but for the byte at offset"),
    ],
)
def test_what_is_no_text_is_an_error(data, message):
    with pytest.raises(ReadError, match=message):
        decode(data)
