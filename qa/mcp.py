"""``qa mcp``: the questions as tools of the Model Context Protocol, for assistants. docs/mcp.md describes it.

Every answer is bounded: an assistant reads all that it is sent. Over HTTP, hosts and keys are checked as the
search page checks them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import quote

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, InputRequiredResult, Resource, ToolAnnotations
from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import TypedDict  # pydantic reads typing's from Python 3.12 on

from qa import __version__
from qa.api import Index
from qa.config import Settings
from qa.errors import QAError
from qa.results.citations import title_of
from qa.results.objects import Document, Hit, Passage, Result
from qa.web.access.authentication import check_access
from qa.web.access.hosts import host_check
from qa.web.access.keys import Keys
from qa.web.problems import RequestError
from qa.web.server.addresses import reserve

_MOST_HITS = 20
_LONGEST_RANGE = 20_000
"""The most passages of an answer, and the longest range of a text, in characters: some 5,000 tokens each.
Chosen."""

_MOST_DOCUMENTS = 100
"""How many documents are listed at once."""

_INSTRUCTIONS = """Searches a folder of documents and returns passages that answer a question, with sources.
Cite every fact with the `citation` that comes with it, and quote `answer` or `text` word for word.
If `answerable` is false, say that the documents don't answer the question; don't answer from memory.
"exact words" in a question must stand in a passage, and -word must not."""

_P = ParamSpec("_P")
_R = TypeVar("_R")

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Sources = Annotated[tuple[str, ...], Field(description="Only documents of these publishers")]
Languages = Annotated[tuple[str, ...], Field(description="Only passages in these languages (ISO 639-1)")]
Paths = Annotated[
    tuple[str, ...], Field(description="Only these folders, files or patterns, such as reports/2019")
]
Types = Annotated[tuple[str, ...], Field(description="Only files of these types, such as pdf or docx")]
Day = Annotated[str | None, Field(description="An ISO date; documents without a date match no date filter")]
Offset = Annotated[int, Field(ge=0, description="How many to skip")]


class DocumentSummary(TypedDict):
    """A document: what it is, how long, and where it can be read."""

    document_id: str
    title: str
    source: str | None
    published: str | None
    language: str | None
    path: str
    characters: int
    pages: int | None
    sha256: str
    uri: str


class Quote(TypedDict):
    """A passage, and how to cite it. ``answer`` is the sentence that answers; offsets are in code points."""

    passage_id: str
    text: str
    answer: str | None
    citation: str
    permalink: str
    document_id: str
    title: str
    source: str | None
    published: str | None
    page: int | None
    section: str | None
    char_start: int
    char_end: int
    sha256: str


class SearchAnswer(TypedDict):
    """The answer to a question. ``confidence`` is null where the model can't read the question's language."""

    answerable: bool
    confidence: float | None
    message: str
    corrected_query: str | None
    missing_terms: list[str]
    missing_phrases: list[str]
    results: list[Quote]


class PassageAnswer(TypedDict):
    """A passage with the texts before and after it."""

    passage: Quote
    previous: str | None
    next: str | None


class RangeAnswer(TypedDict):
    """A range of a document's text. The next begins at ``next_start``, which is null at the end."""

    document: DocumentSummary
    char_start: int
    char_end: int
    text: str
    next_start: int | None


class DocumentsAnswer(TypedDict):
    """Documents that pass the filters, ``total`` in all, ordered by path."""

    total: int
    documents: list[DocumentSummary]


