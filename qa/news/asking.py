"""Ask the saved questions of the live generation, once, and keep what is new in their answers."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from qa.config import Settings
from qa.news.changes import ask_again
from qa.news.destinations import way_of
from qa.news.news_file import Asked, News, NewsFile, hold_news, read_news, write_news
from qa.news.saved_questions import SavedQuestion, read_saved
from qa.news.undelivered import Undelivered, add_undelivered
from qa.retrieval.live import LiveSearcher
from qa.retrieval.search_protocol import Search
from qa.stores.publication import publications

_NAMESPACE = uuid.UUID("5b3c4a53-6d0c-4c5e-9f0a-0d6c2f3f7a11")
"""Of the news' ids (RFC 9562, version 5): the same news has the same id, however often it is found."""


def _open(settings: Settings) -> Search:
    return LiveSearcher(settings).current()


def ask_saved(settings: Settings, open_search: Callable[[Settings], Search] = _open) -> tuple[News, ...]:
    """Ask the saved questions, unless the live generation has been asked all of them; return what is new.

    Args:
        settings: where the questions and the index are.
        open_search: opens the live generation; not called if there is nothing to ask.

    Raises:
        QuestionsError: the file of the saved questions cannot be used.
        IndexUnavailableError: there is no index, or it cannot be read.
        ModelError: the model cannot be loaded.
        QAError: the news cannot be read or written.
    """
    questions = read_saved(settings.saved)
    if not questions:
        return ()
    with hold_news(settings.index):
        content = read_news(settings.index)
        live, _ = publications(settings).live()
        if (content.generation, content.definitions) == (live, _definitions(questions)):
            return ()
        content, news = _ask(questions, content, open_search(settings), settings)
        _commission(settings.index, questions, content, news)
        write_news(settings.index, content)
    return news


def _commission(
    index: Path, questions: Sequence[SavedQuestion], content: NewsFile, found: Sequence[News]
) -> None:
    """Have the new news delivered, and no other news than that of ways that ``saved.toml`` still names."""
    ways = {question.name: tuple(map(way_of, question.destinations)) for question in questions}
    added = [Undelivered(news.id, news.name, way) for news in found for way in ways[news.name]]
    wanted = {(news.id, way) for news in content.news for way in ways.get(news.name, ())}
    add_undelivered(index, added, wanted)


def _definitions(questions: Sequence[SavedQuestion]) -> str:
    """Return a digest of what is asked."""
    listed = "\n".join(f"{question.name} {question.definition}" for question in questions)
    return hashlib.sha256(listed.encode()).hexdigest()[:16]


def _ask(
    questions: Sequence[SavedQuestion], content: NewsFile, search: Search, settings: Settings
) -> tuple[NewsFile, tuple[News, ...]]:
    info = search.info
    ranked_by = f"{info.model}\n{settings.reranker}\n{settings.reader}"
    asked: dict[str, Asked] = {}
    news: list[News] = []
    for question in questions:
        old = content.asked.get(question.name)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        memory, changes = ask_again(question, old.memory if old else None, search, ranked_by)
        if changes:
            urn = uuid.uuid5(_NAMESPACE, f"{info.generation}/{question.name}").urn
            news.append(News(urn, question.name, question.question, info.generation, now, changes))
        updated = old.updated if old and not changes else now
        asked[question.name] = Asked(question.question, updated, memory)
    content = replace(
        content,
        generation=info.generation,
        definitions=_definitions(questions),
        asked=asked,
        news=(*content.news, *news),
    )
    return content, tuple(news)
