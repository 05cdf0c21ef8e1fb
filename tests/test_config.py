"""Flags over variables over ``qa.toml`` over defaults, and nothing wrong goes through."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from qa.config import Settings, load
from qa.errors import SettingsError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in fields(Settings):
        monkeypatch.delenv(f"QA_{field.name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_anything_the_defaults_hold() -> None:
    assert load() == Settings()


def test_flags_go_over_variables_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qa.toml").write_text('docs = "from-file"\nport = 1\nthreads = 1\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("QA_PORT", "2")
    monkeypatch.setenv("QA_THREADS", "2")
    found = load({"threads": 3, "host": None, "index": Path("i")})
    assert (found.docs, found.port, found.threads) == (Path("from-file"), 2, 3)
    assert (found.host, found.index) == ("0.0.0.0", Path("i"))


def test_the_file_is_looked_for_in_a_given_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "qa.toml").write_text('model = "m"\n')
    assert load(folder=tmp_path / "other").model == "m"
    assert load().model == Settings().model


def test_every_setting_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {
        "store": "milvus+7.db",
        "rate_limit": "7/minute",
        "proxies": "10.0.0.7",
        "cors": "https://seven.example",
    }
    for field in fields(Settings):
        value = "True" if isinstance(field.default, bool) else forms.get(field.name, "7")
        monkeypatch.setenv(f"QA_{field.name.upper()}", value)
        assert str(getattr(load(), field.name)) == value


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("QA_PROT", "QA_PROT is no setting: is QA_PORT meant?"),
        ("QA_KEY", "QA_KEY is no setting: is QA_KEYS meant?"),
        ("QA_NOBODY_KNOWS_IT", "QA_NOBODY_KNOWS_IT is no setting and has no effect."),
        ("QA_port", "QA_port is no setting"),
    ],
)
def test_a_variable_that_is_no_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, told: str
) -> None:
    monkeypatch.setenv(name, "9000")
    assert load() == Settings()
    assert told in caplog.text


def test_what_is_set_rightly_is_not_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("QA_PORT", "1")
    monkeypatch.setenv("QAX", "1")
    load()
    assert not caplog.records


_PATHS = [field.name for field in fields(Settings) if "Path" in str(field.type)]


@pytest.mark.parametrize("name", [*_PATHS, "model", "host", "store"])
@pytest.mark.parametrize("value", ["", " "])
def test_a_path_or_name_that_is_empty_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"the command line sets {name} to '{value}', which is empty"):
        load({name: value})
    monkeypatch.setenv(f"QA_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"the environment sets {name} to '{value}', which is empty"):
        load()
    monkeypatch.delenv(f"QA_{name.upper()}")
    (tmp_path / "qa.toml").write_text(f'{name} = "{value}"')
    with pytest.raises(SettingsError, match=f"qa.toml sets {name} to '{value}', which is empty"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("cors", value) for value in ("*", "example.org", "https://example.org/", "ftp://example.org")),
        *(("cors", value) for value in ("null", "https://", "https://a b.org", "https://x@example.org")),
        *(("cors", value) for value in ("https://example.org:port", "https://Example.org", "https://[::1")),
        *(("cors", value) for value in ("https://example.org, *", "https://example.org?", "javascript:1")),
        *(("rate_limit", value) for value in ("often", "1/fortnight", "/minute", "0/minute", "-1/day")),
        *(
            ("rate_limit", value)
            for value in ("100", "100/minute; often", "1.5/minute", "nan/minute", "9e9/minute")
        ),
        *(("proxies", value) for value in ("proxy", "10.0.0.0/8", "*", "10.0.0.1:80", "10.0.0.1, x")),
        *(("hosts", value) for value in ("https://qa.example", "qa.example:80", "*.example", "a b", "a/b")),
        *(("store", value) for value in ("somewhere", "milvus+", "milvus+http://", "milvus+a", "Local")),
    ],
)
def test_a_text_of_the_wrong_form_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"the command line sets {name} to .*, which is not "):
        load({name: value})
    monkeypatch.setenv(f"QA_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"the environment sets {name} to .*, which is not "):
        load()
    monkeypatch.delenv(f"QA_{name.upper()}")
    (tmp_path / "qa.toml").write_text(f'{name} = "{value}"')
    with pytest.raises(SettingsError, match=f"qa.toml sets {name} to .*, which is not "):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "cors",
            "https://example.org, http://localhost:3000,https://[::1]:8443, https://xn--bcher-kva.example",
        ),
        ("rate_limit", "100 per minute; 5/second"),
        ("proxies", "10.0.0.1, ::1"),
        ("hosts", "qa.example.org, qa, QA_2.example"),
        ("store", "milvus+http://localhost:19530"),
        ("store", "milvus+/a b/index.db"),
        *((name, "") for name in ("cors", "rate_limit", "proxies", "hosts", "ray", "reranker")),
    ],
)
def test_a_text_of_the_right_form_is_taken(name: str, value: str) -> None:
    assert getattr(load({name: value}), name) == value


_NUMBERS = [field.name for field in fields(Settings) if field.type == "int"]


@pytest.mark.parametrize("name", _NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "1e3", "-1", "9" * 30, "9" * 5000, "", "0x10", "1.0"])
def test_a_number_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(f"QA_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"the environment sets {name} to ") as raised:
        load()
    assert len(str(raised.value)) < 300
    monkeypatch.delenv(f"QA_{name.upper()}")
    (tmp_path / "qa.toml").write_text(f"{name} = {value}")
    if value == "0x10":
        assert getattr(load(), name) == 16
        return
    with pytest.raises(SettingsError, match=f"qa.toml sets {name} to |cannot be read"):
        load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("port = ", "qa.toml cannot be read"),
        ("prot = 1", "'prot', which is not a setting.*port"),
        ('port = "many"', "qa.toml sets port to 'many', which is not a whole number"),
        ("port = -1", "qa.toml sets port to -1, which is not between 0 and 65535"),
        ("port = 65536", "sets port to 65536, which is not between 0 and 65535"),
        ("threads = 0", "sets threads to 0, which is not between 1 and 1000"),
        ("max_question = 0", "sets max_question to 0, which is not between 1 and"),
        ("max_file_mb = -5", "sets max_file_mb to -5, which is not between 1 and"),
        ("port = true", "sets port to True"),
        ("port = 1.5", "sets port to 1.5, which is not a whole number"),
        ("docs = 5", "sets docs to 5, which is not a path"),
        ('model = ["a"]', r"sets model to \['a'\], which is not text"),
        ("model = true", "sets model to True, which is not text"),
        ("insecure = 1", "sets insecure to 1, which is not true or false"),
        ('insecure = "maybe"', "sets insecure to 'maybe', which is not true or false"),
        ("[server]\nport = 1", "'server', which is not a setting"),
        ('docs = "a\\u0000b"', "sets docs to .*, which is not a path"),
        ('model = "a\\u0000b"', "sets model to .*, which is not text"),
        ("docs = " + "[" * 100_000, "qa.toml cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "qa.toml").write_text(content)
    with pytest.raises(SettingsError, match=message):
        load()


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "qa.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"qa\.toml cannot be read"):
        load()


def test_a_variable_of_the_wrong_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_PORT", "")
    with pytest.raises(SettingsError, match="the environment sets port to ''"):
        load()


def test_the_ends_of_a_range_are_in_it() -> None:
    assert load({"port": 0}).port == 0
    assert load({"port": 65535, "threads": 1, "max_question": 1, "max_file_mb": 1}).port == 65535


@pytest.mark.parametrize(("name", "value"), [("QA_THREADS", "0"), ("QA_PORT", "99999")])
def test_a_variable_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"the environment sets .* to '{value}', which is"):
        load()


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(SettingsError, match="the command line sets 'colour'"):
        load({"colour": "red"})


@pytest.mark.parametrize(("said", "threads"), [(None, 1), ("3", 3)])
def test_a_request_has_one_core_unless_the_user_said_otherwise(said: str | None, threads: int) -> None:
    script = (
        "import numpy, threadpoolctl\n"
        "from qa.config import keep_native_libraries_to_one_core as keep\n"
        "keep()\n"
        "import faiss\n"
        "print(max(pool['num_threads'] for pool in threadpoolctl.threadpool_info()))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    if said:
        environment["OMP_NUM_THREADS"] = said
    run = [sys.executable, "-c", script]
    found = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
    assert int(found) == threads
