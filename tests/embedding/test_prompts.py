"""The prompts of a model: its own, its family's, or those that were chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from models import PASSAGE, exported, tiny

from qa.embedding.loading import load_plain, open_encoder
from qa.embedding.prompts import Prompts, family_prompts
from qa.errors import ModelError

CHOSEN = Prompts("query : ", "doc : ")


@pytest.mark.parametrize(
    ("name", "query", "document"),
    [
        ("intfloat/multilingual-e5-base", "query: ", "passage: "),
        ("models/e5-small-v2", "query: ", "passage: "),
        ("intfloat/e5-base-v2@f52bf8ec8c7124536f0efb74aca902b2995e5bcd", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", "Instruct: ", ""),
        ("BAAI/bge-small-en-v1.5", "Represent this sentence", ""),
        ("BAAI/bge-large-zh", "为这个句子", ""),
        ("Snowflake/snowflake-arctic-embed-m-v1.5", "Represent this sentence", ""),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("Alibaba-NLP/gte-Qwen2-1.5B-instruct", "Instruct: ", ""),
        ("nomic-ai/nomic-embed-text-v1.5", "search_query: ", "search_document: "),
    ],
)
def test_families_are_known_by_name(name: str, query: str, document: str) -> None:
    prompts = family_prompts(name)
    assert (prompts.query or "").startswith(query)
    assert prompts.document == document


@pytest.mark.parametrize("name", ["BAAI/bge-m3", "Alibaba-NLP/gte-multilingual-base", "my/e5", "se5-small"])
def test_other_names_say_nothing(name: str) -> None:
    assert family_prompts(name) == Prompts()


def test_a_family_has_its_prompts_unless_the_files_hold_some(tmp_path: Path) -> None:
    bare, named = tiny(tmp_path / "1", "mean"), tiny(tmp_path / "2", "mean", prompts={"query": "rice "})
    for folder in (bare, named):
        folder.rename(folder.with_name("e5-small"))
    first = load_plain(str(bare.with_name("e5-small")))
    assert (first.prompt("query"), first.prompt("document")) == ("query: ", "passage: ")
    second = load_plain(str(named.with_name("e5-small")))
    assert (second.prompt("query"), second.prompt("document")) == ("rice ", "")


def test_chosen_prompts_come_first_and_shape_the_vectors(tmp_path: Path) -> None:
    folder = str(tiny(tmp_path, "mean", prompts={"query": "rice ", "document": "port "}))
    own, chosen = load_plain(folder), load_plain(folder, prompts=CHOSEN)
    none, part = load_plain(folder, prompts=Prompts("", "")), load_plain(folder, prompts=Prompts("query : "))
    assert [one.prompt("document") for one in (own, chosen, none, part)] == ["port ", "doc : ", "", "port "]
    assert [one.prompt("query") for one in (own, chosen, none, part)] == ["rice ", "query : ", "", "query : "]
    assert len({one.fingerprint for one in (own, chosen, none, part)}) == 4
    assert load_plain(folder, prompts=Prompts()).fingerprint == own.fingerprint
    for kind, prompt in (("query", "query : "), ("document", "doc : ")):
        expected = none.vectors([f"{prompt}rice was sold"], kind)
        assert chosen.vectors(["rice was sold"], kind) == pytest.approx(expected, abs=1e-5)


def test_an_index_keeps_the_prompts_of_a_model_that_is_not_exported(tmp_path: Path) -> None:
    folder = str(tiny(tmp_path, "mean"))
    encoder = load_plain(folder, prompts=CHOSEN)
    encoder.save(tmp_path / "encoder")
    opened = open_encoder(folder, tmp_path / "encoder")
    assert opened.fingerprint == encoder.fingerprint
    assert (
        opened.encode_passages([PASSAGE])[0].passage == encoder.encode_passages([PASSAGE])[0].passage
    ).all()
    (tmp_path / "encoder" / "prompts.json").write_text("[")
    with pytest.raises(ModelError, match=r"prompts\.json cannot be read"):
        open_encoder(folder, tmp_path / "encoder")


def test_an_export_has_the_chosen_prompts(tmp_path: Path) -> None:
    folder = str(tiny(tmp_path, "mean"))
    encoder = exported(folder, tmp_path / "cache", "fp32", CHOSEN)
    assert (encoder.prompt("query"), encoder.prompt("document")) == CHOSEN
    assert encoder.fingerprint != exported(folder, tmp_path / "cache", "fp32").fingerprint
