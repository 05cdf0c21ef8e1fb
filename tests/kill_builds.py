"""Kill builds, hundreds of them, and look after each whether anything is lost: ``make kills``.

A build is killed with SIGKILL before each thing that it does to the index's folder, before and after each of
its named steps, and at times drawn by chance. Half of the first kind also lose what was not yet brought onto
the disk, as when the power goes. After each kill the live generation must pass ``verify`` and answer; then
the next run must clean up and publish what is in the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.index import generation
from qa.index.lexical.inverted_index import LexicalWriter
from qa.index.store import StoreWriter
from qa.indexing import build as building
from qa.indexing import ledger, retention, vector_cache
from qa.indexing.build import build
from qa.indexing.folder import Folder
from qa.indexing.incremental import PassageEmbedder
from qa.retrieval.searcher import Searcher
from qa.types import Query

_EVENTS = {
    "open",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "shutil.rmtree",
    "sqlite3.connect",
}
_STEPS: tuple[tuple[Any, str], ...] = (
    (retention, "clean"),
    (building, "_live"),
    (Folder, "scan"),
    (StoreWriter, "add"),
    (PassageEmbedder, "_add"),
    (PassageEmbedder, "close"),
    (LexicalWriter, "close"),
    (generation.Manifest, "write"),
    (generation, "describe_files"),
    (generation, "sync"),
    (generation, "verify"),
    (Path, "rename"),
    (generation, "point_to"),
    (generation, "replace_file"),
    (vector_cache.VectorCache, "put"),
    (retention, "expire"),
    (ledger, "write"),
    (ledger, "_fill"),
    (generation, "put_in_place"),
    (Path, "replace"),
    (os, "fsync"),
)
_QUESTION = "Who sold rice in the port?"

Point = Callable[[Path], None]
"""Set up, in a process of its own, where it will be killed; the argument is the index's folder."""


def _write(docs: Path, version: int) -> None:
    """Change, add, rename and remove documents, so that every version differs from the one before."""
    for old in docs.glob("*.txt"):
        old.unlink()
    for name in ("a", "b", f"new{version}"):
        write(
            docs, {f"{name}.txt": f"Rice of version {version} was sold in the port.\n\nIt is named {name}."}
        )
    write(docs, {"same.txt": "This stays as it is.", f"moved{version}.txt": "This is moved each time."})


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _lose(index: Path, synced: dict[int, tuple[int, int]]) -> None:
    """Cut what was written but not brought onto the disk."""
    for path in index.rglob("*"):
        if path.is_file():
            status = path.stat()
            if synced.get(status.st_ino) != (status.st_size, status.st_mtime_ns):
                os.truncate(path, status.st_size // 2)


def _note_syncs(index: Path) -> dict[int, tuple[int, int]]:
    """Keep the state in which each file was brought onto the disk; what is there by now is."""
    synced = {}
    for path in index.rglob("*"):
        status = path.stat()
        synced[status.st_ino] = (status.st_size, status.st_mtime_ns)
    whole = os.fsync

    def fsync(descriptor: int) -> None:
        whole(descriptor)
        status = os.fstat(descriptor)
        synced[status.st_ino] = (status.st_size, status.st_mtime_ns)

    os.fsync = fsync
    return synced


def at_event(number: int, *, power: bool, index: Path) -> None:
    """Be killed before the n-th thing that is done in the index's folder."""
    synced = _note_syncs(index) if power else {}
    prefix = str(index)
    left = number
    cutting = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left, cutting
        if cutting or event not in _EVENTS or not str(arguments[0]).startswith(prefix):
            return
        left -= 1
        if left == 0:
            cutting = True
            if power:
                _lose(index, synced)
            _kill()

    sys.addaudithook(hook)


def count_events(events: Path, index: Path) -> None:
    """Count instead of being killed, and keep the number in a file."""
    count = 0
    prefix = str(index)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event in _EVENTS and str(arguments[0]).startswith(prefix):
            count += 1
            descriptor = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, str(count).encode())
            os.close(descriptor)

    sys.addaudithook(hook)


