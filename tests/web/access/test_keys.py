from __future__ import annotations

import json
import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import QAError, SettingsError
from qa.web import create_app
from qa.web.access import security
from qa.web.access.keys import Keys
from web.fake_search import FakeSearch

STATUS = "/api/v1/status"


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings.keys)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return replace(settings, keys=tmp_path / "keys.json")


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


def _make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _make_dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "moved": lambda path: path.rename(path.with_name("away")),
    "empty": lambda path: path.write_text(""),
    "nonsense": lambda path: path.write_text("{"),
    "half": lambda path: path.write_text(path.read_text()[:99]),
    "deep": lambda path: path.write_text("[" * 100_000),
    "large": lambda path: path.write_text(" " * 2**23 + '{"keys": []}'),
    "not keys": lambda path: path.write_text('{"keys": [1]}'),
    "not text": lambda path: path.write_text('{"keys": [{"id": 1, "name": 2, "sha256": 3, "created": 4}]}'),
    "no keys": lambda path: path.write_text('{"keys": []}'),
    "pipe": _make_pipe,
    "folder": _make_folder,
    "dangling": _make_dangling,
}
damages = pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())


def _client(settings: Settings, search: FakeSearch, keys: Keys | None = None) -> FlaskClient:
    return create_app(settings, lambda: search, keys).test_client()


@damages
def test_a_file_that_vanishes_or_breaks_opens_no_door(
    client: FlaskClient, keys: Keys, settings: Settings, damage: Callable[[Path], object]
) -> None:
    key = keys.create("Newsroom")
    assert client.get(STATUS, headers=_with(key)).status_code == 200
    damage(settings.keys)
    assert client.get(STATUS).status_code == 401
    assert client.get(STATUS, headers=_with(key)).status_code == 401


@damages
def test_nor_to_a_process_that_has_answered_nothing_yet_or_is_begun_anew(
    settings: Settings, search: FakeSearch, keys: Keys, damage: Callable[[Path], object]
) -> None:
    key = keys.create("Newsroom")
    silent = _client(settings, search)
    damage(settings.keys)
    for client in (silent, _client(settings, search)):
        assert client.get(STATUS).status_code == 401
        assert client.get(STATUS, headers=_with(key)).status_code == 401


def test_revoking_the_last_key_opens_no_door(settings: Settings, search: FakeSearch, keys: Keys) -> None:
    silent = _client(settings, search)
    key = keys.create("Newsroom")
    keys.revoke(keys.all()[0].id)
    for client in (silent, _client(settings, search), _client(replace(settings, insecure=True), search)):
        assert client.get(STATUS).status_code == 401
        assert client.get(STATUS, headers=_with(key)).status_code == 401
    new = keys.create("Another")
    assert silent.get(STATUS, headers=_with(new)).status_code == 200


def _see(keys: Keys, seen: multiprocessing.Queue) -> None:
    seen.put(keys.needed)


def _in_a_process(keys: Keys) -> bool:
    """Hand the keys to a new process, as the service does, and see whether it takes one to be needed."""
    spawning = multiprocessing.get_context("spawn")
    seen = spawning.Queue()
    process = spawning.Process(target=_see, args=(keys, seen))
    process.start()
    needed = seen.get(timeout=60)
    process.join(60)
    return needed


def test_what_one_process_has_seen_is_known_to_those_that_are_begun_later(settings: Settings) -> None:
    settings.keys.parent.joinpath("kept").mkdir()
    settings = replace(settings, keys=settings.keys.parent / "kept" / "keys.json")
    served = Keys(settings.keys)
    assert not _in_a_process(served)
    Keys(settings.keys).create("Newsroom")
    assert _in_a_process(served)
    # All of it goes, the lock too, as when a disk is no longer mounted.
    for path in settings.keys.parent.iterdir():
        path.unlink()
    assert _in_a_process(served)
    assert served.needed
    assert not Keys(settings.keys).needed


