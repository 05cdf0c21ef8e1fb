"""The settings: flags over ``QA_*`` variables over ``qa.toml`` over the defaults here.

The only reader of the environment and of ``qa.toml``.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import NoneType
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

from qa.errors import SettingsError

LOCAL = "local"
"""The store that is the folder of the index itself."""

_log = logging.getLogger(__name__)

_MOST_WORKERS = 4
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def _user_cache() -> Path:
    """Give the folder for what can be made again, as the XDG Base Directory Specification has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with its default. README.md tells what each is for."""

    docs: Path = Path("docs_raw")
    index: Path = Path("index")
    store: str = LOCAL
    cache: Path = field(default_factory=lambda: _user_cache() / "qa")
    model: str = "all-MiniLM-L6-v2"
    ray: str = ""
    reranker: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=lambda: min(cores(), _MOST_WORKERS))
    threads: int = 4
    max_question: int = 1000
    retention_days: int = 7
    max_file_mb: int = 256
    read_seconds: int = 60
    read_memory: int = 2048
    vector_memory_mb: int = 1024
    judgements: Path | None = None
    queue_size: int = 64
    queue_timeout: int = 5
    batch_timeout: int = 30
    keys: Path = Path("keys.json")
    insecure: bool = False
    rate_limit: str = ""
    hosts: str = ""
    proxies: str = ""
    cors: str = ""
    log_json: bool = False
    log_questions: bool = False

    def own_paths(self) -> frozenset[Path]:
        """Give, as absolute paths, all that is written in the course of work: it is no document."""
        written = [self.index, self.cache, self.keys, *([self.judgements] if self.judgements else [])]
        if self.store_is_file:
            written.append(Path(self.store.partition("+")[2]))
        return frozenset(path.resolve() for path in written)

    @property
    def is_local(self) -> bool:
        """Tell whether the index is served from its own folder.

        Raises:
            SettingsError: it is neither that nor a Milvus.
        """
        fits, form = _FORMS["store"]
        if not fits(self.store):
            raise SettingsError(f"{self.store!r} is not {form}")
        return self.store == LOCAL

    @property
    def store_is_file(self) -> bool:
        """Tell whether the store is a file of Milvus Lite, which one process alone can open."""
        return not self.is_local and "://" not in self.store


_STORE = re.compile(r"local|milvus\+(https?://[^\s/:]\S*|.+\.db)")
_HOST = re.compile(r"[\w.-]+", re.ASCII)  # as browsers send it: xn--… where it has other letters
_KINDS = {int: "a whole number", str: "text", Path: "a path", bool: "true or false"}
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_MOST_SHOWN = 100  # letters of a wrong value
_DAY = 24 * 60 * 60
_TEBIBYTE = 2**20  # in MiB
_RANGES = {
    "port": (0, 65535),
    "workers": (1, 1000),
    "threads": (1, 1000),
    "queue_size": (0, 100_000),
    "max_question": (1, 1_000_000),
    "max_file_mb": (1, _TEBIBYTE),
    "read_memory": (1, _TEBIBYTE),
    "vector_memory_mb": (1, _TEBIBYTE),
    "read_seconds": (1, _DAY),
    "queue_timeout": (1, _DAY),
    "batch_timeout": (1, _DAY),
    "retention_days": (0, 36_500),
}
"""What a number may be. No machine has more, and the system's own limits are not far above."""

_NEEDED = frozenset({"model", "host", "store"})
"""Texts that may not be empty; nor may a path, which would be the working folder."""


def words(value: str) -> list[str]:
    """Divide a setting of several values, parted by commas."""
    return [word.strip() for word in value.split(",") if word.strip()]


