"""A small constant text with many kinds of sentences, on which models are tried."""

from __future__ import annotations

from importlib.resources import files


def lines() -> list[str]:
    """Return its sentences."""
    return files("qa.text").joinpath("sample.txt").read_text("utf-8").splitlines()
