from __future__ import annotations

import tomllib

import pytest
from lowest_versions import PROJECT, lowest


def test_each_dependency_is_held_at_its_lowest_version() -> None:
    project = {
        "name": "qa",
        "dependencies": ["a>=1.2,<2", "b-c[x] == 3.1; python_version >= '3.12'"],
        "optional-dependencies": {"test": ["d<5,>=4", "qa[more]"], "more": ["e>=0.1"], "unasked": ["f>=1"]},
    }
    assert list(lowest(project)) == ["a==1.2", "b-c==3.1; python_version >= '3.12'"]
    assert list(lowest(project, ["test"]))[2:] == ["d==4", "e==0.1"]


@pytest.mark.parametrize("requirement", ["a", "a<2", "a<=2", "a!=1.5", "a; python_version >= '3.12'"])
def test_a_dependency_without_a_lower_bound_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match="has no lower bound"):
        list(lowest({"name": "qa", "dependencies": [requirement]}))


def test_every_dependency_of_the_project_has_a_lower_bound() -> None:
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert len(list(lowest(project, extras))) >= len(project["dependencies"]) + len(extras)
