from __future__ import annotations

import pytest
from flask import Flask, g

from qa.web.service import is_probe, note_questions, opened_searcher, searcher
from web.fake_search import FakeSearch, MakeApp
from web.helpers import id_of


def test_the_searcher_is_opened_once_per_request(make_app: MakeApp, search: FakeSearch) -> None:
    opened = []
    client = make_app(lambda: opened.append(1) or search).test_client()
    for address in (
        "/",
        "/?q=trade",
        "/api/v1/search?q=trade",
        f"/documents/{id_of('windows.txt')}",
        "/status",
    ):
        opened.clear()
        assert client.get(address).status_code == 200
        assert len(opened) == 1


def test_nothing_is_opened_until_a_view_needs_it(make_app: MakeApp) -> None:
    app = make_app(lambda: pytest.fail("the index is opened"))
    with app.test_request_context():
        assert opened_searcher() is None
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/openapi.json").status_code == 200


def test_an_opened_searcher_is_returned_without_opening_it_again(app: Flask, search: FakeSearch) -> None:
    with app.test_request_context():
        assert searcher() is search
        assert opened_searcher() is search


@pytest.mark.parametrize(
    ("path", "probe"),
    [("/healthz", True), ("/readyz", True), ("/metrics", False), ("/", False), ("/nothing", False)],
)
def test_probes_are_recognized(app: Flask, path: str, *, probe: bool) -> None:
    with app.test_request_context(path):
        assert is_probe() == probe


def test_questions_are_remembered_for_the_request(app: Flask) -> None:
    with app.test_request_context():
        note_questions(["one", "two"])
        assert g.questions == ["one", "two"]
    with app.test_request_context():
        assert "questions" not in g
