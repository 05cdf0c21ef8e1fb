"""ZIP and TAR archives: their files are documents, whatever the names, and nothing is lost unsaid."""

import io
import struct
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest

from qa.errors import ReadError
from qa.readers import folders, nested, open_member, read
from qa.types import ReadFailure, Reading
from readers.samples import make_pdf, make_tar, make_zip

FILES = {"notes/rain.txt": b"It rained in Omsk.", "page.html": b"<p>A page on bridges.</p>"}


def documents(name, data):
    return {one.member: one.text for one in read(name, data) if isinstance(one, Reading)}


def failures(name, data):
    return {one.member: one.reason for one in read(name, data) if isinstance(one, ReadFailure)}


def named(raw, *, extra=b"", flags=0):
    """Return an archive of one file whose name has these bytes."""
    plain = "x" * len(raw)
    entry = zipfile.ZipInfo(plain)
    entry.extra = extra
    data = make_zip({entry: b"Some text."}).replace(plain.encode(), raw)
    if flags:
        data = data.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0" + struct.pack("<H", flags))
    return data


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", make_zip(FILES)),
        ("a.tar", make_tar(FILES)),
        ("a.tgz", make_tar(FILES, "gz")),
        ("a.TAR.BZ2", make_tar(FILES, "bz2")),
        ("a.tar.xz", make_tar(FILES, "xz")),
        ("wrongly named.tar.gz", make_tar(FILES)),
    ],
)
def test_each_file_of_an_archive_is_a_document(name, data):
    assert documents(name, data) == {
        "notes/rain.txt": "It rained in Omsk.",
        "page.html": "A page on bridges.",
    }
    for member, content in FILES.items():
        assert open_member(name, data, member) == content


def test_archives_in_archives_are_read():
    inner = make_tar({"b.txt": b"Deep."}, "gz")
    data = make_zip({"in/a.tar.gz": inner, "c.txt": b"Shallow."})
    assert documents("x.zip", data) == {"in/a.tar.gz/b.txt": "Deep.", "c.txt": "Shallow."}
    assert open_member("x.zip", data, "in/a.tar.gz/b.txt") == b"Deep."


def test_pages_of_a_pdf_in_an_archive():
    (reading,) = read("x.zip", make_zip({"a.pdf": make_pdf([(72, 700, "One")], [(72, 700, "Two")])}))
    assert (reading.media_type, len(reading.pages)) == ("application/pdf", 2)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Отчёт за май.txt".encode("cp866"), "Отчёт за май.txt"),
        ("Müller.txt".encode("cp437"), "Müller.txt"),
        ("Çà et là.txt".encode("cp437"), "Çà et là.txt"),
        ("報告.txt".encode(), "報告.txt"),  # without the flag that it is UTF-8
    ],
)
def test_names_in_old_encodings(raw, name):
    assert documents("a.zip", named(raw)) == {name: "Some text."}


def test_a_name_marked_as_utf8_and_one_in_an_extra_field():
    assert documents("a.zip", make_zip({"Ärger/報告.txt": b"Text."})) == {"Ärger/報告.txt": "Text."}
    raw = "Отчёт.txt".encode("cp1251")
    field = struct.pack("<BI", 1, zlib.crc32(raw)) + "Отчёт.txt".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert documents("a.zip", named(raw, extra=extra)) == {"Отчёт.txt": "Some text."}


def test_what_systems_leave_in_archives_is_skipped():
    extra = {"__MACOSX/._a.txt": b"x", ".DS_Store": b"x", "d/.git/config.txt": b"x", "d/": b""}
    data = {**extra, "a.txt": b"Text."}
    assert [one.member for one in read("a.zip", make_zip(data))] == ["a.txt"]
    del data["d/"]
    assert len(list(read("a.tar", make_tar(data)))) == 1


@pytest.mark.parametrize("pack", [make_zip, make_tar])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/a.txt", "absolute"),
        ("C:/a.txt", "absolute"),
        ("../a.txt", r'"\.\."'),
        ("b/../../a.txt", r'"\.\."'),
        ("b\\a.txt", "backslash"),
    ],
)
def test_unsafe_names_are_refused_with_a_reason(pack, name, why):
    suffix = pack.__name__.removeprefix("make_")
    (failure, reading) = read(f"a.{suffix}", pack({name: b"Text.", "good.txt": b"Good."}))
    assert reading.member == "good.txt"
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(failure.reason)
    assert not {"", ".", ".."} & set(failure.member.split("/"))


