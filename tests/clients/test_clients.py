"""Clients that are generated from the API's description work with the service: ``make clients``."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from demo_service import demo_service

HERE = Path(__file__).parent
QUESTION = "How large was the trade turnover with Cambodia in 2018?"
NODE_MODULES = Path(sys.prefix) / "node_modules"
PACKAGE = "question_answering_search_client"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo_service(tmp_path_factory.mktemp("clients")) as address:
        yield address


@pytest.fixture
def generated(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package that openapi-python-client makes, without a warning."""
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    command += ["--url", f"{address}/openapi.json", "--config", "config.yaml", "--output-path", "made"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path / "made")
    yield importlib.import_module(PACKAGE)
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


@pytest.mark.skipif(
    not find_spec("openapi_python_client"), reason="openapi-python-client is not installed: `make clients`"
)
def test_a_client_in_python(generated: ModuleType, address: str) -> None:
    def operation(name: str) -> ModuleType:
        return importlib.import_module(f"{PACKAGE}.api.{name}")

    with generated.Client(base_url=address) as client:
        answer = operation("search.search").sync(client=client, q=QUESTION, limit=2, type_=["txt"])
        first = answer.results[0]
        assert answer.answerable
        assert first.document.published is None
        assert first.document.path == "envoy-on-terrorism-and-cyber-threats.txt"
        document = operation("documents.get_document").sync(first.document.id, client=client)
        assert document.sha256 == first.document.sha256
        text = operation("documents.get_document_text").sync_detailed(first.document.id, client=client)
        assert text.content.decode()[first.char_start : first.char_end] == first.text
        passage = operation("documents.get_passage").sync(first.id, client=client)
        assert passage.text == first.text
        documents = operation("documents.list_documents").sync(client=client, limit=4)
        assert (len(documents.documents), documents.total) == (4, 9)
        assert documents.next_.endswith("limit=4&offset=4")
        status = operation("service.get_status").sync(client=client)
        assert isinstance(status.created, datetime)
        body = generated.models.SearchRequest(questions=[QUESTION, "Кто посол?"], k=1)
        answers = operation("search.search_many").sync(client=client, body=body)
        assert [one.query for one in answers.answers] == [QUESTION, "Кто посол?"]
        problem = operation("search.search").sync(client=client, q=" ")
        assert (problem.status, problem.errors[0].field) == (422, "q")


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed: no client in TypeScript is made")
@pytest.mark.skipif(not NODE_MODULES.exists(), reason="openapi-typescript is not installed: `make clients`")
def test_a_client_in_typescript(address: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    for name in ("client.ts", "package.json"):
        shutil.copy2(HERE / name, tmp_path)
    run = _Node(tmp_path)
    run(
        "node_modules/.bin/openapi-typescript",
        f"{address}/openapi.json",
        "--output",
        "qa.d.ts",
        "--default-non-nullable=false",
    )
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"]
    run("node_modules/.bin/tsc", *options, "client.ts")
    assert json.loads(run("node", "client.js", address)) == {
        "confidence": pytest.approx(0.95, abs=0.05),
        "title": "Envoy: Phnom Penh and Moscow step up joint work against terrorism and cyber threats",
        "hits": pytest.approx(5, abs=4),
        "quoted": True,
        "answers": 1,
        "documents": 4,
        "next": "/api/v1/documents?limit=4&offset=4",
        "status": 422,
        "field": "q",
    }


class _Node:
    """Runs programs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self._folder, env=os.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