def at_step(owner: Any, name: str, call: int, *, after: bool, index: Path) -> None:
    """Be killed before or after the n-th call of a named step."""
    whole = getattr(owner, name)
    left = call

    def step(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            _kill()
        result = whole(*arguments, **named)
        if left == 0:
            _kill()
        return result

    setattr(owner, name, step)


def _in_child(job: Callable[[], None]) -> int:
    """Run a job in a forked process; give what became of it, a signal as a negative number."""
    child = os.fork()
    if not child:
        try:
            job()
        except BaseException:  # noqa: BLE001 -- whatever it is, it is told, and the child must not go on
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _timed(job: Callable[[], None], seconds: float) -> int:
    child = os.fork()
    if not child:
        job()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _build(settings: Settings, point: Point | None = None) -> None:
    if point:
        point(settings.index)
    build(settings, StandIn())


def _says(settings: Settings, versions: set[int]) -> None:
    """Hold the live generation against what may be live: it is whole, and answers from one version."""
    folder = generation.current(settings.index)
    generation.verify(folder)
    ledger.verify(settings.index)
    corpus = generation.load(folder)
    hits = Searcher(corpus, StandIn()).search(Query(_QUESTION)).hits
    said = {
        int(hit.passage.text.split("version ")[1].split()[0]) for hit in hits if "version" in hit.passage.text
    }
    assert len(said) == 1, said
    assert said <= versions, (said, versions)


def _survives(settings: Settings, version: int, *, had_one: bool) -> None:
    """Look after a kill: nothing is lost, and the next run cleans up and publishes."""
    try:
        _says(settings, {version - 1, version} if had_one else {version})
    except IndexUnavailableError as error:
        if had_one or "there is no index" not in str(error):
            raise
    _build(settings)
    _says(settings, {version})
    left = [path.name for path in (settings.index / "generations").iterdir() if path.name.startswith(".")]
    left += [
        path.name for path in settings.index.iterdir() if path.name.startswith(".") and path.name != ".lock"
    ]
    assert not left, left


def _points(events: int, randoms: int, chance: random.Random) -> Iterator[tuple[str, Point | float]]:
    for number in range(1, events + 1):
        for power in (False, True):
            yield f"event {number}{', power' if power else ''}", partial(_event, number, power)
    for owner, name in _STEPS:
        for after in (False, True):
            for call in (1, 2, 3):
                yield f"{name} {call} {after}", partial(_step, owner, name, call, after)
    for _ in range(randoms):
        yield "time", chance.random()


def _event(number: int, power: bool, index: Path) -> None:  # noqa: FBT001
    at_event(number, power=power, index=index)


def _step(owner: Any, name: str, call: int, after: bool, index: Path) -> None:  # noqa: FBT001
    at_step(owner, name, call, after=after, index=index)


def run(root: Path, *, randoms: int, sample: int | None, seed: int = 0) -> dict[str, int]:
    """Kill builds and look after each. Give the counts; raise where anything is lost."""
    settings = Settings(docs=root / "docs", index=root / "index")
    settings.docs.mkdir()
    settings.index.mkdir()
    chance = random.Random(seed)
    for version in (0, 1):
        _write(settings.docs, version)
        started = time.monotonic()
        assert _in_child(partial(_build, settings, partial(count_events, root / "events"))) == 0
    took = time.monotonic() - started
    points = list(_points(int((root / "events").read_text()), randoms, chance))
    if sample:
        points = chance.sample(points, sample)
    counts = {"kills": 0, "with power lost": 0, "finished before the kill": 0}
    for version, (name, point) in enumerate(points, start=2):
        had_one = version % 10 != 0  # now and then the first build of all is killed
        if not had_one:
            _remove(settings.index)
        _write(settings.docs, version)
        job = partial(_build, settings, None if isinstance(point, float) else point)
        code = _timed(job, point * took) if isinstance(point, float) else _in_child(job)
        assert code in {0, -signal.SIGKILL}, f"{name}: the build ended with {code}"
        counts["kills" if code else "finished before the kill"] += 1
        counts["with power lost"] += bool(code) and "power" in name
        assert _in_child(partial(_survives, settings, version, had_one=had_one)) == 0, f"{name}: not survived"
    return counts


def _remove(index: Path) -> None:
    for path in sorted(index.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=100, help="how many kills at times drawn by chance")
    parser.add_argument("--sample", type=int, help="only so many of all points, drawn by chance")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), randoms=given.random, sample=given.sample)))  # noqa: T201
