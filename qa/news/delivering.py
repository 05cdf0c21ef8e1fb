"""Deliver news to the commands and webhooks of the saved questions.

A build never waits for it: ``deliver_briefly`` returns after some seconds, whatever hangs, and ``Courier``
is a thread of its own. What is not delivered stays for the next time.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from qa import files
from qa.config import Settings
from qa.config.forms import words
from qa.errors import DeliveryError, QAError
from qa.news import command, webhook
from qa.news.destinations import Command, Destination, Webhook, way_of
from qa.news.news_file import NAME, News, read_news
from qa.news.saved_questions import read_saved
from qa.news.undelivered import Undelivered, claim, read_undelivered, settle, utc_now

ATTEMPT_SECONDS = 10.0
"""How long one attempt may take. Chosen: a receiver needs no more than that to write something down."""

_BRIEF_SECONDS = 5.0
"""For how long a build begins attempts, in seconds (chosen)."""

_LONGEST_WAIT = _BRIEF_SECONDS + ATTEMPT_SECONDS
"""How long a build waits at most, in seconds, even if something hangs that no program can break off."""

_LOOK = 30.0
"""How often a courier looks for what has become due, in seconds: the first pause between two attempts."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver news.

    Attributes:
        entry: what was to be delivered, with this attempt counted.
        receiver: where to, as messages may show it.
    """

    entry: Undelivered
    receiver: str

    @property
    def problem(self) -> str:
        """Why it failed; empty if it did not."""
        return self.entry.problem


def deliver(
    settings: Settings,
    *,
    names: Collection[str] = (),
    at_once: bool = False,
    begin_within: float = float("inf"),
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Attempt]:
    """Try to deliver what is due, the oldest first; yield each attempt once it is over.

    Args:
        settings: where the news, the saved questions and the permitted hosts are.
        names: the questions whose news is delivered; by default, of all.
        at_once: wait for no pause, and try what was given up, too.
        begin_within: how long new attempts are begun, in seconds.
        clock: tells the time in UTC.

    Raises:
        QAError: the news or the saved questions cannot be read, or an attempt cannot be written down.
    """
    ends = time.monotonic() + begin_within
    entries = [
        entry
        for entry in read_undelivered(settings.index)
        if (not names or entry.name in names) and (at_once or entry.is_due(clock()))
    ]
    for entry, destination, wanted in _deliverable(settings, entries):
        if time.monotonic() >= ends:
            return
        if claimed := claim(settings.index, entry, clock()):
            problem = _attempt(destination, wanted, settings)
            settle(settings.index, claimed, problem)
            yield Attempt(replace(claimed, problem=problem), f"the {entry.way} {destination.shown}")


def _deliverable(
    settings: Settings, entries: Sequence[Undelivered]
) -> Iterator[tuple[Undelivered, Destination, News]]:
    """Yield the entries that still have news and a destination, with both."""
    destinations = _destinations(settings.saved) if entries else {}
    news = _CurrentNews(settings.index)
    for entry in entries:
        destination = destinations.get((entry.name, entry.way))
        if destination and (wanted := news.get(entry.news)):
            yield entry, destination, wanted


def _destinations(saved: Path) -> Mapping[tuple[str, str], Destination]:
    return {
        (question.name, way_of(destination)): destination
        for question in read_saved(saved)
        for destination in question.destinations
    }


class _CurrentNews:
    """The news by its id, read again when it has changed: files may be forgotten meanwhile."""

    def __init__(self, index: Path) -> None:
        self._index = index
        self._stamp: files.Stamp | None = None
        self._news: Mapping[str, News] = {}

    def get(self, news: str) -> News | None:
        stamp = files.stamp_of(self._index / NAME)
        if stamp != self._stamp:
            self._news = {each.id: each for each in read_news(self._index).news}
            self._stamp = stamp
        return self._news.get(news)


def _attempt(destination: Destination, news: News, settings: Settings) -> str:
    """Deliver one piece of news; return why it failed, or an empty text."""
    body = json.dumps(asdict(news), ensure_ascii=False).encode()
    try:
        match destination:
            case Command():
                command.run(destination, body, ATTEMPT_SECONDS)
            case Webhook():
                hosts = words(settings.webhook_hosts)
                webhook.post(destination, news.id, body, hosts, ATTEMPT_SECONDS)
    except DeliveryError as error:
        return str(error)
    return ""


def deliver_briefly(settings: Settings, tell: Callable[[Attempt], None]) -> bool:
    """Try to deliver what is due for some seconds; return whether nothing hangs any more.

    Looking up a host may hang for minutes. It doesn't hold up a build, either.

    Args:
        settings: as in ``deliver``.
        tell: called with each attempt.

    Raises:
        QAError: as ``deliver`` raises it.
    """
    errors: list[QAError] = []

    def work() -> None:
        try:
            for attempt in deliver(settings, begin_within=_BRIEF_SECONDS):
                tell(attempt)
        except QAError as error:
            errors.append(error)

    if not read_undelivered(settings.index):
        return True
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_LONGEST_WAIT)
    if errors:
        raise errors[0]
    return not thread.is_alive()


class Courier:
    """A thread that delivers news as it comes, and tries again what failed, until it is stopped."""

    def __init__(
        self, settings: Settings, tell: Callable[[Attempt], None], complain: Callable[[QAError], None]
    ) -> None:
        """Start the thread.

        Args:
            settings: as in ``deliver``.
            tell: called with each attempt, in the thread.
            complain: called with an error of ``deliver``, once as long as it stays the same.
        """
        self._settings, self._tell, self._complain = settings, tell, complain
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have it look now whether there is something to deliver."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no more attempts; wait until one that was begun is over, unless it hangs."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(ATTEMPT_SECONDS)

    def _run(self) -> None:
        said = ""
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                self._round()
                said = ""
            except QAError as error:
                if str(error) != said:
                    self._complain(error)
                said = str(error)
            if not self._stopped.is_set():
                self._woken.wait(_LOOK)

    def _round(self) -> None:
        for attempt in deliver(self._settings):
            self._tell(attempt)
            if self._stopped.is_set():
                return
