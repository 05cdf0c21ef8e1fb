"""Print the lowest version that pyproject.toml allows of each direct dependency, as constraints for pip.

    python tests/lowest_versions.py [EXTRA ...]

`make test-lowest` installs these versions and runs the core tests with them.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1] / "pyproject.toml"

_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+) (?:\[(?P<extras>[^\]]*)\])? (?P<versions>[^;]*) (?P<marker>;.*)?", re.VERBOSE
)
_LOWEST = re.compile(r"[>=]=\s*([\w.]+)")


def lowest(project: Mapping[str, Any], extras: Sequence[str] = ()) -> Iterator[str]:
    """Yield a constraint for each direct dependency of a project and of some of its extras.

    Raises:
        ValueError: a dependency has no lower bound.
    """
    yield from _lowest(project, project["dependencies"])
    for extra in extras:
        yield from _lowest(project, project["optional-dependencies"][extra])


def _lowest(project: Mapping[str, Any], requirements: Sequence[str]) -> Iterator[str]:
    for requirement in requirements:
        parts = _REQUIREMENT.fullmatch(requirement)
        if parts and parts["name"] == project["name"]:  # extras of the project itself
            for extra in (parts["extras"] or "").split(","):
                yield from _lowest(project, project["optional-dependencies"][extra.strip()])
            continue
        version = parts and _LOWEST.search(parts["versions"])
        if not version:
            raise ValueError(f"{requirement!r} in {PROJECT.name} has no lower bound: add one, such as >=1.2")
        yield f"{parts['name']}=={version[1]}{parts['marker'] or ''}"


if __name__ == "__main__":
    declared = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    sys.stdout.writelines(f"{constraint}\n" for constraint in lowest(declared, sys.argv[1:]))
