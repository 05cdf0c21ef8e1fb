"""A service under load switches to each new generation: no answer fails, and none mixes two generations."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus import write
from fake_encoder import StandIn
from flask import Flask

from qa.config import Settings
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.web import create_app

PUBLICATIONS = 20
CLIENTS = 2


def _write(docs: Path, version: int) -> None:
    text = f"Rice of version {version} was sold in the port.\n\nVersion {version} says more of the port."
    write(docs, {f"{name}.txt": f"{text} It is named {name}." for name in "abc"})


def _ask_until(app: Flask, stopped: threading.Event) -> list[tuple[str, frozenset[str], float]]:
    """Return the generation of each answer, the versions that its passages name, and when it arrived."""
    answers = []
    with app.test_client() as client:
        while not stopped.wait(0.01):
            response = client.get("/api/v1/search?q=rice+in+the+port&k=10")
            assert response.status_code == 200, response.get_data(as_text=True)
            answer = response.get_json()
            texts = [result["text"] for result in answer["results"]]
            versions = frozenset(text.lower().split("version ")[1].split()[0] for text in texts)
            answers.append((answer["index"]["generation"], versions, time.monotonic()))
    return answers


def test_a_service_under_load_switches_generations_without_a_failed_or_mixed_answer(
    settings: Settings,
) -> None:
    for old in [path for path in settings.docs.rglob("*") if path.is_file()]:
        old.unlink()
    _write(settings.docs, 0)
    published = {build(settings, StandIn()).generation: ("0", 0.0)}
    app = create_app(settings, LiveSearcher(settings, lambda _: StandIn()).current)
    stopped = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as clients:
        asking = [clients.submit(_ask_until, app, stopped) for _ in range(CLIENTS)]
        try:
            for version in range(1, PUBLICATIONS + 1):
                _write(settings.docs, version)
                report = build(settings, StandIn())
                published[report.generation] = str(version), time.monotonic()
            time.sleep(0.2)
        finally:
            stopped.set()
        answers = sorted(
            (answer for asker in asking for answer in asker.result()), key=lambda answer: answer[2]
        )
    assert len(published) == PUBLICATIONS + 1
    assert answers[-1][0] == report.generation
    for generation, versions, _ in answers:
        assert versions == {published[generation][0]}
    first_seen: dict[str, float] = {}
    for generation, _, when in answers:
        first_seen.setdefault(generation, when)
    # The first generation existed before the first request. The others are seen within two seconds.
    assert all(when - published[name][1] < 2 for name, when in first_seen.items() if published[name][1])
    assert len(list((settings.index / "generations").iterdir())) <= CLIENTS + 2
