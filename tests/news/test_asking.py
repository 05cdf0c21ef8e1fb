"""Saved questions asked after each generation: what is new is told once, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.indexing.build import build
from qa.news import asking, news_file
from qa.news.asking import ask_saved
from qa.news.news_file import News, forget_news, read_news
from qa.retrieval.searcher import Searcher

PLANETS = ("Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")


def _paragraph(planet: str, moons: int, keeper: str = "old") -> str:
    return (
        f"The planet {planet} is bright tonight and can be seen from the northern coast with the naked eye. "
        f"The {keeper} keeper of the telescope counted {moons} moons around {planet} in the last winter."
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a document and a saved question for each planet."""
    docs = write(tmp_path / "docs", {f"{p}.md": _paragraph(p, n) + "\n" for n, p in enumerate(PLANETS)})
    saved = tmp_path / "saved.toml"
    saved.write_text(
        "".join(
            f'[{planet.lower()}]\nquestion = "How many moons around {planet} were counted?"\n'
            "threshold = 0\nk = 1\n\n"
            for planet in PLANETS
        ),
        "utf-8",
    )
    return Settings(docs=docs, index=tmp_path / "index", saved=saved, model="stand-in")


def _open(settings: Settings) -> Searcher:
    return Searcher(generation.load(generation.current(settings.index)), StandIn())


def _ask(settings: Settings) -> tuple[News, ...]:
    build(settings, StandIn())
    return ask_saved(settings, _open)


def test_the_first_answers_are_no_news(settings: Settings) -> None:
    assert _ask(settings) == ()
    assert list(read_news(settings.index).asked) == [planet.lower() for planet in PLANETS]


def test_a_changed_number_is_the_only_news_and_told_once(settings: Settings) -> None:
    _ask(settings)
    write(settings.docs, {"Mars.md": _paragraph("Mars", 40) + "\n"})
    [news] = _ask(settings)
    [change] = news.changes
    assert (news.name, change.kind, change.path) == ("mars", "changed", "Mars.md")
    assert "counted 2 moons" in (change.before or "")
    assert "counted 40 moons" in (change.quotation or "")
    assert ask_saved(settings, _open) == ()
    write(settings.docs, {"other.md": "Rice from Battambang was sold to Vladivostok for the first time.\n"})
    assert _ask(settings) == ()
    assert read_news(settings.index).news == (news,)


def test_a_new_document_that_answers_better_is_news(settings: Settings) -> None:
    _ask(settings)
    text = "Mars moons counted: Mars has many, the committee reports."
    write(settings.docs, {"report.md": text + "\n"})
    [news] = _ask(settings)
    assert [(change.kind, change.path) for change in news.changes] == [("better", "report.md")]


def test_a_removed_answer_is_gone(settings: Settings) -> None:
    _ask(settings)
    (settings.docs / "Venus.md").unlink()
    [news] = _ask(settings)
    change = news.changes[0]
    assert (news.name, change.kind, change.path, change.quotation) == ("venus", "gone", "Venus.md", None)


def test_copies_renamed_files_and_other_line_ends_are_no_news(settings: Settings) -> None:
    _ask(settings)
    write(settings.docs, {"copy.md": _paragraph("Mars", 2, keeper="older") + "\n"})
    (settings.docs / "Venus.md").rename(settings.docs / "evening-star.md")
    write(settings.docs, {"Saturn.md": _paragraph("Saturn", 4).replace(" ", "\n", 3) + "\n"})
    assert _ask(settings) == ()


def test_a_changed_or_new_question_starts_without_news(settings: Settings) -> None:
    _ask(settings)
    text = settings.saved.read_text("utf-8").replace("k = 1", "k = 2", 1)
    settings.saved.write_text(text + '[new]\nquestion = "Who is the keeper?"\n', "utf-8")
    assert ask_saved(settings, _open) == ()
    assert "new" in read_news(settings.index).asked


def test_nothing_is_opened_if_the_generation_was_asked(settings: Settings) -> None:
    _ask(settings)

    def refuse(_: Settings) -> Searcher:
        raise AssertionError

    assert ask_saved(settings, refuse) == ()


def test_news_survives_a_kill_before_and_after_it_is_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ask(settings)
    write(settings.docs, {"Mars.md": _paragraph("Mars", 40) + "\n"})
    build(settings, StandIn())

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(asking, "write_news", kill)
        with pytest.raises(KeyboardInterrupt):
            ask_saved(settings, _open)
    with monkeypatch.context() as patch:
        patch.setattr(news_file.files, "put_in_place", kill)
        with pytest.raises(KeyboardInterrupt):
            ask_saved(settings, _open)
    assert [news.name for news in ask_saved(settings, _open)] == ["mars"]
    assert ask_saved(settings, _open) == ()


def test_forgotten_documents_leave_nothing(settings: Settings) -> None:
    _ask(settings)
    write(settings.docs, {"Mars.md": _paragraph("Mars", 40) + "\n"})
    _ask(settings)
    assert "around Mars in the last" in (settings.index / news_file.NAME).read_text("utf-8")
    forget_news(settings.index, ["Mars.md"])
    assert "around Mars in the last" not in (settings.index / news_file.NAME).read_text("utf-8")
    assert not read_news(settings.index).news


def test_without_saved_questions_nothing_is_written(settings: Settings) -> None:
    settings.saved.unlink()
    assert _ask(settings) == ()
    assert not (settings.index / news_file.NAME).exists()


def test_the_last_question_removed_leaves_no_news_but_a_missing_file_does(settings: Settings) -> None:
    _ask(settings)
    write(settings.docs, {"Mars.md": _paragraph("Mars", 40) + "\n"})
    assert _ask(settings)
    content = settings.saved.read_text("utf-8")
    settings.saved.unlink()
    assert ask_saved(settings, _open) == ()
    assert read_news(settings.index).of("mars")
    settings.saved.write_text("# Nothing for now.\n", "utf-8")
    assert ask_saved(settings, _open) == ()
    assert read_news(settings.index).asked == {}
    assert read_news(settings.index).news == ()
    settings.saved.write_text(content, "utf-8")
    assert ask_saved(settings, _open) == ()
    assert len(read_news(settings.index).asked) == len(PLANETS)
