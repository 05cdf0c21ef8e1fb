"""Flags override variables, which override ``qa.toml``; wrong values are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qa.cli.commands import main
from qa.config import Setting, Settings, load, settings
from qa.errors import SettingsError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in settings().values():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_hold_where_nothing_is_set() -> None:
    assert load() == Settings()


def test_flags_go_over_variables_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qa.toml").write_text('docs = "from-file"\nport = 1\nthreads = 1\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("QA_PORT", "2")
    monkeypatch.setenv("QA_THREADS", "2")
    loaded = load({"threads": 3, "host": None, "index": Path("i")})
    assert (loaded.docs, loaded.port, loaded.threads) == (Path("from-file"), 2, 3)
    assert (loaded.host, loaded.index) == ("0.0.0.0", Path("i"))


def test_the_file_is_read_from_the_given_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "qa.toml").write_text('model = "m"\n')
    assert load(folder=tmp_path / "other").model == "m"
    assert load().model == Settings().model


def test_every_setting_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {
        "store": "milvus+7.db",
        "ocr": "off",
        "rate_limit": "7/minute",
        "proxies": "10.0.0.7",
        "cors": "https://seven.example",
    }
    for name, setting in settings().items():
        value = "True" if setting.kind is bool else forms.get(name, "7")
        monkeypatch.setenv(setting.variable, value)
        assert str(getattr(load(), name)) == value


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("QA_PROT", "QA_PROT is not a setting: did you mean QA_PORT?"),
        ("QA_KEY", "QA_KEY is not a setting: did you mean QA_KEYS?"),
        ("QA_NOBODY_KNOWS_IT", "QA_NOBODY_KNOWS_IT is not a setting and has no effect."),
        ("QA_FOO", "QA_FOO is not a setting and has no effect."),
        ("QA_port", "QA_port is not a setting"),
    ],
)
def test_an_unknown_variable_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, warning: str
) -> None:
    monkeypatch.setenv(name, "9000")
    assert load() == Settings()
    assert warning in caplog.text


def test_known_variables_are_not_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("QA_PORT", "1")
    monkeypatch.setenv("QAX", "1")
    load()
    assert not caplog.records


_PATHS = [name for name, setting in settings().items() if setting.kind is Path]


def _assert_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """Give a value in each of the three places, and see it refused with the place's name."""
    with pytest.raises(SettingsError, match=f"the command line sets {name} to {message}"):
        load({name: value})
    monkeypatch.setenv(f"QA_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"the environment sets {name} to {message}"):
        load()
    monkeypatch.delenv(f"QA_{name.upper()}")
    Path("qa.toml").write_text(f'{name} = "{value}"')
    with pytest.raises(SettingsError, match=f"qa.toml sets {name} to {message}"):
        load()


@pytest.mark.parametrize("name", [*_PATHS, "model", "host", "store"])
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_path_or_name_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    _assert_refused(monkeypatch, name, value, f"'{value}', which is empty")


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
        *(
            (name, value)
            for name in ("hosts", "webhook_hosts")
            for value in ("https://qa.example", "qa.example:80", "*.example", "a b", "a/b")
        ),
        *(("store", value) for value in ("somewhere", "milvus+", "milvus+http://", "milvus+a", "Local")),
    ],
)
def test_a_text_of_the_wrong_form_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    _assert_refused(monkeypatch, name, value, ".*, which is not a ")


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
        ("webhook_hosts", "hooks.example.org, 10.0.0.7, fd00::7"),
        ("store", "milvus+http://localhost:19530"),
        ("store", "milvus+/a b/index.db"),
        *((name, "") for name in ("cors", "rate_limit", "proxies", "hosts", "webhook_hosts")),
        *((name, "") for name in ("ray", "reranker", "reader")),
    ],
)
def test_a_text_of_the_right_form_is_accepted(name: str, value: str) -> None:
    assert getattr(load({name: value}), name) == value


_NUMBERS = [name for name, setting in settings().items() if setting.kind is int]


