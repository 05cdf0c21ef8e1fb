"""Documents that vanish all at once: the index is not emptied by mistake, and follows where it is told to."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st

from qa import files
from qa.config import Settings
from qa.errors import DocumentsGoneError, ReadError, SettingsError
from qa.index import generation
from qa.indexing import ledger, safeguard
from qa.indexing.build import Report, build
from qa.indexing.folder import Folder
from qa.types import SourceFile

_TOP = {f"{i:02}.txt": f"The text number {i} of them all.\n" for i in range(8)}
_SUB = {f"sub/{i:02}.txt": f"The report number {i} from below.\n" for i in range(12)}


@pytest.fixture
def twenty(tmp_path: Path) -> Settings:
    """An index of eight files, and twelve in a folder."""
    settings = Settings(docs=write(tmp_path / "twenty", _TOP | _SUB), index=tmp_path / "index")
    build(settings, StandIn())
    return settings


def _documents(settings: Settings) -> list[str]:
    store = generation.load(generation.current(settings.index)).store
    return [document.path for document in store.all_documents()]


def _refused(settings: Settings) -> str:
    """Build, which must be refused and change nothing; give the message."""
    live, files = generation.current(settings.index), ledger.entries(settings.index)
    with pytest.raises(DocumentsGoneError) as refusal:
        build(settings, StandIn())
    assert generation.current(settings.index) == live
    assert ledger.entries(settings.index) == files
    generation.verify(live)
    return str(refusal.value)


def test_an_emptied_folder_is_refused_with_what_to_do(twenty: Settings) -> None:
    shutil.move(twenty.docs, twenty.docs.with_name("away"))
    twenty.docs.mkdir()
    message = _refused(twenty)
    assert f"the documents folder {twenty.docs} is empty, and 20 of 20 indexed files are gone" in message
    assert "the index stays as it is" in message
    assert "qa index --allow-empty" in message
    twenty.docs.rmdir()
    shutil.move(twenty.docs.with_name("away"), twenty.docs)
    assert not build(twenty, StandIn()).changed


def test_a_folder_with_only_what_is_passed_over_is_empty(twenty: Settings) -> None:
    shutil.rmtree(twenty.docs)
    write(twenty.docs, {".nfs0001": "x", "lost+found/.keep": "", "picture.psd": b"x"})
    assert "is empty" in _refused(twenty)


def test_a_handful_that_vanishes_whole_is_refused_too(settings: Settings) -> None:
    build(settings, StandIn())
    shutil.rmtree(settings.docs)
    settings.docs.mkdir()
    assert "4 of 4 indexed files are gone" in _refused(settings)


def test_more_than_half_is_refused_and_half_is_not(twenty: Settings) -> None:
    shutil.rmtree(twenty.docs / "sub")
    message = _refused(twenty)
    assert f"12 of 20 indexed files are gone from {twenty.docs}" in message
    assert "sub/00.txt" in message
    write(twenty.docs, dict(list(_SUB.items())[:2]))
    assert build(twenty, StandIn()).documents == 10


def test_the_flag_lets_them_go(twenty: Settings) -> None:
    shutil.rmtree(twenty.docs)
    twenty.docs.mkdir()
    report = build(twenty, StandIn(), allow_empty=True)
    assert (report.documents, report.reason) == (0, "files: 0 new, 0 changed, 20 gone")
    assert not build(twenty, StandIn()).changed


def test_a_handful_may_go(settings: Settings) -> None:
    build(settings, StandIn())
    shutil.rmtree(settings.docs)
    write(settings.docs, {"other.txt": "Other documents are here now."})
    assert build(settings, StandIn()).documents == 1


def test_what_is_moved_or_renamed_has_not_vanished(twenty: Settings) -> None:
    (twenty.docs / "sub").rename(twenty.docs / "elsewhere")
    for name in _TOP:
        (twenty.docs / name).rename(twenty.docs / f"new-{name}")
    report = build(twenty, StandIn())
    assert (report.documents, report.embedded) == (20, 0)


def test_without_an_index_an_empty_folder_is_as_ever(tmp_path: Path) -> None:
    settings = Settings(docs=tmp_path / "none", index=tmp_path / "index")
    settings.docs.mkdir()
    assert build(settings, StandIn()).documents == 0
    assert not build(settings, StandIn()).changed


def test_an_index_that_cannot_be_read_any_more_is_not_emptied_either(twenty: Settings) -> None:
    path = generation.current(twenty.index) / generation.STORE
    path.write_bytes(path.read_bytes()[:-100])
    shutil.rmtree(twenty.docs)
    twenty.docs.mkdir()
    with pytest.raises(DocumentsGoneError, match="20 of 20 indexed files are gone"):
        build(twenty, StandIn())
    write(twenty.docs, _TOP | _SUB)
    assert build(twenty, StandIn()).documents == 20


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EMFILE])
def test_a_folder_that_an_error_hides_keeps_its_documents(
    twenty: Settings, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    list_ = files.list_inside

    def failing(root: Path, path: str) -> AbstractContextManager[list[os.DirEntry[str]]]:
        if path == "sub":
            raise OSError(number, os.strerror(number))
        return list_(root, path)

    with monkeypatch.context() as for_now:
        for_now.setattr(files, "list_inside", failing)
        report = build(twenty, StandIn())
        assert (report.documents, report.embedded) == (20, 0)
        (failure,) = report.failures
        assert failure.path == "sub"
        expected = f"cannot be listed: {os.strerror(number)}; what was indexed of it is kept"
        assert failure.reason == expected
        assert not build(twenty, StandIn()).changed
        states = {entry.path: entry.state for entry in ledger.entries(twenty.index)}
        assert states["sub"] == "failed"
        assert states["sub/00.txt"] == "indexed"
        write(twenty.docs, {"new.txt": "A new one, meanwhile."})
        assert build(twenty, StandIn()).documents == 21
    generation.verify(generation.current(twenty.index))
    report = build(twenty, StandIn())
    assert (report.documents, report.embedded, report.failures) == (21, 0, ())


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Let reading one file fail; 0 lets it be read again."""
    open_ = Folder._open
    failing: dict[str, int] = {}

    def opening(self: Folder, path: str) -> BufferedReader:
        if number := failing.get(path):
            error = OSError(number, os.strerror(number))
            raise ReadError(f"cannot be opened: {error.strerror}") from error
        return open_(self, path)

    monkeypatch.setattr(Folder, "_open", opening)
    return failing.__setitem__


