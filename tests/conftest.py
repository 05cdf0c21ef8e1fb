"""A small documents folder, the index over it, and a stand-in for the model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from stand_in import StandIn

from qa import generation
from qa.build import build
from qa.config import Settings

hypothesis_settings.register_profile(
    "project", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
hypothesis_settings.load_profile("project")

DOCUMENTS = {
    "trade.md": (
        "---\ntitle: Trade in 2018\nsource: Ministry of Trade\npublished: 2019-03-01\n---\n\n"
        "# Trade in 2018\n\nTrade between Russia and Cambodia grew by half to 51 million dollars in 2018. "
        "Clothes and shoes were the greater part of it.\n\n## Rice\n\n"
        "Rice from Battambang was sold to Vladivostok for the first time. The price was not told. "
        "A second shipment followed in the autumn of the same year, by sea and by rail.\n"
    ),
    "envoy.txt": (
        "The envoy spoke in Phnom Penh about cyber threats.\r\n\r\n"
        "Cyber threats know no borders, the envoy said, and so the two ministries will share what they know "
        "about attacks on banks and power stations. 🛰 A hotline will be opened.\r\n\r\n"
        "He also named education: ninety students from Cambodia study in Moscow, most of them medicine, "
        "engineering or law, and eight thousand graduates live in Cambodia today.\r\n"
    ),
    "ru/visit.txt": (
        "Министр иностранных дел прибыл в Пномпень с двухдневным визитом. Он встретился с королём Камбоджи "
        "и передал ему послание президента.\n\n"
        "Стороны договорились открыть прямое авиасообщение между Москвой и Пномпенем до конца года, "
        "сообщило министерство. Билеты поступят в продажу осенью.\n"
    ),
    "ru/visit.txt.meta.toml": 'source = "ТАСС"\npublished = 2017-11-10\n',
    "notes/people.jsonl": (
        '{"id": "sok", "text": "Sok Chenda leads the council for development.", "source": "Notes"}\n'
        '{"id": "bad"}\n'
        '{"id": "hun", "text": "Hun Many opened the stadium in December.", "published": "2021-12-18"}\n'
    ),
}


def write(folder: Path, documents: dict[str, str | bytes]) -> Path:
    """Put files into a folder, as they are."""
    for name, content in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


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


@pytest.fixture
def built(settings: Settings, _pristine: Path) -> Path:
    """The folder of the live generation over ``docs``, the test's own copy."""
    shutil.copytree(_pristine, settings.index)
    return generation.current(settings.index)
