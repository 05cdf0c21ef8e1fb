"""A client whose Milvus is a dictionary. Conditions are evaluated as Python, whose syntax they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from qa.errors import StoreUnavailableError
from qa.index.generation import Generation
from qa.stores.milvus.client import Row
from qa.stores.milvus.rows import Rows
from qa.stores.milvus.schema import collection


def holds(where: str, row: Row) -> bool:
    """Return whether a row meets a condition."""
    return not where or bool(eval(where, {}, dict(row)))


class FakeClient:
    """Rows by collection and number."""

    address = "fake:19530"

    def __init__(self) -> None:
        self.collections: dict[str, dict[int, dict[str, Any]]] = {}
        self.alias: str | None = None
        self.queries = 0

    def query(
        self, collection: str, fields: Sequence[str], *, where: str, limit: int = 16_384, strong: bool = False
    ) -> list[Row]:
        self.queries += 1
        rows = [row for row in self.collections[collection].values() if holds(where, row)]
        return [{name: row[name] for name in ("id", *fields)} for row in rows[:limit]]

    def count(self, collection: str, where: str = "", *, strong: bool = False) -> int:
        return sum(holds(where, row) for row in self.collections[collection].values())

    def rows(
        self, collection: str, numbers: Iterable[int], fields: Sequence[str], *, strong: bool = False
    ) -> dict[int, Row]:
        self.queries += 1
        stored = self.collections[collection]
        try:
            return {n: {name: stored[n][name] for name in ("id", *fields)} for n in numbers}
        except KeyError as error:
            raise StoreUnavailableError("a row is missing") from error

    def scan(
        self, collection: str, fields: Sequence[str], *, where: str, first: int, last: int
    ) -> Iterator[Row]:
        ranged = f"id >= {first} and id < {last}" + (f" and ({where})" if where else "")
        yield from sorted(self.query(collection, fields, where=ranged), key=lambda row: row["id"])

    def call_unless_missing(self, name: str, *args: Any) -> Any:
        assert name == "describe_alias"
        return self.alias and {"collection_name": self.alias}

    def close(self) -> None:
        pass


def filled(local: Generation, *, sparse: bool = True) -> tuple[FakeClient, Rows]:
    """Return a client of a Milvus that holds a generation, and its rows."""
    client, rows = FakeClient(), Rows(local, sparse=sparse)
    for kind in rows.layout.kinds:
        made = rows.make(kind, 0, rows.count(kind))
        client.collections[collection(rows.generation, kind)] = {row["id"]: row for row in made}
    return client, rows
