"""The news and what the next news is compared with: one file beside the generations, replaced in one step.

Both are in one file, so a process that is killed neither loses news nor tells it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from qa import files
from qa.errors import QAError
from qa.indexing.folder import lies_in
from qa.news.changes import Change, Memory

NAME = "news.json"

_LOCK = ".news.lock"
_FORMAT = 1

_KEPT = 100
"""How many pieces of news are kept of each question. Chosen: feed readers fetch far more often."""


@dataclass(frozen=True, slots=True)
class News:
    """What is new in the answer to one saved question with one generation.

    Attributes:
        id: a URN, for feeds.
        name: the question's.
        question: the question as it was asked.
        generation: what answered.
        created: when it was asked, as an ISO time in UTC.
        changes: at least one.
    """

    id: str
    name: str
    question: str
    generation: str
    created: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A saved question that has been asked.

    Attributes:
        question: the question.
        updated: when its answer was last news, or else when it was first asked, as an ISO time in UTC.
        memory: what its next answer is compared with.
    """

    question: str
    updated: str
    memory: Memory


@dataclass(frozen=True, slots=True)
class NewsFile:
    """The content of the file.

    Attributes:
        generation: the one that was asked last; empty before.
        definitions: a digest of what was asked, and how.
        asked: the saved questions, by name.
        news: the oldest first.
        format: the version of the file's format.
    """

    generation: str = ""
    definitions: str = ""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    news: tuple[News, ...] = ()
    format: int = _FORMAT

    def of(self, name: str) -> tuple[News, ...]:
        """Return the news on one question, the oldest first."""
        return tuple(news for news in self.news if news.name == name)


_CONTENT = TypeAdapter(NewsFile)


def read_news(index: Path) -> NewsFile:
    """Return what the file of an index holds; nothing if there is none.

    Raises:
        QAError: it cannot be read.
    """
    path = index / NAME
    try:
        content = _CONTENT.validate_json(path.read_bytes())
    except FileNotFoundError:
        return NewsFile()
    except OSError as error:
        raise QAError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise QAError(
            f"{path} is not what was written: remove it, and the saved questions start again without news"
        ) from error
    return content if content.format == _FORMAT else NewsFile()


def write_news(index: Path, content: NewsFile) -> None:
    """Replace the file, with the last news on each question that was asked.

    Raises:
        QAError: it cannot be written; it is unchanged.
    """
    kept = [news for name in content.asked for news in content.of(name)[-_KEPT:]]
    kept.sort(key=lambda news: news.created)
    path = index / NAME
    try:
        files.replace_bytes(path, _CONTENT.dump_json(replace(content, news=tuple(kept)), indent=1) + b"\n")
    except OSError as error:
        raise QAError(f"{path} cannot be written: {error.strerror}") from error


def hold_news(index: Path) -> AbstractContextManager[None]:
    """Hold the file for writing; wait while another process does.

    Raises:
        QAError: the folder cannot be written or locked.
    """
    return hold(index / _LOCK)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock at a path; wait while another process or thread does.

    Raises:
        QAError: the file of the lock cannot be written or locked.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise QAError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        try:
            files.lock(file)
        except OSError as error:
            raise QAError(f"{path} cannot be locked: {error.strerror}") from error
        yield


def forget_news(index: Path, places: Collection[str]) -> None:
    """Remove every text of some files or folders from the news of an index.

    Raises:
        QAError: the file cannot be read or written.
    """
    if not (index / NAME).exists():
        return
    with hold_news(index):
        content = read_news(index)
        kept = {
            name: replace(asked, memory=_without(asked.memory, places))
            for name, asked in content.asked.items()
        }
        news = [
            replace(
                news, changes=tuple(change for change in news.changes if not lies_in(change.path, places))
            )
            for news in content.news
        ]
        write_news(index, replace(content, asked=kept, news=tuple(each for each in news if each.changes)))


def _without(memory: Memory, places: Collection[str]) -> Memory:
    return replace(
        memory,
        quotations=tuple(each for each in memory.quotations if not lies_in(each.path, places)),
        seen=tuple(each for each in memory.seen if not lies_in(each.path, places)),
    )
