"""A real Milvus, which the package ``milvus`` carries: a process that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

_PREPARE = """
import sys, milvus
config = milvus.MilvusServerConfig(data_dir=sys.argv[1], proxy_port=int(sys.argv[2]))
config.set("common.session.ttl", int(sys.argv[3]))
config.resolve()
milvus._initialize_data_files(config.base_data_dir)
"""


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class LiteServer:
    """Milvus Lite as a server, over a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.store = f"milvus+http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [Path(sys.executable).with_name("milvus-lite"), "server", "--data-dir", self._folder]
        at = ["--host", "127.0.0.1", "--port", str(self._port)]
        nowhere = subprocess.DEVNULL
        self._process = subprocess.Popen([*command, *at], stdout=nowhere, stderr=nowhere)
        started = time.monotonic()
        while time.monotonic() - started < 30:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("the server does not listen")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


class Server:
    """A Milvus of one process, over a folder of its own."""

    def __init__(self, folder: Path, ttl: int = 3) -> None:
        """Prepare it.

        Args:
            folder: its own.
            ttl: for how many seconds one that was killed holds its place, and one that hears nothing of
                itself for want of processors goes on.
        """
        self._folder = folder
        self._ttl = ttl
        self.port, self._health = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    @property
    def store(self) -> str:
        """The setting that names it."""
        return f"milvus+http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process; 0 where it does not run."""
        return self._process.pid if self._process else 0

    def _prepare(self) -> None:
        """Let the package unpack the server and write its settings, in a process of its own."""
        command = [sys.executable, "-c", _PREPARE, self._folder, str(self.port), str(self._ttl)]
        subprocess.run(command, check=True)

    def start(self) -> None:
        """Start it, without waiting for it."""
        environment = os.environ | {
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(self._health),
            "MILVUS_RUN_DIR": str(self._folder / "run"),
            "LD_LIBRARY_PATH": str(self._folder / "bin"),
        }
        log = (self._folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [self._folder / "bin" / "milvus", "run", "standalone"],
            cwd=self._folder, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()

    def wait(self, seconds: float = 90) -> float:
        """Wait until it says that it is well, and tell how long that took."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._health}/healthz", timeout=1) as found:
                    if b"OK" in found.read():
                        return time.monotonic() - started
            except OSError:
                pass
            time.sleep(0.05)
        raise TimeoutError("the server is not well")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
