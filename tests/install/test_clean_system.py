"""The Containerfile's steps on a clean Debian: the image answers without a network, on a read-only root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from install.containerfile import Stage, carry_out, chrooted, environment, run

ROOT = Path(__file__).parents[2]

_NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0
    or not shutil.which("mmdebstrap")
    or subprocess.run([*_NAMESPACES, "true"], capture_output=True, check=False).returncode != 0,
    reason="needs root, mmdebstrap and the right to make namespaces",
)

_ALONE = """
ip link set lo up 2>/dev/null || true
mount --bind "$1" "$1"
for volume in index cache; do mount --bind "$2/$volume" "$1/data/$volume"; done
mount --bind "$2/docs" "$1/data/docs"
mount -o remount,bind,ro "$1/data/docs"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
shift 2
exec "$@"
"""
"""Run a command in namespaces of its own: no network but itself, the root read-only, three volumes."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    work = tmp_path_factory.mktemp("image")
    base = work / "base"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", str(base)], check=True)
    yield carry_out(ROOT / "deploy/Containerfile", ROOT, base, work)
    shutil.rmtree(work)


@pytest.fixture(scope="module")
def volumes(image: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("volumes")
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    shutil.copytree(ROOT / "docs_raw", folder / "docs")
    user = run(image, ["id", "-u"], capture_output=True, text=True).stdout.strip()
    for name in ("index", "cache"):
        (folder / name).mkdir()
        os.chown(folder / name, int(user), int(user))
    return folder


def _alone(image: Stage, volumes: Path, script: str) -> str:
    """Run a script in the image as its user, on its own: without a network, the root read-only."""
    command = chrooted(image, ["/bin/sh", "-euc", script])
    done = subprocess.run(
        [*_NAMESPACES, "/bin/sh", "-euc", _ALONE, "sh",
         str(image.root), str(volumes), *command],
        env=environment(image), capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_image_answers_alone_on_a_read_only_root(image: Stage, volumes: Path) -> None:
    _alone(
        image, volumes, "! touch /opt/qa/x 2>/dev/null; ! touch /data/docs/x 2>/dev/null; test $(id -u) != 0"
    )
    _alone(image, volumes, "qa index")
    asked = json.loads(_alone(image, volumes, "qa ask --json 'How large was the trade turnover in 2018?'"))
    assert asked["answerable"]
    assert asked["results"][0]["document"]["path"] == "envoy-on-terrorism-and-cyber-threats.txt"
    health, entry = " ".join(f"'{word}'" for word in image.health[:1]), [*image.entrypoint, *image.command]
    check = image.health[2].replace('"', '\\"')
    served = _alone(
        image,
        volumes,
        f"""
        QA_HOST=127.0.0.1 {" ".join(entry)} & service=$!
        for _ in $(seq 100); do {health} -c "{check}" 2>/dev/null && break; sleep .3; done
        python3 -c "import urllib.request as u
print(u.urlopen('http://127.0.0.1:8000/api/v1/search?q=Who+is+the+ambassador%3F').read().decode())"
        kill $service; wait $service || true
        """,
    )
    assert json.loads(served.strip().splitlines()[-1])["results"]


def test_without_a_key_the_image_does_not_serve_others(image: Stage, volumes: Path) -> None:
    said = _alone(image, volumes, "qa serve 2>&1 || echo refused")
    assert "Make a key with `qa key create`" in said
    assert said.strip().endswith("refused")
