"""Upload a local generation to a Milvus in batches, check it there, and then make it the live one.

Whatever happens on the way, the alias still names the old generation. Rows are upserted by number, so
uploading one again changes nothing; a repeated upload skips the rows that an interrupted one has left.
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
from qa.stores.milvus.rows import UNUSED, Rows
from qa.stores.milvus.schema import CALIBRATION, PARTS, collection

_BATCH_SIZES = {
    schema.PARTS: 100,
    schema.DOCUMENTS: 500,
    schema.PASSAGES: 200,
    schema.SENTENCES: 2000,
    schema.TERMS: 5000,
}
"""Rows per message, by collection (chosen: some megabytes at most)."""

_SAMPLE = 40  # rows of each collection that are compared in full afterwards (chosen)
_TIMEOUT = 120.0  # seconds for an answer: nobody waits for an upload (chosen)
_SEED = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload did: how many rows it sent, and which generations it dropped."""

    generation: str
    address: str
    changed: bool
    rows: int
    dropped: tuple[str, ...]


def publish(store: str, local: Generation, calibration: bytes | None, *, progress: bool = False) -> Upload:
    """Make a generation the live one of a Milvus.

    Args:
        store: the setting of that name.
        local: the local generation.
        calibration: the content of the calibration file, if there is one.
        progress: show progress bars on standard error.

    Raises:
        StoreUnavailableError: the Milvus does not answer, even after retries; what was live still is.
        BuildError: what it holds in the end is not what was uploaded; what was live still is.
    """
    client = Client(store, timeout=_TIMEOUT)
    try:
        return _publish(client, local, calibration, progress=progress)
    finally:
        client.close()


def calibrate(store: str, calibration: bytes | None) -> None:
    """Apply a calibration, or none, to the generation that is live in a Milvus, if there is one.

    Raises:
        StoreUnavailableError: the Milvus does not answer, even after retries.
    """
    client = Client(store, timeout=_TIMEOUT)
    try:
        if generation := patient(live)(client):
            _calibrate(client, generation, calibration)
    finally:
        client.close()


def drop_earlier(store: str, cache: Path) -> tuple[str, ...]:
    """Drop all generations of a Milvus but the live one, and copies of their files on this machine.

    Args:
        store: the setting of that name.
        cache: where copies are kept.

    Returns:
        The names of the dropped generations.

    Raises:
        StoreUnavailableError: the Milvus does not answer, even after retries.
    """
    client = Client(store, timeout=_TIMEOUT)
    try:
        current = patient(live)(client)
        if current is None:
            return ()
        assets.remove_others(cache, current)
        return _drop(client, {current})
    finally:
        client.close()


def _publish(client: Client, local: Generation, calibration: bytes | None, *, progress: bool) -> Upload:
    name, old = local.manifest.generation, patient(live)(client)
    if old == name:
        _calibrate(client, name, calibration)
        return Upload(name, client.address, changed=False, rows=0, dropped=())
    rows = Rows(local, sparse=patient(schema.has_sparse)(client))
    rows.layout.check()
    uploaded = 0
    for kind in rows.layout.kinds:
        patient(schema.create)(client, name, kind, rows.layout)
        uploaded += _upload(client, rows, kind, progress=progress)
    for kind in rows.layout.kinds:
        patient(client.call)("flush", collection(name, kind))
        patient(client.call)("load_collection", collection(name, kind))
    _calibrate(client, name, calibration)
    for kind in rows.layout.kinds:
        _check(client, rows, kind)
    patient(_switch)(client, name)
    dropped = _drop(client, {name, old or name})  # some may still read the old one
    return Upload(name, client.address, changed=True, rows=uploaded, dropped=dropped)


def _upload(client: Client, rows: Rows, kind: str, *, progress: bool) -> int:
    """Upload the rows of a collection that are not there yet; return how many."""
    name, count = collection(rows.generation, kind), rows.count(kind)
    there = patient(_loaded_count)(client, name)
    uploaded = 0
    with tqdm(
        total=count, desc=f"Uploading {kind}", unit="row", disable=not progress, dynamic_ncols=True
    ) as bar:
        for first, last in _batches(count, _BATCH_SIZES[kind]):
            batch = rows.make(kind, first, last)
            if not there or _holds(client, name, batch) < len(batch):
                patient(client.call)("upsert", name, batch)
                uploaded += len(batch)
            bar.update(last - first)
    return uploaded


def _batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, size):
        yield first, min(first + size, count)


def _loaded_count(client: Client, name: str) -> int:
    client.call("load_collection", name)
    return client.count(name, strong=True)


def _holds(client: Client, name: str, batch: list[dict[str, Any]]) -> int:
    """Return how many rows of a batch are there."""
    numbers = ", ".join(str(row["id"]) for row in batch)
    count: int = patient(client.count)(name, f"id in [{numbers}]", strong=True)
    return count


def _check(client: Client, rows: Rows, kind: str) -> None:
    """Compare a collection with the local generation: how many rows it has, and a sample in full."""
    name, count = collection(rows.generation, kind), rows.count(kind)
    there = patient(client.count)(name, f"id != {CALIBRATION}" if kind == PARTS else "", strong=True)
    if there != count:
        raise BuildError(
            f"{name} at {client.address} holds {there} rows where {count} were uploaded: run `qa index`"
        )
    places = np.random.default_rng(_SEED).choice(count, min(count, _SAMPLE), replace=False)
    sample = [rows.make(kind, place, place + 1)[0] for place in sorted(places.tolist())]
    fields = sorted({field for row in sample for field in row} - {"id", "unused"})
    stored = patient(client.rows)(name, [row["id"] for row in sample], fields, strong=True)
    for row in sample:
        if not all(_equal(row[field], stored[row["id"]][field]) for field in fields):
            raise BuildError(
                f"row {row['id']} of {name} at {client.address} is not what was uploaded: run `qa index`"
            )


def _equal(local: Any, stored: Any) -> bool:
    """Whether a field is what it was: numbers nearly so, as a Milvus may round them."""
    if isinstance(local, dict):
        return local.keys() == stored.keys() and np.allclose(
            list(local.values()), [stored[key] for key in local]
        )
    return bool(np.allclose(local, stored)) if isinstance(local, np.ndarray) else local == stored


def _switch(client: Client, name: str) -> None:
    """Make the alias name another generation, atomically."""
    action = "create_alias" if aliased(client) is None else "alter_alias"
    client.call(action, collection(name, PARTS), schema.ALIAS)


def _drop(client: Client, kept: set[str]) -> tuple[str, ...]:
    """Drop all generations but some; return the names of the dropped ones."""
    collections: list[str] = patient(client.call)("list_collections")
    dropped = set()
    for name in collections:
        if schema.is_ours(name) and (generation := schema.generation_of(name)) not in kept:
            patient(client.call)("drop_collection", name)
            dropped.add(generation or name)
    return tuple(sorted(dropped))


def _calibrate(client: Client, generation: str, calibration: bytes | None) -> None:
    """Store the calibration, or remove it, if the stored one differs."""
    name = collection(generation, PARTS)
    stored: list[Row] = patient(client.query)(name, ["data"], where=f"id == {CALIBRATION}", strong=True)
    if calibration is None:
        if stored:
            patient(client.call)("delete", name, ids=[CALIBRATION])
    elif not stored or stored[0]["data"] != calibration.decode():
        row = {"id": CALIBRATION, "data": calibration.decode(), "unused": UNUSED}
        patient(client.call)("upsert", name, [row])
