"""A small documents folder, the index over it, and a stand-in for the model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from qa.config import Settings
from qa.embedding.export import conversion
from qa.embedding.export.encoder import ExportedEncoder
from qa.embedding.loading import load_plain
from qa.embedding.models import DEFAULT_MODEL
from qa.index import generation
from qa.indexing.build import build

for _profile, _examples in (("quick", 50), ("slow", 200)):
    hypothesis_settings.register_profile(
        _profile,
        deadline=None,
        max_examples=_examples,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=True,
    )

_LONGEST_ID = 80
"""How long a text may be, in characters, to be a test's id, which stands in the environment of processes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also what takes minutes: `make slow`")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes long, and is left to `make slow` and `make milvus`")
    hypothesis_settings.load_profile("slow" if config.getoption("--slow") else "quick")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes and long texts after their parameter: a ZIP file made in a test differs from run to run,
    and processes that share the tests must give them the same ids."""
    nameless = isinstance(val, bytes) or (isinstance(val, str) and len(val) > _LONGEST_ID)
    return argname if nameless else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes long: `make slow`"))


@pytest.fixture
def slow(request: pytest.FixtureRequest) -> bool:
    """Tell whether there is time for all cases, not just some."""
    return bool(request.config.getoption("--slow"))


@pytest.fixture(scope="session", autouse=True)
def cache() -> Iterator[Path]:
    """Where exports of models are kept: by all tests together, and by the commands that they run."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
        yield Path(folder) / "qa"


@pytest.fixture(scope="session")
def default(cache: Path) -> ExportedEncoder:
    """The default model, exported in the precision that this processor is best at."""
    return conversion.load_export(load_plain(DEFAULT_MODEL), cache)


@pytest.fixture
def encoder() -> StandIn:
    return StandIn()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(tmp_path / "docs", DOCUMENTS)


@pytest.fixture
def settings(tmp_path: Path, docs: Path) -> Settings:
    return Settings(docs=docs, index=tmp_path / "index", model="stand-in")


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    build(Settings(docs=write(folder / "docs", DOCUMENTS), index=folder / "index"), StandIn())
    return folder / "index"


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> generation.Generation:
    """A generation over 60 documents in words drawn by chance."""
    root = tmp_path_factory.mktemp("large")
    settings = Settings(docs=write_many(root / "docs"), index=root / "index")
    build(settings, StandIn())
    return generation.load(generation.current(settings.index))


@pytest.fixture
def built(settings: Settings, _pristine: Path) -> Path:
    """The folder of the live generation over ``docs``, the test's own copy."""
    shutil.copytree(_pristine, settings.index)
    return generation.current(settings.index)
