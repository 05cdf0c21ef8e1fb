"""Files that people send get into the documents folder whole, under their own name, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import drafts, readers
from qa.config import Settings
from qa.errors import (
    NameTakenError,
    NoSpaceError,
    NotFoundError,
    QAError,
    SettingsError,
    TooLargeError,
    UnreadKindError,
    UploadError,
)
from qa.indexing import uploads
from qa.indexing.folder import Folder
from qa.indexing.uploads import Outcome, file_name, open_inbox


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    docs = tmp_path / "docs"
    (docs / "reports" / "2024").mkdir(parents=True)
    return Settings(
        docs=docs, index=docs / "index", keys=docs / "keys.json", saved=docs / "saved.csv", max_file_mb=1
    )


def send(
    settings: Settings, name: str, content: bytes = b"text", folder: str = "", *, replaces: bool = False
) -> Outcome:
    """Upload a file in two pieces."""
    with open_inbox(settings, folder) as inbox:
        arrival = inbox.begin(name)
        for piece in (content[:2], content[2:]):
            arrival.write(piece)
        arrival.seek(0)
        return arrival.keep(replace=replaces)


def names(settings: Settings) -> set[str]:
    """Return the paths of all files and links, hidden ones too."""
    return {
        path.relative_to(settings.docs).as_posix() for path in settings.docs.rglob("*") if not path.is_dir()
    }


def test_a_file_is_put_into_a_folder(settings: Settings) -> None:
    assert send(settings, "a.txt", b"first") == "added"
    assert send(settings, "Отчёт.PDF", b"%PDF", "reports/2024") == "added"
    assert names(settings) == {"a.txt", "reports/2024/Отчёт.PDF"}
    assert (settings.docs / "a.txt").read_bytes() == b"first"
    assert (settings.docs / "a.txt").stat().st_mode & 0o111 == 0


def test_a_name_that_exists_is_never_overwritten_unasked(settings: Settings) -> None:
    send(settings, "a.txt", b"first")
    assert send(settings, "a.txt", b"first") == "identical"
    with pytest.raises(NameTakenError, match=r"^a\.txt is there already, with other content"):
        send(settings, "a.txt", b"other")
    assert (settings.docs / "a.txt").read_bytes() == b"first"
    assert send(settings, "a.txt", b"first", replaces=True) == "identical"
    assert send(settings, "a.txt", b"other", replaces=True) == "replaced"
    assert (settings.docs / "a.txt").read_bytes() == b"other"
    (settings.docs / "b.txt").mkdir()
    for replaces in (False, True):
        with pytest.raises(NameTakenError):
            send(settings, "b.txt", replaces=replaces)
    assert names(settings) == {"a.txt"}


def test_a_link_is_neither_replaced_nor_followed(settings: Settings, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("outside")
    (settings.docs / "a.txt").symlink_to(outside)
    for replaces in (False, True):
        with pytest.raises(NameTakenError):
            send(settings, "a.txt", b"outside", replaces=replaces)
    assert (settings.docs / "a.txt").is_symlink()
    assert outside.read_text() == "outside"


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("/etc/cron.d/x.txt", "x.txt"),
        ("C:\\Users\\me\\Report.docx", "Report.docx"),
        ("..\\..\\x.txt", "x.txt"),
        ("  report.pdf ", "report.pdf"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("CON.txt", "CON.txt"),
    ],
)
def test_only_the_last_part_of_a_path_is_a_name(settings: Settings, sent: str, name: str) -> None:
    assert file_name(sent) == name
    assert send(settings, sent) == "added"
    assert names(settings) == {name}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("", "has no name"),
        ("..", "has no name"),
        ("a/..", "has no name"),
        ("a.txt/", "has no name"),
        (".hidden.txt", "begins with a dot"),
        ("a\0.txt", "cannot be seen"),
        ("a\n.txt", "cannot be seen"),
        ("\x7f.txt", "cannot be seen"),
        ("invoice\u202efdp.txt", "cannot be seen"),
        ("a\u2066b.txt", "cannot be seen"),
        ("a\u200b.txt", "cannot be seen"),
        ("a\u2028.txt", "cannot be seen"),
        ("a\ud800.txt", "cannot be seen"),
        ("a.txt::$DATA", "colon"),
        ("a.txt:evil.pdf", "colon"),
        ("x" * 300 + ".txt", "more than 240 bytes"),
        ("я" * 119 + ".txt", "more than 240 bytes"),
        ("report.pdf.meta.toml", "sidecar"),
        ("keys.json", "the program itself writes"),
        ("saved.csv", "the program itself writes"),
    ],
)
def test_a_name_that_is_no_document_s_is_refused(settings: Settings, sent: str, reason: str) -> None:
    with pytest.raises(UploadError, match=reason) as caught:
        send(settings, sent)
    str(caught.value).encode()
    assert len(str(caught.value)) < 300
    assert all(letter.isprintable() for letter in str(caught.value))
    assert names(settings) == set()


@pytest.mark.parametrize("sent", ["a.exe", "a", "a.txt.", "a.pdf .", "qa.toml", "a.txt.gpg"])
def test_a_kind_that_no_reader_reads_is_refused_with_those_that_are(settings: Settings, sent: str) -> None:
    with pytest.raises(UnreadKindError, match=r"is of no kind that can be read.*\.pdf.*\.ods"):
        send(settings, sent)
    assert names(settings) == set()


@given(sent=st.text(st.characters(), max_size=30), suffix=st.sampled_from(["", ".txt", ".pdf"]))
def test_every_name_that_is_taken_is_one_of_a_document(*, sent: str, suffix: str) -> None:
    try:
        name = file_name(sent + suffix)
    except UploadError:
        return
    assert file_name(name) == name == unicodedata.normalize("NFC", name).strip()
    assert Path(name).name == name
    assert not name.startswith(".")
    assert readers.supported(Path(name))
    assert len(name.encode()) <= 240
    assert not drafts.is_draft(name)


@pytest.mark.parametrize(
    "folder", ["none", "..", "../outside", "/", "reports/..", "reports//2024", "away", ".git", "a\0", "a.txt"]
)
def test_files_get_into_folders_that_are_there_only(settings: Settings, tmp_path: Path, folder: str) -> None:
    (tmp_path / "outside").mkdir()
    (settings.docs / "away").symlink_to(tmp_path / "outside")
    (settings.docs / ".git").mkdir()
    (settings.docs / "a.txt").touch()
    with pytest.raises(NotFoundError), open_inbox(settings, folder):
        pytest.fail("it was opened")
    assert list((tmp_path / "outside").iterdir()) == []


def test_what_the_program_writes_is_out_of_reach(settings: Settings) -> None:
    (settings.docs / "index").mkdir()
    for folder, name in (("index", "a.txt"), ("", "keys.json"), ("reports/../", "keys.json")):
        with pytest.raises(QAError):
            send(settings, name, folder=folder, replaces=True)
    assert names(settings) == set()


def test_a_file_may_be_as_large_as_what_is_read(settings: Settings) -> None:
    assert send(settings, "a.txt", b"x" * 2**20) == "added"
    with pytest.raises(TooLargeError, match="more than 1 MiB"):
        send(settings, "b.txt", b"x" * (2**20 + 1))
    assert names(settings) == {"a.txt"}
    scan = Folder(settings.docs, settings.max_file_mb << 20).scan()
    assert [file.path for file in scan.files] == ["a.txt"]


def test_what_is_interrupted_leaves_nothing(settings: Settings) -> None:
    def interrupted() -> None:
        with open_inbox(settings) as inbox:
            inbox.begin("a.txt").write(b"begun")
            assert len(names(settings)) == 1
            raise ConnectionError

    with pytest.raises(ConnectionError):
        interrupted()
    with open_inbox(settings) as inbox:
        inbox.begin("a.txt").write(b"not kept")
    assert names(settings) == set()


def test_while_a_file_arrives_a_scan_sees_nothing_of_it(settings: Settings) -> None:
    with open_inbox(settings) as inbox:
        inbox.begin("a.txt").write(b"begun")
        scan = Folder(settings.docs, 2**20).scan()
        assert (scan.files, scan.failures, scan.skipped) == ([], [], [])


def test_of_two_files_with_one_name_one_is_kept(settings: Settings) -> None:
    contents = [bytes([65 + number]) * 1000 for number in range(8)]
    start, outcomes = threading.Barrier(len(contents)), []

    def upload(content: bytes) -> None:
        with open_inbox(settings) as inbox:
            arrival = inbox.begin("a.txt")
            arrival.write(content)
            start.wait(10)
            try:
                outcomes.append((arrival.keep(), content))
            except NameTakenError:
                outcomes.append(("taken", content))

    threads = [threading.Thread(target=upload, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    ((_, kept),) = [outcome for outcome in outcomes if outcome[0] == "added"]
    assert [outcome for outcome, _ in outcomes].count("taken") == len(contents) - 1
    assert (settings.docs / "a.txt").read_bytes() == kept
    assert names(settings) == {"a.txt"}


@pytest.fixture(params=["write", "sync", "space"])
def full_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the disk be full when a file is written, when it is flushed, or as it says itself."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if request.param == "sync":
            patch.setattr(os, "fsync", fail)
        elif request.param == "space":
            disk = os.statvfs("/")
            patch.setattr(os, "fstatvfs", lambda _: os.statvfs_result((*disk[:4], 1, *disk[5:])))
        else:

            class Full(drafts.Draft):
                def __init__(self, folder: int) -> None:
                    super().__init__(folder)
                    self.file.close()
                    self.file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 -- a draft closes it

            patch.setattr(drafts, "Draft", Full)
        yield


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_refuses_the_file_and_keeps_nothing(settings: Settings) -> None:
    with pytest.raises(NoSpaceError):
        send(settings, "a.txt", b"x" * 2**20)
    assert names(settings) == set()


def test_a_request_larger_than_the_disk_is_refused_before_it_arrives(settings: Settings) -> None:
    with open_inbox(settings) as inbox:
        inbox.check_space(1)
        with pytest.raises(NoSpaceError, match="MiB of it stay free"):
            inbox.check_space(2**62)


def test_a_folder_that_cannot_be_written_is_said_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.docs / f"{drafts.DRAFT}left").touch()
    uploads.check(settings)
    assert names(settings) == set()
    with pytest.raises(SettingsError, match="No such file or directory"):
        uploads.check(replace(settings, docs=settings.docs / "none"))

    def refuse(_: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(drafts, "Draft", refuse)
    with pytest.raises(SettingsError, match=r"Read-only file system\. Let the service write there"):
        uploads.check(settings)
    with pytest.raises(QAError, match=r"^a\.txt cannot be written: Read-only file system$"):
        send(settings, "a.txt")


def test_an_arrival_knows_its_place_and_its_digest(settings: Settings) -> None:
    with open_inbox(settings, "reports") as inbox:
        arrival = inbox.begin("a.txt")
        arrival.write(b"abc")
        assert (arrival.path, arrival.size) == ("reports/a.txt", 3)
        assert arrival.sha256 == hashlib.sha256(b"abc").hexdigest()
        assert inbox.arrivals == [arrival]
