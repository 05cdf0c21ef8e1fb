"""The shapes of requests: query strings, bodies and paths, with their limits."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from qa.indexing.ledger import State
from qa.readers import named_type
from qa.results.arrangement import Arrangement
from qa.results.listing import MAX_RESULTS
from qa.types import DocumentOrder, DocumentQuery, Filters, Grouping, Mode, Query, Sort
from qa.web.api.schemas.optional import optional

MAX_OFFSET = 1000
"""How far into the results a request may reach. Chosen: results before the offset must be ranked, too."""

MAX_QUESTIONS = 100
"""Questions in one request. Chosen so that a batch fits well into the default ``batch_timeout``."""

MAX_VALUES = 50
"""Values of one filter. Chosen: each becomes a part of an SQL expression."""

# The examples fit together: as they stand, they ask the demo corpus for one passage.
_QUESTION = "By how much did trade between Russia and Cambodia grow in 2018?"

_MAX_LIST_OFFSET = 1_000_000_000
"""Chosen: more documents than any index holds, and within SQLite's integers."""


def _check_date(value: str) -> str:
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise PydanticCustomError("iso_date", "must be a date such as 2019-07-03")


ISODate = Annotated[str, AfterValidator(_check_date), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Value = Annotated[Text, StringConstraints(max_length=500)]
Values = Annotated[list[Value], Field(max_length=MAX_VALUES)]
Language = Annotated[Value, StringConstraints(to_lower=True)]
MediaType = Annotated[Value, AfterValidator(named_type)]


class Parameters(BaseModel):
    """The parameters of a request. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class FilterParameters(Parameters):
    """Which documents to search. Values of one filter are alternatives; all filters must match."""

    source: Values = Field(
        default=[],
        description="Publisher, as the documents name it; case doesn't matter. Repeatable.",
        json_schema_extra={"example": ["Demo corpus, after TASS and Fresh News"]},
    )
    language: Annotated[list[Language], Field(max_length=MAX_VALUES)] = Field(
        default=[],
        description="ISO 639-1 code, such as `en`. Repeatable.",
        json_schema_extra={"example": ["en"]},
    )
    path: Values = Field(
        default=[],
        description="A folder or file relative to the documents folder, or a pattern with `*`, `?` and "
        "`[...]`. Repeatable.",
        json_schema_extra={"example": ["trade*"]},
    )
    media_type: Annotated[list[MediaType], Field(max_length=MAX_VALUES)] = Field(
        default=[],
        alias="type",
        description="Type of the file: its usual suffix, such as `pdf`, or its media type, such as "
        "`application/pdf`. Repeatable.",
        json_schema_extra={"example": ["txt"]},
    )
    document: Values = Field(
        default=[],
        description="A document's id. Repeatable.",
        json_schema_extra={"example": ["150f5b4aedc99ef9"]},
    )
    date_from: ISODate = optional(
        "Published on this day or later. Documents without a date match no date filter.",
        alias="from",
        example="2020-01-01",
    )
    date_to: ISODate = optional("Published on this day or earlier.", alias="to", example="2026-12-31")

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise PydanticCustomError("date_range", "from must not be later than to")
        return self

    def filters(self) -> Filters:
        """Return the filters in the engine's terms."""
        return Filters(
            source=tuple(self.source),
            language=tuple(self.language),
            path=tuple(self.path),
            date_from=self.date_from,
            date_to=self.date_to,
            media_type=tuple(self.media_type),
            document=tuple(self.document),
        )


def _check_length(question: str, info: ValidationInfo) -> str:
    longest = (info.context or {}).get("max_question")
    if longest is not None and len(question) > longest:
        raise PydanticCustomError(
            "question_too_long",
            "must be at most {longest} characters long; this has {length}",
            {"longest": longest, "length": len(question)},
        )
    return question


_LIKE = (
    "A passage's id. In place of a question, its own words and vector are asked with; the passage itself and "
    "near-identical ones are not among the results. No confidence is claimed."
)


class SearchOptions(FilterParameters):
    """How to answer, whatever the question."""

    k: int = Field(default=10, ge=1, le=100, description="Number of results.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="Number of best results to skip.")
    mode: Mode = Field(default=Mode.HYBRID, description="Which signals rank the passages.")
    min_confidence: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Return no results if the confidence is lower than this.",
    )
    sort: Sort = Field(
        default=Sort.RELEVANCE,
        description=f"`date`: of the {MAX_RESULTS} best results, the `relevant` ones, the latest first.",
    )
    facets: bool = Field(
        default=False,
        description="Also count the `relevant` results by publisher, year, language, type and folder.",
    )
    verbatim: bool = Field(
        default=False, description="Search the question as it stands, with its slips of the keyboard."
    )
    count: bool = Field(default=False, description="Also count the `relevant` results, as `hits`.")
    limit: int = optional("The same as `k`, as lists call it. Overrides `k`.", ge=1, le=100)
    group: Grouping = Field(
        default=Grouping.PASSAGE,
        description="`document`: each result is a document, as its best passage with all its `passages`; `k` "
        "and `offset` count documents.",
    )

    @model_validator(mode="after")
    def _take_limit(self) -> Self:
        # Generated clients send the default of ``k`` as well, so both together are no mistake.
        self.k = self.limit or self.k
        return self

    @property
    def arrangement(self) -> Arrangement:
        """How the results are listed and counted."""
        return Arrangement(self.sort, self.group, self.facets, self.count)

    def query(self, question: str, like: str | None = None) -> Query:
        """Return one question, or a passage in its place, in the engine's terms."""
        return Query(
            question=question,
            k=self.k,
            offset=self.offset,
            mode=self.mode,
            filters=self.filters(),
            min_confidence=self.min_confidence,
            verbatim=self.verbatim,
            like=like,
        )


class SearchParameters(SearchOptions):
    """A question in a query string."""

    q: Text = Field(description="The question.", json_schema_extra={"example": _QUESTION})

    _length = field_validator("q")(_check_length)


class SearchQuery(SearchOptions):
    """A question in a query string, or the id of a passage in its place."""

    like: Text = optional(_LIKE)
    q: Text = optional("The question.", validate_default=True, example=_QUESTION)

    _length = field_validator("q")(_check_length)

    @field_validator("q", mode="wrap")
    @classmethod
    def _check_one(
        cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> str | None:
        has_like = info.data.get("like") is not None
        if value is None and not has_like:
            raise PydanticCustomError("missing", "Field required")
        if value is not None and has_like:
            raise PydanticCustomError("one_of", "use either q or like")
        return None if value is None else handler(value)


class PageParameters(SearchParameters):
    """A question on the search page, and how many results the page shows."""

    group: Grouping = Grouping.DOCUMENT
    show: int = Field(default=10, ge=1, le=MAX_RESULTS)


class SearchRequest(SearchOptions):
    """One question (`q`), several (`questions`) or a passage in their place (`like`), and how to answer."""

    q: Text = optional("The question.", example=_QUESTION)
    questions: list[Text] = optional(
        "Several questions at once.",
        min_length=1,
        max_length=MAX_QUESTIONS,
        example=["Who is the ambassador?", "Кто посол?"],
    )
    like: Text = optional(_LIKE)

    @field_validator("q", "questions")
    @classmethod
    def _length(cls, value: str | list[str], info: ValidationInfo) -> str | list[str]:
        for question in [value] if isinstance(value, str) else value:
            _check_length(question, info)
        return value

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(way is not None for way in (self.q, self.questions, self.like)) != 1:
            raise PydanticCustomError("one_of", "use one of q, questions and like")
        return self


class DocumentsParameters(FilterParameters):
    """Which part of the list of documents to return."""

    limit: int = Field(default=50, ge=1, le=1000, description="Number of documents.")
    offset: int = Field(default=0, ge=0, le=_MAX_LIST_OFFSET, description="Number of documents to skip.")
    q: Value = optional(
        "Words, or parts of words, that must all stand in the title or path; case doesn't matter."
    )
    sort: DocumentOrder = Field(
        default=DocumentOrder.PATH,
        description="The order. `title` and `path` ascend. The latest come first by `date` (published) and "
        "`indexed` (when the file came into the index), the longest text by `size`. Unknown dates come last.",
    )
    reverse: bool = Field(default=False, description="Turn the order around.")

    def document_query(self) -> DocumentQuery:
        """Return which documents to list, and in which order, in the engine's terms."""
        return DocumentQuery(self.filters(), self.q or "", self.sort, self.reverse)


class UploadParameters(Parameters):
    """Where an uploaded file goes."""

    folder: str = Field(
        default="",
        max_length=4096,
        description="A folder that is there, relative to the documents folder; by default, that itself.",
    )
    replace: bool = Field(default=False, description="Replace another file of the same name.")


class FilesParameters(Parameters):
    """Which part of the list of files to return."""

    state: State = optional("Only files in this state.")
    limit: int = Field(default=50, ge=1, le=1000, description="Number of files.")
    offset: int = Field(default=0, ge=0, le=_MAX_LIST_OFFSET, description="Number of files to skip.")


class DocumentPath(BaseModel):
    """A document's address."""

    document_id: str = Field(
        description="16 hexadecimal digits.", json_schema_extra={"example": "150f5b4aedc99ef9"}
    )


class PassagePath(BaseModel):
    """A passage's address."""

    passage_id: str = Field(
        description="`DOCUMENT:START-END`.", json_schema_extra={"example": "150f5b4aedc99ef9:406-829"}
    )
