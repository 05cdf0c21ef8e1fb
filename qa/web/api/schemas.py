"""The JSON API's shapes: what is accepted, and what is answered.

Requests are validated by these models. Answers are built as plain dicts (see ``answers``), for speed;
the models here document them, and the tests hold the two together.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from qa.indexing.ledger import State
from qa.types import Filters, How, Mode, Query
from qa.web.listing import MOST, Sort

MAX_OFFSET = 1000
MAX_QUESTIONS = 100
MAX_VALUES = 50


def _iso_date(value: str) -> str:
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise PydanticCustomError("iso_date", "must be a date such as 2019-07-03")


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


# A field that may be left out, but cannot be null: a union with None would double every error message.
_ABSENT: Any = None

ISODate = Annotated[str, AfterValidator(_iso_date), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Value = Annotated[Text, StringConstraints(max_length=500)]
Values = Annotated[list[Value], Field(max_length=MAX_VALUES)]
Language = Annotated[Value, StringConstraints(to_lower=True)]


class Parameters(BaseModel):
    """What a request may carry: nothing that is not named here."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class FilterParameters(Parameters):
    """Which documents may answer. Values of one field are alternatives; fields add up."""

    source: Values = Field(
        default=[], description="Publisher, as the documents name it, in capitals or not. Repeatable."
    )
    language: Annotated[list[Language], Field(max_length=MAX_VALUES)] = Field(
        default=[], description="ISO 639-1 code, such as `en`. Repeatable."
    )
    path: Values = Field(
        default=[],
        description="A folder or file relative to the documents folder, or a pattern with `*`, `?` and "
        "`[...]`. Repeatable.",
    )
    media_type: Values = Field(
        default=[], alias="type", description="Media type of the file, such as `application/pdf`. Repeatable."
    )
    document: Values = Field(default=[], description="A document's id. Repeatable.")
    date_from: ISODate = Field(
        default=_ABSENT,
        alias="from",
        description="Published on this day or later. A document without a date is outside every range.",
        json_schema_extra=_drop_default,
    )
    date_to: ISODate = Field(
        default=_ABSENT,
        alias="to",
        description="Published on this day or earlier.",
        json_schema_extra=_drop_default,
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise PydanticCustomError("date_range", "from must not be later than to")
        return self

    def filters(self) -> Filters:
        """Give the filters in the engine's terms."""
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


class SearchOptions(FilterParameters):
    """How to answer, whatever the question."""

    k: int = Field(default=10, ge=1, le=100, description="How many passages to give.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="How many of the best to skip.")
    mode: Mode = Field(default=Mode.HYBRID, description="Which signals rank the passages.")
    min_confidence: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Give no results where the answer's confidence is lower.",
    )
    sort: Sort = Field(
        default=Sort.RELEVANCE,
        description=f"`date`: the latest first, of the {MOST} best results those that are `relevant`.",
    )
    facets: bool = Field(default=False, description="Tell what the `relevant` results have in common.")

    @property
    def is_plain(self) -> bool:
        """Tell whether the best results are all that is asked for."""
        return self.sort is Sort.RELEVANCE and not self.facets

    def query(self, question: str) -> Query:
        """Give one question in the engine's terms."""
        return Query(
            question=question,
            k=self.k,
            offset=self.offset,
            mode=self.mode,
            filters=self.filters(),
            min_confidence=self.min_confidence,
        )


class SearchParameters(SearchOptions):
    """A question in a query string."""

    q: Text = Field(description="The question.")

    _length = field_validator("q")(_check_length)


class PageParameters(SearchParameters):
    """A question to the page, and how many of its results are to be shown."""

    show: int = Field(default=10, ge=1, le=MOST)


class SearchRequest(SearchOptions):
    """One question (`q`) or several (`questions`), and how to answer."""

    q: Text = Field(default=_ABSENT, description="The question.", json_schema_extra=_drop_default)
    questions: list[Text] = Field(
        default=_ABSENT,
        min_length=1,
        max_length=MAX_QUESTIONS,
        description="Several questions at once.",
        json_schema_extra=_drop_default,
    )

    @field_validator("q", "questions")
    @classmethod
    def _length(cls, value: str | list[str], info: ValidationInfo) -> str | list[str]:
        for question in [value] if isinstance(value, str) else value:
            _check_length(question, info)
        return value

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.q is None) == (self.questions is None):
            raise PydanticCustomError("one_of", "give either q or questions")
        return self


class DocumentsParameters(FilterParameters):
    """Which part of the list of documents to give."""

    limit: int = Field(default=50, ge=1, le=1000, description="How many documents to give.")
    offset: int = Field(default=0, ge=0, le=1_000_000_000, description="How many to skip.")


class DocumentPath(BaseModel):
    """A document's address."""

    document_id: str = Field(description="16 hexadecimal digits.")


class PassagePath(BaseModel):
    """A passage's address."""

    passage_id: str = Field(description="`DOCUMENT:START-END`.")


class DocumentRef(BaseModel):
    """The document of a result: who published it and when, and which file it is."""

    id: str
    path: str = Field(description="Relative to the documents folder.")
    title: str | None
    source: str | None
    author: str | None
    published: str | None = Field(description="ISO date. Null where the document does not tell it in full.")
    dateline: str | None = Field(description="As it stands in the document.")
    language: str | None
    media_type: str
    sha256: str = Field(description="Of the file's bytes.")
    url: str | None


