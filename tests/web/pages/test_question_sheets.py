"""A sheet of questions is sent to the page, and the answers come back as a file; nothing is kept."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart
from xlsxwriter import Workbook

from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.readers import docx
from qa.types import Filters, Mode, Query, SearchResult
from qa.web import create_app
from qa.web.access.keys import Keys
from web.fake_search import EVIL, FakeSearch, no_index
from web.helpers import OWN, Tags, bearer, page

SHEET = "id,question\n7,Who met in Phnom Penh in May?\n8,\n9,What grew?\n"

MakeClient = Callable[..., FlaskClient]

_PARTS = [
    b"question",
    b"Why?",
    b"\n",
    b",",
    b"\t",
    b'"',
    b'{"question": "Why?"}',
    b"=1",
    b"[]",
    b"\xff",
    b"\x00",
]


def workbook(rows: list[list[str]]) -> bytes:
    output = io.BytesIO()
    with Workbook(output) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return output.getvalue()


def send(
    client: FlaskClient,
    content: str | bytes = SHEET,
    name: str = "asked.csv",
    headers: dict[str, str] = OWN,
    *,
    buffered: bool = True,
    **fields: str,
) -> TestResponse:
    data = content.encode() if isinstance(content, str) else content
    form: dict[str, Any] = fields | {"sheet": FileStorage(io.BytesIO(data), name, "sheet")}
    boundary, body = encode_multipart(form)  # the client would leave the file open that holds a large form
    return client.post(
        "/batch",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers=headers,
        buffered=buffered,
    )


def table(response: TestResponse) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"), newline="")))


def alert(response: TestResponse, status: int) -> str:
    """Return what the page says of a sheet that it refused."""
    assert response.status_code == status
    html = response.get_data(as_text=True)
    assert 'id="batch"' in html  # the form is there again
    return Tags(html.partition('role="alert">')[2].partition("</p>")[0]).text


def test_the_form_says_what_it_takes(client_with: MakeClient) -> None:
    client = client_with(max_sheet_questions=20, max_sheet_mb=2)
    html = page(client, "/batch")
    tags = Tags(html).tags
    form = next(attributes for tag, attributes in tags if attributes.get("id") == "batch")
    assert (form["method"], form["action"], form["enctype"]) == ("post", "/batch", "multipart/form-data")
    assert form["data-max"] == str(2 << 20)
    assert "at most 20 questions" in html
    assert "at most 2 MiB" in html
    formats = [attributes["value"] for tag, attributes in tags if tag == "option"]
    assert formats[:4] == ["csv", "xlsx", "docx", "jsonl"]
    assert client.get("/batch").headers["Referrer-Policy"] == "same-origin"
    assert 'href="/batch"' in page(client, "/")


def test_the_answers_stand_beside_the_questions(client: FlaskClient) -> None:
    response = send(client)
    first, blank, last = table(response)
    assert (first["id"], first["question"]) == ("7", "Who met in Phnom Penh in May?")
    assert first["answer"] == "Ministers met in Phnom Penh 😀 in May."
    assert first["permalink"].startswith("http://localhost/documents/")
    assert (blank["id"], blank["answer"]) == ("8", "")
    assert last["answer"] == "The trade grew by 60% in 2019."
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''asked-answers.csv"
    assert response.headers["Cache-Control"] == "no-store"


def test_every_format_comes_back(client: FlaskClient) -> None:
    answer = "Ministers met in Phnom Penh 😀 in May."
    lines = send(client, format="jsonl").get_data().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["7", "8", "9"]
    assert json.loads(lines[0])["qa"]["answer"] == answer
    book = CalamineWorkbook.from_filelike(io.BytesIO(send(client, format="xlsx").get_data()))
    assert book.get_sheet_by_index(0).to_python()[1][2] == answer
    assert answer in docx.read(send(client, format="docx").get_data()).text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("asked.tsv", "question\tnote\nWhat grew?\ta, b\n"),
        ("asked.jsonl", '{"question": "What grew?", "note": "a, b"}\n'),
        ("ASKED.XLSX", workbook([["question", "note"], ["What grew?", "a, b"]])),
    ],
)
def test_every_kind_of_sheet_is_taken(client: FlaskClient, name: str, content: str | bytes) -> None:
    [row] = table(send(client, content, name))
    assert (row["question"], row["note"]) == ("What grew?", "a, b")
    assert row["answer"] == "The trade grew by 60% in 2019."


def test_the_name_of_the_file_is_kept(client: FlaskClient) -> None:
    header = send(client, name="до;кумент ы.csv").headers["Content-Disposition"]
    assert header.startswith("attachment; filename*=UTF-8''%D0%B4%D0%BE")
    assert header.isascii()
    assert header.isprintable()
    long = send(client, name="x" * 5000 + ".csv")
    assert long.status_code == 200
    assert len(long.headers["Content-Disposition"]) < 200


def test_filters_hold_for_every_question(client: FlaskClient, search: FakeSearch) -> None:
    fields = {"path": "news", "from": "2019-01-01", "to": "2020-01-01", "mode": "lexical"}
    rows = table(send(client, **fields))
    assert {row["note"] for row in rows} == {"no passage passes the filters", ""}
    assert len(search.queries) == 2
    for query in search.queries:
        assert query.filters == Filters(path=("news",), date_from="2019-01-01", date_to="2020-01-01")
        assert (query.mode, query.k) == (Mode.LEXICAL, 4)


@pytest.mark.parametrize(
    ("content", "name", "fields", "message"),
    [
        ("question\n\n", "q.csv", {}, "q.csv has no question in the column 'question'."),
        ("a\n", "q.pdf", {}, "q.pdf is not a sheet of questions: its name must end in one of .csv, .tsv"),
        ("one thing,or two\nIs it?,Or not?\n", "q.csv", {}, "name the column, one of 'one thing', 'or two'."),
        (SHEET, "q.csv", {"column": "asked"}, "q.csv has no column 'asked'; it has 'id', 'question'."),
        ('question\nWho?\n"a"b\n', "q.csv", {}, "q.csv, line 3: "),
        ('{"question": "Who?"}\n{\n', "q.jsonl", {}, "q.jsonl, line 2: not JSON"),
        ("question\nWho?\n" + "x" * 201, "q.csv", {}, "more than 200 characters, in the rows 2 below"),
        ("question\n" + "Who?\n" * 4, "q.csv", {}, "q.csv has 4 questions, and at most 3 are answered"),
        ("question\n" + "Who?," * 600_000, "q.csv", {}, "q.csv has more than 500,000 cells"),
        ("no workbook", "q.xlsx", {}, "q.xlsx is not an XLSX that can be opened"),
        (SHEET, "", {}, "No sheet was sent. Choose a file."),
        (
            SHEET,
            "q.csv",
            {"format": "pdf"},
            "cannot be written as pdf: choose one of csv, xlsx, docx, jsonl.",
        ),
        (SHEET, "q.csv", {"from": "soon"}, "from: must be a date such as 2019-07-03."),
        (SHEET, "q.csv", {"from": "2020-01-02", "to": "2020-01-01"}, "from must not be later than to."),
    ],
)
def test_what_is_wrong_is_said(
    client_with: MakeClient, content: str, name: str, fields: dict[str, str], message: str
) -> None:
    client = client_with(max_sheet_questions=3)
    for _ in range(2):  # a sheet that is refused makes room for the next
        response = send(client, content, name, **fields)
        assert message in alert(response, 422)
        assert "Content-Disposition" not in response.headers
    assert len(table(send(client))) == 3


def test_what_was_chosen_stays(client: FlaskClient) -> None:
    response = send(client, name="q.pdf", column="a&b", format="docx", path="x/", mode="dense")
    html = response.get_data(as_text=True)
    assert 'name="column" value="a&amp;b"' in html
    assert 'value="docx" selected' in html
    assert 'value="dense" selected' in html
    assert '<details class="filters" open>' in html


def test_nothing_of_a_sheet_is_markup(client: FlaskClient) -> None:
    response = send(client, "\n", f"{EVIL}.csv", column=EVIL)
    assert EVIL not in response.get_data(as_text=True)


@settings_of(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(), st.text().map(str.encode), st.lists(st.sampled_from(_PARTS)).map(b"".join)),
    st.sampled_from(["csv", "tsv", "jsonl", "xlsx"]),
    st.sampled_from(["csv", "xlsx", "docx", "jsonl"]),
)
def test_whatever_is_sent_is_answered_or_refused(
    client: FlaskClient, content: bytes, suffix: str, answers: str
) -> None:
    response = send(client, content, f"asked.{suffix}", format=answers)
    assert response.status_code in {200, 422}
    assert response.get_data()


@pytest.mark.parametrize("size", [(1 << 20) + 1, (1 << 20) + (200 << 10)])
def test_a_sheet_that_is_too_large_is_refused(client_with: MakeClient, size: int) -> None:
    client = client_with(max_sheet_mb=1)
    assert alert(send(client, b"x" * size), 413).endswith(
        "The sheet has more than 1 MiB: split it, or remove pictures and columns that are not needed."
    )
    large = SHEET + "10,Why?\n" + "9,\n" * 300_000
    assert "500,000 cells" in alert(send(client, large), 422)


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_other_sites_cannot_send_a_sheet(
    client: FlaskClient, search: FakeSearch, headers: dict[str, str]
) -> None:
    assert send(client, headers=headers).status_code == 403
    assert search.queries == []


def test_a_sheet_needs_a_key_like_a_search(client_with: MakeClient, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    secret = Keys(keys).create("Newsroom")
    client = client_with(keys=keys)
    assert send(client).status_code == 401
    assert send(client, headers=OWN | bearer(secret)).status_code == 200


def test_sheets_count_for_the_rate_limit(client_with: MakeClient) -> None:
    client = client_with(rate_limit="2/minute")
    assert [send(client).status_code for _ in range(3)] == [200, 200, 429]


def test_without_an_index_the_page_says_so(settings: Settings) -> None:
    client = create_app(settings, no_index).test_client()
    response = send(client)
    assert response.status_code == 503
    assert "There is no index" in response.get_data(as_text=True)


def test_questions_are_asked_while_the_file_is_read(client: FlaskClient, search: FakeSearch) -> None:
    response = send(client, "question\n" + "".join(f"Who is {n}?\n" for n in range(50)), buffered=False)
    assert response.headers["X-Accel-Buffering"] == "no"
    asked = [len(search.queries) for _ in response.iter_encoded()]
    assert asked[0] == 1  # so that its failure would have been a page
    assert asked == sorted(asked)
    assert len(set(asked)) == 50
    response.close()


def _read_nothing(response: TestResponse) -> None:
    response.close()


def _read_a_part(response: TestResponse) -> None:
    next(response.iter_encoded())
    response.close()


def _read_all(response: TestResponse) -> None:
    assert response.data
    response.close()


@pytest.mark.parametrize("end", [_read_nothing, _read_a_part, _read_all])
def test_one_sheet_is_answered_at_a_time(client: FlaskClient, end: Callable[[TestResponse], None]) -> None:
    running = send(client, buffered=False)
    assert running.status_code == 200
    refused = send(client)
    assert alert(refused, 503) == "Another sheet is being answered. Send yours again in a moment."
    assert refused.headers["Retry-After"] == "10"
    assert client.get("/api/v1/search?q=trade").status_code == 200
    end(running)
    assert len(table(send(client))) == 3


class Failing(FakeSearch):
    """A search that fails at its second question."""

    def search(self, query: Query) -> SearchResult:
        if self.queries:
            raise IndexUnavailableError("The index is gone.")
        return super().search(query)


def test_a_sheet_that_fails_half_way_makes_room_for_the_next(settings: Settings) -> None:
    search = Failing()
    search.add("a.txt", "The trade grew.")
    client = create_app(settings, lambda: search).test_client()
    running = send(client, buffered=False)
    with pytest.raises(IndexUnavailableError):
        list(running.iter_encoded())
    running.close()
    search.queries.clear()
    assert send(client, buffered=False).status_code == 200


class Slow(FakeSearch):
    """A search that waits at questions about waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.add("a.txt", "The trade grew.")
        self.waits, self.may = threading.Event(), threading.Event()

    def search(self, query: Query) -> SearchResult:
        if "wait" in query.question:
            self.waits.set()
            assert self.may.wait(20)
        return super().search(query)


