from __future__ import annotations

import json
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
from qa.web.access.authentication import check_access
from qa.web.access.keys import Keys
from web.access.damage import DAMAGES, make_folder
from web.fake_search import FakeSearch
from web.helpers import bearer

STATUS = "/api/v1/status"

damages = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())


def _client(settings: Settings, search: FakeSearch, keys: Keys | None = None) -> FlaskClient:
    return create_app(settings, lambda: search, keys).test_client()


@damages
def test_a_missing_or_damaged_file_lets_no_request_in(
    client: FlaskClient, keys: Keys, settings: Settings, damage: Callable[[Path], object]
) -> None:
    key = keys.create("Newsroom")
    assert client.get(STATUS, headers=bearer(key)).status_code == 200
    damage(settings.keys)
    assert client.get(STATUS).status_code == 401
    assert client.get(STATUS, headers=bearer(key)).status_code == 401


@damages
def test_nor_in_a_process_that_is_new_or_has_answered_nothing_yet(
    settings: Settings, search: FakeSearch, keys: Keys, damage: Callable[[Path], object]
) -> None:
    key = keys.create("Newsroom")
    silent = _client(settings, search)
    damage(settings.keys)
    for client in (silent, _client(settings, search)):
        assert client.get(STATUS).status_code == 401
        assert client.get(STATUS, headers=bearer(key)).status_code == 401


def test_revoking_the_last_key_lets_no_request_in(settings: Settings, search: FakeSearch, keys: Keys) -> None:
    silent = _client(settings, search)
    key = keys.create("Newsroom")
    keys.revoke(keys.all()[0].id)
    for client in (silent, _client(settings, search), _client(replace(settings, insecure=True), search)):
        assert client.get(STATUS).status_code == 401
        assert client.get(STATUS, headers=bearer(key)).status_code == 401
    new = keys.create("Another")
    assert silent.get(STATUS, headers=bearer(new)).status_code == 200


def _see(keys: Keys, seen: multiprocessing.Queue) -> None:
    seen.put(keys.needed)


def _in_a_process(keys: Keys) -> bool:
    """Whether a new process that gets the keys, as the processes of the service do, requires one."""
    spawning = multiprocessing.get_context("spawn")
    seen = spawning.Queue()
    process = spawning.Process(target=_see, args=(keys, seen))
    process.start()
    needed = seen.get(timeout=60)
    process.join(60)
    return needed


def test_processes_that_start_later_know_what_one_has_seen(settings: Settings) -> None:
    settings.keys.parent.joinpath("kept").mkdir()
    settings = replace(settings, keys=settings.keys.parent / "kept" / "keys.json")
    served = Keys(settings.keys)
    assert not _in_a_process(served)
    Keys(settings.keys).create("Newsroom")
    assert _in_a_process(served)
    # Everything disappears, the lock file too, as when a disk is unmounted.
    for path in settings.keys.parent.iterdir():
        path.unlink()
    assert _in_a_process(served)
    assert served.needed
    assert not Keys(settings.keys).needed


def test_a_service_that_started_with_keys_keeps_needing_them(settings: Settings) -> None:
    settings.keys.write_text('{"keys": []}')
    served = check_access(settings, "127.0.0.1")
    settings.keys.unlink()
    assert _in_a_process(served)


def test_a_change_with_the_same_length_and_time_is_noticed(
    client: FlaskClient, keys: Keys, settings: Settings
) -> None:
    first, second = keys.create("One"), keys.create("Two")
    one, two = keys.all()
    settings.keys.write_text(settings.keys.read_text().replace(two.sha256, one.sha256))
    before = settings.keys.stat()
    assert [client.get(STATUS, headers=bearer(key)).status_code for key in (first, second)] == [200, 401]
    settings.keys.write_text(settings.keys.read_text().replace(one.sha256, two.sha256))
    os.utime(settings.keys, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert settings.keys.stat().st_mtime_ns == before.st_mtime_ns
    assert [client.get(STATUS, headers=bearer(key)).status_code for key in (first, second)] == [401, 200]


def test_an_unchanged_file_is_not_read_again(
    client: FlaskClient, keys: Keys, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.create("Newsroom")
    monkeypatch.setattr(time, "time_ns", lambda: settings.keys.stat().st_ctime_ns + 2 * 10**9)
    assert client.get(STATUS, headers=bearer(key)).status_code == 200
    monkeypatch.setattr("qa.web.access.keys._content", lambda path: pytest.fail("the file is read"))
    assert client.get(STATUS, headers=bearer(key)).status_code == 200


def test_keys_work_again_after_the_file_was_unreadable_for_a_while(
    client: FlaskClient, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.create("Newsroom")

    def fail(path: Path) -> None:
        raise SettingsError("Too many open files")

    with monkeypatch.context() as temporarily:
        temporarily.setattr("qa.web.access.keys._content", fail)
        assert client.get(STATUS, headers=bearer(key)).status_code == 401
    assert client.get(STATUS, headers=bearer(key)).status_code == 200


def test_damage_leaves_no_descriptor_open(client: FlaskClient, keys: Keys, settings: Settings) -> None:
    keys.create("Newsroom")
    make_folder(settings.keys)
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


def test_looking_for_a_key_creates_no_file(settings: Settings, keys: Keys) -> None:
    with pytest.raises(SettingsError, match="no key has the id"):
        keys.revoke("x")
    assert keys.all() == ()
    assert not list(settings.keys.parent.glob(".*keys*"))
    assert not keys.needed


def test_only_the_owner_can_read_the_file_and_it_holds_no_key(keys: Keys, settings: Settings) -> None:
    key = keys.create("Newsroom")
    assert settings.keys.stat().st_mode & 0o777 == 0o600
    assert key not in settings.keys.read_text()
    assert key.removeprefix("qa_") not in settings.keys.read_text()
    (stored,) = json.loads(settings.keys.read_text())["keys"]
    assert stored.keys() == {"id", "name", "sha256", "created"}
    assert len({keys.create("More") for _ in range(20)}) == 20
    assert len(keys.all()) == 21


def test_a_change_that_fails_is_reported(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no key has the id 'x'"):
        keys.revoke("x")
    with pytest.raises(QAError, match="cannot be changed"):
        Keys(tmp_path / "nowhere" / "keys.json").create("x")
