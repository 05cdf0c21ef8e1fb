"""The texts that a model expects before each question and each document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

_INSTRUCTION = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
_REPRESENT = "Represent this sentence for searching relevant passages: "


class Prompts(NamedTuple):
    """The texts before each question and each document. None: as the model has it."""

    query: str | None = None
    document: str | None = None


E5 = Prompts("query: ", "passage: ")
NO_PROMPTS = Prompts("", "")

_FAMILIES = (
    (re.compile(r"e5-mistral-7b-instruct|multilingual-e5-\w++-instruct"), Prompts(_INSTRUCTION, "")),
    (re.compile(r"(?:multilingual-)?e5-(?:small|base|large)\b.*"), E5),
    (re.compile(r"bge-(?:small|base|large)-en\b.*"), Prompts(_REPRESENT, "")),
    (re.compile(r"bge-(?:small|base|large)-zh\b.*"), Prompts("为这个句子生成表示以用于检索相关文章：", "")),
    (re.compile(r"gte-qwen[\d.]{0,4}-.*instruct"), Prompts(_INSTRUCTION, "")),
    (
        re.compile(r"snowflake-arctic-embed-(?:[sml](?:-long)?|xs|m-v1\.5)"),
        Prompts(_REPRESENT, ""),
    ),
    (re.compile(r"snowflake-arctic-embed-[ml]-v2\.0"), Prompts("query: ", "")),
    (re.compile(r"nomic-embed-text-v\d.*"), Prompts("search_query: ", "search_document: ")),
)
"""The prompts of families whose files often lack them, by a pattern of the model's name.

The other models of bge (m3) and gte (v1.5, multilingual, ModernBERT) expect none.
"""


def family_prompts(name: str) -> Prompts:
    """Return the prompts of a model's family, if it is known. ``name`` is the model's folder or name."""
    last = Path(name.partition("@")[0]).name.lower()
    return next((prompts for pattern, prompts in _FAMILIES if pattern.fullmatch(last)), Prompts())


def replaced_prompts(name: str, folder: Path, chosen: Prompts) -> dict[str, str]:
    """Return the prompts that replace a model's own, by kind.

    Those that were chosen come first. Where the model's files hold none at all, its family's follow.
    """
    family = Prompts() if _has_own(folder) else family_prompts(name)
    kinds = zip(Prompts._fields, chosen, family, strict=True)
    replaced = {kind: by_name if choice is None else choice for kind, choice, by_name in kinds}
    return {kind: prompt for kind, prompt in replaced.items() if prompt is not None}


def _has_own(folder: Path) -> bool:
    try:
        content = json.loads((folder / "config_sentence_transformers.json").read_bytes())
        return any(content["prompts"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # what loads the model says what is wrong with it
