"""``qa news``: what is new in the answers to the saved questions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from qa import config
from qa.cli.deliveries import deliver_at_once
from qa.cli.options import index_option, json_option
from qa.cli.output import printable
from qa.errors import QAError, QuestionsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qa.config import Settings
    from qa.news.changes import Change
    from qa.news.news_file import News, NewsFile


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@index_option
@json_option
@click.option(
    "--deliver",
    "delivers",
    is_flag=True,
    help="Deliver what commands and webhooks have yet to get, also what was given up.",
)
def news(names: tuple[str, ...], *, index: str | None, as_json: bool, delivers: bool) -> None:
    """Print what is new in the answers to the saved questions, the latest last.

    NAME is a question's name in saved.toml; by default, all are printed.
    """
    settings = config.load({"index": index})
    from qa.news.news_file import read_news

    content = read_news(settings.index)
    if unknown := [name for name in names if name not in content.asked]:
        raise QuestionsError(_why_unknown(unknown[0], settings, content))
    if not content.asked:
        click.echo(f"qa: {_why_none(settings)}", err=True)
    if delivers:
        deliver_at_once(settings, names, as_json=as_json)
    else:
        _print(content, names, settings, as_json=as_json)


def _why_unknown(name: str, settings: Settings, content: NewsFile) -> str:
    """Return why there can be no news on a question."""
    from qa.news.saved_questions import read_saved

    if not content.asked:
        return _why_none(settings)
    if any(question.name == name for question in read_saved(settings.saved)):
        return f"{name!r} has not been asked yet: run `qa index`"
    return f"{name!r} is no saved question that has been asked; asked are: {', '.join(content.asked)}"


def _why_none(settings: Settings) -> str:
    """Return why no question has been asked, and what to do.

    Raises:
        QuestionsError: the file of the saved questions cannot be used.
        IndexUnavailableError: there is no index to ask.
    """
    from qa.news.saved_questions import read_saved
    from qa.stores.publication import publications

    if not read_saved(settings.saved):
        state = "has no question" if settings.saved.exists() else "does not exist"
        return (
            f"{settings.saved} {state}: for each question, write a line [NAME] and a line "
            'question = "…" into it, and run `qa index`'
        )
    publications(settings).live()
    return f"the questions of {settings.saved} have not been asked yet: run `qa index`"


def _print(content: NewsFile, names: Sequence[str], settings: Settings, *, as_json: bool) -> None:
    from qa.news.undelivered import read_undelivered

    undelivered = [entry for entry in read_undelivered(settings.index) if not names or entry.name in names]
    wanted = [each for each in content.news if not names or each.name in names]
    if as_json:
        printed = {"news": list(map(asdict, wanted)), "undelivered": list(map(asdict, undelivered))}
        click.echo(json.dumps(printed, ensure_ascii=False))
        return
    if content.asked and not wanted:
        click.echo("qa: nothing is new since the questions were first asked", err=True)
    for each in wanted:
        waiting = [
            printable(f"  undelivered by {entry.way}: {entry.state}")
            for entry in undelivered
            if entry.news == each.id
        ]
        click.echo("\n".join([*_lines(each, settings.address), *waiting, ""]))


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
