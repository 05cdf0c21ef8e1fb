"""The shapes of responses: results, documents, passages, facets, the status and problems.

For speed, responses are built as plain dicts (see ``answers``). The models here describe them for
``/openapi.json``, and the tests validate every response with its model.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel, WithJsonSchema

from qa.indexing.ledger import State
from qa.indexing.uploads import Outcome
from qa.results.listing import MAX_RESULTS
from qa.types import How, LanguageSupport
from qa.web.api.schemas.optional import optional

Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date", "examples": ["2019-07-03"]})]
"""An ISO date."""

Time = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-27T08:15:15+00:00"]})
]
"""An ISO time, UTC."""


class DocumentRef(BaseModel):
    """The document of a result: who published it, when, and which file it is."""

    id: str = Field(examples=["706ee169cf782e6d"])
    path: str = Field(
        description="Relative to the documents folder.", examples=["envoy-on-terrorism-and-cyber-threats.txt"]
    )
    title: str | None = Field(examples=["Envoy: Phnom Penh and Moscow step up joint work"])
    source: str | None = Field(examples=["TASS"])
    author: str | None
    published: Day | None = Field(description="ISO date. Null if the document doesn't state the full date.")
    dateline: str | None = Field(
        description="As printed in the document.", examples=["HANOI, July 3. /TASS/"]
    )
    language: str | None = Field(examples=["en"])
    media_type: str = Field(examples=["text/plain"])
    sha256: str = Field(
        description="Of the file's bytes.",
        examples=["3a9fc9d0458b9f7049e0e0a98835a37593212ba984ebfe72eab2549b77949265"],
    )
    url: str | None


class Recognition(BaseModel):
    """Whether text was recognised from a picture."""

    recognised: bool = Field(
        description="Whether text, or a part of it, was recognised from a scan or another picture."
    )
    certainty: float | None = Field(
        ge=0, le=1, description="Mean certainty of what was recognised. Null if nothing was."
    )


_TABLE_HEADER = Field(
    description="The lines that name the columns, if the passage is rows of a table below them."
)


class Document(DocumentRef, Recognition):
    """Everything known about a document."""

    found: dict[str, How] = Field(description="For each field, how its value was found.")
    characters: int
    passages: int
    pages: int | None
    row: str | None = Field(description="The row's key, if the file is a table.")
    notes: list[str]
    recognised_pages: int = Field(description="Number of pages of which text was recognised.")


class Page(BaseModel):
    """A part of a list, with the addresses of the parts beside it."""

    next: str | None = Field(
        description="Address of the next part, relative to the service. Null at the end.",
        examples=["/api/v1/documents?limit=50&offset=50"],
    )
    prev: str | None = Field(description="Address of the part before. Null at the beginning.")


class Documents(Page):
    """A part of the list of documents."""

    total: int = Field(description="Number of documents that match the filters.")
    documents: list[Document]


class Answer(BaseModel):
    """A sentence that answers. Offsets are half-open, in code points of the document's text."""

    text: str
    char_start: int
    char_end: int
    score: float


class ShortAnswer(BaseModel):
    """The words that answer. Offsets are half-open, in code points of the document's text."""

    text: str
    char_start: int
    char_end: int
    passage_id: str = Field(description="The passage that the words are a part of, one of the first results.")


class PassageText(Recognition):
    """A passage. Offsets are half-open, in code points of the document's text."""

    id: str
    text: str
    char_start: int
    char_end: int
    page: int | None
    section: str | None
    language: str | None
    table_header: str | None = _TABLE_HEADER
    url: str = Field(description="The page that shows the passage in its document.")


class Passage(PassageText):
    """A passage with its document and neighbours."""

    document: Document
    previous: PassageText | None
    next: PassageText | None


class Duplicate(BaseModel):
    """A passage whose wording is nearly identical to that of the result."""

    id: str
    url: str = Field(description="The page that shows the passage in its document.")
    document: DocumentRef


class Result(Recognition):
    """A passage that answers the question, or comes near it."""

    rank: int
    id: str
    score: float
    scores: dict[str, float] = Field(description="The score of each signal.")
    text: str
    char_start: int
    char_end: int
    page: int | None
    section: str | None
    table_header: str | None = _TABLE_HEADER
    answers: list[Answer] = Field(description="The sentences that answer, best first.")
    url: str = Field(description="The page that shows the passage in its document.")
    document: DocumentRef
    duplicates: list[Duplicate] = Field(
        description="Nearly identical passages. The result is the one that was published first."
    )
    relevant: bool = Field(description="Whether the passage has to do with the question.")
    matched_terms: list[str] = Field(description="The question's content words that the passage meets.")
    unmatched_terms: list[str] = Field(description="Those that it does not meet.")
    passages: list[Result] = optional(
        "Only with `group=document`: the document's passages among those looked at, this one first. "
        "Their `rank` is that among all passages; that of the result counts documents."
    )


class FacetValue(BaseModel):
    """A value of a facet."""

    value: str
    count: int = Field(
        description="Number of relevant results with this value, ignoring the facet's own filter."
    )
    chosen: bool = Field(description="Whether the request filters for this value.")


class TimelineBar(BaseModel):
    """A period of time, and how many results were published in it."""

    start: Day = Field(alias="from")
    end: Day = Field(alias="to", description="Inclusive.")
    count: int


