"""One Milvus: what is asked of it, and errors that say plainly when it does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from qa.errors import SettingsError, StoreUnavailableError

_PREFIX = "milvus+"
_NOT_LOADED, _NOT_THERE = 101, (100, 1600)
_NEEDED = "the store is a Milvus, which takes what is not installed: pip install 'qa[milvus]'"
_TRIES = 6
_QUIET = {"grpc.keepalive_time_ms": 7_200_000}
"""Milvus Lite parts with whoever asks more often whether it is still there."""

_ANSWERS_IN = 3.0
_LOADS_IN = 60.0
_AT_ONCE = 500
_MOST = 16_384
"""How many rows Milvus gives at once."""

Row = Mapping[str, Any]
_T = TypeVar("_T")
_P = ParamSpec("_P")


class Client:
    """Asks a Milvus. Any number of threads may share one; a process that is forked needs its own."""

    def __init__(self, store: str, *, patience: float = _ANSWERS_IN) -> None:
        """Name the Milvus; it is looked for with the first question.

        Args:
            store: the setting.
            patience: for how many seconds an answer is waited for.
        """
        self._uri = store.removeprefix(_PREFIX)
        self._patience = patience
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._client: Any = None
        # As far as others may see it: it may hold a password.
        parts = urlsplit(self._uri)
        self.address = f"{parts.hostname}:{parts.port or 19530}" if parts.hostname else self._uri

    def call(self, name: str, *args: Any, patience: float | None = None, **kwargs: Any) -> Any:
        """Call a method of pymilvus's client.

        Raises:
            StoreUnavailableError: there is no answer, or an error.
        """
        seconds = patience or self._patience
        return self._tried(lambda client: getattr(client, name)(*args, timeout=seconds, **kwargs))

    def unless_missing(self, name: str, *args: Any) -> Any:
        """Call a method; give None where what it asks for is not there.

        Raises:
            StoreUnavailableError: there is no answer.
        """
        try:
            return self.call(name, *args)
        except StoreUnavailableError as error:
            if getattr(error.__cause__, "code", None) in _NOT_THERE:
                return None
            raise

    def query(
        self, collection: str, fields: Sequence[str], *, where: str, limit: int = _MOST, strong: bool = False
    ) -> list[Row]:
        """Give rows that fit a condition, in no order, ``limit`` at the most."""
        level = "Strong" if strong else "Eventually"
        return list(
            self._loaded(
                collection, "query", filter=where, output_fields=list(fields), limit=limit,
                consistency_level=level,
            )
        )  # fmt: skip

    def count(self, collection: str, where: str = "", *, strong: bool = False) -> int:
        """Count the rows that fit a condition."""
        level = "Strong" if strong else "Eventually"
        found = self._loaded(
            collection, "query", filter=where, output_fields=["count(*)"], consistency_level=level
        )
        return int(found[0]["count(*)"])

    def rows(
        self, collection: str, numbers: Iterable[int], fields: Sequence[str], *, strong: bool = False
    ) -> dict[int, Row]:
        """Give rows by number.

        Raises:
            StoreUnavailableError: one of them is not there, or there is no answer.
        """
        wanted, found = list(dict.fromkeys(numbers)), dict[int, Row]()
        level = "Strong" if strong else "Eventually"
        for first in range(0, len(wanted), _AT_ONCE):
            some = self._loaded(
                collection, "query", ids=wanted[first : first + _AT_ONCE], output_fields=["id", *fields],
                consistency_level=level,
            )  # fmt: skip
            found |= {row["id"]: row for row in some}
        if len(found) != len(wanted):
            raise StoreUnavailableError(
                f"{self.address} gives {len(found)} of {len(wanted)} rows of {collection}"
            )
        return found

    def every(
        self, collection: str, fields: Sequence[str], *, where: str, first: int, last: int
    ) -> Iterator[Row]:
        """Give all rows from ``first`` to ``last`` that fit a condition, by number."""
        ranged = f"id >= {first} and id < {last}" + (f" and ({where})" if where else "")
        count = self.count(collection, ranged)
        if count > _MOST:
            middle = (first + last) // 2
            yield from self.every(collection, fields, where=where, first=first, last=middle)
            yield from self.every(collection, fields, where=where, first=middle, last=last)
        elif count:
            found = self.query(collection, ["id", *fields], where=ranged)
            if len(found) != count:
                raise StoreUnavailableError(
                    f"{self.address} gives {len(found)} of {count} rows of {collection}"
                )
            yield from sorted(found, key=lambda row: row["id"])

    def search(
        self, collection: str, field: str, vector: Any, *, limit: int, where: str, fields: Sequence[str],
        parameters: Mapping[str, Any], patience: float | None = None,
    ) -> list[Row]:  # fmt: skip
        """Give the rows with the greatest inner products, best first, with ``id`` and the fields."""
        found = self._loaded(
            collection, "search", data=[vector], anns_field=field, limit=min(limit, _MOST), filter=where,
            output_fields=list(fields), search_params={"metric_type": "IP", "params": dict(parameters)},
            consistency_level="Eventually", patience=patience,
        )[0]  # fmt: skip
        return [{"id": hit["id"], **{name: hit["entity"][name] for name in fields}} for hit in found]

    def warm(self, collection: str, field: str, vector: Any, parameters: Mapping[str, Any]) -> None:
        """Search once, however long that takes: a Milvus may load and index what it is asked for first."""
        self.search(
            collection,
            field,
            vector,
            limit=1,
            where="",
            fields=["id"],
            parameters=parameters,
            patience=_LOADS_IN,
        )

    def _loaded(self, collection: str, name: str, **kwargs: Any) -> Any:
        """Ask a collection; one that a Milvus has not loaded since it was started is loaded first."""
        try:
            return self.call(name, collection, **kwargs)
        except StoreUnavailableError as error:
            if getattr(error.__cause__, "code", None) != _NOT_LOADED:
                raise
            if not self._loading.acquire(blocking=False):  # somebody else sees to that
                raise
        try:
            self._tried(lambda client: client.load_collection(collection, timeout=_LOADS_IN))
        finally:
            self._loading.release()
        return self.call(name, collection, **kwargs)

    def _tried(self, what: Callable[[Any], _T]) -> _T:
        pymilvus = library()
        import grpc  # what pymilvus speaks, whose errors it does not always make its own

        try:
            return what(self._connected(pymilvus))
        except (pymilvus.MilvusException, grpc.RpcError, ValueError, ConnectionError) as error:
            reason = getattr(error, "message", None) or str(error)
            raise StoreUnavailableError(f"the store at {self.address} does not answer: {reason}") from error

    def _connected(self, pymilvus: Any) -> Any:
        with self._lock:
            if self._client is None:
                options = {} if "://" in self._uri else _QUIET
                self._client = pymilvus.MilvusClient(self._uri, timeout=self._patience, grpc_options=options)
            return self._client

    def close(self) -> None:
        """Part with it; a file of Milvus Lite is free for others then."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None


def patient(what: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a function ask again, later and later, where a Milvus does not answer.

    Raises:
        SettingsError: what that takes is not installed.
    """
    try:
        import tenacity  # an extra, which only this store needs
    except ImportError as error:
        raise SettingsError(_NEEDED) from error
    return tenacity.retry(
        retry=tenacity.retry_if_exception_type(StoreUnavailableError),
        wait=tenacity.wait_exponential_jitter(multiplier=0.5, max=20),
        stop=tenacity.stop_after_attempt(_TRIES),
        reraise=True,
    )(what)


def library() -> Any:
    """Load pymilvus.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        import pymilvus  # an extra, which only this store needs
    except ImportError as error:
        raise SettingsError(_NEEDED) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # its errors are raised, and told once
    return pymilvus
