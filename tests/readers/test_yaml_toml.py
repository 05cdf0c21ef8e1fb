"""Metadata that people write: what is large, deep or makes more of itself takes neither memory nor time."""

from __future__ import annotations

import time
import tomllib
import tracemalloc
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qa.readers import yaml_toml
from qa.readers.yaml_toml import ALIAS, MAX_BYTES, MAX_DEPTH, MAX_VALUES, parse_toml, parse_yaml

DOTTED = ".".join("a" * 30_000).encode()
MERGES = b"a0: &a0 {k: v}\n" + b"".join(
    b"a%d: &a%d {<<: [*a%d, *a%d]}\n" % (n, n, n - 1, n - 1) for n in range(1, 41)
)

HOSTILE_TOML = {
    "dotted key": DOTTED + b" = 1",
    "dotted table": b"[" + DOTTED + b"]",
    "dotted array of tables": b"[[" + DOTTED + b"]]",
    "dotted with blanks": DOTTED.replace(b".", b" . ") + b" = 1",
    "dotted and quoted": DOTTED.replace(b"a", b'"a"') + b" = 1",
    "dotted in an inline table": b"x = {" + DOTTED + b" = 1}",
    "dotted behind a string of quotes": b"x = ['''a'''', {" + DOTTED + b" = 1}]",
    "dotted behind another": b'x = ["""a""""", {' + DOTTED + b" = 1}]",
    "dotted behind a comment in a string": b"x = ['#', {" + DOTTED + b" = 1}]",
    "many dotted keys": b"\n".join(b".".join([b"k%d" % n] + [b"a"] * 18) + b" = 1" for n in range(1_400)),
    "inline tables": b"x = " + b"{a = " * 9_000 + b"1" + b"}" * 9_000,
    "lists": b"x = " + b"[" * 30_000 + b"]" * 30_000,
    "keys": b"\n".join(b"k%d = 1" % n for n in range(5_000)),
    "items": b"x = [" + b"1," * 30_000 + b"]",
    "tables": b"[[a]]\n" * 9_000,
    "digits": b"x = " + b"9" * 60_000,
    "size": b"x = '" + b"a" * 70_000 + b"'",
    "an open string": b'x = "' + b"\\" * 60_001,
    "open strings": b'"""' * 20_001,
}
HOSTILE_YAML = {
    "lists": b"x: " + b"[" * 60_000,
    "mappings": b"x: " + b"{a: " * 16_000,
    "blocks": b"- " * 30_000,
    "questions": b"? " * 30_000,
    "keys": b"\n".join(b"k%d: 1" % n for n in range(5_000)),
    "items": b"x: [" + b"1," * 30_000 + b"]",
    "size": b"x: " + b"a" * 70_000,
    "an open string": b'x: "' + b"a\n\n" * 20_000,
    "escapes": b'x: "\\UFFFFFFFF"',
    "a directive": b"%YAML " + b"9" * 6_000 + b".1\n---\nx: 1",
    "tags": b"!" * 60_000,
    "two keys": b"title: One\ntitle: Two",
    "two documents": b"title: One\n--- \ntitle: Two",
    "bytes": b"title: \xff",
}


def _cost(parse, data: bytes) -> tuple[float, int]:
    tracemalloc.start()
    started = time.process_time()
    with suppress(ValueError):
        parse(data)
    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak


@pytest.mark.parametrize("data", HOSTILE_TOML.values(), ids=HOSTILE_TOML)
def test_hostile_toml_costs_little(data: bytes) -> None:
    seconds, peak = _cost(parse_toml, data)
    assert seconds < 3
    assert peak < 2**24


@pytest.mark.parametrize("data", HOSTILE_YAML.values(), ids=HOSTILE_YAML)
def test_hostile_yaml_costs_little(data: bytes) -> None:
    seconds, peak = _cost(parse_yaml, data)
    assert seconds < 3
    assert peak < 2**24


def test_aliases_are_not_followed() -> None:
    values = parse_yaml(b"title: A title\n" + MERGES + b"source: *a40\n")
    assert values["title"] == "A title"
    assert values["source"] is ALIAS
    assert values["a40"] == {"<<": [ALIAS, ALIAS]}


@pytest.mark.parametrize(
    "data",
    [
        b"x = 1",
        b"x.y = 'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z'",
        b'x = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[["  # {{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{',
        b"x = '''\n1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22 '' '''",
        b'[a.b.c]\nd = [1.5, 2.5, {e = 2019-07-03T10:00:00.5Z}]\n"quoted.key" = "\\" \\\\"',
        b"",
    ],
)
def test_what_people_write_comes_out_as_tomllib_has_it(data: bytes) -> None:
    assert parse_toml(data) == tomllib.loads(data.decode())


def _deep(levels: int) -> bytes:
    return b"x = " + b"[" * levels + b"]" * levels


def test_the_limits_of_toml_are_where_they_are_said_to_be() -> None:
    parse_toml(".".join("a" * MAX_DEPTH).encode() + b" = 1")
    parse_toml(_deep(MAX_DEPTH))
    parse_toml(b"x = [" + b"1," * (MAX_VALUES - 2) + b"]")
    parse_toml(b"x = '" + b"a" * (MAX_BYTES - 6) + b"'")
    for beyond in (".".join("a" * (MAX_DEPTH + 1)).encode() + b" = 1", _deep(MAX_DEPTH + 1)):
        with pytest.raises(ValueError, match="more than 20 levels"):
            parse_toml(beyond)
    with pytest.raises(ValueError, match="more than 2,000 keys and values"):
        parse_toml(b"x = [" + b"1," * MAX_VALUES + b"]")
    with pytest.raises(ValueError, match="more than 64 KB"):
        parse_toml(b"x = '" + b"a" * MAX_BYTES + b"'")


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)
_VALUES = st.recursive(
    _TEXTS | st.none(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(_TEXTS, some, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=5), st.booleans())
def test_yaml_comes_back_as_it_was_written(values, flow) -> None:
    written = yaml.safe_dump(values, allow_unicode=True, default_flow_style=flow)
    if "*" not in written:
        assert parse_yaml(written.encode()) == values


@given(st.binary(max_size=200))
def test_whatever_the_bytes_it_is_values_or_an_error(data: bytes) -> None:
    for parse in (yaml_toml.parse_toml, yaml_toml.parse_yaml):
        try:
            values = parse(data)
        except ValueError:
            continue
        assert values is None or isinstance(values, dict)


def test_values_stay_as_they_are_written() -> None:
    text = b"a: 2019-07-03\nb: 0x10\nc: yes\nd: 12:30\ne: ~\nf:\ng: ''\nh: !!int '5'\ni: 2019-13-45"
    assert parse_yaml(text) == {
        "a": "2019-07-03", "b": "0x10", "c": "yes", "d": "12:30", "e": None, "f": None, "g": "", "h": "5",
        "i": "2019-13-45",
    }  # fmt: skip
