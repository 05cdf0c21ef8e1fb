"""The Python API: open an index and ask it, or build one. docs/python.md describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from qa import config
from qa.config import Settings
from qa.errors import IndexUnavailableError, QueryError
from qa.readers import named_type
from qa.results.arrangement import Arrangement, arrange
from qa.results.objects import Document, DocumentList, Origin, Passage, Result
from qa.retrieval.live import LiveSearcher
from qa.retrieval.search_protocol import Search
from qa.types import Filters, Grouping, IndexInfo, Mode, Query, Sort

if TYPE_CHECKING:
    from qa.indexing.build import Report

Values = str | Iterable[str]
"""One value of a filter, or several, which are alternatives."""

Day = str | date
"""A date, or an ISO date as text."""


class DocumentFilters(TypedDict, total=False):
    """Which documents may answer. They must pass every filter, with one of its values.

    Attributes:
        source: publishers, as the documents name them; case doesn't matter.
        language: ISO 639-1 codes.
        path: folders or files relative to the documents folder, or patterns with ``*``, ``?`` and ``[...]``.
        type: media types of files, or their usual suffixes without the dot, such as ``pdf``.
        document: ids of documents.
        date_from: published on this day or later. Documents without a date match no date filter.
        date_to: published on this day or earlier.
    """

    source: Values
    language: Values
    path: Values
    type: Values
    document: Values
    date_from: Day | None
    date_to: Day | None


class AskOptions(DocumentFilters, total=False):
    """The filters, and how to answer.

    Attributes:
        offset: number of best hits to skip.
        mode: search by meaning (``dense``), by words (``lexical``) or by both (``hybrid``, the default).
        min_confidence: return no hits if the confidence is lower than this.
        verbatim: search the question as it stands, with its slips of the keyboard.
        sort: ``relevance`` (the default), or ``date``: only hits that bear on the question, the latest first.
        group: ``passage`` (the default), or ``document``: ``k`` and ``offset`` count documents, and the hits
            are all passages of these, one document after the other.
        facets: also count the hits that bear on the question by publisher, year, language, type and folder.
        count: also count the hits that bear on the question.
    """

    offset: int
    mode: str
    min_confidence: float
    verbatim: bool
    sort: str
    group: str
    facets: bool
    count: bool


class Index:
    """An index that answers questions. It follows new generations; any number of threads may share it.

    ``open_index`` opens one. Close it, or use it in a ``with`` statement.
    """

    def __init__(self, settings: Settings, opener: Callable[[], Search], base_url: str = "") -> None:
        """Open an index.

        Args:
            settings: the settings; of these, the longest question counts, and the service's address.
            opener: returns the current searcher, or raises IndexUnavailableError.
            base_url: the address of the service that permalinks begin with; by default that of the settings.
        """
        self._settings = settings
        self._opener: Callable[[], Search] | None = opener
        self._origin = Origin(lambda: self._search().library, base_url or settings.address)

    @classmethod
    def open(cls, settings: Settings, base_url: str = "") -> Self:
        """Open the live generation of the settings, as ``open_index`` does."""
        live = LiveSearcher(settings)
        live.current()
        return cls(settings, live.current, base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the model and the generation. Threads that are searching finish."""
        self._opener = None

    @property
    def info(self) -> IndexInfo:
        """The live generation: its name, model, counts, and the files that could not be read."""
        return self._search().info

    def ask(self, question: str, k: int = 5, **options: Unpack[AskOptions]) -> Result:
        """Answer a question.

        Args:
            question: the question. ``"exact words"`` must stand in a passage, ``-word`` must not.
            k: number of hits.
            **options: filters and more, as in ``AskOptions``.

        Raises:
            QueryError: the question, a filter or another option cannot be used; the message says why.
            IndexUnavailableError: the index is closed, or can't be read.
        """
        query, arrangement = self._asked(question, k, options)
        result, listing = arrange(self._search(), query, arrangement)
        return Result.of(result, self._origin, arrangement, listing)

    def ask_many(self, questions: Iterable[str], k: int = 5, **options: Unpack[AskOptions]) -> list[Result]:
        """Answer several questions from one generation, in order.

        Raises:
            QueryError: one of the questions, a filter or another option cannot be used.
            IndexUnavailableError: the index is closed, or can't be read.
        """
        if isinstance(questions, str):
            raise QueryError("ask_many takes a list of questions; ask takes one")
        asked = [self._asked(question, k, options) for question in questions]
        search = self._search()
        if all(arrangement.is_plain for _, arrangement in asked):
            results = search.search_many([query for query, _ in asked])
            return [Result.of(result, self._origin) for result in results]
        return [
            Result.of(result, self._origin, arrangement, listing)
            for query, arrangement in asked
            for result, listing in [arrange(search, query, arrangement)]
        ]

    def documents(
        self, *, limit: int | None = None, offset: int = 0, **filters: Unpack[DocumentFilters]
    ) -> DocumentList:
        """List the documents that pass the filters, ordered by path.

        Args:
            limit: number of documents; all by default.
            offset: number of documents to skip.
            **filters: as in ``DocumentFilters``.

        Raises:
            QueryError: a filter or number cannot be used.
            IndexUnavailableError: the index is closed, or can't be read.
        """
        _check_number("limit", 1 if limit is None else limit, 1)
        _check_number("offset", offset, 0)
        search = self._search()
        limit = search.info.documents if limit is None else limit
        page = search.library.documents(_filters(**filters), limit=limit, offset=offset)
        return DocumentList.of(page, self._origin)

    def document(self, document_id: str) -> Document:
        """Return a document by its id; its ``text`` method returns its text, or a range of it.

        Raises:
            NotFoundError: there is no such document.
            IndexUnavailableError: the index is closed, or can't be read.
        """
        return Document.of(self._search().library.document(document_id), self._origin)

    def passage(self, passage_id: str) -> Passage:
        """Return a passage by its id, with its neighbours.

        Raises:
            NotFoundError: there is no such document.
            GoneError: the document has changed, and has no such passage now.
            IndexUnavailableError: the index is closed, or can't be read.
        """
        library = self._search().library
        return Passage.of(library.passage(passage_id), library, self._origin)

    def _search(self) -> Search:
        if self._opener is None:
            raise IndexUnavailableError("the index is closed: open it again with qa.open_index")
        return self._opener()

    def _asked(self, question: str, k: int, options: AskOptions) -> tuple[Query, Arrangement]:
        longest = self._settings.max_question
        if not question.strip() or len(question) > longest:
            raise QueryError(f"a question has 1 to {longest} characters")
        return _asked(question, k, **options)


