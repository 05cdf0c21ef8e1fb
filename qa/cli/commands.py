"""The command line: data on standard output, progress and messages on standard error.

Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 3 done but some documents could not be read.
"""

from __future__ import annotations

import json
import logging
import math
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa import __version__, config
from qa.errors import ExportRefusedError, QAError, QueryError, QuestionsError, SettingsError
from qa.types import Filters, IndexInfo, Mode, Query, ReadFailure, SearchResult

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.indexing.build import Report
    from qa.web.access.keys import Keys

_FAILED, _WRONG_USAGE, _SOME_NOT_READ = 1, 2, 3

# What names a path is passed on as it was written: an empty one would be the working folder as a Path.
_index_option = click.option("--index", type=click.Path(), help="Folder of the index.  [default: index]")
_store_option = click.option(
    "--store", help="local, milvus+http://HOST:PORT or milvus+FILE.db (Milvus Lite).  [default: local]"
)
_reranker_option = click.option(
    "--reranker", help="A sentence-transformers cross-encoder, by name or folder.  [default: none]"
)
_model_option = click.option(
    "--model", help="A sentence-transformers model, by name or folder.  [default: all-MiniLM-L6-v2]"
)
_ray_option = click.option(
    "--ray", metavar="ADDRESS", help="Read and embed on this Ray cluster, or on one of this machine: local."
)
_mode_option = click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default="hybrid", show_default=True
)
_allow_empty_option = click.option(
    "--allow-empty",
    is_flag=True,
    help="Build also where the folder is empty, or most of the files that are indexed are gone from it.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class _Text(click.types.StringParamType):
    """What is compared with texts. Bytes that are not UTF-8 arrive as halves of characters."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(super().convert(value, param, ctx))
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("it is not UTF-8", param, ctx)
        return text


class _Commands(click.Group):
    """Turns the errors that a person can act on into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except QAError as error:
            click.echo(f"qa: {error}", err=True)
            wrong_usage = isinstance(error, SettingsError | QueryError | QuestionsError)
            ctx.exit(_WRONG_USAGE if wrong_usage else _FAILED)
        except KeyboardInterrupt:
            click.echo("qa: stopped", err=True)
            ctx.exit(_FAILED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qa")
def main() -> None:
    """Answer questions from a folder of documents, with the passages that answer them."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)


@main.command()
@click.argument("docs", required=False, type=click.Path())
@_index_option
@_store_option
@_model_option
@_ray_option
@_allow_empty_option
@_json_option
def index(*, allow_empty: bool, as_json: bool, **flags: Any) -> None:
    """Build the index of the documents in DOCS (docs_raw), or bring it up to date."""
    report = _build(config.load(flags), allow_empty=allow_empty)
    _tell(report, as_json=as_json)
    if report.failures:
        sys.exit(_SOME_NOT_READ)


def _build(settings: Settings, **options: Any) -> Report:
    """Build with the options of ``build.build``, and put the index where the settings want it."""
    from qa.embedding.loading import load_encoder, load_plain
    from qa.indexing.build import build

    progress, is_local = sys.stderr.isatty(), settings.is_local
    try:
        report = build(settings, load_encoder(settings.model, settings.cache), progress=progress, **options)
    except ExportRefusedError as refusal:  # by the documents; it is remembered
        click.echo(f"qa: {refusal}", err=True)
        report = build(settings, load_plain(settings.model), progress=progress, **options)
    if not is_local:
        _upload(settings, progress=progress)
    return report


def _upload(settings: Settings, *, progress: bool) -> None:
    """Put the index into the Milvus that the settings name."""
    from qa.index import calibration_file, generation
    from qa.stores.milvus.upload import publish

    found = generation.load(generation.current(settings.index))
    done = publish(settings.store, found, calibration_file.read(settings.index), progress=progress)
    if done.changed:
        click.echo(f"qa: generation {done.generation} is live in {done.address}", err=True)
    else:
        _tidy_store(settings)


def _tidy_store(settings: Settings) -> None:
    """Drop earlier generations from the Milvus that the settings name, once their time is over."""
    from qa.indexing import retention
    from qa.stores.milvus.upload import drop_earlier

    if retention.is_over(settings.index, settings.retention_days):
        drop_earlier(settings.store, settings.cache)


def _tell(report: Report, *, as_json: bool) -> None:
    for failure in report.failures:
        click.echo(f"not read: {_describe(failure)}", err=True)
    if report.unnamed_failures:
        click.echo(f"not read: {_unnamed(report.unnamed_failures)}", err=True)
    if as_json:
        click.echo(json.dumps(_as_json(report), ensure_ascii=False))
    else:
        click.echo(
            f"{_count(report.documents, 'document')}, {_count(report.passages, 'passage')}, "
            f"{report.seconds:.1f} seconds, {_count(report.unread_files, 'file')} not read "
            f"({report.reason}; {_count(report.embedded, 'passage')} embedded)"
        )


@main.command()
@click.argument("docs", required=False, type=click.Path())
@_index_option
@_store_option
@_model_option
@_allow_empty_option
@_json_option
def watch(docs: str | None, *, allow_empty: bool, as_json: bool, **flags: Any) -> None:
    """Build the index, and again whenever something in DOCS (docs_raw) changes, until it is interrupted."""
    settings = config.load({"docs": docs} | flags)
    from qa.indexing import retention, safeguard
    from qa.indexing import watch as watching

    safeguard.check_apart(settings)

    def build() -> None:
        _tell(_build(settings, allow_empty=allow_empty), as_json=as_json)
        sys.stdout.flush()  # to whoever reads it, line by line

    def tidy() -> None:
        retention.expire_unless_locked(settings.index, settings.retention_days)
        if not settings.is_local:
            _tidy_store(settings)

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with suppress(KeyboardInterrupt):
        watching.watch(
            settings.docs,
            build,
            lambda error: click.echo(f"qa: {error}", err=True),
            stop,
            own=settings.own_paths(),
            tidy=tidy,
        )


@main.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--docs", type=click.Path(), help="Folder of the documents.  [default: docs_raw]")
@_index_option
@_store_option
@_model_option
@_json_option
def forget(paths: tuple[str, ...], *, as_json: bool, **flags: Any) -> None:
    """Remove every trace of deleted files, or folders of them, from the index. PATH is relative to DOCS."""
    settings = config.load(flags)
    from qa.indexing import forget as forgetting

    done = forgetting.forget(
        settings, paths, lambda places: _build(settings, forgotten=places), lambda: _forget_in_store(settings)
    )
    if as_json:
        click.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    for name in done.still_open:
        message = (
            f"generation {name} is gone, but another process has it open until it moves on or is restarted"
        )
        click.echo(f"qa: {message}", err=True)
    click.echo(
        f"{_count(len(done.files), 'file')} forgotten, "
        f"{_count(len(done.removed), 'earlier generation')} removed"
        f"{', a new generation published' if done.rebuilt else ''}"
    )


def _forget_in_store(settings: Settings) -> None:
    """Leave only the live generation in the Milvus that the settings name, if they do."""
    if settings.is_local:
        return
    from qa.stores.milvus.upload import drop_earlier

    _upload(settings, progress=sys.stderr.isatty())
    drop_earlier(settings.store, settings.cache)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-keys", is_flag=True, help="Put the keys of the service in, too.")
@click.option("--overwrite", is_flag=True, help="Replace FILE where it is there.")
@click.option("--judgements", type=click.Path(dir_okay=False), help="The file of judgements to put in.")
@_index_option
@_json_option
def backup(file: Path, *, with_keys: bool, overwrite: bool, as_json: bool, **flags: Any) -> None:
    """Write a copy of the index into FILE, a tar archive. Builds and the service may go on meanwhile."""
    from qa.indexing import backup as backups

    settings = config.load(flags)
    done = backups.write(settings, file, keys=with_keys, overwrite=overwrite)
    for wanted in (settings.judgements, settings.keys if with_keys else None):
        if wanted and not wanted.is_file():
            click.echo(f"qa: {wanted} is not there, and so not in the backup", err=True)
    if as_json:
        click.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    size = f"{_count(done.files, 'file')}, {done.bytes / 2**20:.1f} MB, checked"
    click.echo(f"generation {done.generation} is in {done.path}: {size}{', with keys' if done.keys else ''}")


@main.command()
@_index_option
@_store_option
@click.option(
    "--docs",
    type=click.Path(),
    help="Folder of the documents, for downloads.  [default: docs_raw]",
)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.  [default: 8000]")
@click.option(
    "--judgements",
    type=click.Path(dir_okay=False),
    help="Let people mark results right or wrong, and keep that in this file, which `qa eval` reads.",
)
@click.option("--insecure", is_flag=True, default=None, help="Serve other machines without a key.")
@click.option(
    "--rate-limit", help="How often a key, or an address, may ask, such as 100/minute.  [default: any]"
)
@click.option("--cors", metavar="ORIGIN", help="Another site whose pages may ask; several with commas.")
@click.option("--log-json", is_flag=True, default=None, help="Log every request, as JSON, to standard error.")
@click.option("--log-questions", is_flag=True, default=None, help="Log the questions, too.")
@_reranker_option
def serve(**flags: Any) -> None:
    """Serve the search page and the API."""
    settings = config.load(flags)
    with config.shared_metrics():
        from qa.web.server.processes import serve as run

        run(settings)


@main.group()
def key() -> None:
    """Make and revoke the keys that the service asks for."""


@key.command("create")
@click.argument("name", type=_Text())
def create_key(name: str) -> None:
    """Make a key for NAME and print it: it is shown this once."""
    click.echo(_keys().create(name))


@key.command("list")
@_json_option
def list_keys(as_json: bool) -> None:  # noqa: FBT001
    """List the keys, without themselves."""
    found = _keys().all()
    if as_json:
        kept = [{"id": one.id, "name": one.name, "created": one.created} for one in found]
        click.echo(json.dumps(kept, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.id}  {one.created}  {_printable(one.name)}")


@key.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Revoke the key of this id, at once."""
    keys = _keys()
    click.echo(f"{_printable(keys.revoke(key_id).name)} has no key any more")
    if not keys.all():
        click.echo("qa: that was the last key: nobody may ask until you make another", err=True)


def _keys() -> Keys:
    from qa.web.access.keys import Keys

    return Keys(config.load().keys)


@main.command()
@click.argument("question", type=_Text())
@click.option("-k", type=click.IntRange(1, 100), default=5, show_default=True, help="How many passages.")
@_mode_option
@click.option(
    "--source", type=_Text(), multiple=True, help="Only documents of this publisher; may be repeated."
)
@click.option(
    "--language",
    type=_Text(),
    multiple=True,
    help="Only passages in this language (ISO 639-1); may be repeated.",
)
@click.option(
    "--path", type=_Text(), multiple=True, help="Only this folder, file or pattern; may be repeated."
)
@_index_option
@_store_option
@_reranker_option
@_json_option
def ask(
    index: str | None,
    store: str | None,
    reranker: str | None,
    *,
    question: str,
    k: int,
    mode: str,
    source: tuple[str, ...],
    language: tuple[str, ...],
    path: tuple[str, ...],
    as_json: bool,
) -> None:
    """Answer QUESTION with the passages that answer it."""
    settings = config.load({"index": index, "store": store, "reranker": reranker})
    if not question.strip() or len(question) > settings.max_question:
        raise QueryError(f"a question has 1 to {settings.max_question} characters")
    from qa.retrieval.searcher import LiveSearcher
    from qa.web.api.answers import search_answer

    query = Query(
        question, k=k, mode=Mode(mode), filters=Filters(source=source, language=language, path=path)
    )
    result = LiveSearcher(settings).current().search(query)
    click.echo(json.dumps(search_answer(result), ensure_ascii=False, indent=2) if as_json else _show(result))


@main.command("eval")
@click.argument("questions", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-k", type=click.IntRange(1, 100), default=10, show_default=True, help="How many passages.")
@_mode_option
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Keep the outcomes in this file."
)
@click.option(
    "--compare",
    "earlier",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compare with outcomes that --write kept.",
)
@click.option(
    "--fail-under",
    "bars",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Exit with 1 if the metric is worse, such as mrr@10=.9; may be repeated. "
    "For brier, ece and ms_* worse is more.",
)
@_index_option
@_store_option
@_reranker_option
@_json_option
def evaluate(
    questions: Path,
    index: str | None,
    store: str | None,
    reranker: str | None,
    *,
    k: int,
    mode: str,
    write: Path | None,
    earlier: Path | None,
    bars: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure the answers to QUESTIONS, a JSON Lines file with their answers' places."""
    settings = config.load({"index": index, "store": store, "reranker": reranker})
    from qa import evaluation
    from qa.retrieval.searcher import LiveSearcher

    floors = dict(map(_bar, bars))
    asked = evaluation.read(questions, settings.max_question)
    before = evaluation.load(earlier) if earlier else None
    if write and not write.absolute().parent.is_dir():
        raise SettingsError(f"there is no folder to write {write} in")
    run = evaluation.evaluate(
        LiveSearcher(settings).current(),
        asked,
        k=k,
        mode=Mode(mode),
        setup={"file": str(questions), "reranker": settings.reranker},
        progress=sys.stderr.isatty(),
    )
    if write:
        evaluation.save(run, write)
    comparison = evaluation.compare(before, run) if before else None
    click.echo(evaluation.as_json(run, comparison) if as_json else evaluation.show(run, comparison, earlier))
    short = evaluation.shortfalls(run, floors)
    for message in short:
        click.echo(f"qa: {message}", err=True)
    if short:
        sys.exit(_FAILED)


def _bar(given: str) -> tuple[str, float]:
    """Read METRIC=VALUE."""
    from qa.evaluation import METRICS, is_metric

    name, _, figure = given.partition("=")
    name = name.strip().lower()
    try:
        value = float(figure)
    except ValueError:
        value = math.nan
    if not is_metric(name) or not math.isfinite(value):
        known = ", ".join(METRICS)
        raise click.UsageError(f"--fail-under {given}: give METRIC=NUMBER with one of {known}")
    return name, value


@main.command()
@_index_option
@_store_option
@click.option("--reset", is_flag=True, help="Remove the calibration.")
@_json_option
def calibrate(*, reset: bool, as_json: bool, **flags: Any) -> None:
    """Fit the confidence to the index's model and content, without any questions of yours."""
    settings = config.load(flags)
    from qa.index import calibration_file, generation
    from qa.retrieval import calibration

    if reset:
        removed = calibration_file.remove(settings.index)
        _pass_on_calibration(settings)
        text = "the calibration is removed" if removed else "there was no calibration"
        click.echo(json.dumps({"removed": removed}) if as_json else text)
        return
    from qa.retrieval.searcher import encoder_of

    found = generation.load(generation.current(settings.index))
    measured = calibration.measure(found, encoder_of(found))
    path = calibration.write(settings.index, measured)
    _pass_on_calibration(settings)
    if as_json:
        click.echo(json.dumps(asdict(measured), ensure_ascii=False))
    else:
        click.echo(f"{calibration.describe(measured)}\nkept in {path}")


def _pass_on_calibration(settings: Settings) -> None:
    """Put the calibration, or that there is none, where the settings want the index."""
    if settings.is_local:
        return
    from qa.index import calibration_file
    from qa.stores.milvus.upload import calibrate

    calibrate(settings.store, calibration_file.read(settings.index))


@main.command()
@_index_option
@_store_option
@click.option("--files", is_flag=True, help="List every file ever seen, and what became of it.")
@_json_option
def status(*, files: bool, as_json: bool, **flags: Any) -> None:
    """Tell what the index holds."""
    settings = config.load(flags)
    from qa.indexing import ledger
    from qa.retrieval import calibration
    from qa.stores.publication import publications

    published = publications(settings)
    name, stored = published.live()
    found = published.open(name)
    info = found.info
    seen = ledger.summary(settings.index)
    listed = ledger.entries(settings.index) if files else []
    measured = calibration.fitting(stored, settings.index, found.manifest)
    if as_json:
        content = _as_json(info) | {"calibration": asdict(measured) if measured else None}
        content["ledger"] = asdict(seen) if seen else None
        content |= {"files": [asdict(entry) for entry in listed]} if files else {}
        click.echo(json.dumps(content, ensure_ascii=False))
        return
    click.echo(f"generation  {info.generation}\ncreated     {info.created}\nmodel       {info.model}")
    click.echo(f"documents   {info.documents}\npassages    {info.passages}\nsentences   {info.sentences}")
    if info.store != config.LOCAL:
        click.echo(f"store       {info.store}")
    if measured:
        click.echo(f"calibrated  {measured.created}, on generation {measured.generation}")
    click.echo(f"not read    {info.failure_count}")
    for failure in info.failures:
        click.echo(f"  {_describe(failure)}")
    if info.unnamed_failures:
        click.echo(f"  {_unnamed(info.unnamed_failures)}")
    if seen:
        click.echo(f"checked     {seen.checked}")
        click.echo(f"files       {', '.join(f'{count} {state}' for state, count in seen.counts.items())}")
    for entry in listed:
        click.echo(f"  {entry.state:8}{entry.since}  {_printable(entry.path)}{_because(entry.reason)}")


@main.command()
@_index_option
@_json_option
def verify(index: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Check that the index is what was written, to the byte."""
    settings = config.load({"index": index})
    from qa.index import generation
    from qa.indexing import ledger

    folder = generation.current(settings.index)
    generation.verify(folder)
    ledger.verify(settings.index)
    click.echo(
        json.dumps({"generation": folder.name, "whole": True}) if as_json else f"{folder.name} is whole"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _describe(failure: ReadFailure) -> str:
    row = f", row {failure.row}" if failure.row is not None else ""
    return _printable(f"{failure.path}{row}: {failure.reason}")


def _unnamed(count: int) -> str:
    return f"{count:,} more, not named here: `qa status --files` lists every file"


def _as_json(summary: IndexInfo | Report) -> dict[str, Any]:
    """Return a summary with its failures as the API has them."""
    failures = [{"path": one.path, "row": one.row, "reason": one.reason} for one in summary.failures]
    return asdict(replace(summary, failures=())) | {"failures": failures}


def _because(reason: str | None) -> str:
    return f": {_printable(reason)}" if reason else ""


def _printable(text: str) -> str:
    """Put what would steer a terminal, or break a line, as escapes: names of files hold anything."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _show(result: SearchResult) -> str:
    """Put a result as a person reads it in a terminal."""
    sure = f"{min(result.confidence, 0.99):.0%} sure"  # nobody is surer than that
    lines = (
        []
        if result.answerable
        else [f"These documents don't seem to answer that ({sure}). The nearest passages:\n"]
    )
    for hit in result.hits:
        document, passage = hit.passage.document, hit.passage
        meta = document.metadata
        where = [
            meta.title,
            meta.source,
            meta.published or meta.dateline,
            passage.page and f"page {passage.page}",
            passage.section,
        ]
        lines.append(f"{hit.rank}. {' · '.join(str(part) for part in where if part)}")
        lines.append(f"   {document.path}, characters {passage.span.start} to {passage.span.end}")
        answer = hit.answers[0].span if hit.answers else passage.span
        before, marked, after = (
            passage.text[: answer.start - passage.span.start],
            click.style(passage.slice(answer), bold=True),
            passage.text[answer.end - passage.span.start :],
        )
        lines += [f"   {' '.join((before + marked + after).split())}", ""]
    lines.append(f"{_count(result.total, 'passage')} searched in {result.took_ms:.0f} ms, {sure}")
    return "\n".join(lines)
