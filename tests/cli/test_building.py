"""A build that publishes: the model in place of a refused export, and the Milvus brought in line."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

import qa.embedding
import qa.indexing.build
from qa.cli import building
from qa.config import Settings
from qa.errors import ExportRefusedError


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the encoders that builds use; the documents refuse the export."""
    used: list[str] = []

    def build(settings: Settings, encoder: str, **_: object) -> str:
        used.append(encoder)
        if encoder == "export":
            raise ExportRefusedError("the export does not keep the vectors")
        return f"report of {encoder}"

    monkeypatch.setattr(qa.indexing.build, "build", build)
    monkeypatch.setattr(qa.embedding, "load_encoder", lambda *_: "export")
    monkeypatch.setattr(qa.embedding, "load_plain", lambda _: "model")
    return used


def test_a_refused_export_is_replaced_by_the_model(
    encoders: list[str], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert building.build_and_publish(settings) == "report of model"
    assert encoders == ["export", "model"]
    assert capsys.readouterr().err == "qa: the export does not keep the vectors\n"


@pytest.mark.parametrize("store", ["local", "milvus+index.db"])
def test_only_a_milvus_is_uploaded_to(
    encoders: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    uploads: list[Settings] = []
    monkeypatch.setattr(building, "upload", lambda settings, progress: uploads.append(settings))
    chosen = replace(settings, store=store)
    building.build_and_publish(chosen)
    assert uploads == ([] if store == "local" else [chosen])


def test_the_store_is_left_alone_where_there_is_none(settings: Settings) -> None:
    building.forget_in_store(settings)
    building.publish_calibration(settings)


@pytest.mark.parametrize(
    ("changed", "is_over", "dropped"), [(True, True, 0), (False, True, 1), (False, False, 0)]
)
def test_earlier_generations_go_once_their_retention_is_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, changed: bool, is_over: bool, dropped: int
) -> None:
    pytest.importorskip("pymilvus")
    drops: list[str] = []
    outcome = SimpleNamespace(changed=changed, generation="g", address="there")
    monkeypatch.setattr("qa.index.generation.current", lambda _: "folder")
    monkeypatch.setattr("qa.index.generation.load", lambda _: "live")
    monkeypatch.setattr("qa.stores.milvus.upload.publish", lambda *_, **__: outcome)
    monkeypatch.setattr("qa.stores.milvus.upload.drop_earlier", lambda store, _: drops.append(store))
    monkeypatch.setattr("qa.indexing.retention.is_over", lambda *_: is_over)
    building.upload(replace(settings, store="milvus+index.db"), progress=False)
    assert len(drops) == dropped