def open_index(index: str | Path | None = None, *, base_url: str = "", **settings: Any) -> Index:
    """Open an index.

    Args:
        index: the folder of the index; by default that of the settings, ``index``.
        base_url: the address of the service that permalinks begin with; by default that of the settings,
            http://127.0.0.1:8000.
        **settings: any setting by its name, such as ``store`` or ``reranker``. They override ``QA_*``
            variables and ``qa.toml``.

    Raises:
        SettingsError: a setting is unknown or cannot be used.
        IndexUnavailableError: there is no index, it is damaged, or its store doesn't respond.
        ModelError: a model cannot be loaded.
    """
    return Index.open(config.load({"index": index} | settings, origin="open_index"), base_url)


def build_index(
    docs: str | Path | None = None,
    index: str | Path | None = None,
    *,
    progress: bool = False,
    allow_empty: bool = False,
    **settings: Any,
) -> Report:
    """Build the index of a folder of documents, or bring it up to date.

    Args:
        docs: the folder of the documents; by default that of the settings, ``docs_raw``.
        index: the folder of the index; by default that of the settings, ``index``.
        progress: show progress bars on standard error.
        allow_empty: build even if the folder is empty, or most of the indexed files are gone from it.
        **settings: any setting by its name, such as ``model``. They override ``QA_*`` variables and
            ``qa.toml``.

    Returns:
        What the build did. Its ``failures`` are the files that could not be read, each with the reason.

    Raises:
        SettingsError: a setting is unknown or cannot be used.
        BuildError: the index cannot be built; the one before it stays live.
        ModelError: the model cannot be loaded.
        StoreUnavailableError: the Milvus of the settings doesn't respond.
    """
    from qa.indexing.build import build_with_model

    chosen = config.load({"docs": docs, "index": index} | settings, origin="build_index")
    return build_with_model(chosen, progress=progress, allow_empty=allow_empty)


def _asked(
    question: str,
    k: int,
    *,
    offset: int = 0,
    mode: str = Mode.HYBRID,
    min_confidence: float = 0.0,
    verbatim: bool = False,
    sort: str = Sort.RELEVANCE,
    group: str = Grouping.PASSAGE,
    facets: bool = False,
    count: bool = False,
    **filters: Unpack[DocumentFilters],
) -> tuple[Query, Arrangement]:
    """Return the query that the arguments of ``ask`` make, and how its results are listed."""
    _check_number("k", k, 1)
    _check_number("offset", offset, 0)
    choices: tuple[tuple[str, str, type[StrEnum]], ...] = (
        ("mode", mode, Mode),
        ("sort", sort, Sort),
        ("group", group, Grouping),
    )
    for name, value, known in choices:
        if value not in list(known):
            raise QueryError(f"{name} is one of {', '.join(known)}, not {value!r}")
    if not (isfinite(min_confidence) and 0 <= min_confidence <= 1):
        raise QueryError(f"min_confidence is between 0 and 1, not {min_confidence}")
    query = Query(question.strip(), k, offset, Mode(mode), _filters(**filters), min_confidence, verbatim)
    return query, Arrangement(Sort(sort), Grouping(group), facets, count)


def _filters(
    *,
    source: Values = (),
    language: Values = (),
    path: Values = (),
    type: Values = (),  # noqa: A002 -- the API's name
    document: Values = (),
    date_from: Day | None = None,
    date_to: Day | None = None,
) -> Filters:
    first, last = _iso_date("date_from", date_from), _iso_date("date_to", date_to)
    if first and last and first > last:
        raise QueryError(f"date_from, {first}, is later than date_to, {last}")
    return Filters(
        source=_values(source),
        language=_values(language),
        path=_values(path),
        date_from=first,
        date_to=last,
        media_type=tuple(map(named_type, _values(type))),
        document=_values(document),
    )


def _values(values: Values) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _iso_date(name: str, day: Day | None) -> str | None:
    if day is None:
        return None
    try:
        return date.fromisoformat(str(day)).isoformat()
    except ValueError:
        raise QueryError(f"{name} is a date such as 2019-07-03, not {day!r}") from None


def _check_number(name: str, number: int, least: int) -> None:
    if number < least:
        raise QueryError(f"{name} is {least} or more, not {number}")
