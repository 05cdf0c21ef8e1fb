"""A local generation into a Milvus: uploaded in batches, checked, and then put in the place of the old one.

Whatever happens on the way, the alias names the generation that was live. Rows have numbers and are put by
them, so that to put one again changes nothing; what an interrupted upload has put is found and passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from qa.errors import BuildError
from qa.index.generation import Generation
from qa.stores.milvus import assets, schema
from qa.stores.milvus.aliases import aliased, live
from qa.stores.milvus.client import Client, Row, patient
from qa.stores.milvus.rows import Rows
from qa.stores.milvus.schema import CALIBRATION, PARTS, collection

_AT_ONCE = {
    schema.PARTS: 100,
    schema.DOCUMENTS: 500,
    schema.PASSAGES: 200,
    schema.SENTENCES: 2000,
    schema.TERMS: 5000,
}
_SAMPLE = 40
_PATIENCE = 120.0
_SEED = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload did: the rows that it put, and the generations that it dropped."""

    generation: str
    address: str
    changed: bool
    rows: int
    dropped: tuple[str, ...]


def publish(store: str, found: Generation, calibration: bytes | None, *, progress: bool = False) -> Upload:
    """Make a generation the live one of a Milvus.

    Args:
        store: the setting.
        found: the generation.
        calibration: the calibration that holds for it, if there is one.
        progress: show progress bars on standard error.

    Raises:
        StoreUnavailableError: the Milvus does not answer, however often it is asked; what was live still is.
        BuildError: what it holds in the end is not what was put there; what was live still is.
    """
    client = Client(store, patience=_PATIENCE)
    try:
        return _publish(client, found, calibration, progress=progress)
    finally:
        client.close()


def calibrate(store: str, calibration: bytes | None) -> None:
    """Let a calibration, or none, hold for the generation that is live in a Milvus, if one is.

    Raises:
        StoreUnavailableError: it does not answer, however often it is asked.
    """
    client = Client(store, patience=_PATIENCE)
    try:
        if generation := patient(live)(client):
            _calibrate(client, generation, calibration)
    finally:
        client.close()


def drop_earlier(store: str, cache: Path) -> tuple[str, ...]:
    """Drop all generations of a Milvus but the live one, and copies of their files on this machine.

    Args:
        store: the setting.
        cache: where copies are kept.

    Returns:
        The names of what was dropped.

    Raises:
        StoreUnavailableError: the Milvus does not answer, however often it is asked.
    """
    client = Client(store, patience=_PATIENCE)
    try:
        kept = patient(live)(client)
        if kept is None:
            return ()
        assets.remove_others(cache, kept)
        return _drop(client, {kept})
    finally:
        client.close()


def _publish(client: Client, found: Generation, calibration: bytes | None, *, progress: bool) -> Upload:
    name, old = found.manifest.generation, patient(live)(client)
    if old == name:
        _calibrate(client, name, calibration)
        return Upload(name, client.address, changed=False, rows=0, dropped=())
    rows = Rows(found, sparse=patient(schema.has_sparse)(client))
    rows.layout.check()
    put = 0
    for kind in rows.layout.kinds:
        patient(schema.create)(client, name, kind, rows.layout)
        put += _put(client, rows, kind, progress=progress)
    for kind in rows.layout.kinds:
        patient(client.call)("flush", collection(name, kind))
        patient(client.call)("load_collection", collection(name, kind))
    _calibrate(client, name, calibration)
    for kind in rows.layout.kinds:
        _check(client, rows, kind)
    patient(_switch)(client, name)
    return Upload(name, client.address, changed=True, rows=put, dropped=_drop(client, {name, old or name}))


def _put(client: Client, rows: Rows, kind: str, *, progress: bool) -> int:
    """Put the rows of a collection that are not there yet."""
    name, count = collection(rows.generation, kind), rows.count(kind)
    there = patient(_loaded_count)(client, name)
    put = 0
    with tqdm(
        total=count, desc=f"Uploading {kind}", unit="row", disable=not progress, dynamic_ncols=True
    ) as bar:
        for first, last in _batches(count, _AT_ONCE[kind]):
            batch = rows.make(kind, first, last)
            if not there or _holds(client, name, batch) < len(batch):
                patient(client.call)("upsert", name, batch)
                put += len(batch)
            bar.update(last - first)
    return put


def _batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, size):
        yield first, min(first + size, count)


def _loaded_count(client: Client, name: str) -> int:
    client.call("load_collection", name)
    return client.count(name, strong=True)


def _holds(client: Client, name: str, batch: list[dict[str, Any]]) -> int:
    """Count the rows of a batch that are there."""
    numbers = ", ".join(str(row["id"]) for row in batch)
    found: int = patient(client.count)(name, f"id in [{numbers}]", strong=True)
    return found


def _check(client: Client, rows: Rows, kind: str) -> None:
    """Hold a collection against the generation: how many rows it has, and some of them to the letter."""
    name, count = collection(rows.generation, kind), rows.count(kind)
    there = patient(client.count)(name, f"id != {CALIBRATION}" if kind == PARTS else "", strong=True)
    if there != count:
        raise BuildError(
            f"{name} at {client.address} holds {there} rows where {count} were put: run `qa index`"
        )
    places = np.random.default_rng(_SEED).choice(count, min(count, _SAMPLE), replace=False)
    made = [rows.make(kind, place, place + 1)[0] for place in sorted(places.tolist())]
    fields = sorted({field for row in made for field in row} - {"id", "unused"})
    kept = patient(client.rows)(name, [row["id"] for row in made], fields, strong=True)
    for row in made:
        if not all(_equal(row[field], kept[row["id"]][field]) for field in fields):
            raise BuildError(
                f"row {row['id']} of {name} at {client.address} is not what was put: run `qa index`"
            )


def _equal(put: Any, kept: Any) -> bool:
    if isinstance(put, dict):
        return put.keys() == kept.keys() and np.allclose(list(put.values()), [kept[key] for key in put])
    return bool(np.allclose(put, kept)) if isinstance(put, np.ndarray) else put == kept


def _switch(client: Client, name: str) -> None:
    """Let the alias name another generation, in one step."""
    action = "create_alias" if aliased(client) is None else "alter_alias"
    client.call(action, collection(name, PARTS), schema.ALIAS)


def _drop(client: Client, kept: set[str]) -> tuple[str, ...]:
    """Drop all generations but the live one and the one before it, which some may still read."""
    found: list[str] = patient(client.call)("list_collections")
    dropped = set()
    for name in found:
        if schema.is_ours(name) and (generation := schema.generation_of(name)) not in kept:
            patient(client.call)("drop_collection", name)
            dropped.add(generation or name)
    return tuple(sorted(dropped))


def _calibrate(client: Client, generation: str, calibration: bytes | None) -> None:
    """Put the calibration there, or take it away, where it is another."""
    name = collection(generation, PARTS)
    kept: list[Row] = patient(client.query)(name, ["data"], where=f"id == {CALIBRATION}", strong=True)
    if calibration is None:
        if kept:
            patient(client.call)("delete", name, ids=[CALIBRATION])
    elif not kept or kept[0]["data"] != calibration.decode():
        row = {"id": CALIBRATION, "data": calibration.decode(), "unused": [0.0, 1.0]}
        patient(client.call)("upsert", name, [row])