def test_a_name_with_a_nul_is_refused():
    assert "NUL" in failures("a.zip", named(b"a\0b.txt"))["a b.txt"]


def test_links_are_not_followed():
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    assert "link" in failures("a.zip", make_zip({link: b"/etc/passwd"}))["link.txt"]
    data = make_tar({"link.txt": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    assert "link" in failures("a.tar", data)["link.txt"]
    assert "device" in failures("a.tar", make_tar({"pipe.txt": b""}, type=tarfile.FIFOTYPE))["pipe.txt"]


def test_encrypted_files_are_named_and_the_others_read():
    data = make_zip({"open.txt": b"Open."}).replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0")
    assert "encrypted" in failures("a.zip", data)["open.txt"]


def test_a_damaged_file_costs_only_itself():
    data = make_zip({"a.txt": b"Alpha. " * 30, "b.txt": b"Beta."})
    start = data.index(b"a.txt") + 5
    (failure, reading) = read("a.zip", data[: start + 4] + b"\xff\xff" + data[start + 6 :])
    assert (failure.member, reading.text) == ("a.txt", "Beta.")
    assert "cannot be unpacked" in failure.reason


@pytest.mark.parametrize("compression", ["", "gz", "xz"])
def test_a_tar_that_ends_early_says_so(compression):
    text = "".join(f"Line {number} is unlike line {number**3}. " for number in range(2000))
    data = make_tar({"a.txt": b"Alpha.", "b.txt": text.encode()}, compression)
    found = read("a.tar", data[: len(data) // 2])
    assert next(found).member == "a.txt"
    with pytest.raises(ReadError, match="TAR archive that can be read"):
        next(found)


def test_files_of_kinds_that_are_not_read_are_counted():
    data = make_zip({"a.psd": b"8BPS", "b.psd": b"8BPS", "Makefile": b"all:", "c.txt": b"Text."})
    assert failures("a.zip", data) == {
        None: "holds files of kinds that are not read: .psd 2, without a suffix 1"
    }
    assert documents("a.zip", data) == {"c.txt": "Text."}


@pytest.mark.parametrize(("name", "data"), [("a.zip", make_zip({})), ("a.tar", make_tar({}))])
def test_an_archive_without_files_is_an_error(name, data):
    with pytest.raises(ReadError, match="holds no files"):
        list(read(name, data))


def test_bombs_are_refused(monkeypatch):
    bomb = {"a.txt": b"0" * 5_000_000, "b.txt": b"0" * 5_000_000}
    monkeypatch.setattr(folders, "MAX_UNPACKED_BYTES", 1_000_000)
    assert "more than" in failures("a.zip", make_zip(bomb))["a.txt"]
    monkeypatch.setattr(folders, "MAX_UNPACKED_BYTES", 10_000_000)
    monkeypatch.setattr(nested, "MAX_UNPACKED_BYTES", 6_000_000)
    for name, data in (("a.zip", make_zip(bomb)), ("a.tar.gz", make_tar(bomb, "gz"))):
        with pytest.raises(ReadError, match="than is read of one file"):
            list(read(name, data))


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(folders, "MAX_MEMBERS", 2)
    files = {f"{number}.txt": b"Text." for number in range(3)}
    for name, data in (("a.zip", make_zip(files)), ("a.tar", make_tar(files))):
        with pytest.raises(ReadError, match="split it"):
            list(read(name, data))


def test_many_small_files_take_little_memory():
    data = make_zip({f"{number}.bin": b"0" * 10_000 for number in range(2_000)})
    tracemalloc.start()
    assert sum(1 for _ in folders.read_zip(data)) == 2_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000  # all of them would take 20


def test_what_is_no_archive_says_so():
    with pytest.raises(ReadError, match="is not a ZIP archive"):
        list(read("a.zip", b"Text."))
    with pytest.raises(ReadError, match="is not a TAR archive"):
        list(read("a.tgz", io.BytesIO(b"Text." * 300).read()))
