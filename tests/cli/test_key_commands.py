"""Keys created, listed and revoked."""

from __future__ import annotations

import json

import pytest


def test_revoking_the_last_key_says_what_follows(run) -> None:
    run("key", "create", "One")
    run("key", "create", "Two")
    one, two = (line.split()[0] for line in run("key", "list").stdout.splitlines())
    assert run("key", "revoke", one).stderr == ""
    revoked = run("key", "revoke", two)
    assert (revoked.exit_code, revoked.stdout) == (0, "the key of Two is revoked\n")
    assert "nobody may ask until you create another" in revoked.stderr
    assert run("key", "list").stdout == ""


@pytest.mark.parametrize("name", ["", " "])
def test_a_key_needs_a_name(run, name: str) -> None:
    result = run("key", "create", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a key needs a name" in result.stderr


def test_a_list_shows_names_and_no_keys(run) -> None:
    secret = run("key", "create", "a\x1b[2Jb").stdout.strip()
    listed = run("key", "list").stdout
    assert listed.endswith("  a\\x1b[2Jb\n")
    [entry] = json.loads(run("key", "list", "--json").stdout)
    assert entry.keys() == {"id", "name", "created"}
    assert entry["name"] == "a\x1b[2Jb"
    assert secret not in listed