def test_what_a_service_began_with_counts(settings: Settings) -> None:
    settings.keys.write_text('{"keys": []}')
    served = security.check_access(settings, "127.0.0.1")
    settings.keys.unlink()
    assert _in_a_process(served)


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_who_may_ask_is_settled_before_it_serves(
    settings: Settings, keys: Keys, caplog: pytest.LogCaptureFixture, address: str, *, insecure: bool
) -> None:
    settings = replace(settings, insecure=insecure)

    def needed() -> bool:
        return security.check_access(settings, address).needed

    if insecure or address == "127.0.0.1":
        assert not needed()
    else:
        with pytest.raises(SettingsError, match="make a key with `qa key create`, or serve without one"):
            needed()
    keys.create("Newsroom")
    assert needed()
    assert not caplog.records
    keys.revoke(keys.all()[0].id)
    assert needed()
    assert "holds no key, so nobody may ask" in caplog.text
    settings.keys.unlink()
    if insecure:
        assert not needed()
    else:
        with pytest.raises(SettingsError, match="is gone, though keys were made"):
            needed()


@pytest.mark.parametrize("name", ["nonsense", "empty", "not text", "pipe", "folder", "dangling", "deep"])
def test_a_service_does_not_begin_with_keys_that_cannot_be_read(
    settings: Settings, keys: Keys, name: str
) -> None:
    keys.create("Newsroom")
    DAMAGE[name](settings.keys)
    for insecure in (False, True):
        with pytest.raises(SettingsError, match="cannot be read"):
            security.check_access(replace(settings, insecure=insecure), "127.0.0.1")


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_a_file_that_is_open_to_others_is_told(
    settings: Settings, keys: Keys, caplog: pytest.LogCaptureFixture, mode: int, *, told: bool
) -> None:
    keys.create("Newsroom")
    settings.keys.chmod(mode)
    with caplog.at_level(logging.WARNING):
        security.check_access(settings, "127.0.0.1")
    assert ("chmod 600" in caplog.text) == told


def test_a_change_of_the_same_length_at_the_same_time_is_seen(
    client: FlaskClient, keys: Keys, settings: Settings
) -> None:
    first, second = keys.create("One"), keys.create("Two")
    one, two = keys.all()
    settings.keys.write_text(settings.keys.read_text().replace(two.sha256, one.sha256))
    before = settings.keys.stat()
    assert [client.get(STATUS, headers=_with(key)).status_code for key in (first, second)] == [200, 401]
    settings.keys.write_text(settings.keys.read_text().replace(one.sha256, two.sha256))
    os.utime(settings.keys, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert settings.keys.stat().st_mtime_ns == before.st_mtime_ns
    assert [client.get(STATUS, headers=_with(key)).status_code for key in (first, second)] == [401, 200]


def test_a_file_that_rests_is_not_read_again(
    client: FlaskClient, keys: Keys, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.create("Newsroom")
    monkeypatch.setattr(time, "time_ns", lambda: settings.keys.stat().st_ctime_ns + 2 * 10**9)
    assert client.get(STATUS, headers=_with(key)).status_code == 200
    monkeypatch.setattr("qa.web.access.keys._content", lambda path: pytest.fail("it is read"))
    assert client.get(STATUS, headers=_with(key)).status_code == 200


def test_a_file_that_cannot_be_read_for_a_while_lets_nobody_out_for_ever(
    client: FlaskClient, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.create("Newsroom")

    def fail(path: Path) -> None:
        raise SettingsError("Too many open files")

    with monkeypatch.context() as for_now:
        for_now.setattr("qa.web.access.keys._content", fail)
        assert client.get(STATUS, headers=_with(key)).status_code == 401
    assert client.get(STATUS, headers=_with(key)).status_code == 200


def test_damage_leaves_no_descriptor_open(client: FlaskClient, keys: Keys, settings: Settings) -> None:
    keys.create("Newsroom")
    _make_folder(settings.keys)
    taken = os.dup(0)
    os.close(taken)
    for _ in range(20):
        assert client.get(STATUS).status_code == 401
    again = os.dup(0)
    os.close(again)
    assert again == taken


def test_a_link_stays_a_link(settings: Settings, keys: Keys) -> None:
    settings.keys.symlink_to("elsewhere.json")
    settings.keys.with_name("elsewhere.json").write_text('{"keys": []}')
    keys.create("Newsroom")
    assert settings.keys.is_symlink()
    assert len(json.loads(settings.keys.with_name("elsewhere.json").read_text())["keys"]) == 1


def test_to_look_for_a_key_leaves_nothing_behind(settings: Settings, keys: Keys) -> None:
    with pytest.raises(SettingsError, match="no key has the id"):
        keys.revoke("x")
    assert keys.all() == ()
    assert not list(settings.keys.parent.glob(".*keys*"))
    assert not keys.needed


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
