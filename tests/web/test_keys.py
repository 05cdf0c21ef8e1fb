from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.contracts import QAError, SettingsError
from qa.web import create_app
from qa.web.keys import Keys

from .fake_search import FakeSearch

STATUS = "/api/v1/status"


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings.keys)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return settings


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_a_key_made_none_is_needed(client: FlaskClient) -> None:
    assert client.get(STATUS).status_code == 200
    assert client.get(STATUS, headers=_with("nonsense")).status_code == 200


def test_from_the_first_key_on_every_request_needs_one(client: FlaskClient, keys: Keys) -> None:
    key = keys.create("Newsroom")
    for address in ("/", STATUS, "/api/v1/search?q=trade", "/metrics", "/docs", "/openapi.json", "/nowhere"):
        refused = client.get(address)
        assert refused.status_code == 401
        assert [value.split()[0] for value in refused.headers.getlist("WWW-Authenticate")] == [
            "Bearer",
            "Basic",
        ]
        assert client.get(address, headers=_with(key)).status_code != 401
        assert client.get(address, auth=("anybody", key)).status_code != 401
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Basic",
            "Basic x",
            "Basic eDp5",
            "Basic /w==",
            "Digest x=y",
            "x" * 9000,
        ),
        *("Bearer \xff", "bearer null", "Basic Og=="),
    ],
)
def test_what_is_no_key_is_refused(client: FlaskClient, keys: Keys, header: str) -> None:
    keys.create("Newsroom")
    refused = client.get(STATUS, headers={"Authorization": header})
    assert refused.status_code == 401
    assert refused.content_type == "application/problem+json"


def test_a_hash_is_no_key(client: FlaskClient, keys: Keys) -> None:
    keys.create("Newsroom")
    assert client.get(STATUS, headers=_with(keys.all()[0].sha256)).status_code == 401


def test_a_revoked_key_opens_nothing_from_the_next_request_on(client: FlaskClient, keys: Keys) -> None:
    first, second = keys.create("One"), keys.create("Two")
    assert client.get(STATUS, headers=_with(first)).status_code == 200
    keys.revoke(keys.all()[0].id)
    assert client.get(STATUS, headers=_with(first)).status_code == 401
    assert client.get(STATUS, headers=_with(second)).status_code == 200


@pytest.mark.parametrize("damage", ["remove", "empty", "nonsense", "no keys"])
def test_a_file_that_vanishes_or_breaks_opens_no_door(
    client: FlaskClient, keys: Keys, settings: Settings, damage: str
) -> None:
    key = keys.create("Newsroom")
    assert client.get(STATUS, headers=_with(key)).status_code == 200
    if damage == "remove":
        settings.keys.unlink()
    else:
        settings.keys.write_text({"empty": "", "nonsense": "{", "no keys": '{"keys": []}'}[damage])
    assert client.get(STATUS).status_code == 401
    assert client.get(STATUS, headers=_with(key)).status_code == 401


def test_a_file_that_cannot_be_read_opens_no_door_from_the_start(
    settings: Settings, search: FakeSearch
) -> None:
    settings.keys.write_text("nonsense")
    assert create_app(settings, lambda: search).test_client().get(STATUS).status_code == 401


def test_the_file_is_its_owners_and_holds_no_key(keys: Keys, settings: Settings) -> None:
    key = keys.create("Newsroom")
    assert settings.keys.stat().st_mode & 0o777 == 0o600
    assert key not in settings.keys.read_text()
    assert key.removeprefix("qa_") not in settings.keys.read_text()
    (kept,) = json.loads(settings.keys.read_text())["keys"]
    assert kept.keys() == {"id", "name", "sha256", "created"}
    assert len({keys.create("More") for _ in range(20)}) == 20
    assert len(keys.all()) == 21


def test_what_cannot_be_changed_is_told(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no key has the id 'x'"):
        keys.revoke("x")
    with pytest.raises(QAError, match="cannot be changed"):
        Keys(tmp_path / "nowhere" / "keys.json").create("x")
