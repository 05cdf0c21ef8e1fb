"""The settings: flags override ``QA_*`` variables, which override ``qa.toml``, which overrides the defaults.

Each setting is declared once, in ``Settings``. The flags of the command line and docs/configuration.md take
type, bounds, default and help from there. Only this module reads the settings' variables and ``qa.toml``.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_type_hints

from qa.config.forms import (
    HOSTS_FORM,
    OCR_FORM,
    OCR_MODES,
    ORIGINS_FORM,
    PROXIES_FORM,
    RATE_FORM,
    STORE_FORM,
    WEBHOOK_HOSTS_FORM,
    Form,
)
from qa.errors import SettingsError
from qa.hardware import cores

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

LOCAL = "local"
"""The store that is the folder of the index itself."""

_log = logging.getLogger(__name__)

_MOST_WORKERS = 4  # by default: each takes some 180 MiB
_MOST_SHOWN = 100  # characters of a wrong value in a message: enough to recognise it
_KINDS = {int: "a whole number", str: "text", Path: "a path", bool: "true or false"}

# Upper bounds. No machine has more, and the operating system's own limits are not far above.
_DAY = 24 * 60 * 60  # in seconds
_CENTURY = 36_500  # in days
_TEBIBYTE = 2**20  # in MiB


class Declaration(NamedTuple):
    """What ``Settings`` declares of a setting beside its name, type and default.

    Attributes:
        help: one sentence, for ``--help`` and the table in docs/configuration.md.
        bounds: the least and the greatest number.
        form: what a text must look like.
        default: the default in words, where it depends on the machine.
    """

    help: str
    bounds: tuple[int, int] | None = None
    form: Form | None = None
    default: str = ""


def _user_cache() -> Path:
    """Return the folder for what can be made again, as the XDG Base Directory Specification defines it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. docs/configuration.md says when to change it."""

    docs: Annotated[Path, Declaration("Folder of the documents.")] = Path("docs_raw")
    index: Annotated[Path, Declaration("Folder of the index.")] = Path("index")
    store: Annotated[
        str,
        Declaration(
            "Where the index is served from: local, milvus+http://HOST:PORT or milvus+FILE.db (Milvus Lite).",
            form=STORE_FORM,
        ),
    ] = LOCAL
    cache: Annotated[
        Path,
        Declaration(
            "Folder for prepared models, recognised pages and files from a Milvus.", default="~/.cache/qa"
        ),
    ] = field(default_factory=lambda: _user_cache() / "qa")
    model: Annotated[
        str, Declaration("Embedding model: a known name, or a sentence-transformers model by name or folder.")
    ] = "all-MiniLM-L6-v2"
    query_prompt: Annotated[
        str | None, Declaration("Text that the model reads before each question, in place of its own.")
    ] = None
    document_prompt: Annotated[
        str | None, Declaration("Text that the model reads before each passage, in place of its own.")
    ] = None
    ray: Annotated[
        str, Declaration("Ray cluster that reads and embeds: its address, or local for one on this machine.")
    ] = ""
    reranker: Annotated[
        str, Declaration("Reranker: a sentence-transformers cross-encoder, by name or folder.")
    ] = ""
    reader: Annotated[
        str,
        Declaration("Reader: a question-answering model of transformers (SQuAD 2.0), by name or folder."),
    ] = ""
    host: Annotated[str, Declaration("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Declaration("Port to listen on; 0 picks a free one.", bounds=(0, 65535))] = 8000
    workers: Annotated[
        int,
        Declaration(
            "Number of processes that answer requests.", bounds=(1, 1000), default="one per core, at most 4"
        ),
    ] = field(default_factory=lambda: min(cores(), _MOST_WORKERS))
    threads: Annotated[
        int, Declaration("Number of requests that each process answers at once.", bounds=(1, 1000))
    ] = 4
    max_question: Annotated[int, Declaration("Longest question, in characters.", bounds=(1, 1_000_000))] = (
        1000
    )
    retention_days: Annotated[
        int,
        Declaration(
            "Days to keep the previous generation, and vectors that are no longer used.", bounds=(0, _CENTURY)
        ),
    ] = 7
    max_file_mb: Annotated[int, Declaration("Largest file to read, in MiB.", bounds=(1, _TEBIBYTE))] = 256
    read_seconds: Annotated[
        int, Declaration("Processor time for reading one document, in seconds.", bounds=(1, _DAY))
    ] = 60
    read_memory: Annotated[
        int, Declaration("Memory for the process that reads documents, in MiB.", bounds=(1, _TEBIBYTE))
    ] = 2048
    ocr: Annotated[
        str,
        Declaration("Recognise text in pictures: auto, off, or all pages of a PDF: force.", form=OCR_FORM),
    ] = OCR_MODES[0]
    vector_memory_mb: Annotated[
        int, Declaration("Memory for the index of the sentence vectors, in MiB.", bounds=(1, _TEBIBYTE))
    ] = 1024
    judgements: Annotated[
        Path | None,
        Declaration(
            "File for the results that people mark right or wrong. Without it, they cannot be marked."
        ),
    ] = None
    edit: Annotated[
        bool,
        Declaration(
            "Let people correct title, publisher and date on the page, in sidecar files, and save questions."
        ),
    ] = False
    upload: Annotated[
        bool, Declaration("Let people upload files to the documents folder, on the page and by the API.")
    ] = False
    saved: Annotated[
        Path, Declaration("File of the saved questions, which are asked again after each new generation.")
    ] = Path("saved.toml")
    webhook_hosts: Annotated[
        str,
        Declaration(
            "Hosts, beside this machine, to which news may be posted, separated by commas.",
            form=WEBHOOK_HOSTS_FORM,
        ),
    ] = ""
    queue_size: Annotated[
        int, Declaration("Number of requests that may wait in each process.", bounds=(0, 100_000))
    ] = 64
    queue_timeout: Annotated[
        int, Declaration("Longest wait in that queue, in seconds.", bounds=(1, _DAY))
    ] = 5
    batch_timeout: Annotated[
        int, Declaration("Time limit for a batch request, in seconds.", bounds=(1, _DAY))
    ] = 30
    max_sheet_questions: Annotated[
        int, Declaration("Questions of a sheet that the page takes.", bounds=(1, 100_000))
    ] = 1000
    max_sheet_mb: Annotated[
        int, Declaration("Largest sheet of questions that the page takes, in MiB.", bounds=(1, 32))
    ] = 4
    keys: Annotated[Path, Declaration("File of the API keys.")] = Path("keys.json")
    insecure: Annotated[bool, Declaration("Serve other machines without a key.")] = False
    rate_limit: Annotated[
        str,
        Declaration(
            "How often each key or address may ask, such as 100/minute; unlimited if empty.", form=RATE_FORM
        ),
    ] = ""
    hosts: Annotated[
        str,
        Declaration("Other host names that the service answers to, separated by commas.", form=HOSTS_FORM),
    ] = ""
    proxies: Annotated[
        str,
        Declaration(
            "IP addresses of the proxies in front of the service, separated by commas.", form=PROXIES_FORM
        ),
    ] = ""
    cors: Annotated[
        str, Declaration("Other sites whose pages may call the API, separated by commas.", form=ORIGINS_FORM)
    ] = ""
    log_json: Annotated[bool, Declaration("Log every request to standard error, as a line of JSON.")] = False
    log_questions: Annotated[bool, Declaration("Add the questions to the log of requests.")] = False

    def own_paths(self) -> frozenset[Path]:
        """Return, as absolute paths, everything that the program itself writes: none of it is a document."""
        written = [self.index, self.cache, self.keys, self.saved]
        if self.judgements:
            written.append(self.judgements)
        if self.store_is_file:
            written.append(Path(self.store.partition("+")[2]))
        return frozenset(path.resolve() for path in written)

    @property
    def address(self) -> str:
        """The address of the service on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether the index is served from its own folder.

        Raises:
            SettingsError: ``store`` is neither that nor a Milvus.
        """
        if not STORE_FORM.fits(self.store):
            raise SettingsError(f"{self.store!r} is not {STORE_FORM.description}")
        return self.store == LOCAL

    @property
    def store_is_file(self) -> bool:
        """Whether the store is a file of Milvus Lite, which only one process can open."""
        return not self.is_local and "://" not in self.store


class Setting(NamedTuple):
    """A setting as it is given.

    Attributes:
        name: in ``qa.toml``.
        kind: int, str, bool or Path.
        default: as a reader would write it; empty if it is off, none or no text.
        declaration: the rest.
    """

    name: str
    kind: type
    default: str
    declaration: Declaration

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"QA_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The flag of the commands that take it."""
        return f"--{self.name.replace('_', '-')}"


