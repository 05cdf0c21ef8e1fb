"""``qa news``: what is new in the answers to the saved questions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from qa import config
from qa.cli.options import index_option, json_option
from qa.cli.output import printable
from qa.errors import QAError, QuestionsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qa.config import Settings
    from qa.news.changes import Change
    from qa.news.news_file import News


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@index_option
@json_option
def news(names: tuple[str, ...], *, index: str | None, as_json: bool) -> None:
    """Print what is new in the answers to the saved questions, the latest last.

    NAME is a question's name in saved.toml; by default, all are printed.
    """
    settings = config.load({"index": index})
    from qa.news.news_file import read_news

    content = read_news(settings.index)
    if unknown := [name for name in names if name not in content.asked]:
        asked = ", ".join(content.asked) or "none"
        raise QuestionsError(f"{unknown[0]!r} is no saved question that has been asked; asked are: {asked}")
    wanted = [each for each in content.news if not names or each.name in names]
    if as_json:
        click.echo(json.dumps({"news": [asdict(each) for each in wanted]}, ensure_ascii=False))
        return
    if not content.asked:
        click.echo(f"qa: no question of {settings.saved} has been asked: run `qa index`", err=True)
    for each in wanted:
        click.echo("\n".join([*_lines(each, settings.address), ""]))


def _lines(news: News, address: str) -> Iterator[str]:
    yield f"{news.name}  {news.created}"
    yield printable(news.question)
    for change in news.changes:
        yield from _change_lines(change, address)


def _change_lines(change: Change, address: str) -> Iterator[str]:
    page = f"page {change.page}" if change.page else None
    origin = [change.title, change.source, change.published, page, change.path]
    yield printable(f"  {change.kind:9}{', '.join(part for part in origin if part)}")
    if change.before is not None:
        yield printable(f"    was   {' '.join(change.before.split())}")
    if change.quotation is not None:
        yield printable(f"    is    {' '.join(change.quotation.split())}")
    if change.link:
        yield f"    {address}{change.link}"


def tell_news(settings: Settings) -> None:
    """Ask the saved questions of the live generation, and print a line on each that has news.

    Whatever goes wrong is printed, too: the build is done.
    """
    from qa.news.asking import ask_saved

    try:
        found = ask_saved(settings)
    except QAError as error:
        click.echo(f"qa: the saved questions were not asked: {error}", err=True)
        return
    for each in found:
        click.echo(f"qa: news on {each.name}: {_counted(each.changes)} (see `qa news {each.name}`)", err=True)


def _counted(changes: Sequence[Change]) -> str:
    """Return how many changes there are of each kind."""
    kinds = [change.kind for change in changes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