def is_address(name: str) -> bool:
    """Whether this is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_origin(origin: str) -> bool:
    """Whether this is an origin as browsers send it."""
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return False
    if not (_HOST.fullmatch(host) or is_address(host)):
        return False
    return origin in {
        f"{scheme}://{name}{port}" for scheme in ("http", "https") for name in (host, f"[{host}]")
    }


def _is_rate(rate: str) -> bool:
    from limits import parse_many  # only a service needs it, and only where it is set

    try:
        return all(limit.amount for limit in parse_many(rate))
    except ValueError:
        return False


_FORMS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "store": (
        lambda value: _STORE.fullmatch(value) is not None,
        "a store: there are local, milvus+http://HOST:PORT and milvus+FILE.db",
    ),
    "rate_limit": (lambda value: not value or _is_rate(value), "a rate: write it as 100/minute"),
    "hosts": (
        lambda value: all(_HOST.fullmatch(name) for name in words(value)),
        "names of hosts: write them without a scheme or port, as qa.example.org",
    ),
    "proxies": (
        lambda value: all(map(is_address, words(value))),
        "addresses of proxies: write them as 10.0.0.1, 10.0.0.2",
    ),
    "cors": (
        lambda value: all(map(_is_origin, words(value))),
        "origins of other sites: write them as https://example.org",
    ),
}
"""By setting, what a text must be, and how an error says so."""


def load(flags: Mapping[str, Any] | None = None, folder: Path | None = None) -> Settings:
    """Put the settings together.

    Args:
        flags: values given on the command line, by field name; None means not given.
        folder: where ``qa.toml`` is looked for; the working folder by default.

    Raises:
        SettingsError: a name that is not known, or a value of the wrong kind or out of range, with where it
            was given.
    """
    values: dict[str, Any] = {}
    for origin, given in (
        ("qa.toml", _from_file((folder or Path.cwd()) / "qa.toml")),
        ("the environment", _from_environment()),
        ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
    ):
        for name, value in given.items():
            values[name] = _convert(name, value, origin)
    return Settings(**values)


def keep_native_libraries_to_one_core() -> None:
    """Let a request have one core, unless the user said otherwise: a question is too short to share out."""
    if "OMP_NUM_THREADS" in os.environ:
        return
    from threadpoolctl import threadpool_limits  # only a service needs it

    os.environ["OMP_NUM_THREADS"] = "1"  # libraries look at it when they are loaded, which numpy already is
    threadpool_limits(1)


def keep_ray_to_itself() -> None:
    """Let Ray report to nobody, and warn of nothing that is no fault; to be called before it is loaded."""
    for name, value in (("RAY_USAGE_STATS_ENABLED", "0"), ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")):
        os.environ.setdefault(name, value)


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Let processes that are started within count together, in a folder that then goes.

    To be entered before prometheus_client is loaded, which looks at the environment then.
    """
    made_by, folder = os.getpid(), mkdtemp(prefix="qa-metrics-")
    os.environ[_METRICS_FOLDER] = folder
    try:
        yield
    finally:
        if os.getpid() == made_by:  # a process that was forked meanwhile leaves it to the others
            del os.environ[_METRICS_FOLDER]
            rmtree(folder, ignore_errors=True)


def metrics_are_shared() -> bool:
    """Tell whether several processes count together."""
    return _METRICS_FOLDER in os.environ


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _from_environment() -> dict[str, str]:
    names = {f"QA_{field.name.upper()}": field.name for field in fields(Settings)}
    for key in sorted(os.environ):
        if key.startswith("QA_") and key not in names:
            _log.warning("The variable %s is no setting%s", key, _nearest(key, names))
    return {names[key]: value for key, value in os.environ.items() if key in names}


def _nearest(key: str, names: Iterable[str]) -> str:
    near = get_close_matches(key, names, 1)
    return f": is {near[0]} meant?" if near else " and has no effect."


def _as(kind: type, value: Any) -> Any:
    """Turn a value into a kind, or raise TypeError or ValueError."""
    if kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUTHS:
            return _TRUTHS[value.lower()]
        raise ValueError
    if isinstance(value, bool) or not isinstance(value, str | int | Path):
        raise TypeError
    return kind(value)


def _convert(name: str, value: Any, origin: str) -> Any:
    hint = get_type_hints(Settings).get(name)
    if hint is None:
        known = ", ".join(field.name for field in fields(Settings))
        raise SettingsError(f"{origin} sets {name!r}, which is not a setting; the settings are {known}")
    kind = next(part for part in get_args(hint) or (hint,) if part is not NoneType)
    try:
        converted = _as(kind, value)
    except (TypeError, ValueError) as error:
        raise _wrong(name, value, origin, f"not {_KINDS[kind]}") from error
    if kind in {str, Path}:
        _check_text(name, value, origin, is_path=kind is Path)
    elif name in _RANGES:
        least, most = _RANGES[name]
        if not least <= converted <= most:
            raise _wrong(name, value, origin, f"not between {least} and {most}")
    return converted


def _check_text(name: str, value: str | Path, origin: str, *, is_path: bool) -> None:
    text = str(value)
    if not text.strip() and (is_path or name in _NEEDED):
        raise _wrong(name, value, origin, "empty")
    if "\0" in text:
        raise _wrong(name, value, origin, "not a path" if is_path else "not text")
    if name in _FORMS:
        fits, form = _FORMS[name]
        if not fits(text):
            raise _wrong(name, value, origin, f"not {form}")


def _wrong(name: str, value: Any, origin: str, what: str) -> SettingsError:
    shown = repr(value)
    shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
    return SettingsError(f"{origin} sets {name} to {shown}, which is {what}")