@cache
def settings() -> Mapping[str, Setting]:
    """Return every setting by its name, in the order of ``Settings``."""
    hints = get_type_hints(Settings, include_extras=True)
    return {each.name: _setting(each, hints[each.name]) for each in fields(Settings)}


def _setting(declared: Field[Any], hint: Any) -> Setting:
    kind, declaration = get_args(hint)
    kind = next(part for part in get_args(kind) or (kind,) if part is not NoneType)
    default = "" if declared.default is MISSING else str(declared.default or "")
    return Setting(declared.name, kind, declaration.default or default, declaration)


def environment(held: Settings) -> dict[str, str]:
    """Return the environment variables of a process that must have the same settings as this one."""
    values = {setting.variable: getattr(held, name) for name, setting in settings().items()}
    return dict(os.environ) | {name: str(value) for name, value in values.items() if value is not None}


def load(
    flags: Mapping[str, Any] | None = None, folder: Path | None = None, *, origin: str = "the command line"
) -> Settings:
    """Return the settings that hold.

    Args:
        flags: values that override all others, by setting; None means not given.
        folder: the folder of ``qa.toml``; the working folder by default.
        origin: where ``flags`` were given, as error messages say it.

    Raises:
        SettingsError: an unknown name, or a value of the wrong kind or out of range; it says where the value
            was given.
    """
    values: dict[str, Any] = {}
    for place, entries in (
        ("qa.toml", _from_file((folder or Path.cwd()) / "qa.toml")),
        ("the environment", _from_environment()),
        (origin, {name: value for name, value in (flags or {}).items() if value is not None}),
    ):
        for name, value in entries.items():
            values[name] = _convert(name, value, place)
    return Settings(**values)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _from_environment() -> dict[str, str]:
    names = {setting.variable: name for name, setting in settings().items()}
    for key in sorted(os.environ):
        if key.startswith("QA_") and key not in names:
            _log.warning("The variable %s is not a setting%s", key, _suggest(key, names))
    return {names[key]: value for key, value in os.environ.items() if key in names}