def _told(error: type[Exception]) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Turn the errors that a person can act on into one that a client is told."""

    def wrap(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def tell(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return function(*args, **kwargs)
            except QAError as reason:
                raise error(str(reason)) from reason

        return tell

    return wrap


class _Tools:
    """The tools. Each may be called from any thread."""

    def __init__(self, index: Index) -> None:
        self._index = index

    @_told(ToolError)
    def search(
        self,
        question: Annotated[str, Field(description="A question in plain words")],
        *,
        k: Annotated[int, Field(ge=1, le=_MOST_HITS, description="How many passages")] = 5,
        source: Sources = (),
        language: Languages = (),
        path: Paths = (),
        type: Types = (),  # noqa: A002 -- the API's name
        date_from: Day = None,
        date_to: Day = None,
    ) -> SearchAnswer:
        """Find the passages that answer a question, best first, each with its citation."""
        result = self._index.ask(
            question,
            k,
            source=source,
            language=language,
            path=path,
            type=type,
            date_from=date_from,
            date_to=date_to,
        )
        confidence = result.claimed_confidence
        return {
            "answerable": result.answerable,
            "confidence": None if confidence is None else round(confidence, 3),
            "message": _message(result),
            "corrected_query": result.corrected_query,
            "missing_terms": list(result.missing_terms),
            "missing_phrases": list(result.missing_phrases),
            "results": [_quote(hit, _answer(hit) if result.answerable else None) for hit in result],
        }

    @_told(ToolError)
    def read_passage(
        self, passage_id: Annotated[str, Field(description="The passage_id of a result")]
    ) -> PassageAnswer:
        """Read a passage with the ones before and after it."""
        passage = self._index.passage(passage_id)
        return {
            "passage": _quote(passage),
            "previous": passage.previous.text if passage.previous else None,
            "next": passage.following.text if passage.following else None,
        }

    @_told(ToolError)
    def read_document(
        self,
        document_id: Annotated[str, Field(description="The document_id of a result or a list")],
        start: Annotated[int, Field(ge=0, description="Where to begin, in characters")] = 0,
        end: Annotated[int | None, Field(ge=0, description="Where to end")] = None,
    ) -> RangeAnswer:
        """Read a document's text, up to 20,000 characters at a time."""
        document = self._index.document(document_id)
        last = min(document.characters if end is None else end, document.characters, start + _LONGEST_RANGE)
        text = document.text(start, max(last, start))
        return {
            "document": _summary(document),
            "char_start": start,
            "char_end": start + len(text),
            "text": text,
            "next_start": last if start < last < document.characters else None,
        }

    @_told(ToolError)
    def list_documents(
        self,
        *,
        source: Sources = (),
        language: Languages = (),
        path: Paths = (),
        type: Types = (),  # noqa: A002 -- the API's name
        date_from: Day = None,
        date_to: Day = None,
        limit: Annotated[int, Field(ge=1, le=_MOST_DOCUMENTS, description="How many documents")] = 50,
        offset: Offset = 0,
    ) -> DocumentsAnswer:
        """List the documents, ordered by path."""
        documents = self._index.documents(
            limit=limit,
            offset=offset,
            source=source,
            language=language,
            path=path,
            type=type,
            date_from=date_from,
            date_to=date_to,
        )
        return {"total": documents.total, "documents": [_summary(document) for document in documents]}

    @_told(ResourceError)
    def text(self, document_id: str) -> str:
        """The text of a document."""
        document = self._index.document(document_id)
        if document.characters > _LONGEST_RANGE:
            raise ResourceError(
                f"{document.path} has {document.characters} characters, more than are sent at once: "
                "read it in parts with the tool read_document"
            )
        return document.text()

    @_told(ResourceError)
    def resources(self) -> list[Resource]:
        """Return the first documents as resources."""
        return [
            Resource(
                uri=_uri(document.id),
                name=document.path,
                title=title_of(document),
                mime_type="text/plain",
            )
            for document in self._index.documents(limit=_MOST_DOCUMENTS)
        ]