class Document(DocumentRef):
    """Everything known of a document."""

    found: dict[str, How] = Field(description="By field, how its value was found.")
    characters: int
    passages: int
    pages: int | None
    row: str | None = Field(description="The row's key, where the file is a table.")
    notes: list[str]


class Documents(BaseModel):
    """A part of the list of documents."""

    total: int = Field(description="How many documents the filters leave.")
    documents: list[Document]


class Answer(BaseModel):
    """A sentence that answers. Offsets are half-open, in code points of the document's text."""

    text: str
    char_start: int
    char_end: int
    score: float


class PassageText(BaseModel):
    """A passage. Offsets are half-open, in code points of the document's text."""

    id: str
    text: str
    char_start: int
    char_end: int
    page: int | None
    section: str | None
    language: str | None
    url: str = Field(description="The page that shows it in its document.")


class Passage(PassageText):
    """A passage with its document and neighbours."""

    document: Document
    previous: PassageText | None
    next: PassageText | None


class Duplicate(BaseModel):
    """A passage that says nearly the same, word for word, as the one that stands for it."""

    id: str
    url: str = Field(description="The page that shows it in its document.")
    document: DocumentRef


class Result(BaseModel):
    """A passage that was found."""

    rank: int
    id: str
    score: float
    scores: dict[str, float] = Field(description="Each signal's part.")
    text: str
    char_start: int
    char_end: int
    page: int | None
    section: str | None
    answers: list[Answer] = Field(description="The sentences that answer, best first.")
    url: str = Field(description="The page that shows it in its document.")
    document: DocumentRef
    duplicates: list[Duplicate] = Field(
        description="Near-identical passages, for which this one, the earliest published, stands."
    )
    relevant: bool = Field(description="Whether it bears on the question at all.")


class FacetValue(BaseModel):
    """A value of a facet."""

    value: str
    count: int = Field(description="How many relevant results have it, with all filters but the facet's own.")
    chosen: bool = Field(description="Whether it is filtered for.")


class TimelineBar(BaseModel):
    """A stretch of time."""

    start: str = Field(alias="from")
    end: str = Field(alias="to", description="Inclusive.")
    count: int


class Facets(BaseModel):
    """What the relevant results have in common."""

    results: int = Field(description=f"How many there are, of the {MOST} best.")
    complete: bool = Field(description="Whether these are all; if not, every count is one at the least.")
    source: list[FacetValue]
    year: list[FacetValue]
    language: list[FacetValue]
    type: list[FacetValue]
    undated: int = Field(description="How many have no full date.")
    timeline: list[TimelineBar]


class Index(BaseModel):
    """The index that answered."""

    generation: str
    model: str
    documents: int
    passages: int


class SearchAnswer(BaseModel):
    """The answer to one question."""

    query: str
    answerable: bool = Field(description="Whether these documents seem to answer it at all.")
    confidence: float = Field(ge=0, le=1, description="Probability that the first results answer it.")
    total: int = Field(description="How many passages the filters left to search.")
    took_ms: float
    index: Index
    results: list[Result]
    facets: Facets = Field(
        default=_ABSENT,
        description="Where they were asked for.",
        json_schema_extra=_drop_default,
    )


class SearchAnswers(BaseModel):
    """The answers to several questions, in their order."""

    answers: list[SearchAnswer]


class SearchResponse(RootModel[SearchAnswer | SearchAnswers]):
    """One answer for `q`, several for `questions`."""


class Failure(BaseModel):
    """A file, or a row of one, that could not be read, and why."""

    path: str
    row: str | None
    reason: str


class SeenFiles(BaseModel):
    """How many files of the documents folder are of each state."""

    generation: str = Field(description="The generation that was live when it was made sure.")
    checked: str = Field(description="When that was: ISO time, UTC.")
    counts: dict[State, int]


class SeenFile(BaseModel):
    """A file that was seen in the documents folder, and what became of it."""

    path: str
    state: State
    reason: str | None
    since: str = Field(description="ISO time, UTC.")


class FileList(BaseModel):
    """A part of the list of files."""

    total: int
    files: list[SeenFile]


class FilesParameters(Parameters):
    """Which part of the list of files to give."""

    state: State = Field(
        default=_ABSENT, description="Only files of this state.", json_schema_extra=_drop_default
    )
    limit: int = Field(default=50, ge=1, le=1000, description="How many files to give.")
    offset: int = Field(default=0, ge=0, le=1_000_000_000, description="How many to skip.")


class Status(BaseModel):
    """What the index holds."""

    generation: str
    model: str
    created: str = Field(description="ISO time, UTC.")
    documents: int
    passages: int
    sentences: int
    store: str = Field(description="What keeps the index, and how words are searched there.")
    failures: list[Failure] = Field(
        description="The first 1,000, and of each file the first 100 rows; `/files` lists all files."
    )
    failure_count: int = Field(description="How many files and rows could not be read.")
    unread_files: int = Field(description="How many files could not be read, or not all of them.")
    files: SeenFiles | None = Field(
        description="Null before the first `qa index` that keeps account of them."
    )


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The index can be searched."""

    status: Literal["ready"]
    generation: str


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field(
        default=_ABSENT,
        description="By which the service's log knows the request; also the header `X-Request-ID`.",
        json_schema_extra=_drop_default,
    )
    errors: list[FieldError] = Field(
        default=_ABSENT,
        description="By field, where the request was at fault.",
        json_schema_extra=_drop_default,
    )