@pytest.mark.parametrize("name", _NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "1e3", "-1", "9" * 30, "9" * 5000, "", "0x10", "1.0"])
def test_an_impossible_number_is_refused(
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
        ('ocr = "always"', "sets ocr to 'always', which is not one of auto, off, force"),
        ("insecure = 1", "sets insecure to 1, which is not true or false"),
        ('insecure = "maybe"', "sets insecure to 'maybe', which is not true or false"),
        ("[server]\nport = 1", "'server', which is not a setting"),
        ('docs = "a\\u0000b"', "sets docs to .*, which is not a path"),
        ('model = "a\\u0000b"', "sets model to .*, which is not text"),
        ("docs = " + "[" * 100_000, "qa.toml cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
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


def test_bounds_are_inclusive() -> None:
    assert load({"port": 0}).port == 0
    assert load({"port": 65535, "threads": 1, "max_question": 1, "max_file_mb": 1}).port == 65535


@pytest.mark.parametrize(("name", "value"), [("QA_THREADS", "0"), ("QA_PORT", "99999")])
def test_a_variable_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"the environment sets .* to '{value}', which is"):
        load()


def test_a_path_that_is_not_utf_8_is_accepted() -> None:
    assert load({"docs": "b\udcff"}).docs == Path("b\udcff")


@pytest.mark.parametrize(("text", "value"), [("TRUE", True), ("yes", True), ("0", False), ("No", False)])
def test_truth_has_several_spellings(monkeypatch: pytest.MonkeyPatch, text: str, *, value: bool) -> None:
    monkeypatch.setenv("QA_INSECURE", text)
    assert load().insecure is value


def test_own_paths_are_all_that_is_written(tmp_path: Path) -> None:
    chosen = Settings(index=Path("i"), cache=Path("c"), keys=Path("k"), saved=Path("s"))
    assert chosen.own_paths() == {tmp_path / name for name in "icks"}
    more = replace(chosen, judgements=Path("j"), store="milvus+m.db")
    assert more.own_paths() == {tmp_path / name for name in ("i", "c", "k", "s", "j", "m.db")}


def test_the_kind_of_store() -> None:
    assert (Settings().is_local, Settings().store_is_file) == (True, False)
    lite, server = Settings(store="milvus+a.db"), Settings(store="milvus+http://localhost:19530")
    assert (lite.is_local, lite.store_is_file) == (False, True)
    assert (server.is_local, server.store_is_file) == (False, False)
    with pytest.raises(SettingsError, match="'nowhere' is not a store: use local"):
        _ = Settings(store="nowhere").is_local


def test_every_setting_is_declared_within_its_bounds() -> None:
    defaults = Settings()
    for name, setting in settings().items():
        assert load({name: getattr(defaults, name)}) == defaults
        assert setting.declaration.help.endswith(".")
        assert (setting.declaration.bounds is not None) == (setting.kind is int)


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(SettingsError, match="the command line sets 'colour'"):
        load({"colour": "red"})


def _facts(setting: Setting) -> str:
    """Return what docs/configuration.md says under the heading of a setting."""
    facts = [f"`{setting.variable}`", f"`{setting.flag}`" if setting.flag in _FLAGS else ""]
    facts.append(f"default {_default(setting)}")
    bounds = setting.declaration.bounds
    facts.append(f"{bounds[0]} to {bounds[1]}" if bounds else "")
    return " · ".join(filter(None, facts))


def _default(setting: Setting) -> str:
    computed = setting.declaration.default
    if computed and not computed.startswith("~"):
        return computed
    return f"`{setting.default}`" if setting.default else "false" if setting.kind is bool else "none"


def _table() -> str:
    lines = ["| setting | variable | flag | default | meaning |", "|---|---|---|---|---|"]
    for name, setting in settings().items():
        flag = f"`{setting.flag}`" if setting.flag in _FLAGS else ""
        cells = (f"[{name}](#{name})", f"`{setting.variable}`", flag, _default(setting))
        lines.append(f"| {' | '.join(cells)} | {setting.declaration.help} |")
    return "\n".join(lines)


_FLAGS = {flag for command in main.commands.values() for option in command.params for flag in option.opts}
_PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
_SECTION = "\n### "


def _up_to_date(page: str) -> str:
    """Return the page with the table and the lines of facts as the declaration has them."""
    head, *sections = page.split(_SECTION)
    before, _, rest = head.partition("| setting |")
    head = "".join((before, _table(), *rest.partition("\n\n")[1:]))
    parts = (section.split("\n\n", 2) for section in sections)
    return _SECTION.join(
        [head, *(f"{name}\n\n{_facts(settings()[name])}\n\n{text}" for name, _, text in parts)]
    )


def test_the_page_says_what_is_declared() -> None:
    page = _PAGE.read_text("utf-8")
    assert page == _up_to_date(page), "run `python tests/test_config.py`"


def test_the_page_explains_every_setting_once() -> None:
    sections = [section.split("\n\n", 2) for section in _PAGE.read_text("utf-8").split(_SECTION)[1:]]
    assert sorted(name for name, *_ in sections) == sorted(settings())
    assert all(len(text.partition("\n\n")[0]) > 80 for _, _, text in sections)


def test_the_example_of_the_page_can_be_loaded(tmp_path: Path) -> None:
    example = _PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "qa.toml").write_text(example)
    expected = replace(Settings(), docs=Path("/srv/reports"), model="models/my-model", port=9000)
    assert load() == expected


if __name__ == "__main__":
    _PAGE.write_text(_up_to_date(_PAGE.read_text("utf-8")), "utf-8")
