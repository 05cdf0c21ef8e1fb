"""What went wrong is said in the language of the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import (
    ChangedError,
    CorruptIndexError,
    GoneError,
    ModelError,
    NotFoundError,
    QAError,
    RenderingBusyError,
    StoreUnavailableError,
)
from qa.web.pages import problem_texts
from web.fake_search import FakeSearch, MakeApp, no_index
from web.helpers import OWN, id_of

RUSSIAN = {"Accept-Language": "ru"}
TASS = f"/documents/{id_of('news/tass.txt')}"


def shown(html: str) -> str:
    """Return what a page says below its head, but for what people type: commands and names of fields."""
    main = re.search(r"<main[^>]*>(.*)</main>", html, re.DOTALL)[1]
    notice = re.search(r'<div class="notice" role="alert">(.*?)</div>', main, re.DOTALL)
    text = re.sub(r"<code>.*?</code>|<[^>]+>", " ", notice[1] if notice else main)
    return unescape(re.sub(r"`[^`]*`", " ", text))


def english(text: str) -> list[str]:
    """Return what seems to be English: words one after another."""
    return re.findall(r"[A-Za-z']{2,} [A-Za-z']{2,}", text)


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/?q=" + "x" * 201, 422, "Ваш вопрос: слишком много знаков – 201, а допустимо 200."),
        ("/?q=a&from=soon", 422, "Начальная дата: нужна дата вида 2019-07-03."),
        ("/?q=a&from=2020-01-02&to=2020-01-01", 422, "Начальная дата не может быть позже конечной."),
        ("/?q=a&mode=magic", 422, "Способ поиска: такое значение здесь не подходит."),
        ("/?q=a&show=0", 422, "Число результатов: наименьшее возможное значение – 1."),
        ("/results.csv?q=a&show=x", 422, "нужно целое число"),
        ("/results.csv", 422, "нужно заполнить"),
        ("/nothing", 404, "Такой страницы, документа или отрывка здесь нет."),
        ("/documents/0000000000000000", 404, "Такой страницы, документа или отрывка здесь нет."),
        (f"{TASS}/similar/99999", 404, "В этом документе на позиции 99999 нет отрывка."),
        (f"{TASS}/quotations/9-3.txt", 404, "В этом документе нет цитаты 9-3.txt."),
        (f"{TASS}/metadata", 404, "Такой страницы"),
        (f"{TASS}/pages/1.webp", 404, "Такой страницы"),
        ("/judgements", 405, "Этот адрес служит для другого."),
        ("/feeds/none.atom", 404, "Сохранённого вопроса с таким именем"),
    ],
)
def test_a_page_says_what_is_wrong_in_its_language(
    client: FlaskClient, address: str, status: int, said: str
) -> None:
    response = client.get(address, headers=RUSSIAN)
    html = response.get_data(as_text=True)
    assert response.status_code == status
    assert said in shown(html)
    assert english(shown(html)) == []
    title = re.search(r"<title>(.*?)</title>", html)[1]
    assert english(title) == []


@pytest.mark.parametrize(
    "error",
    [
        QAError("it is odd"),
        KeyError("secret"),
        NotFoundError("no document has the id 'x'"),
        GoneError("document x has no passage at characters 1 to 2: it has changed"),
        ChangedError("roads.md has changed since it was indexed. Run `qa index` to index it again."),
        ModelError("the model 'x' cannot be loaded: it is not there"),
        CorruptIndexError("the index is not what was written"),
        StoreUnavailableError("no answer"),
        RenderingBusyError("too many pages are being drawn"),
    ],
)
def test_whatever_fails_is_said_in_the_language_of_the_page(
    client: FlaskClient, search: FakeSearch, monkeypatch, error: Exception
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(search, "search", fail)
    text = shown(client.get("/?q=a", headers=RUSSIAN).get_data(as_text=True))
    assert english(text) == []
    assert len(re.findall(r"[а-яё]{3,}", text)) > 4


def test_what_the_service_refuses_is_said_in_the_language_of_the_page(
    client_with: Callable[..., FlaskClient], search: FakeSearch, tmp_path, make_app: MakeApp
) -> None:
    row = search.add("people.csv", "name: Ada", row="7")
    client = client_with(edit=True, judgements=tmp_path / "judgements.jsonl")
    responses = [
        client.post("/judgements", headers=RUSSIAN),
        client.post("/judgements", headers=RUSSIAN | OWN),
        client.post(f"{TASS}/metadata", headers=RUSSIAN),
        client.post(f"{TASS}/metadata", headers=RUSSIAN | OWN, data={"published": "soon"}),
        client.post(f"{TASS}/metadata", headers=RUSSIAN | OWN, data={"title": "x" * 9999}),
        client.get(f"/documents/{row}/metadata", headers=RUSSIAN),
        client.post("/alarm", headers=RUSSIAN),
        client.post("/clips", headers=RUSSIAN, data={"clips": '[{"document": 1}]'}),
        client.get("/", headers=RUSSIAN | {"Host": "evil.example"}),
        make_app(no_index).test_client().get("/", headers=RUSSIAN),
    ]
    assert [response.status_code for response in responses] == [
        403,
        422,
        403,
        422,
        422,
        422,
        403,
        422,
        400,
        503,
    ]
    for response in responses:
        assert english(shown(response.get_data(as_text=True))) == []


@pytest.mark.parametrize(
    ("name", "content", "sent", "said"),
    [
        ("q.json", "{}", {}, "Файл q.json – не таблица с вопросами"),
        ("q.csv", "", {}, "Файл q.csv пуст."),
        ("q.csv", "a,b\nWhy is it so?,How is it now?\n", {}, "не видно, в каком столбце вопросы"),
        ("q.csv", "a,b\n1,2\n", {"column": "c"}, "нет столбца 'c'; есть столбцы: 'a', 'b'."),
        ("q.csv", "question,b\n,2\n", {}, "нет ни одного вопроса в столбце 'question'."),
        ("q.csv", f"question\n{'x' * 201}\n", {}, "вопросы длиннее 200 знаков, в строках под заголовком: 1."),
        ("q.csv", "question\na\nb\nc\n", {}, "Вопросов в файле q.csv – 3"),
        ("q.jsonl", "[]\n", {}, "Файл q.jsonl, строка 1: это не объект JSON."),
    ],
)
def test_what_is_wrong_with_a_sheet_is_said_in_the_language_of_the_page(
    client_with: Callable[..., FlaskClient], name: str, content: str, sent: dict[str, str], said: str
) -> None:
    client = client_with(max_sheet_questions=2)
    data = {"sheet": (BytesIO(content.encode()), name), **sent}
    response = client.post("/batch", headers=RUSSIAN | OWN, data=data)
    assert response.status_code == 422
    assert said in unescape(response.get_data(as_text=True))


def test_a_name_that_is_taken_is_said_in_the_language_of_the_page(
    client_with: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.toml"
    saved.write_text('[trade]\nquestion = "a"\n', "utf-8")
    client = client_with(edit=True, saved=saved)
    response = client.post("/saved", headers=RUSSIAN | OWN, data={"q": "b", "name": "trade"})
    assert response.status_code == 422
    assert "имя trade уже занято" in response.get_data(as_text=True)


def test_a_detail_that_is_not_known_stays_english_and_is_marked_so(
    client_with: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.toml"
    saved.write_text("<b>", "utf-8")
    client = client_with(saved=saved)
    html = client.get("/saved", headers=RUSSIAN).get_data(as_text=True)
    assert re.search(r'<span lang="en">[^<]*saved\.toml is not TOML: [^<]*</span>', html)
    assert '<span lang="en">' not in client.get("/saved").get_data(as_text=True)


def test_english_pages_keep_the_details(client: FlaskClient, search: FakeSearch, monkeypatch) -> None:
    def fail(_: object) -> None:
        raise ModelError("the model 'x' cannot be loaded: it is not there")

    monkeypatch.setattr(search, "search", fail)
    assert "the model 'x' cannot be loaded" in shown(client.get("/?q=a").get_data(as_text=True))
    assert "Your question must be at most 200 characters long; this has 201." in " ".join(
        shown(client.get("/?q=" + "x" * 201).get_data(as_text=True)).split()
    )


def test_an_unknown_id_is_named() -> None:
    assert russian("no document has the id 'abc'", 404) == "Документа с идентификатором 'abc' нет."


WORDS = st.text("ab1 %-", min_size=1, max_size=8)


@given(WORDS, WORDS, WORDS)
def test_a_message_is_recognised_with_its_values(longest: str, length: str, extent: str) -> None:
    message = (
        f"A quotation may have at most {longest} characters; {extent} has {length}. Quote a part of it, "
    )
    translated = russian(f"{message}or download the whole text.", 422)
    assert all(value in translated for value in (longest, length, extent))
    assert translated.startswith("Наибольшая длина цитаты")
    assert russian(message, 422) == "В запросе есть значение, которое здесь не подходит."


def russian(message: str, status: int) -> str:
    app = Flask(__name__)
    with app.test_request_context(headers=RUSSIAN):
        return problem_texts.problem_text(message, status)
