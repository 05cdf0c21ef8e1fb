"""Where news goes beside the feed: a command of this machine, or a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

_MOST_URL = 2000
"""The longest address, in characters: longer ones are refused by many servers."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program that gets the news on its standard input.

    Attributes:
        arguments: the program and its arguments; no shell reads them.
    """

    arguments: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The program as messages may show it: its arguments may be secret."""
        return self.arguments[0]


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address to which the news is posted.

    Attributes:
        url: the address.
        secret_file: the file with the secret that signs what is posted.
    """

    url: str
    secret_file: Path

    @property
    def shown(self) -> str:
        """The address as messages may show it: its path and query are often secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


Destination = Command | Webhook


def way_of(destination: Destination) -> str:
    """Return the way that leads to a destination, as ``saved.toml`` names it."""
    return "command" if isinstance(destination, Command) else "webhook"


def check_url(url: str) -> None:
    """Check that an address can be posted to.

    Raises:
        ValueError: it cannot; the message says why.
    """
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError('is no address: write it as "https://hooks.example.org/news"')
    if parts.username is not None or parts.password is not None:
        raise ValueError("has a name or password in it: receivers check the signature instead")
    if not (url.isascii() and url.isprintable() and " " not in url):
        raise ValueError("has characters that must be written as %XX")
    if len(url) > _MOST_URL:
        raise ValueError(f"has more than {_MOST_URL:,} characters")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from error
    return parts
