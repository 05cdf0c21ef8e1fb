"""Ways in which a file of keys can disappear or be damaged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "moved": lambda path: path.rename(path.with_name("away")),
    "empty": lambda path: path.write_text(""),
    "nonsense": lambda path: path.write_text("{"),
    "half": lambda path: path.write_text(path.read_text()[:99]),
    "deep": lambda path: path.write_text("[" * 100_000),
    "large": lambda path: path.write_text(" " * 2**23 + '{"keys": []}'),
    "not keys": lambda path: path.write_text('{"keys": [1]}'),
    "not text": lambda path: path.write_text('{"keys": [{"id": 1, "name": 2, "sha256": 3, "created": 4}]}'),
    "no keys": lambda path: path.write_text('{"keys": []}'),
    "pipe": make_pipe,
    "folder": make_folder,
    "dangling": make_dangling,
}
