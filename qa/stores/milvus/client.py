"""A connection to one Milvus: its queries, and one error for whenever it does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from qa.errors import SettingsError, StoreUnavailableError

_PREFIX = "milvus+"
_NOT_LOADED, _MISSING = 101, (100, 1600)
"""Milvus's error codes: a collection is not loaded; a collection or an alias does not exist."""
_NOT_INSTALLED = "a Milvus as the store needs an extra that is not installed: pip install 'qa[milvus]'"
_TRIES = 6
"""How often a call is tried in an upload, over about 15 seconds (chosen)."""
_QUIET = {"grpc.keepalive_time_ms": 7_200_000}
"""Milvus Lite closes connections that ping more often."""

_TIMEOUT, _LOAD_TIMEOUT = 3.0, 60.0
"""Seconds for an answer, beyond which a person has gone, and for loading a collection (chosen)."""

_IDS_AT_ONCE = 500
"""How many rows are asked for by number at once (chosen)."""

_MOST_ROWS = 16_384
"""Milvus's own limit of the rows in one answer."""

Row = Mapping[str, Any]
_T = TypeVar("_T")
_P = ParamSpec("_P")


class Client:
    """A client of one Milvus. Any number of threads may share it; a forked process needs its own."""

    def __init__(self, store: str, *, timeout: float = _TIMEOUT) -> None:
        """Note the address. The first call connects.

        Args:
            store: the setting of that name.
            timeout: how many seconds to wait for an answer.
        """
        self._uri = store.removeprefix(_PREFIX)
        self._timeout = timeout
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._client: Any = None
        # Without user and password, for messages.
        parts = urlsplit(self._uri)
        self.address = f"{parts.hostname}:{parts.port or 19530}" if parts.hostname else self._uri

    def call(self, name: str, *args: Any, call_timeout: float | None = None, **kwargs: Any) -> Any:
        """Call a method of pymilvus's client.

        Raises:
            StoreUnavailableError: there is no answer, or an error.
        """
        seconds = call_timeout or self._timeout
        return self._try(lambda client: getattr(client, name)(*args, timeout=seconds, **kwargs))

    def call_unless_missing(self, name: str, *args: Any) -> Any:
        """Call a method of pymilvus's client; return None if what it names does not exist.

        Raises:
            StoreUnavailableError: there is no answer.
        """
        try:
            return self.call(name, *args)
        except StoreUnavailableError as error:
            if getattr(error.__cause__, "code", None) in _MISSING:
                return None
            raise

    def query(
        self,
        collection: str,
        fields: Sequence[str],
        *,
        where: str,
        limit: int = _MOST_ROWS,
        strong: bool = False,
    ) -> list[Row]:
        """Return rows that meet a condition, in no order, ``limit`` at most."""
        level = "Strong" if strong else "Eventually"
        return list(
            self._loaded(
                collection, "query", filter=where, output_fields=list(fields), limit=limit,
                consistency_level=level,
            )
        )  # fmt: skip

    def count(self, collection: str, where: str = "", *, strong: bool = False) -> int:
        """Return how many rows meet a condition."""
        level = "Strong" if strong else "Eventually"
        answer = self._loaded(
            collection, "query", filter=where, output_fields=["count(*)"], consistency_level=level
        )
        return int(answer[0]["count(*)"])

    def rows(
        self, collection: str, numbers: Iterable[int], fields: Sequence[str], *, strong: bool = False
    ) -> dict[int, Row]:
        """Return rows by number.

        Raises:
            StoreUnavailableError: a row is missing, or there is no answer.
        """
        wanted, rows = list(dict.fromkeys(numbers)), dict[int, Row]()
        level = "Strong" if strong else "Eventually"
        for first in range(0, len(wanted), _IDS_AT_ONCE):
            answer = self._loaded(
                collection, "query", ids=wanted[first : first + _IDS_AT_ONCE], output_fields=["id", *fields],
                consistency_level=level,
            )  # fmt: skip
            rows |= {row["id"]: row for row in answer}
        if len(rows) != len(wanted):
            raise StoreUnavailableError(
                f"{self.address} returned {len(rows)} of {len(wanted)} rows of {collection}"
            )
        return rows

    def scan(
        self, collection: str, fields: Sequence[str], *, where: str, first: int, last: int
    ) -> Iterator[Row]:
        """Yield all rows from ``first`` to before ``last`` that meet a condition, by number."""
        ranged = f"id >= {first} and id < {last}" + (f" and ({where})" if where else "")
        count = self.count(collection, ranged)
        if count > _MOST_ROWS:
            middle = (first + last) // 2
            yield from self.scan(collection, fields, where=where, first=first, last=middle)
            yield from self.scan(collection, fields, where=where, first=middle, last=last)
        elif count:
            rows = self.query(collection, ["id", *fields], where=ranged)
            if len(rows) != count:
                raise StoreUnavailableError(
                    f"{self.address} returned {len(rows)} of {count} rows of {collection}"
                )
            yield from sorted(rows, key=lambda row: row["id"])

    def search(
        self, collection: str, field: str, vector: Any, *, limit: int, where: str, fields: Sequence[str],
        parameters: Mapping[str, Any], timeout: float | None = None,
    ) -> list[Row]:  # fmt: skip
        """Return the rows with the greatest inner products, best first, with ``id`` and the fields."""
        hits = self._loaded(
            collection, "search", data=[vector], anns_field=field, limit=min(limit, _MOST_ROWS), filter=where,
            output_fields=list(fields), search_params={"metric_type": "IP", "params": dict(parameters)},
            consistency_level="Eventually", call_timeout=timeout,
        )[0]  # fmt: skip
        return [{"id": hit["id"], **{name: hit["entity"][name] for name in fields}} for hit in hits]

    def warm(self, collection: str, field: str, vector: Any, parameters: Mapping[str, Any]) -> None:
        """Search once and wait longer: a Milvus may first load and index the collection."""
        self.search(
            collection,
            field,
            vector,
            limit=1,
            where="",
            fields=["id"],
            parameters=parameters,
            timeout=_LOAD_TIMEOUT,
        )

    def _loaded(self, collection: str, name: str, **kwargs: Any) -> Any:
        """Call a method for a collection, loading it first if the Milvus has not since it started."""
        try:
            return self.call(name, collection, **kwargs)
        except StoreUnavailableError as error:
            if getattr(error.__cause__, "code", None) != _NOT_LOADED:
                raise
            if not self._loading.acquire(blocking=False):  # another thread is loading it
                raise
        try:
            self._try(lambda client: client.load_collection(collection, timeout=_LOAD_TIMEOUT))
        finally:
            self._loading.release()
        return self.call(name, collection, **kwargs)

    def _try(self, method: Callable[[Any], _T]) -> _T:
        pymilvus = library()
        import grpc  # pymilvus does not translate all of its errors

        try:
            return method(self._connected(pymilvus))
        except (pymilvus.MilvusException, grpc.RpcError, ValueError, ConnectionError) as error:
            reason = getattr(error, "message", None) or str(error)
            raise StoreUnavailableError(f"the store at {self.address} does not answer: {reason}") from error

    def _connected(self, pymilvus: Any) -> Any:
        with self._lock:
            if self._client is None:
                options = {} if "://" in self._uri else _QUIET
                self._client = pymilvus.MilvusClient(self._uri, timeout=self._timeout, grpc_options=options)
            return self._client

    def close(self) -> None:
        """Close the connection, which also frees a file of Milvus Lite for others."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None


def patient(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a function that tries again, after longer and longer waits, if a Milvus does not answer.

    Raises:
        SettingsError: the extra that this needs is not installed.
    """
    try:
        import tenacity  # an extra that only this store needs
    except ImportError as error:
        raise SettingsError(_NOT_INSTALLED) from error
    return tenacity.retry(
        retry=tenacity.retry_if_exception_type(StoreUnavailableError),
        wait=tenacity.wait_exponential_jitter(multiplier=0.5, max=20),
        stop=tenacity.stop_after_attempt(_TRIES),
        reraise=True,
    )(function)


def library() -> Any:
    """Import pymilvus.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        import pymilvus  # an extra that only this store needs
    except ImportError as error:
        raise SettingsError(_NOT_INSTALLED) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # its errors are raised, and reported once
    return pymilvus
