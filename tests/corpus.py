"""A small documents folder: four kinds of file, two languages, a sidecar, a bad row."""

from __future__ import annotations

import random
from pathlib import Path

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


WORDS = [
    *("rice", "port", "trade", "envoy", "minister", "bank", "power", "student", "visit", "rail"),
    *("rubber", "temple", "dance", "river", "bridge", "treaty", "market", "school", "doctor", "farmer"),
    *("harvest", "season", "tax", "border", "customs", "tourism", "museum", "language", "village", "road"),
]


def write_many(folder: Path) -> Path:
    """Write 60 documents of five paragraphs each in words drawn by chance, the same every time."""
    chance = random.Random(7)
    for i in range(60):
        paragraphs = [
            " ".join(f"{' '.join(chance.choices(WORDS, k=8)).capitalize()}." for _ in range(3))
            for _ in range(5)
        ]
        front = f"---\nsource: S{i % 4}\npublished: 20{10 + i % 10}-01-01\n---\n\n"
        write(folder, {f"{'ab'[i % 2]}/{i:02}.md": front + "\n\n".join(paragraphs)})
    return folder


def write(folder: Path, documents: dict[str, str | bytes]) -> Path:
    """Put files into a folder, as they are."""
    for name, content in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
