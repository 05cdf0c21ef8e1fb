"""A generation is published in one step, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import LOCAL, Settings
from qa.errors import BuildError, IndexUnavailableError, StoreUnavailableError
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.stores.milvus import upload
from qa.stores.milvus.aliases import MilvusPublications, live
from qa.stores.milvus.client import Client
from qa.stores.milvus.schema import PASSAGES, SENTENCES, collection, generation_of
from qa.stores.milvus.upload import publish
from qa.types import Query
from stores.milvus.conftest import BrokenOffError

_OTHER_STEPS = "create_collection", "flush", "query", "drop_collection"


def _built(settings: Settings) -> Generation:
    build(replace(settings, store=LOCAL), StandIn())  # the test itself uploads
    return generation.load(generation.current(settings.index))


def _changed(settings: Settings, number: int) -> Generation:
    write(
        settings.docs, {f"new{number}.txt": f"The {number} zebras crossed the road to the harbour at noon.\n"}
    )
    return _built(settings)


def _live(settings: Settings) -> str | None:
    client = Client(settings.store)
    try:
        return live(client)
    finally:
        client.close()


def _kept(settings: Settings) -> set[str | None]:
    client = Client(settings.store)
    try:
        return {generation_of(name) for name in client.call("list_collections")}
    finally:
        client.close()


def test_nothing_is_live_before(small: Settings) -> None:
    with pytest.raises(IndexUnavailableError, match="run `qa index`"):
        LiveSearcher(small, lambda _: StandIn()).current()


def test_what_is_live_is_left_alone(small: Settings, calls: list[tuple[str, Any]]) -> None:
    local = _built(small)
    assert publish(small.store, local, None).changed
    calls.clear()
    done = publish(small.store, local, None)
    assert (done.changed, done.rows) == (False, 0)
    assert {name for name, _ in calls} <= {"describe_alias", "query"}


@pytest.mark.slow
def test_older_generations_go(small: Settings) -> None:
    names = []
    for number in range(3):
        local = _changed(small, number)
        names.append(local.manifest.generation)
        publish(small.store, local, None)
        assert _live(small) == names[-1]
    assert _kept(small) == {*names[-2:]}


@pytest.mark.parametrize(
    "step",
    [
        "upsert",
        "alter_alias",
        *(pytest.param(step, marks=pytest.mark.slow) for step in _OTHER_STEPS),
    ],
)
def test_an_upload_that_ends_anywhere_leaves_one_generation_live(
    small: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    if step == "drop_collection":  # or there would be nothing to drop
        publish(small.store, _changed(small, 0), None)
    second = _changed(small, 1)
    publish(small.store, second, None)
    third = _changed(small, 2)
    call, left = Client.call, 3 if step in {"create_collection", "upsert", "query"} else 1

    def breaking(self: Client, name: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= name == step
        if name == step and not left:
            raise BrokenOffError
        return call(self, name, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "call", breaking)
        with pytest.raises(BrokenOffError):
            publish(small.store, third, None)
    was = third if step == "drop_collection" else second
    assert _live(small) == was.manifest.generation
    assert LiveSearcherOnce(small).finds("zebras")
    publish(small.store, third, None)
    assert _live(small) == third.manifest.generation


class LiveSearcherOnce:
    """A service that is started, asked once and stopped."""

    def __init__(self, settings: Settings) -> None:
        self._live = LiveSearcher(settings, lambda _: StandIn())

    def finds(self, word: str) -> bool:
        hits = self._live.current().search(Query(word)).hits
        self._live._published.close()
        return any(word in hit.passage.text for hit in hits)


def test_an_interrupted_upload_continues(
    small: Settings, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, Any]]
) -> None:
    monkeypatch.setattr(upload, "_BATCH_SIZES", dict.fromkeys(upload._BATCH_SIZES, 4))
    local = _built(small)
    whole = publish(small.store, local, None).rows
    other = _changed(small, 1)
    call = Client.call

    def breaking(self: Client, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "upsert" and args[0] == collection(other.manifest.generation, SENTENCES):
            raise BrokenOffError
        return call(self, name, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "call", breaking)
        with pytest.raises(BrokenOffError):
            publish(small.store, other, None)
    calls.clear()
    done = publish(small.store, other, None)
    again = {name for step, name in calls if step == "upsert"}
    assert collection(other.manifest.generation, PASSAGES) not in again
    assert collection(other.manifest.generation, SENTENCES) in again
    assert done.rows < whole


def test_an_error_that_passes_is_waited_for(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    local, call, failed = _built(small), Client.call, []

    def failing(self: Client, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "upsert" and failed.count("upsert") < 2:
            failed.append(name)
            raise StoreUnavailableError("the store does not answer")
        return call(self, name, *args, **kwargs)

    monkeypatch.setattr(Client, "call", failing)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: failed.append(f"{seconds:.0f}"))
    assert publish(small.store, local, None).changed
    assert failed.count("upsert") == 2


@pytest.mark.parametrize("kind", [PASSAGES, SENTENCES])
def test_what_is_not_what_was_put_is_not_published(
    small: Settings, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    local, call = _built(small), Client.call
    name_of = collection(local.manifest.generation, kind)

    def spoiling(self: Client, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "flush" and args[0] == name_of:
            call(self, "load_collection", name_of)
            call(self, "delete", name_of, ids=[1])
        return call(self, name, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "call", spoiling)
        with pytest.raises(BuildError, match=r"where \d+ were uploaded"):
            publish(small.store, local, None)
    assert _live(small) is None
    assert publish(small.store, local, None).rows > 0
    assert _live(small) == local.manifest.generation


def test_a_service_follows_the_alias(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.stores.milvus.aliases._LOOK_INTERVAL", 0.0)
    publish(small.store, _built(small), None)
    service = LiveSearcher(small, lambda _: StandIn())
    assert not any("zebras" in hit.passage.text for hit in service.current().search(Query("zebras")).hits)
    service._published.close()
    publish(small.store, _changed(small, 5), None)
    assert any("zebras" in hit.passage.text for hit in service.current().search(Query("zebras")).hits)
    service._published.close()


def test_the_alias_is_looked_at_once_a_second(small: Settings, calls: list[tuple[str, Any]]) -> None:
    publish(small.store, _built(small), None)
    calls.clear()
    published = MilvusPublications(small.store, small.cache)
    for _ in range(50):
        published.stamps()
    published.close()
    assert len(calls) == 2


@pytest.mark.slow
def test_copies_of_files_are_checked_and_old_ones_removed(small: Settings, tmp_path: Path) -> None:
    for number in range(4):
        publish(small.store, _changed(small, number), None)
        assert LiveSearcherOnce(small).finds("zebras")
    folders = sorted((small.cache / "milvus").iterdir())
    assert len(folders) == 3
    (folders[-1] / "facts.json").write_text("{}")
    with pytest.raises(IndexUnavailableError, match="is not what the store holds"):
        LiveSearcher(small, lambda _: StandIn()).current()