class Facets(BaseModel):
    """The relevant results, counted by publisher, year, language, type, time and folder."""

    results: int = Field(description=f"Number of relevant results among the {MAX_RESULTS} best.")
    complete: bool = Field(description="Whether these are all. If not, each count is a minimum.")
    source: list[FacetValue]
    year: list[FacetValue]
    language: list[FacetValue]
    type: list[FacetValue]
    undated: int = Field(description="Number of results without a full date.")
    timeline: list[TimelineBar]
    folder: list[FacetValue] = Field(
        description="The outermost folders, those in `path`, and the folders directly in these."
    )


class Index(BaseModel):
    """The index that answered."""

    generation: str
    model: str
    documents: int
    passages: int


class SearchAnswer(BaseModel):
    """The answer to one question."""

    query: str = Field(examples=["How large was the trade turnover with Cambodia in 2018?"])
    answerable: bool = Field(description="Whether these documents seem to answer the question.")
    confidence: float = Field(
        ge=0,
        le=1,
        description="Probability that the first results answer the question. If `language_support` is "
        "`words`, it says how well the words match, and is no probability.",
    )
    total: int = Field(description="Number of passages that match the filters.")
    took_ms: float
    index: Index
    results: list[Result]
    language_support: LanguageSupport | None = Field(
        description="What of the question can be matched: its words and its meaning (`full`) or, as the "
        "model can't read it, its words alone (`words`). Null in lexical mode, and if nothing but phrases "
        "was asked for."
    )
    required: list[str] = Field(
        description="The phrases that must stand in a passage: the question's words in quotes or after `+`."
    )
    excluded: list[str] = Field(description="Those that must not: words or quotes after `-`.")
    corrected_query: str | None = Field(
        description="What was searched in place of the question, if that has slips of the keyboard."
    )
    missing_terms: list[str] = Field(
        description="Words of the question that was searched which stand nowhere in these documents."
    )
    missing_phrases: list[str] = Field(
        description="Its quotations that stand nowhere in these documents: their words were searched instead."
    )
    short_answer: ShortAnswer | None = Field(
        description="The words that answer the question, as the reader found them. Null without a reader, or "
        "if it found no answer."
    )
    like: str | None = Field(
        description="The passage that was asked with in place of a question; `query` is then empty."
    )
    facets: Facets = optional("Only if the request asks for facets.")
    hits: int = optional(
        f"Number of relevant results among the {MAX_RESULTS} best. Only if the request asks for `count`, "
        "`facets` or `sort=date`."
    )
    next: str = optional(
        "Address of the next results, relative to the service. Only for GET, and if there are more."
    )
    prev: str = optional("Address of the results before. Only for GET, and if there are any.")


class SearchAnswers(BaseModel):
    """The answers to several questions, in the order of the questions."""

    answers: list[SearchAnswer]


class SearchResponse(RootModel[SearchAnswer | SearchAnswers]):
    """One answer for `q`, several for `questions`."""


class Failure(BaseModel):
    """A file, or a row of a file, that could not be read, and why."""

    path: str
    row: str | None
    reason: str


class SeenFiles(BaseModel):
    """Number of files in the documents folder by state."""

    generation: str = Field(description="The live generation when the folder was checked.")
    checked: Time = Field(description="When the folder was checked: ISO time, UTC.")
    counts: dict[State, int]
    left_out: dict[str, int] = Field(
        description="Number of files of kinds that are not read, by suffix, such as `.psd`."
    )
    partly: list[str] = Field(description="The first files that were read in part. `/files` lists all.")
    illegible: dict[str, int] = Field(
        description="Number of passages in languages that the model can't read, by language code or script."
    )


class Upload(BaseModel):
    """A file that was added to the documents folder. `/files` says later what became of it."""

    path: str = Field(description="The path of the file, relative to the documents folder.")
    document_id: str = Field(
        description="The id that its document will have. Rows, messages and files inside have their own."
    )
    sha256: str
    size: int = Field(description="In bytes.")
    outcome: Outcome = Field(description="`identical`: the same file was there already.")


class SeenFile(BaseModel):
    """A file that was seen in the documents folder, and its state."""

    path: str
    state: State
    reason: str | None
    since: Time = Field(description="ISO time, UTC.")


class FileList(Page):
    """A part of the list of files."""

    total: int
    files: list[SeenFile]


class Status(BaseModel):
    """The contents of the index."""

    generation: str
    model: str
    created: Time = Field(description="ISO time, UTC.")
    documents: int
    passages: int
    sentences: int
    store: str = Field(description="Where the index is stored, and how words are searched there.")
    failures: list[Failure] = Field(
        description="The first 1,000, with at most 100 rows of each file. `/files` lists all files."
    )
    failure_count: int = Field(description="Number of files and rows that could not be read.")
    unread_files: int = Field(description="Number of files that could not be read in full.")
    files: SeenFiles | None = Field(description="Null before the first `qa index` that records files.")


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The index can be searched."""

    status: Literal["ready"]
    generation: str


class FieldError(BaseModel):
    """An error in one field of the request."""

    field: str
    message: str


class Problem(BaseModel):
    """An error, as defined by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = optional("Identifies the request in the service's log. Also sent as `X-Request-ID`.")
    errors: list[FieldError] = optional("The fields of the request that are wrong.")
