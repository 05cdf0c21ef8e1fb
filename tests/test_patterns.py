"""Every regular expression of the package takes a time that grows with the text's length, and no faster."""

from __future__ import annotations

import ast
import importlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import regex

import qa

_ROOT = Path(qa.__file__).parent
_SWEEP = Path(__file__).with_name("pattern_sweep.py")
_METHODS = {"match", "fullmatch", "search", "finditer", "findall", "split", "sub", "subn"}
_FUNCTIONS = _METHODS | {"compile"}
_UNPARSED = {r"\X": ".", r"\p{L}": "a-zé", r"\p{M}": "\u0301", r"\p{N}": "0-9", "--": ""}
"""What ``re`` has no word for in our patterns of ``regex``, put so that texts can be made from them."""


@dataclass(frozen=True)
class _Use:
    """A pattern, the name that it has, and the methods that are called of it."""

    name: str
    pattern: Any
    methods: frozenset[str]


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(_ROOT.rglob("*.py")):
        name = ".".join(["qa", *path.relative_to(_ROOT).with_suffix("").parts]).removesuffix(".__init__")
        yield name, ast.parse(path.read_text("utf-8"))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Give the calls of functions of ``re`` and ``regex``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re" | "regex"), attr=called)):
                if called in _FUNCTIONS:
                    yield node


def _constants(tree: ast.Module) -> dict[str, list[ast.Call]]:
    """Give the names of a module and of its classes that stand for patterns, and how those are made."""
    patterns = {}
    for top in tree.body:
        for node in top.body if isinstance(top, ast.ClassDef) else [top]:
            if isinstance(node, ast.Assign | ast.AnnAssign) and (calls := list(_calls(node))):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                assert isinstance(target, ast.Name)
                patterns[target.id] = calls
    return patterns


def _patterns(value: object) -> Iterator[Any]:
    if isinstance(value, re.Pattern | regex.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _patterns([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _patterns(part)


def _names_for(tree: ast.Module, constant: str) -> set[str]:
    """Give the names that a pattern has: its own, those of loops over it, and of parameters that get it."""
    names = {constant}
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        match node:
            case ast.For(target=target, iter=over) | ast.comprehension(target=target, iter=over):
                if any(isinstance(one, ast.Name) and one.id == constant for one in ast.walk(over)):
                    names |= {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
            case ast.Call(func=ast.Name(id=called), args=arguments) if called in functions:
                parameters = functions[called].args.args
                for parameter, argument in zip(parameters, arguments, strict=False):
                    if isinstance(argument, ast.Name) and argument.id == constant:
                        names.add(parameter.arg)
    return names


def _methods(tree: ast.Module, constant: str) -> frozenset[str]:
    names = _names_for(tree, constant)
    return frozenset(
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in _METHODS
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    )


def _uses() -> Iterator[_Use]:
    for name, tree in _trees():
        for constant in _constants(tree):
            value = getattr(importlib.import_module(name), constant)
            for number, pattern in enumerate(_patterns(value)):
                yield _Use(f"{name}.{constant}[{number}]", pattern, _methods(tree, constant))


_USES = list(_uses())


def _sweep(use: _Use, seconds: int = 20) -> str:
    """Let a process of its own look for a text that takes the pattern too long; give what it found."""
    source = use.pattern.pattern
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    plain = text
    kind = "re" if isinstance(use.pattern, re.Pattern) else "regex"
    if kind == "regex":
        for form, put in _UNPARSED.items():
            plain = plain.replace(form, put)
        plain = re.sub(r"\\p\{[A-Z][a-z]+\}", "中", plain)
        plain = re.sub(r"\[\[([^]]*)\]\[[^]]*\]\]", r"[\1]", plain)
    asked = {"pattern": text, "plain": plain, "flags": use.pattern.flags & ~re.UNICODE, "kind": kind}
    asked |= {"seconds": seconds}
    done = subprocess.run(
        [sys.executable, str(_SWEEP)],
        input=json.dumps(asked | {"bytes": isinstance(source, bytes), "methods": sorted(use.methods)}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    last = done.stdout.rpartition("\n")[2]
    return f"{last} (exit code {done.returncode}) {done.stderr}" if done.returncode else ""


def test_patterns_are_constants() -> None:
    for name, tree in _trees():
        constant = [call for calls in _constants(tree).values() for call in calls]
        elsewhere = [f"{name}:{call.lineno}" for call in _calls(tree) if call not in constant]
        assert elsewhere == [], "make the pattern a constant of its module, so that it is swept here"


@pytest.mark.parametrize("use", _USES, ids=[use.name for use in _USES])
def test_time_grows_with_the_text_and_no_faster(use: _Use) -> None:
    assert use.methods, "nothing is seen to use it: call its methods by its name"
    assert _sweep(use) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        re.compile(r"(?:\w+\s?)*\."),
        re.compile(r"By (?:[A-Z][\w’'-]*\.?(?:[A-Z]\.)*|de)(?:\s+(?:[A-Z][\w’'-]*\.?(?:[A-Z]\.)*|de))+"),
    ],
    ids=str,
)
def test_a_pattern_that_takes_exponential_time_ends_at_the_limit(pattern: Any) -> None:
    assert f"exit code {-signal.SIGKILL}" in _sweep(_Use("bad", pattern, frozenset({"fullmatch"})), 2)


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (re.compile(r"\s+$"), "search"),
        (re.compile(r"[^\S\n]*\n"), "finditer"),
        (re.compile(r"([^\W\d_]*)(?<=\w)-$"), "search"),
        (re.compile(r"charset\s*=\s*[\"']?\s*(\w+)"), "search"),
        (re.compile(r"(?s:---.*?\+\+\+)"), "search"),
        (re.compile(r"<meta[^>]*charset"), "search"),
        (regex.compile(r"(?:[a-z]+)*[0-9]"), "match"),
    ],
    ids=str,
)
def test_a_pattern_that_takes_quadratic_time_is_seen(pattern: Any, method: str) -> None:
    # A busy machine may keep one sweep from seeing it.
    assert any("is steep" in _sweep(_Use("bad", pattern, frozenset({method}))) for _ in range(3))
