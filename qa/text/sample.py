"""A small text of many kinds of sentences that is always the same: to see what a model makes of text."""

from __future__ import annotations

from importlib.resources import files


def lines() -> list[str]:
    """Give its sentences."""
    return files("qa.text").joinpath("sample.txt").read_text("utf-8").splitlines()
