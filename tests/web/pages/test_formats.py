from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.web.pages import formats
from qa.web.pages.formats import address, type_name
from web.helpers import page

TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("application/pdf", "PDF"),
        ("message/rfc822", "E-mail"),
        ("application/x-unknown", "application/x-unknown"),
    ],
)
def test_media_types_have_everyday_names(media_type: str, name: str) -> None:
    assert type_name(media_type) == name


@given(st.dictionaries(TEXTS, st.lists(TEXTS, min_size=1, max_size=3), max_size=4))
def test_an_address_carries_its_parameters_unchanged(parameters: dict[str, list[str]]) -> None:
    url = urlsplit(address("/documents", parameters))
    assert url.path == "/documents"
    assert parse_qs(url.query, keep_blank_values=True) == parameters
    assert url.fragment == ""


def test_the_address_of_an_asset_changes_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    before = formats._fingerprint(str(tmp_path))
    (tmp_path / "a.css").write_text("b {}")
    formats._fingerprint.cache_clear()
    assert formats._fingerprint(str(tmp_path)) != before


def test_static_files_are_cached_for_a_year(client: FlaskClient) -> None:
    url = re.search(r'href="(/static/style\.css\?v=\w+)"', page(client, "/")).group(1)
    with client.get(url) as response:
        assert response.status_code == 200
        assert "max-age=31536000" in response.headers["Cache-Control"]
