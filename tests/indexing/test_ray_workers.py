"""Building on a Ray cluster of two nodes on this machine gives what a local build gives, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn

from qa.config import Settings
from qa.embedding.export.encoder import ExportedEncoder
from qa.errors import ClusterError, ModelError
from qa.index import generation
from qa.indexing.build import build
from qa.indexing.shards import Shards
from qa.types import Encoder, PassageInput, PassageVectors

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")

from ray.cluster_utils import Cluster  # noqa: E402 -- after the skip

from qa.indexing import ray_workers as distributed  # noqa: E402

pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*")

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster of two nodes, of one processor each, that this process stays connected to."""
    on_term = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # for the workers
        cluster = Cluster(initialize_head=True, head_node_args=NODE | {"include_dashboard": False})
        cluster.add_node(**NODE)
        cluster.wait_for_nodes()
        signal.signal(signal.SIGTERM, on_term)  # which the cluster has changed
        distributed._connect(cluster.address)
    assert signal.getsignal(signal.SIGTERM) is on_term
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


class Noting(StandIn):
    """Leaves a file in the folder after which it is named for each group that it embeds."""

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        if list(passages) != [distributed._LOADED]:
            (Path(self.name) / f"{os.getpid()}-{len(list(Path(self.name).iterdir()))}").touch()
        return super().encode_passages(passages)


class Dying(StandIn):
    """Kills its process, the first one that reads and the first one that embeds."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self._die_once("read")
        return super().count_tokens(texts)

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        if list(passages) != [distributed._LOADED]:
            self._die_once("encoded")
        return super().encode_passages(passages)

    def _die_once(self, what: str) -> None:
        died = Path(self.name) / what
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Broken(StandIn):
    """Cannot be used where it is."""

    def encode_passages(self, passages: Sequence[PassageInput]) -> list:
        raise ModelError("the model is broken there")


class Other(StandIn):
    """Another model of the same name."""

    def __init__(self, name: str) -> None:
        super().__init__(name, fingerprint="another")


@pytest.fixture
def on_nodes(monkeypatch: pytest.MonkeyPatch):
    """Let the nodes open a kind of stand-in, and embed 20 passages at once."""

    def use(kind: type[StandIn]) -> None:
        monkeypatch.setattr(distributed, "_open", lambda model, _: kind(name=model))

    monkeypatch.setattr("qa.indexing.pipeline.BATCH_SIZE", 20)
    use(StandIn)
    return use


@pytest.fixture
def many(settings: Settings) -> Settings:
    """Settings over 62 files: one has a bad row, one cannot be read."""
    write_many(settings.docs)
    write(settings.docs, {"a/broken.pdf": b"%PDF-1.7 no", "empty.jsonl": "\n"})
    return settings


def _files(settings: Settings) -> dict[str, bytes]:
    """Return every file of the live generation but the manifest, which says when it was made."""
    folder = generation.current(settings.index)
    generation.verify(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def _assert_same(one: Settings, other: Settings) -> None:
    files, others = _files(one), _files(other)
    assert files.keys() == others.keys()
    assert [name for name, data in files.items() if others[name] != data] == []


def _elsewhere(settings: Settings, folder: Path, encoder: Encoder | None = None) -> Settings:
    """Build the same here."""
    here = replace(settings, index=folder, ray="")
    build(here, encoder or StandIn())
    return here


def test_a_cluster_builds_the_same_to_the_byte(
    many: Settings, address: str, tmp_path: Path, on_nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = many, replace(many, index=tmp_path / "there", ray=address)
    encoder = StandIn()
    for change in ({}, {"a/00.md": "Another text.", "a/new.txt": "A new document."}):
        write(many.docs, change)
        local, shared = build(here, StandIn()), build(there, encoder)
        assert shared.failures == local.failures
        assert {failure.path for failure in shared.failures} >= {"a/broken.pdf", "notes/people.jsonl"}
        assert shared.embedded == local.embedded
        _assert_same(here, there)
    assert encoder.encoded == []  # by the nodes
    assert capsys.readouterr().out == ""
    assert not build(there, encoder).changed


def test_the_real_model_gives_the_same_to_the_byte(
    many: Settings, address: str, tmp_path: Path, default: ExportedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.indexing.pipeline.BATCH_SIZE", 64)
    there = replace(many, ray=address)
    build(there, default)
    _assert_same(there, _elsewhere(there, tmp_path / "here", default))


def test_killed_workers_lose_nothing(many: Settings, address: str, tmp_path: Path, on_nodes) -> None:
    (tmp_path / "died").mkdir()
    on_nodes(Dying)
    there = replace(many, ray=address)
    build(there, StandIn(name=str(tmp_path / "died")))
    assert {path.name for path in (tmp_path / "died").iterdir()} == {"read", "encoded"}
    _assert_same(there, _elsewhere(there, tmp_path / "here"))


def test_a_build_that_was_stopped_goes_on_where_it_was(
    many: Settings, address: str, tmp_path: Path, on_nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, done = tmp_path / "before", tmp_path / "done"
    before.mkdir()
    done.mkdir()
    on_nodes(Noting)
    there, put = replace(many, ray=address), Shards.put

    def stop(self: Shards, key: str, packed: bytes) -> None:
        put(self, key, packed)
        if len(list(there.index.glob("shards/*"))) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as for_now:
        for_now.setattr(Shards, "put", stop)
        with pytest.raises(KeyboardInterrupt):
            build(there, StandIn(name=str(before)))
    kept = sorted(there.index.glob("shards/*"))
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    report = build(there, StandIn(name=str(done)))
    assert len(list(done.iterdir())) == -(-report.passages // 20) - 4
    assert not (there.index / "shards").exists()
    _assert_same(there, _elsewhere(there, tmp_path / "here"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Broken, ModelError("the model is broken there")),
        (Other, ClusterError("another version of this program or of the model")),
    ],
)
def test_a_node_that_cannot_work_ends_the_build_with_its_error(
    settings: Settings, address: str, on_nodes, kind: type[StandIn], expected: Exception
) -> None:
    on_nodes(kind)
    with pytest.raises(type(expected), match=str(expected)):
        build(replace(settings, ray=address), StandIn())
    assert not (settings.index / "CURRENT").exists()


def test_a_node_without_the_documents_folder_is_named(
    settings: Settings, address: str, on_nodes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = distributed.RayWorkers.__init__

    def elsewhere(self, folder, *more) -> None:
        whole(self, replace(folder, root=tmp_path / "nowhere"), *more)

    monkeypatch.setattr(distributed.RayWorkers, "__init__", elsewhere)
    with pytest.raises(ClusterError, match=r"the documents folder .*nowhere is not there on the node"):
        build(replace(settings, ray=address), StandIn())


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_a_cluster_that_cannot_be_reached_is_named(address: str) -> None:
    with pytest.raises(ClusterError, match=f"the Ray cluster {address} cannot be reached: "):
        distributed._connect(address)


def test_the_command_keeps_to_its_streams_and_leaves_nothing(
    tmp_path: Path, default: ExportedEncoder, address: str
) -> None:
    write(tmp_path / "docs", DOCUMENTS)
    before = _processes()
    done = subprocess.run(
        [sys.executable, "-m", "qa", "index", "docs", "--ray", "local", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["documents"] == 5
    assert done.stderr == "not read: notes/people.jsonl, row bad: has no text\n"
    assert _processes() <= before


def _processes() -> set[str]:
    """Return the processes of Ray."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return {line for line in found.stdout.splitlines() if "raylet" in line or "gcs_server" in line}
