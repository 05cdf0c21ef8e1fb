"""The tools for assistants, as the SDK's own client sees them, over both transports."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from corpus import write
from fake_encoder import StandIn

import qa
from qa.config import Settings
from qa.errors import SettingsError
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.web.access.keys import Keys
from qa.web.server.addresses import reserve, url_of

pytest.importorskip("mcp")

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from qa import mcp

QUESTION = "How many students from Cambodia study in Moscow?"

_STDIO = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import qa
from fake_encoder import StandIn
from qa import mcp
from qa.config import Settings
from qa.retrieval.live import LiveSearcher
settings = Settings(index=Path(sys.argv[1]))
print("a line that is no message", file=sys.stderr)
mcp.serve_stdio(qa.Index(settings, LiveSearcher(settings, lambda _: StandIn()).current))
"""

Use = Callable[[Client], Awaitable[Any]]


@pytest.fixture
def index(settings: Settings, built: Path) -> qa.Index:
    return qa.Index(settings, LiveSearcher(settings, lambda _: StandIn()).current)


@pytest.fixture
def http(index: qa.Index, settings: Settings) -> Iterator[Callable[..., str]]:
    running = []

    def start(**changed: Any) -> str:
        own = replace(settings, host="127.0.0.1", **changed)
        reserved = reserve(own.host, 0)
        app = mcp.http_app(index, own, Keys(own.keys, insecure=own.insecure))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [reserved]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((server, thread, reserved))
        return f"{url_of(reserved)}/mcp"

    yield start
    for server, thread, reserved in running:
        server.should_exit = True
        thread.join()
        reserved.close()


@pytest.fixture(params=["stdio", "http"])
def use(request: pytest.FixtureRequest, index: qa.Index, settings: Settings) -> Callable[[Use], Any]:
    """Return a function that runs another one with a client, over either transport."""
    server: Any
    if request.param == "http":
        server = request.getfixturevalue("http")()
    else:
        arguments = ["-c", _STDIO, str(settings.index), str(Path(__file__).parent)]
        server = StdioServerParameters(command=sys.executable, args=arguments)

    async def run(function: Use) -> Any:
        async with Client(server) as client:
            return await function(client)

    return lambda function: anyio.run(run, function)


def test_all_tools_work_over_both_transports(use: Callable[[Use], Any], index: qa.Index) -> None:
    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["list_documents", "read_document", "read_passage", "search"]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())

        found = (await client.call_tool("search", {"question": QUESTION, "k": 2})).structured_content
        assert found is not None
        expected = index.ask(QUESTION, k=2)
        assert found["answerable"] == expected.answerable
        assert [hit["passage_id"] for hit in found["results"]] == [hit.id for hit in expected]
        assert [hit["citation"] for hit in found["results"]] == [hit.citation("markdown") for hit in expected]
        best = found["results"][0]

        passage = (
            await client.call_tool("read_passage", {"passage_id": best["passage_id"]})
        ).structured_content
        assert passage is not None
        assert passage["passage"]["text"] == best["text"]

        place = {name: best[key] for name, key in (("start", "char_start"), ("end", "char_end"))}
        call = {"document_id": best["document_id"], **place}
        part = (await client.call_tool("read_document", call)).structured_content
        assert part is not None
        assert part["text"] == best["text"]
        assert part["document"]["sha256"] == best["sha256"]

        documents = (await client.call_tool("list_documents", {})).structured_content
        assert documents is not None
        assert documents["total"] == len(index.documents())
        resources = (await client.list_resources()).resources
        assert [str(resource.uri) for resource in resources] == [one["uri"] for one in documents["documents"]]
        contents = (await client.read_resource(resources[0].uri)).contents
        assert contents[0].text == index.documents()[0].text()

        gone = await client.call_tool("read_passage", {"passage_id": "0123456789abcdef:0-5"})
        assert gone.is_error
        assert "0123456789abcdef" in gone.content[0].text

    use(work)


def _call(index: qa.Index, tool: str, arguments: dict[str, Any]) -> Any:
    async def run() -> Any:
        async with Client(mcp.make_server(index)) as client:
            return await client.call_tool(tool, arguments)

    return anyio.run(run)


def test_what_is_not_in_the_documents_is_said(index: qa.Index) -> None:
    answer = _call(index, "search", {"question": "Which xylophones quack?"}).structured_content
    assert not answer["answerable"]
    assert answer["message"].startswith("Not in these documents")
    assert {"xylophones", "quack"} <= set(answer["missing_terms"])
    nothing = _call(index, "search", {"question": '"quacking xylophones"'}).structured_content
    assert (nothing["results"], nothing["message"][:22]) == ([], "Not in these documents")


