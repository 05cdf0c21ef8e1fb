from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import SettingsError
from qa.web.access.authentication import check_access, is_loopback
from qa.web.access.keys import Keys
from web.access.damage import DAMAGES
from web.helpers import bearer

STATUS = "/api/v1/status"


def test_without_keys_no_request_needs_one(client: FlaskClient) -> None:
    assert client.get(STATUS).status_code == 200
    assert client.get(STATUS, headers=bearer("nonsense")).status_code == 200


def test_once_a_key_exists_every_request_needs_one(client: FlaskClient, keys: Keys) -> None:
    key = keys.create("Newsroom")
    for address in ("/", STATUS, "/api/v1/search?q=trade", "/metrics", "/docs", "/openapi.json", "/nowhere"):
        refused = client.get(address)
        assert refused.status_code == 401
        assert [value.split()[0] for value in refused.headers.getlist("WWW-Authenticate")] == [
            "Bearer",
            "Basic",
        ]
        assert client.get(address, headers=bearer(key)).status_code != 401
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
def test_anything_but_a_key_is_refused(client: FlaskClient, keys: Keys, header: str) -> None:
    keys.create("Newsroom")
    refused = client.get(STATUS, headers={"Authorization": header})
    assert refused.status_code == 401
    assert refused.content_type == "application/problem+json"


def test_the_hash_of_a_key_is_not_a_key(client: FlaskClient, keys: Keys) -> None:
    keys.create("Newsroom")
    assert client.get(STATUS, headers=bearer(keys.all()[0].sha256)).status_code == 401


def test_a_revoked_key_is_refused_from_the_next_request_on(client: FlaskClient, keys: Keys) -> None:
    first, second = keys.create("One"), keys.create("Two")
    assert client.get(STATUS, headers=bearer(first)).status_code == 200
    keys.revoke(keys.all()[0].id)
    assert client.get(STATUS, headers=bearer(first)).status_code == 401
    assert client.get(STATUS, headers=bearer(second)).status_code == 200


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_access_is_checked_before_the_service_starts(
    settings: Settings, keys: Keys, caplog: pytest.LogCaptureFixture, address: str, *, insecure: bool
) -> None:
    settings = replace(settings, insecure=insecure)

    def needed() -> bool:
        return check_access(settings, address).needed

    if insecure or address == "127.0.0.1":
        assert not needed()
    else:
        with pytest.raises(SettingsError, match="Make a key with `qa key create`, or use --insecure"):
            needed()
    keys.create("Newsroom")
    assert needed()
    assert not caplog.records
    keys.revoke(keys.all()[0].id)
    assert needed()
    assert "holds no keys, so every request is refused" in caplog.text
    settings.keys.unlink()
    if insecure:
        assert not needed()
    else:
        with pytest.raises(SettingsError, match="is missing, but keys existed before"):
            needed()


@pytest.mark.parametrize("name", ["nonsense", "empty", "not text", "pipe", "folder", "dangling", "deep"])
def test_the_service_does_not_start_with_unreadable_keys(settings: Settings, keys: Keys, name: str) -> None:
    keys.create("Newsroom")
    DAMAGES[name](settings.keys)
    for insecure in (False, True):
        with pytest.raises(SettingsError, match="cannot be read"):
            check_access(replace(settings, insecure=insecure), "127.0.0.1")


@pytest.mark.parametrize(("mode", "reported"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_a_file_open_to_other_users_is_reported(
    settings: Settings, keys: Keys, caplog: pytest.LogCaptureFixture, mode: int, *, reported: bool
) -> None:
    keys.create("Newsroom")
    settings.keys.chmod(mode)
    with caplog.at_level(logging.WARNING):
        check_access(settings, "127.0.0.1")
    assert ("chmod 600" in caplog.text) == reported


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::1%lo", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_only_loopback_addresses_are_local(address: str, *, is_local: bool) -> None:
    assert is_loopback(address) == is_local
