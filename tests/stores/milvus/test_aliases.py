"""Which generation is live, looked up at most once a second and the same for all threads."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qa.errors import IndexUnavailableError, StoreUnavailableError
from qa.stores.milvus import aliases
from qa.stores.milvus.aliases import MilvusPublications, aliased, live
from qa.stores.milvus.schema import CALIBRATION, PARTS, collection
from stores.milvus.fake_client import FakeClient

NAME = "20260101T000000Z-00000001"


@pytest.fixture
def client() -> FakeClient:
    fake = FakeClient()
    fake.alias = collection(NAME, PARTS)
    fake.collections[fake.alias] = {}
    return fake


@pytest.fixture
def publications(client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MilvusPublications:
    monkeypatch.setattr(aliases, "Client", lambda store: client)
    return MilvusPublications("milvus+fake", tmp_path)


def test_the_alias_names_the_live_generation(client: FakeClient) -> None:
    assert (aliased(client), live(client)) == (client.alias, NAME)
    client.alias = "somebody_s"
    assert live(client) is None
    client.alias = None
    assert (aliased(client), live(client)) == (None, None)


def test_the_calibration_comes_with_it(client: FakeClient, publications: MilvusPublications) -> None:
    client.collections[client.alias][CALIBRATION] = {"id": CALIBRATION, "data": '{"é": 1}'}
    assert publications.live() == publications.stamps() == (NAME, '{"é": 1}'.encode())


def test_it_is_looked_up_once_in_a_while(
    client: FakeClient, publications: MilvusPublications, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publications.live() == (NAME, None)
    client.alias = collection("next", PARTS)
    client.collections[client.alias] = {}
    assert publications.live() == (NAME, None)
    later = time.monotonic() + 2
    monkeypatch.setattr(aliases.time, "monotonic", lambda: later)
    assert publications.live() == ("next", None)


def test_without_a_generation_every_call_says_so(
    client: FakeClient, publications: MilvusPublications
) -> None:
    client.alias = None
    for _ in range(2):  # the second time it is remembered
        with pytest.raises(IndexUnavailableError, match="there is no index at fake:19530: run `qa index`"):
            publications.live()


def test_while_another_thread_looks_for_the_first_time_it_waits_or_uses_what_is_known(
    publications: MilvusPublications,
) -> None:
    publications.live()
    publications._next = 0.0
    with publications._lock:  # another thread is looking
        assert publications.live() == (NAME, None)


def test_an_error_of_the_store_is_no_lasting_answer(
    client: FakeClient, publications: MilvusPublications, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(client, "call_unless_missing", away)
        with pytest.raises(StoreUnavailableError):
            publications.live()
    publications._next = 0.0
    assert publications.live() == (NAME, None)
