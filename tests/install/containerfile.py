"""Carry out a Containerfile in a folder, for machines that have no container engine.

Each stage begins with the same clean system. Commands run by ``chroot``, and need root.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CONTINUED = re.compile(r"\\\n")
_PIP = ("/etc/pip.conf", "/etc/xdg/pip")
_CERTIFICATES = "/run/certificates.crt"
"""The machine's own settings of pip, which a build in a container gets as arguments; and where its
certificates are put."""


@dataclass
class Stage:
    """What a stage has become: its root, and how its commands run."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "root"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def carry_out(containerfile: Path, context: Path, base: Path, work: Path) -> Stage:
    """Build the last stage of a Containerfile under a folder.

    Args:
        containerfile: the file.
        context: the folder that ``COPY`` copies from.
        base: the root of a clean system, which stays as it is.
        work: a new folder for the stages.

    Raises:
        ValueError: the file has an instruction that is not known here.
        subprocess.CalledProcessError: a command failed.
    """
    stages: dict[str, Stage] = {}
    stage = Stage(base)
    for instruction, rest in _instructions(containerfile.read_text("utf-8")):
        if instruction == "FROM":
            name = rest.partition(" AS ")[2] or str(len(stages))
            subprocess.run(["cp", "--archive", str(base), str(work / name)], check=True)
            stage = stages[name] = Stage(work / name)
        else:
            _follow(stage, instruction, rest, context, stages)
    return stage


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    for line in _CONTINUED.sub(" ", text).splitlines():
        if line.strip() and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def _follow(  # noqa: C901, PLR0912 -- a case for each instruction
    stage: Stage, instruction: str, rest: str, context: Path, stages: dict[str, Stage]
) -> None:
    match instruction:
        case "RUN":
            run(stage, ["/bin/sh", "-c", rest], user="root")
        case "COPY":
            _copy(stage, shlex.split(rest), context, stages)
        case "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        case "ARG":
            if rest in os.environ:
                stage.environment[rest] = os.environ[rest]
        case "WORKDIR":
            stage.folder = rest
        case "USER":
            stage.user = rest
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        case "CMD":
            stage.command = json.loads(rest)
        case "VOLUME":
            stage.volumes = json.loads(rest)
        case "HEALTHCHECK":
            stage.health = json.loads(rest.partition("CMD ")[2])
        case "EXPOSE":
            pass
        case _:
            raise ValueError(f"{instruction} is not known here")


def _copy(stage: Stage, words: list[str], context: Path, stages: dict[str, Stage]) -> None:
    source_root = context
    if words[0].startswith("--from="):
        source_root = stages[words.pop(0).removeprefix("--from=")].root
    *sources, target = words
    for source in sources:
        path, into = source_root / source.lstrip("/"), stage.root / target.lstrip("/")
        if path.is_dir():
            shutil.copytree(path, into, symlinks=True, dirs_exist_ok=True)
        else:
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, into)


def run(stage: Stage, command: list[str], *, user: str | None = None, **options: Any) -> Any:
    """Run a command in a stage's root, with the machine's network and settings of pip."""
    with _mounted(stage.root):
        return subprocess.run(
            chrooted(stage, command, user=user), check=True, env=environment(stage), **options
        )


def chrooted(stage: Stage, command: list[str], *, user: str | None = None) -> list[str]:
    """Return the command that runs another one in a stage's root."""
    script = 'cd "$1" && shift && exec "$@"'
    return [
        "chroot",
        f"--userspec={user or stage.user}",
        str(stage.root),
        *("/bin/sh", "-c", script, "sh", stage.folder),
        *command,
    ]


def environment(stage: Stage) -> dict[str, str]:
    """Return the environment of a stage's commands."""
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for name in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"):  # make sets them, relative to the checkout
        pip.pop(name, None)
    if "PIP_CERT" in pip:
        pip["PIP_CERT"] = _CERTIFICATES
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} | pip | stage.environment


@contextmanager
def _mounted(root: Path) -> Iterator[None]:
    """Give a root the system's folders, and what the machine's pip needs: its settings and local wheels."""
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    if certificates := os.environ.get("PIP_CERT"):
        shutil.copy(certificates, root / _CERTIFICATES.lstrip("/"))
    mounts = []
    try:
        for source in ("/proc", "/dev", *_pip_needs()):
            target = root / source.lstrip("/")
            if Path(source).is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
            subprocess.run(["mount", "--bind", source, str(target)], check=True)
            mounts.append(target)
        yield
    finally:
        for target in reversed(mounts):
            subprocess.run(["umount", str(target)], check=True)


def _pip_needs() -> Iterator[str]:
    words = " ".join(
        [*(os.environ.get(name, "") for name in ("PIP_FIND_LINKS", "PIP_CERT")), *_pip_settings()]
    )
    paths = {word.removeprefix("file://").removesuffix("/simple") for word in words.split()}
    for path in sorted({*_PIP, *paths}):
        if path.startswith("/") and Path(path).exists() and not path.startswith("/etc/ssl"):
            yield path


def _pip_settings() -> Iterator[str]:
    for path in (Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf")):
        if path.exists():
            yield path.read_text("utf-8")