def test_filters_are_those_of_the_api(index: qa.Index) -> None:
    filters = {"path": ["*.md"], "type": ["md"], "date_from": "2019-01-01"}
    answer = _call(index, "search", {"question": QUESTION, **filters}).structured_content
    expected = index.ask(QUESTION, path="*.md", type="md", date_from="2019-01-01")
    assert [hit["passage_id"] for hit in answer["results"]] == [hit.id for hit in expected]
    listed = _call(index, "list_documents", filters).structured_content
    assert listed["total"] == index.documents(path="*.md", type="md", date_from="2019-01-01").total


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("search", {"question": "  "}, "a question has 1 to"),
        ("search", {"question": "rice", "date_from": "yesterday"}, "a date such as"),
        ("search", {"question": "rice", "k": 1000}, "k must be less than or equal to 20"),
        ("search", {"question": 5}, "question must be a text"),
        ("search", {"question": "rice", "source": 3}, "source must be a list"),
        ("search", {"question": "rice", "sauce": "TASS"}, "sauce is none of question, k, source, "),
        ("read_document", {"document_id": "nothing"}, "nothing"),
        ("read_document", {}, "document_id is required"),
        (
            "read_document",
            {"start": -1},
            "document_id is required; start must be greater than or equal to 0.",
        ),
    ],
)
def test_errors_say_what_is_wrong(
    index: qa.Index, tool: str, arguments: dict[str, Any], message: str
) -> None:
    result = _call(index, tool, arguments)
    assert result.is_error
    assert message in result.content[0].text
    assert "pydantic" not in result.content[0].text


def test_a_long_document_is_read_in_parts(tmp_path: Path) -> None:
    text = "".join(f"Sentence {i} of a long story is here.\n\n" for i in range(1500))
    settings = Settings(docs=write(tmp_path / "docs", {"long.txt": text}), index=tmp_path / "index")
    build(settings, StandIn())
    index = qa.Index(settings, LiveSearcher(settings, lambda _: StandIn()).current)
    (document,) = index.documents()
    read, start = "", 0
    while start is not None:
        result = _call(index, "read_document", {"document_id": document.id, "start": start})
        part = result.structured_content
        assert len(part["text"]) <= mcp._LONGEST_RANGE
        assert part["char_start"] == len(read)
        read, start = read + part["text"], part["next_start"]
    assert read == text
    past = _call(
        index, "read_document", {"document_id": document.id, "start": len(text) + 5}
    ).structured_content
    assert (past["text"], past["next_start"]) == ("", None)

    async def resource() -> str:
        async with Client(mcp.make_server(index)) as client:
            with pytest.raises(Exception, match="read_document"):
                await client.read_resource(f"qa://documents/{document.id}")
            return "refused"

    assert anyio.run(resource) == "refused"


def test_keys_and_hosts_are_checked_as_on_the_web(
    http: Callable[..., str], tmp_path: Path, index: qa.Index
) -> None:
    keys = Keys(tmp_path / "keys.json")
    secret = keys.create("assistant")
    url = http(keys=tmp_path / "keys.json")
    initialize = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    for own in ({}, {"authorization": "Bearer qa_wrong"}):
        assert httpx2.post(url, content=initialize, headers=headers | own).status_code == 401
    host = {"host": "evil.example", "authorization": f"Bearer {secret}"}
    assert httpx2.post(url, content=initialize, headers=headers | host).status_code == 400

    async def with_key() -> Any:
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {secret}"}) as client,
            Client(streamable_http_client(url, http_client=client)) as session,
        ):
            return await session.call_tool("search", {"question": QUESTION})

    assert not anyio.run(with_key).is_error


def test_nobody_else_reads_without_a_key(index: qa.Index, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="could read the documents"):
        mcp.serve_http(index, replace(settings, host="0.0.0.0"), 0)


def test_a_port_in_use_is_said(index: qa.Index, settings: Settings) -> None:
    with reserve("127.0.0.1", 0) as reserved:
        reserved.listen()
        port = reserved.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}"):
            mcp.serve_http(index, replace(settings, host="127.0.0.1"), port)


def test_one_server_answers_many_at_once(http: Callable[..., str], index: qa.Index) -> None:
    url, expected = http(), [hit.id for hit in index.ask(QUESTION)]

    async def ask(answers: list[list[str]]) -> None:
        async with Client(url) as client:
            result = (await client.call_tool("search", {"question": QUESTION})).structured_content
            answers.append([hit["passage_id"] for hit in (result or {})["results"]])

    async def work() -> list[list[str]]:
        answers: list[list[str]] = []
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(partial(ask, answers))
        return answers

    assert anyio.run(work) == [expected] * 8
