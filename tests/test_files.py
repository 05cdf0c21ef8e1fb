"""Only regular files inside a folder are opened, however links and swaps try to lead out of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import files
from qa.errors import BuildError, MissingFileError, ReadError
from qa.files import list_inside, open_inside
from qa.indexing.folder import Folder

SWAPPER = Path(__file__).with_name("swapper.py")
SECRET = "A secret outside of the folder."
SECONDS = 1.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text(SECRET)
    (outside / "secret.txt").write_text(SECRET)
    folder = tmp_path / "docs"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "a.txt").write_text("sub/a")
    (folder / "sub" / "deep" / "a.txt").write_text("sub/deep/a")
    return folder


def _read(root: Path, path: str) -> str:
    with open_inside(root, path) as file:
        return file.read().decode()


def test_files_at_any_depth_are_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [_read(root, path) for path in ("a.txt", "sub/a.txt", "sub/deep/a.txt")] == [
        "a", "sub/a", "sub/deep/a",
    ]  # fmt: skip
    (root.parent / "link").symlink_to(root)
    assert _read(root.parent / "link", "sub/a.txt") == "sub/a"
    monkeypatch.chdir(root.parent)
    assert _read(Path("docs"), "sub/a.txt") == _read(Path("./docs/../link"), "sub/a.txt") == "sub/a"
    monkeypatch.chdir(root)
    assert _read(Path(), "sub/a.txt") == "sub/a"


@pytest.mark.parametrize(
    "target",
    [
        "deep/a.txt",
        "./deep//a.txt",
        "../sub/deep/a.txt",
        "../sub/../sub/deep/a.txt",
        "deep/../deep/a.txt",
        "../../docs/sub/deep/a.txt",
        "{root}/sub/deep/a.txt",
        "{root}/../docs/sub/deep/a.txt",
        "again.txt",
        "into/a.txt",
        "into/deep/a.txt",
        "into/../deep/a.txt",
    ],
)
def test_a_link_to_a_file_inside_is_followed_as_the_system_does(root: Path, target: str) -> None:
    (root / "sub" / "again.txt").symlink_to("deep/a.txt")
    (root / "sub" / "into").symlink_to(root / "sub")
    link = root / "sub" / "link.txt"
    link.symlink_to(target.format(root=root))
    if not link.resolve(strict=False).is_relative_to(root) or not link.exists():
        with pytest.raises(ReadError):
            open_inside(root, "sub/link.txt")
        return
    assert _read(root, "sub/link.txt") == link.read_text()


@pytest.mark.parametrize(
    "target",
    [
        "../outside/secret.txt",
        "../outside/../outside/secret.txt",
        "{outside}/secret.txt",
        "/etc/passwd",
        "sub/../../outside/secret.txt",
        "out/secret.txt",
        "out/../outside/secret.txt",
        "../docs-not/secret.txt",
        "..",
        "/",
        "/proc/self/fd/0",
        "/dev/zero",
    ],
)
def test_no_link_leads_out(root: Path, target: str) -> None:
    outside = root.parent / "outside"
    (root / "out").symlink_to(outside)
    (root / "link.txt").symlink_to(target.format(outside=outside))
    for path in ("link.txt", "out/secret.txt", "out"):
        with pytest.raises(ReadError, match="outside the documents folder"):
            open_inside(root, path)


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "/", "a.txt/", "/a.txt", "./a.txt", "sub/../a.txt", "../docs/a.txt"),
        *("../outside/a.txt", "sub//a.txt", "{root}/a.txt", "a.txt\0", "\0", "\ud800", "a.txt/b", "sub"),
        *("x" * 300, "sub/" * 2000 + "a"),
    ],
)  # fmt: skip
def test_what_is_no_path_of_a_file_inside_is_refused(root: Path, path: str) -> None:
    with pytest.raises(ReadError):
        open_inside(root, path.format(root=root))


@given(
    st.lists(st.sampled_from(["..", ".", "", "a.txt", "sub", "out", "up", "self"]), min_size=1, max_size=6)
)
def test_no_way_leads_out(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("ways")
    (folder / "docs" / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text(SECRET)
    (folder / "docs" / "a.txt").write_text("inside")
    (folder / "docs" / "sub" / "a.txt").write_text("inside")
    for name, target in (("out", ".."), ("up", "sub/.."), ("self", "self"), ("link", "/".join(names))):
        (folder / "docs" / name).symlink_to(target or ".")
    for path in ("/".join(names), "link"):
        try:
            with open_inside(folder / "docs", path) as file:
                assert file.read() == b"inside"
        except ReadError:
            continue


def test_links_are_followed_only_so_often(root: Path) -> None:
    (root / "0").symlink_to("a.txt")
    for i in range(1, 60):
        (root / str(i)).symlink_to(str(i - 1))
    assert _read(root, "39") == "a"
    (root / "self").symlink_to("self")
    for path in ("59", "self"):
        with pytest.raises(ReadError, match="Too many levels of symbolic links"):
            open_inside(root, path)


def test_a_link_to_nothing_is_not_a_file_that_is_missing(root: Path) -> None:
    (root / "dangling.txt").symlink_to("nowhere.txt")
    with pytest.raises(ReadError, match="No such file") as raised:
        open_inside(root, "dangling.txt")
    assert not isinstance(raised.value, MissingFileError)
    for path in ("nowhere.txt", "nowhere/a.txt"):
        with pytest.raises(MissingFileError):
            open_inside(root, path)


def test_what_is_no_regular_file_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.txt")
    started = time.monotonic()
    for path in ("pipe.txt", "sub"):
        with pytest.raises(ReadError, match="is not a regular file"):
            open_inside(root, path)
    assert time.monotonic() - started < 1


def _descriptors() -> int:
    return sum(_is_open(number) for number in range(256))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "link.txt").symlink_to("sub/deep/a.txt")
    (root / "out.txt").symlink_to("/etc/passwd")
    before = _descriptors()
    for path in ("sub/deep/a.txt", "link.txt", "out.txt", "nowhere", "sub", "sub/a.txt/b", "a\0"):
        try:
            open_inside(root, path).close()
        except ReadError:
            continue
    with list_inside(root, "sub"):
        pass
    with pytest.raises(OSError), list_inside(root, "a.txt"):  # noqa: PT011 -- whichever it is
        pass
    assert _descriptors() == before


@contextmanager
def _swapping(one: Path, other: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, SWAPPER, one, other], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


def _race(act: Callable[[], object]) -> Counter:
    """Do something again and again for a while, and count what comes of it."""
    outcomes: Counter = Counter()
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        try:
            outcomes[act()] += 1
        except (ReadError, BuildError) as error:
            outcomes[type(error)] += 1
    return outcomes


def test_a_link_swapped_in_gives_no_other_file(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root.parent / "outside" / "secret.txt")
    with _swapping(root / "a.txt", link):
        outcomes = _race(lambda: _read(root, "a.txt"))
    assert outcomes.keys() <= {"a", ReadError, MissingFileError}
    assert outcomes["a"] > 10
    assert outcomes[ReadError] > 10


def test_a_link_swapped_in_for_a_folder_gives_no_other_file(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root.parent / "outside")
    with _swapping(root / "sub", link):
        outcomes = _race(lambda: _read(root, "sub/a.txt"))
    assert outcomes.keys() <= {"sub/a", ReadError, MissingFileError}
    assert outcomes["sub/a"] > 10
    assert outcomes[ReadError] > 10


def test_a_folder_swapped_for_a_link_shows_no_name_from_outside(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root.parent / "outside")
    folder = Folder(root, 2**20)

    def scan() -> str:
        return repr(folder.scan())

    with _swapping(root / "sub", link):
        outcomes = _race(scan)
    assert sum(outcomes.values()) > 10
    assert not [told for told in outcomes if "secret" in str(told)]
    assert len(outcomes) > 1


def test_a_regular_file_anywhere_is_opened_and_nothing_else_waits(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("file", "link"):
        with files.open_regular(tmp_path / name) as file:
            assert file.read() == b"text"
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ReadError, match="it is not a regular file"):
        files.open_regular(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(OSError, match="directory"):
            files.open_regular(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_stamp_changes_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert files.stamp_of(path) is None
    path.write_text("text")
    stamps = {files.stamp_of(path), files.stamp_of(path)}
    assert len(stamps) == 1
    status = path.stat()
    path.write_text("TEXT")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # nobody can set the time of change back
    stamps.add(files.stamp_of(path))
    files.replace_file(path, "text")
    stamps.add(files.stamp_of(path))
    assert len(stamps) == 3


def test_locks_exclude_each_other_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open() as first, path.open() as second, path.open() as third:
        assert files.lock(first, shared=True)
        assert files.lock(second, shared=True, wait=False)
        assert not files.lock(third, wait=False)
        first.close()
        second.close()
        assert files.lock(third, wait=False)
        with path.open() as fourth:
            assert not files.lock(fourth, shared=True, wait=False)


def test_a_file_is_replaced_whole_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / ".file").symlink_to(tmp_path / "elsewhere")  # a draft that somebody put there
    files.replace_file(path, "é")
    files.replace_file(path, "ü", mode=0o600)
    assert path.read_text("utf-8") == "ü"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.replace_file(path, "old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        files.replace_file(path, "new")
    assert path.read_text() == "old"


def test_a_digest_is_the_file_s(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert files.sha256_of(tmp_path / "file").startswith("ba7816bf")


@pytest.mark.parametrize("path", ["..", "/", "sub/..", "away", "a.txt", "none", "sub//deep", "x\0"])
def test_only_folders_inside_are_opened(root: Path, path: str) -> None:
    (root / "away").symlink_to(root.parent / "outside")
    with pytest.raises((ReadError, OSError, ValueError)), files.folder_inside(root, path):
        pytest.fail("it was opened")