def test_other_requests_have_their_turn_between_two_questions(settings: Settings) -> None:
    search = Slow()
    app = create_app(replace(settings, threads=1, queue_size=4), lambda: search)
    sheet = "question\nWho?\nWhy wait?\n" + "".join(f"What is {n}?\n" for n in range(50))
    running = send(app.test_client(), sheet, buffered=False)
    with ThreadPoolExecutor(2) as clients:
        answers = clients.submit(lambda: b"".join(running.iter_encoded()))
        assert search.waits.wait(10)
        searching = clients.submit(app.test_client().get, "/api/v1/search?q=trade")
        while not app.extensions["qa.work"]._queue:
            pass
        search.may.set()
        assert searching.result(10).status_code == 200
        assert answers.result(20).count(b"\n") == 53
    asked = [query.question for query in search.queries]
    assert asked.index("trade") == 2  # right after the question that waited
    running.close()


def test_nothing_is_left_on_disk(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = sorted(tmp_path.rglob("*"))
    large = SHEET + "10,Why?," + "x" * 100_000 + "\n" + f"11,Why?,{'y' * 100_000}\n" * 10
    for content, fields in ((large, {}), (large, {"format": "xlsx"}), (large, {"column": "none"})):
        running = send(client, content, buffered=False, **fields)
        assert sorted(tmp_path.rglob("*")) == before
        assert running.data
        running.close()
        assert sorted(tmp_path.rglob("*")) == before
