"""Sidecars are written so that they say what was asked for, and keep the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import MissingFileError, ReadError, SettingsError
from qa.indexing import sidecars
from qa.readers.yaml_toml import parse_toml

HAND_WRITTEN = """# Checked by hand.
title = "Old"  # as printed
'author' = 'A. "Writer"'

published = 2019-03-01
url = "https://example.org/#a"  # long
"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "news").mkdir(parents=True)
    (folder / "news" / "a.txt").write_text("A text.")
    return folder


def _written(docs: Path) -> Path:
    return docs / "news" / "a.txt.meta.toml"


def test_a_sidecar_is_made(docs: Path) -> None:
    sidecars.update(
        docs, "news/a.txt", {"title": ' "Rice" \\ and\nmore ', "published": "2020-02-29", "source": ""}
    )
    assert _written(docs).read_text() == 'title = "\\"Rice\\" \\\\ and more"\npublished = 2020-02-29\n'
    assert sidecars.read(docs, "news/a.txt") == {"title": '"Rice" \\ and more', "published": "2020-02-29"}
    assert [path.name for path in (docs / "news").iterdir() if path.name.startswith(".")] == []


def test_other_keys_and_comments_stay(docs: Path) -> None:
    _written(docs).write_text(HAND_WRITTEN)
    sidecars.update(
        docs, "news/a.txt", {"title": "New", "published": "", "source": "TASS", "url": "https://b.org/"}
    )
    assert (
        _written(docs).read_text()
        == HAND_WRITTEN.replace('"Old"', '"New"')
        .replace("published = 2019-03-01\n", "")
        .replace("https://example.org/#a", "https://b.org/")
        + 'source = "TASS"\n'
    )


def test_a_value_of_several_lines_is_replaced_whole(docs: Path) -> None:
    _written(docs).write_text('title = """\nOld\ntitle = "x"\n"""\nauthor = "A"\n')
    sidecars.update(docs, "news/a.txt", {"title": "New"})
    assert parse_toml(_written(docs).read_bytes()) == {"title": "New", "author": "A"}


@given(
    values=st.dictionaries(
        st.sampled_from(["title", "source", "author"]), st.text(max_size=40).map(lambda text: f"a{text}z")
    ),
    old=st.sampled_from(["", HAND_WRITTEN, "\ufefftitle='x'", 'source = "a"']),
)
def test_what_is_written_is_read_again(tmp_path_factory, values: dict[str, str], old: str) -> None:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "a.txt").write_text("A text.")
    if old:
        (docs / "a.txt.meta.toml").write_text(old)
    before = sidecars.read(docs, "a.txt")
    try:
        sidecars.update(docs, "a.txt", values)
    except ReadError:
        assert sidecars.read(docs, "a.txt") == before
        return
    expected = {key: " ".join(value.split()) for key, value in values.items()}
    assert sidecars.read(docs, "a.txt") == before | expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"published": "soon"}, "published cannot be 'soon': write a full date"),
        ({"published": "2019-02-30"}, "write a full date"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"title": "x" * 301}, "title has 301 characters"),
        ({"url": "javascript:alert(1)"}, "write a full http or https address"),
    ],
)
def test_an_invalid_value_changes_nothing(docs: Path, changes: dict[str, str], message: str) -> None:
    _written(docs).write_text(HAND_WRITTEN)
    with pytest.raises(ReadError, match=message.replace("(", r"\(")):
        sidecars.update(docs, "news/a.txt", changes)
    assert _written(docs).read_text() == HAND_WRITTEN


def test_a_sidecar_that_cannot_be_read_is_left_alone(docs: Path) -> None:
    _written(docs).write_text("title = ")
    with pytest.raises(ReadError, match="is not TOML"):
        sidecars.update(docs, "news/a.txt", {"title": "New"})
    assert _written(docs).read_text() == "title = "


@pytest.mark.parametrize("path", ["../a.txt", "/etc/passwd", "news/../news/a.txt", "none.txt", "news", ""])
def test_only_files_of_the_folder_are_described(docs: Path, path: str) -> None:
    (docs.parent / "a.txt").write_text("Outside.")
    with pytest.raises((ReadError, MissingFileError)):
        sidecars.update(docs, path, {"title": "New"})
    assert list(docs.parent.rglob("*.toml")) == []


def test_a_link_is_replaced_and_never_written_through(docs: Path) -> None:
    outside = docs.parent / "outside.toml"
    outside.write_text('title = "Outside"\n')
    _written(docs).symlink_to(outside)
    with pytest.raises(ReadError):
        sidecars.update(docs, "news/a.txt", {"title": "New"})
    inside = docs / "other.toml"
    inside.write_text('author = "A"\n')
    _written(docs).unlink()
    _written(docs).symlink_to(inside)
    sidecars.update(docs, "news/a.txt", {"title": "New"})
    assert inside.read_text() == 'author = "A"\n'
    assert not _written(docs).is_symlink()
    assert outside.read_text() == 'title = "Outside"\n'


def test_a_folder_that_takes_no_sidecars_is_said_at_once(docs: Path) -> None:
    before = sorted(docs.rglob("*"))
    sidecars.check(docs)
    assert sorted(docs.rglob("*")) == before
    with pytest.raises(SettingsError, match="No such file or directory"):
        sidecars.check(docs / "none")
