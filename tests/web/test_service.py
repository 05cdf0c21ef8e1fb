from __future__ import annotations

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