class _Server(MCPServer):
    """Lists the documents that there are now as resources."""

    def __init__(self, tools: _Tools) -> None:
        super().__init__("qa", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING")
        self._tools = tools
        for tool in (tools.search, tools.read_passage, tools.read_document, tools.list_documents):
            self.tool(annotations=_READS, structured_output=True)(tool)
        self.resource("qa://documents/{document_id}", mime_type="text/plain")(tools.text)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool, and say of arguments that it doesn't take what they must be.

        Raises:
            ToolError: an argument is wrong, there is no such tool, or it says why it cannot answer.
        """
        await self._refuse_unknown(name, arguments)
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise _wrong_arguments(name, RequestError.from_validation(error.__cause__).errors) from error

    async def _refuse_unknown(self, name: str, arguments: dict[str, Any]) -> None:
        """Refuse arguments that a tool doesn't have: an answer without a filter would be another one."""
        for tool in await self.list_tools():
            known = tool.input_schema["properties"]
            if tool.name == name and (unknown := arguments.keys() - known):
                names = f"is none of {', '.join(known)}"
                raise _wrong_arguments(name, [(argument, names) for argument in sorted(unknown)])

    async def list_resources(self) -> list[Resource]:
        return self._tools.resources()


def _wrong_arguments(tool: str, errors: Sequence[tuple[str, str]]) -> ToolError:
    """Return the error for (argument, message) pairs."""
    reasons = "; ".join(f"{argument} {message}".strip() for argument, message in errors)
    return ToolError(f"The tool {tool} cannot be called with these arguments: {reasons}.")


def make_server(index: Index) -> MCPServer:
    """Return a server that answers from an index, to be run over any transport."""
    return _Server(_Tools(index))


def serve_stdio(index: Index) -> None:
    """Answer the client that started this process, until it closes standard input."""
    make_server(index).run("stdio")


def serve_http(index: Index, settings: Settings, port: int) -> None:
    """Answer at ``http://HOST:PORT/mcp`` (streamable HTTP), until the process is stopped.

    Raises:
        SettingsError: the address cannot be used, other machines could read the documents without a key, or
            the keys cannot be read.
    """
    with reserve(settings.host, port) as reserved:
        keys = check_access(settings, reserved.getsockname()[0])
        config = uvicorn.Config(http_app(index, settings, keys), log_level="warning")
        uvicorn.Server(config).run(sockets=[reserved])


def http_app(index: Index, settings: Settings, keys: Keys) -> Starlette:
    """Return the application for streamable HTTP, with the checks of hosts and keys before it."""
    # The SDK's own check of hosts is off: it does not know the setting `hosts`.
    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = make_server(index).streamable_http_app(
        stateless_http=True, json_response=True, transport_security=unchecked
    )
    app.add_middleware(_Guard, keys=keys, is_own_host=host_check(settings))
    return app


class _Guard:
    """Refuses requests for other hosts, and those without a key where one is needed."""

    def __init__(self, app: ASGIApp, keys: Keys, is_own_host: Callable[[str], bool]) -> None:
        self._app = app
        self._keys = keys
        self._is_own_host = is_own_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app if scope["type"] != "http" else self._refusal(Headers(scope=scope)) or self._app
        await app(scope, receive, send)

    def _refusal(self, headers: Headers) -> ASGIApp | None:
        if not self._is_own_host(headers.get("host", "")):
            return PlainTextResponse(
                "This service does not answer to that host name.", HTTPStatus.BAD_REQUEST
            )
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if self._keys.needed and not (scheme.lower() == "bearer" and self._keys.find(secret.strip())):
            return PlainTextResponse(
                "A key is required. Send it as `Authorization: Bearer KEY`.",
                HTTPStatus.UNAUTHORIZED,
                {"WWW-Authenticate": 'Bearer realm="qa"'},
            )
        return None


def _message(result: Result) -> str:
    if result.answerable:
        return "The first results answer the question."
    if result.hits:
        return "Not in these documents: nothing here seems to answer that. These are the nearest passages."
    return "Not in these documents: no passage passes the filters or holds the words in quotes."


def _answer(hit: Hit) -> str | None:
    return hit.answers[0].text if hit.answers else None


def _quote(passage: Hit | Passage, answer: str | None = None) -> Quote:
    document = passage.document
    return {
        "passage_id": passage.id,
        "text": passage.text,
        "answer": answer,
        "citation": passage.citation("markdown"),
        "permalink": passage.permalink,
        "document_id": document.id,
        "title": title_of(document),
        "source": document.source,
        "published": document.published,
        "page": passage.page,
        "section": passage.section,
        "char_start": passage.span.start,
        "char_end": passage.span.end,
        "sha256": document.sha256,
    }


def _summary(document: Document) -> DocumentSummary:
    return {
        "document_id": document.id,
        "title": title_of(document),
        "source": document.source,
        "published": document.published,
        "language": document.language,
        "path": document.path,
        "characters": document.characters,
        "pages": document.pages,
        "sha256": document.sha256,
        "uri": _uri(document.id),
    }


def _uri(document_id: str) -> str:
    return f"qa://documents/{quote(document_id)}"
