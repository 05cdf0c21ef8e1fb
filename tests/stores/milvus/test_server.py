"""A real Milvus, of a version without sparse vectors: `make milvus`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen
from uuid import uuid4

import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.stores.milvus.upload import publish
from qa.types import Mode, Query
from stores.milvus.server import Server
from stores.milvus.test_same import FILTERS, QUESTIONS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ASKED = ["rice from Battambang", "Who is the ambassador?", "trade turnover in 2018", "cyber threats", "visa"]
_SECONDS = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("milvus", reason="the package milvus is not installed: pip install '.[servers]'")
    found = Server(tmp_path_factory.mktemp("server"))
    found.start()
    found.wait()
    yield found
    found.kill()
    found.remove()


def test_the_same_passages(server: Server, tmp_path: Path) -> None:
    documents = write(write_many(tmp_path / "docs"), DOCUMENTS)
    settings = Settings(
        docs=documents, index=tmp_path / "index", cache=tmp_path / "cache", store=server.store
    )
    build(settings, StandIn())
    found = generation.load(generation.current(settings.index))
    publish(settings.store, found, None)
    local, milvus = Searcher(found, StandIn()), LiveSearcher(settings, lambda _: StandIn()).current()
    assert "BM25 on this machine" in milvus.info.store
    for question in QUESTIONS:
        for filters in FILTERS:
            for mode in Mode:
                query = Query(question, mode=mode, filters=filters)
                one, other = local.search(query), milvus.search(query)
                assert [hit.passage for hit in one.hits] == [hit.passage for hit in other.hits]
                assert one.total == other.total
                assert one.confidence == pytest.approx(other.confidence, abs=1e-4)


class Service:
    """A process of `qa serve`."""

    def __init__(self, folder: Path, store: str) -> None:
        command = [sys.executable, "-m", "qa", "serve", "--port", "0", "--store", store, "--index", "none"]
        environment = {"QA_WORKERS": "1", "QA_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
        log = folder / f"{uuid4()}.log"
        with log.open("w") as told:
            self._process = subprocess.Popen(command, cwd=folder, env=environment, stderr=told)
        started = time.monotonic()
        while not (address := re.search(r"^Serving on (\S+)$", log.read_text(), re.MULTILINE)):
            assert time.monotonic() - started < 60, log.read_text()
            time.sleep(0.1)
        assert "BM25 on this machine" in log.read_text()
        self._address = address[1]

    def ask(self, question: str) -> tuple[int, Any]:
        """Ask, and give the status and what was found."""
        try:
            with urlopen(f"{self._address}/api/v1/search?q={quote(question)}", timeout=30) as answer:
                found = json.load(answer)
        except HTTPError as error:
            return error.code, error.headers["Retry-After"]
        return 200, [(one["id"], one["score"]) for one in found["results"]]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def _ask_on(
    service: Service, expected: dict[str, Any], answers: list[tuple[float, int, bool]], stop: Any
) -> None:
    """Ask over and over; note when, what status came, and whether the answer was right."""
    while not stop.is_set():
        for question, right in expected.items():
            status, found = service.ask(question)
            answers.append((time.monotonic(), status, found == right))
            if status != 200:
                time.sleep(0.05)


def test_killed_under_load(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(
        docs=ROOT / "docs_raw", index=tmp_path / "index", cache=tmp_path / "cache", store=server.store
    )
    command = [sys.executable, "-m", "qa", "index", str(settings.docs), "--index", str(settings.index)]
    environment = {"QA_CACHE": str(settings.cache), "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "--store", server.store], env=environment, check=True, cwd=tmp_path)
    services = [Service(tmp_path, server.store) for _ in range(2)]
    answers: list[tuple[float, int, bool]] = []
    stop = threading.Event()
    try:
        expected = {question: services[0].ask(question)[1] for question in ASKED}
        assert all(expected.values())
        assert expected == {question: services[1].ask(question)[1] for question in ASKED}
        threads = [
            threading.Thread(target=_ask_on, args=(service, expected, answers, stop))
            for service in services
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        time.sleep(3)
        killed = time.monotonic()
        server.kill()
        time.sleep(3)
        server.start()
        server.wait()
        returned = time.monotonic()
        time.sleep(_SECONDS + 3)
        stop.set()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
        for service in services:
            service.stop()
    assert all(right for _, status, right in answers if status == 200)
    assert {status for _, status, _ in answers} == {200, 503}
    assert all(status == 503 for at, status, _ in answers if killed + 1 < at < returned - 5)
    first = min(at for at, status, _ in answers if at > killed + 1 and status == 200) - returned
    last = max(at for at, status, _ in answers if status == 503) - returned
    counts = {status: sum(one == status for _, one, _ in answers) for status in (200, 503)}
    with capsys.disabled():
        told = f"first answer {first:.1f} s, last 503 {last:.1f} s after the server was well"
        sys.stdout.write(f"\nkilled under load: answers {counts}, {told}\n")
    assert last < _SECONDS