def _suggest(key: str, names: Iterable[str]) -> str:
    # Without the prefix, which makes all of them similar.
    close = get_close_matches(key[3:], [name[3:] for name in names], 1)
    return f": did you mean QA_{close[0]}?" if close else " and has no effect."


def _convert(name: str, value: Any, origin: str) -> Any:
    if name not in settings():
        known = ", ".join(settings())
        raise SettingsError(f"{origin} sets {name!r}, which is not a setting; the settings are {known}")
    from pydantic import ValidationError  # slow to load, and not needed where nothing is set

    try:
        return _adapter(name).validate_python(value, strict=not isinstance(value, str))
    except ValidationError as error:
        shown = repr(value)
        shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
        reason = _reason(settings()[name], error)
        raise SettingsError(f"{origin} sets {name} to {shown}, which is {reason}") from error


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    """Return what validates a value of a setting."""
    import pydantic

    setting = settings()[name]
    rules: list[Any] = [pydantic.BeforeValidator(partial(_parse, setting))]
    if setting.declaration.bounds:
        least, most = setting.declaration.bounds
        rules.append(pydantic.Field(ge=least, le=most))
    kind: Any = Annotated[setting.kind, *rules]
    return pydantic.TypeAdapter(kind)


class _RefusedError(ValueError):
    """A text that a setting cannot be; the message says why."""


def _parse(setting: Setting, value: Any) -> Any:
    """Check a text or path, and return a text as a number or path: pydantic alone takes 1.0 for an int."""
    if setting.kind in {str, Path} and isinstance(value, str | Path):
        _check_text(setting, str(value))
    return setting.kind(value) if setting.kind in {int, Path} and isinstance(value, str) else value


def _check_text(setting: Setting, text: str) -> None:
    # An empty path would be the working folder. Of the texts, those may be empty that are by default.
    if not text.strip() and (setting.kind is Path or setting.default):
        raise _RefusedError("empty")
    if "\0" in text:
        raise _RefusedError(f"not {_KINDS[setting.kind]}")
    form = setting.declaration.form
    if form and not form.fits(text):
        raise _RefusedError(f"not {form.description}")


def _reason(setting: Setting, error: ValidationError) -> str:
    """Return what a message says of a value that pydantic refused."""
    problem = error.errors()[0]
    refusal = problem.get("ctx", {}).get("error")
    if isinstance(refusal, _RefusedError):
        return str(refusal)
    if setting.declaration.bounds and problem["type"] in {"greater_than_equal", "less_than_equal"}:
        return "not between {} and {}".format(*setting.declaration.bounds)
    return f"not {_KINDS[setting.kind]}"