def test_a_file_that_an_error_hides_keeps_its_documents(
    settings: Settings, unreadable: Callable[[str, int], None]
) -> None:
    whole = build(settings, StandIn())
    unreadable("notes/people.jsonl", errno.EIO)
    report = build(settings, StandIn())
    assert (report.documents, report.embedded) == (whole.documents, 0)
    assert {(failure.path, failure.row) for failure in report.failures} == {
        ("notes/people.jsonl", None),
        ("notes/people.jsonl", "bad"),
    }
    assert not build(settings, StandIn()).changed
    assert {e.path: e.state for e in ledger.entries(settings.index)}["notes/people.jsonl"] == "partly"
    unreadable("notes/people.jsonl", 0)
    report = build(settings, StandIn())
    assert (report.documents, report.failures) == (whole.documents, whole.failures)
    unreadable("ru/visit.txt.meta.toml", errno.ESTALE)
    assert build(settings, StandIn()).documents == whole.documents
    unreadable("ru/visit.txt.meta.toml", 0)
    unreadable("trade.md", errno.EACCES)  # somebody does not want it to be read
    assert build(settings, StandIn()).documents == whole.documents - 1


def test_files_that_cannot_be_opened_any_more_have_vanished(
    twenty: Settings, unreadable: Callable[[str, int], None]
) -> None:
    for name in _SUB:
        unreadable(name, errno.EACCES)
    assert "12 of 20 indexed files are gone" in _refused(twenty)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A folder of documents on whose folder ``disk`` a file system is mounted."""
    docs = write(tmp_path / "docs", {f"{i:02}.txt": f"The text number {i} of them all.\n" for i in range(30)})
    disk = docs / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    write(disk, {"one.txt": "It is on the disk.", "two.txt": "And so is this."})
    yield docs
    subprocess.run(["umount", "--lazy", disk], check=False, capture_output=True)


def test_a_part_that_is_not_mounted_any_more_is_refused(mounted: Path, tmp_path: Path) -> None:
    settings = Settings(docs=mounted, index=tmp_path / "index")
    assert build(settings, StandIn()).documents == 32
    subprocess.run(["umount", mounted / "disk"], check=True)
    message = _refused(settings)
    assert (
        f"2 of 32 indexed files are gone from {mounted}, and nothing is mounted on disk any more" in message
    )
    report: Report = build(settings, StandIn(), allow_empty=True)
    assert report.documents == 30
    assert not build(settings, StandIn()).changed


@given(
    st.dictionaries(st.integers(0, 30), st.integers(0, 5), max_size=30),
    st.dictionaries(st.integers(0, 30), st.integers(0, 5), max_size=30),
)
def test_what_has_vanished_is_what_no_file_stands_for(known: dict[int, int], now: dict[int, int]) -> None:
    def files(contents: dict[int, int]) -> dict[str, SourceFile]:
        return {f"{name:02}": SourceFile(f"{name:02}", str(content)) for name, content in contents.items()}

    gone = safeguard.vanished(files(known), files(now))
    assert set(gone) <= {f"{name:02}" for name in known.keys() - now.keys()}
    # Of each content, so many are missing as there are less of it, beside those that were changed in place.
    changed = [known[name] for name in known.keys() & now.keys() if known[name] != now[name]]
    for content in range(6):
        before, after = list(known.values()).count(content), list(now.values()).count(content)
        missing = sum(known[int(path)] == content for path in gone)
        assert max(0, before - after - changed.count(content)) <= missing <= max(0, before - after)


def test_documents_in_the_folder_of_the_index_are_refused(settings: Settings, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(settings.docs)
    for docs, index in (
        (settings.docs, settings.docs),
        (link, settings.docs),
        (settings.docs / "ru", settings.docs),
        (settings.docs, settings.docs.parent),
    ):
        with pytest.raises(SettingsError, match="give the index a folder of its own"):
            build(replace(settings, docs=docs, index=index), StandIn())
    assert not (settings.docs / ".lock").exists()


def test_an_index_among_the_documents_is_passed_over(settings: Settings) -> None:
    inside = replace(
        settings,
        index=settings.docs / "my" / "index",
        cache=settings.docs / "cache",
        keys=settings.docs / "keys.csv",
        judgements=settings.docs / "judged.jsonl",
    )
    first = build(inside, StandIn())
    note = {"note.md": "# A note\n\nThis describes the index.\n"}
    write(inside.index, note)
    write(inside.cache, note)
    write(settings.docs, {"keys.csv": "text\na key\n", "judged.jsonl": '{"text": "judged"}\n'})
    report = build(inside, StandIn())
    assert (report.changed, report.documents) == (False, first.documents)
    reasons = {entry.path: entry.reason for entry in ledger.entries(inside.index, "skipped")}
    assert reasons == dict.fromkeys(
        ["cache", "judged.jsonl", "keys.csv", "my/index"], "is written by qa itself"
    )
