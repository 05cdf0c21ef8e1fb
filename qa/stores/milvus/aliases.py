"""Which generation of a Milvus is live: the one that the alias names."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from qa.errors import IndexUnavailableError, StoreUnavailableError
from qa.stores.milvus.assets import CACHED
from qa.stores.milvus.client import Client
from qa.stores.milvus.corpus import MilvusCorpus
from qa.stores.milvus.schema import ALIAS, CALIBRATION, PARTS, collection, generation_of

_LOOK_INTERVAL = 1.0
"""How old, in seconds, what is known of the live generation may be (chosen)."""


def aliased(client: Client) -> str | None:
    """Return the collection that the alias names, if there is one.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    description = client.call_unless_missing("describe_alias", ALIAS)
    return description and str(description["collection_name"])


def live(client: Client) -> str | None:
    """Return the name of the live generation; None if none that this version reads has been published.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    return generation_of(aliased(client) or "")


class MilvusPublications:
    """What is live in a Milvus, looked up once a second at most. Threads may share it."""

    def __init__(self, store: str, cache: Path) -> None:
        self._client = Client(store)
        self._cache = cache / CACHED
        self._lock = threading.Lock()
        self._next = 0.0
        self._latest: tuple[str, bytes | None] | IndexUnavailableError | None = None

    def stamps(self) -> tuple[str, bytes | None]:
        """Return what changes when another generation or calibration is published.

        Raises:
            IndexUnavailableError: nothing has been published.
            StoreUnavailableError: the Milvus does not answer.
        """
        if time.monotonic() >= self._next and self._lock.acquire(blocking=self._latest is None):
            try:
                self._look()
            finally:
                self._lock.release()
        if isinstance(self._latest, IndexUnavailableError):
            raise type(self._latest)(*self._latest.args) from self._latest.__cause__
        if self._latest is None:  # another thread is looking, for the first time
            raise StoreUnavailableError("the service is still connecting to the store")
        return self._latest

    def live(self) -> tuple[str, bytes | None]:
        """Return the live generation's name and the calibration, as ``stamps`` does."""
        return self.stamps()

    def check(self, generation: str) -> None:
        """Do nothing: files are checked when they are fetched, and rows were when they were uploaded."""

    def open(self, generation: str) -> MilvusCorpus:
        """Open a generation."""
        return MilvusCorpus(self._client, generation, self._cache)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _look(self) -> None:
        if time.monotonic() < self._next:  # another thread has just looked
            return
        try:
            self._latest = self._read()
        except IndexUnavailableError as error:
            self._latest = error
        self._next = time.monotonic() + _LOOK_INTERVAL

    def _read(self) -> tuple[str, bytes | None]:
        name = live(self._client)
        if name is None:
            raise IndexUnavailableError(f"there is no index at {self._client.address}: run `qa index`")
        where = f"id == {CALIBRATION}"
        rows = self._client.query(collection(name, PARTS), ["data"], where=where)
        return name, rows[0]["data"].encode() if rows else None
