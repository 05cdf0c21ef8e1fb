"""Which generation of a Milvus is live."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from qa.errors import IndexUnavailableError, StoreUnavailableError
from qa.stores.milvus.assets import CACHED
from qa.stores.milvus.client import Client
from qa.stores.milvus.corpus import MilvusCorpus
from qa.stores.milvus.schema import ALIAS, CALIBRATION, PARTS, collection, generation_of

_LOOKED_AT_EVERY = 1.0


def aliased(client: Client) -> str | None:
    """Give the collection that the alias names, if there is one.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    found = client.unless_missing("describe_alias", ALIAS)
    return found and str(found["collection_name"])


def live(client: Client) -> str | None:
    """Name the live generation; None where nothing that this version reads has been published.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    return generation_of(aliased(client) or "")


class MilvusPublications:
    """What is live in a Milvus, looked at once a second: in between, what was found last holds."""

    def __init__(self, store: str, cache: Path) -> None:
        self._client = Client(store)
        self._cache = cache / CACHED
        self._lock = threading.Lock()
        self._next = 0.0
        self._found: tuple[str, bytes | None] | IndexUnavailableError | None = None

    def stamps(self) -> tuple[str, bytes | None]:
        """Give what changes when another generation or calibration is published.

        Raises:
            IndexUnavailableError: nothing has been published.
            StoreUnavailableError: the Milvus does not answer.
        """
        if time.monotonic() >= self._next and self._lock.acquire(blocking=self._found is None):
            try:
                self._look()
            finally:
                self._lock.release()
        if isinstance(self._found, IndexUnavailableError):
            raise type(self._found)(*self._found.args) from self._found.__cause__
        if self._found is None:  # whoever looks has not looked yet
            raise StoreUnavailableError("the store is being looked for")
        return self._found

    def live(self) -> tuple[str, bytes | None]:
        """Give the live generation and its calibration, as ``stamps`` does."""
        return self.stamps()

    def check(self, generation: str) -> None:
        """Do nothing: files are checked when they are fetched, rows when they were put."""

    def open(self, generation: str) -> MilvusCorpus:
        """Open a generation."""
        return MilvusCorpus(self._client, generation, self._cache)

    def close(self) -> None:
        """Part with the Milvus."""
        self._client.close()

    def _look(self) -> None:
        if time.monotonic() < self._next:  # somebody else has just looked
            return
        try:
            self._found = self._read()
        except IndexUnavailableError as error:
            self._found = error
        self._next = time.monotonic() + _LOOKED_AT_EVERY

    def _read(self) -> tuple[str, bytes | None]:
        name = live(self._client)
        if name is None:
            raise IndexUnavailableError(f"there is no index at {self._client.address}: run `qa index`")
        where = f"id == {CALIBRATION}"
        rows = self._client.query(collection(name, PARTS), ["data"], where=where)
        return name, rows[0]["data"].encode() if rows else None
