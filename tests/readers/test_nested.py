"""Files inside files: their paths, their limits, and their bytes again."""

import hashlib
import io
import zipfile

import pytest

from qa import readers
from qa.errors import ReadError
from qa.readers import nested, open_member, read
from qa.readers.extract import Extract, Member
from qa.readers.nested import Names, clean_path
from qa.readers.tables import BadRow
from qa.types import ReadFailure, Reading

FOLDER = "application/x-folder"


def pack(**files):
    return pack_all(files.items())


def pack_all(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files:
            archive.writestr(path, data)
    return buffer.getvalue()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            yield Member(entry.filename, archive.read(entry))


@pytest.fixture(autouse=True)
def folders(monkeypatch):
    """A kind of file that holds files."""
    monkeypatch.setattr(readers, "SUFFIXES", {**readers.SUFFIXES, ".folder": FOLDER})
    monkeypatch.setattr(readers, "_TABLE_READERS", {**readers._TABLE_READERS, FOLDER: members})
    monkeypatch.setattr(readers, "_MEMBER_READERS", {**readers._MEMBER_READERS, FOLDER: members})


def test_each_member_is_a_document_with_its_path_kind_and_digest():
    files = {"docs/pump_report.txt": b"The pump runs.", "rows.jsonl": b'{"id": "r1", "text": "A row."}'}
    first, second = read("a.folder", pack(**files))
    assert (first.member, first.media_type, first.text) == (
        "docs/pump_report.txt",
        "text/plain",
        "The pump runs.",
    )
    assert first.metadata.title == "pump report"
    assert first.member_sha256 == hashlib.sha256(files["docs/pump_report.txt"]).hexdigest()
    assert (second.member, second.key) == ("rows.jsonl", "r1")


def test_members_of_members_have_one_path():
    inner = pack(**{"b/c.txt": b"Deep text."})
    data = pack(**{"in/a.folder": inner, "d.txt": b"Shallow text."})
    deep, shallow = read("x.folder", data)
    assert (deep.member, shallow.member) == ("in/a.folder/b/c.txt", "d.txt")
    assert open_member("x.folder", data, deep.member) == b"Deep text."
    assert open_member("x.folder", data, "in/a.folder") == inner
    assert open_member("x.folder", data, "d.txt") == b"Shallow text."


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_path_twice_gets_a_number():
    data = pack_all([("a.txt", "One."), ("a.txt", "Two."), ("./a.txt", "Three."), ("a (2).txt", "Four.")])
    found = list(read("x.folder", data))
    assert [one.member for one in found] == ["a.txt", "a (2).txt", "a (3).txt", "a (2) (2).txt"]
    assert len({open_member("x.folder", data, one.member) for one in found}) == 4


def test_a_path_stays_inside_the_file():
    assert clean_path("../../etc/./passwd") == "etc/passwd"
    assert clean_path("/a//b\0\n.txt") == "a/b .txt"
    assert clean_path("..") == "unnamed"
    assert clean_path("x" * 300 + ".pdf") == "x" * 251 + ".pdf"
    assert Names().name(Member("\ud800.txt", b"")) == "\ufffd.txt"


def test_a_member_that_cannot_be_read_is_a_failure_of_its_own():
    data = pack(
        **{"bad.pdf": b"%PDF-", "in.folder": pack(**{"rows.jsonl": b"nonsense"}), "good.txt": b"Good."}
    )
    bad, row, good = read("x.folder", data)
    assert isinstance(bad, ReadFailure)
    assert (bad.path, bad.member, bad.full_path) == ("x.folder", "bad.pdf", "x.folder/bad.pdf")
    assert (row.path, row.member, row.row) == ("x.folder", "in.folder/rows.jsonl", "1")
    assert good.text == "Good."


def test_members_of_no_kind_that_is_read_are_passed_over_but_noted_on_what_they_are_attached_to(monkeypatch):
    attached = (Member("drawing.psd", b"8BPS"), Member("note.txt", b"A note."))
    monkeypatch.setitem(readers._TABLE_READERS, FOLDER, lambda _: iter([Extract("Body.", members=attached)]))
    body, note = read("x.folder", b"")
    assert body.notes == ("attachment drawing.psd is of no kind that is read",)
    assert (body.member, note.member) == (None, "note.txt")
    monkeypatch.setitem(readers._TABLE_READERS, FOLDER, lambda _: iter([*attached, BadRow("7", "is bad")]))
    note, bad = read("x.folder", b"")
    assert note.text == "A note."
    assert bad == ReadFailure("x.folder", "is bad", "7")


def test_depth_is_limited():
    data = pack(**{"a.txt": b"Text."})
    for _ in range(nested.MAX_DEPTH):
        data = pack(**{"a.folder": data, "b.txt": b"Text."})
    found = list(read("x.folder", data))
    assert sum(isinstance(one, Reading) for one in found) == nested.MAX_DEPTH
    (failure,) = (one for one in found if isinstance(one, ReadFailure))
    assert "files deep" in failure.reason
    with pytest.raises(ReadError, match="files deep"):
        open_member("x.folder", data, "/".join(["a.folder"] * nested.MAX_DEPTH + ["a.txt"]))


def test_bytes_text_and_number_of_members_are_limited(monkeypatch):
    data = pack(**{"a.txt": b"One." * 9, "b.txt": b"Two." * 900, "c.txt": b"Three."})
    monkeypatch.setattr(nested, "MAX_UNPACKED_BYTES", -2 * len(data) + 100)
    found = read("x.folder", data)
    assert next(found).member == "a.txt"
    with pytest.raises(ReadError, match="unpack to more"):
        next(found)
    with pytest.raises(ReadError, match="unpack to more"):
        open_member("x.folder", data, "c.txt")


def test_long_paths_are_not_read():
    path = "/".join(["d" * 200] * 6) + "/a.txt"
    (failure,) = list(read("x.folder", pack(**{path: b"Text."})))
    assert "its path has more than" in failure.reason
    assert len(failure.member) <= 1000


@pytest.mark.parametrize("member", ["b.txt", "a.txt/b.txt", "", "../a.txt", "A.TXT"])
def test_a_member_that_is_not_there_is_an_error(member):
    with pytest.raises(ReadError, match="holds no file"):
        open_member("x.folder", pack(**{"a.txt": b"Text."}), member)


def test_files_that_hold_no_files_and_damaged_ones_have_no_members():
    with pytest.raises(ReadError, match="holds no file"):
        open_member("a.txt", b"Text.", "b.txt")
    with pytest.raises(ReadError, match="cannot be read: BadZipFile"):
        open_member("x.folder", b"Text.", "b.txt")
