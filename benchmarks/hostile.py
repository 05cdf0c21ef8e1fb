"""Search a service while hostile clients hold on to it: ``make hostile``.

A service in default settings serves the demo corpus, a page of 6 MB, a text of 1 MB and two PDFs: one of
plain pages, one whose page takes minutes to draw. One client asks question after question while eighty
connections of one kind hold on, or sixteen clients want the slow picture: the result is its latency and its
failures for each kind. Then sixteen clients give up three thousand answers half-way, in turn: afterwards
every kind of answer must be had again. The processes' own memory is measured before and after each thousand.

Everything goes over the loopback interface and ends by itself.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode, urlsplit

import common
from endurance import own_mib

CONNECTIONS = 80
PICTURE_CLIENTS = 16
ABORTED = 1000
ABORTING_CLIENTS = 16
QUESTIONS = ("What was the trade turnover?", "Who visited Phnom Penh?", "How many tourists came?")

_SETTLE_SECONDS = 2.0
_FILLS = 20_000
_TEXT = "Rice is grown in the plain, and the river rises every year. "
_TEXT_BYTES = 1_000_000
_PAGE_BYTES = 6_000_000


def main() -> None:
    """Run all of it, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--searches", type=int, default=200, help="how many searches for each kind")
    parser.add_argument("--write", type=Path, help="write the result, as JSON, to this file")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        docs, index = _write_documents(Path(folder) / "docs"), Path(folder) / "index"
        common.build_index(docs, index)
        with common.service(index, docs=docs) as service:
            address = _Address(service.url)
            kinds = {
                name: _measure(address, holding, args.searches) for name, holding in _kinds(address).items()
            }
            for name, latencies in kinds.items():
                sys.stdout.write(f"{name:24} {latencies}\n")
            aborted = _abort(address, service.process)
            sys.stdout.write(f"{'given up half-way':24} {aborted}\n")
    facts = {"connections": CONNECTIONS, "searches": args.searches}
    common.write_json(args.write, facts, {"searches_while": kinds, "given_up": aborted})


def _write_documents(docs: Path) -> Path:
    shutil.copytree(common.ROOT / "docs_raw", docs)
    (docs / "large.txt").write_text("\n\n".join([_TEXT * 8] * (_TEXT_BYTES // len(_TEXT * 8))), "utf-8")
    (docs / "large.html").write_text(f"<p>{_TEXT}<!--{'x' * _PAGE_BYTES}-->", "utf-8")
    (docs / "slow.pdf").write_bytes(_pdf([_slow_page()]))
    plain = [
        f"BT /F1 12 Tf 72 700 Td (Page {number} of the report on rice.) Tj ET" for number in range(1, 21)
    ]
    (docs / "plain.pdf").write_bytes(_pdf(plain))
    return docs


def _slow_page() -> str:
    """Return a page of a few bytes, compressed, that a renderer blends for minutes."""
    return "BT /F1 12 Tf 72 700 Td (A page that is slow to draw.) Tj ET /G gs" + " 0 0 612 792 re f" * _FILLS


def _pdf(pages: list[str]) -> bytes:
    """Write a PDF of these pages, without the table of offsets, which readers rebuild."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    parts = [
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n",
        f"2 0 obj<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>endobj\n".encode(),
        b"3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n",
    ]
    for number, page in enumerate(pages):
        packed = zlib.compress(page.encode())
        parts += [
            f"{4 + 2 * number} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]".encode(),
            f"/Contents {5 + 2 * number} 0 R/Resources<</Font<</F1 3 0 R>>".encode(),
            b"/ExtGState<</G<</ca 0.5/BM/Luminosity>>>>>>>>endobj\n",
            f"{5 + 2 * number} 0 obj<</Length {len(packed)}/Filter/FlateDecode>>stream\n".encode(),
            packed,
            b"\nendstream endobj\n",
        ]
    return b"".join([*parts, b"trailer<</Root 1 0 R>>\n%%EOF\n"])


class _Address:
    """Where the service is, and the documents in it that are asked for."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.place = (str(parts.hostname), int(parts.port or 80))
        self.text, self.page, self.slow, self.plain = map(
            self._document, ("large.txt", "large.html", "slow.pdf", "plain.pdf")
        )

    def _document(self, path: str) -> str:
        status, body = self.get(f"/api/v1/documents?{urlencode({'path': path})}")
        assert status == HTTPStatus.OK, body  # noqa: S101 -- otherwise nothing here means anything
        return str(json.loads(body)["documents"][0]["id"])

    def get(self, target: str, seconds: float = 60) -> tuple[int, bytes]:
        """Ask on a connection of its own, and return the status and the body; 0 where nothing came."""
        try:
            with closing(HTTPConnection(*self.place, timeout=seconds)) as connection:
                connection.request("GET", target)
                response = connection.getresponse()
                return response.status, response.read()
        except (OSError, HTTPException):
            return 0, b""


def _kinds(address: _Address) -> Mapping[str, Callable[[], AbstractContextManager[object]]]:
    """Name the kinds of hostile clients, and what makes them hold on."""
    get = "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    post = "POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    health, file = get.format("/healthz"), get.format(f"/api/v1/documents/{address.page}/file")
    return {
        "nothing": nullcontext,
        "half a line": partial(_holding, address, "G"),
        "pipelined": partial(_holding, address, health + health[:20]),
        "half a body": partial(_holding, address, f"{post}Content-Length: 99\r\n\r\n{{"),
        "6 MB unread": partial(_holding, address, file),
        "letter by letter": partial(
            _dripping, address, f"{post}Content-Length: 14\r\n\r\n" + '{"q": "trade"}'
        ),
        "slow picture": partial(_drawing, address),
    }


@contextmanager
def _holding(address: _Address, sent: str) -> Iterator[list[socket.socket]]:
    """Send this on connections that read nothing, and keep them."""
    with ExitStack() as stack:
        held = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.settimeout(5)
            connection.connect(address.place)
            connection.sendall(sent.encode())
            held.append(connection)
        time.sleep(_SETTLE_SECONDS)
        yield held


@contextmanager
def _dripping(address: _Address, sent: str) -> Iterator[None]:
    """Send this letter by letter on all connections, over and over."""
    with _holding(address, "") as held, _beside(1, lambda number: _drip(held, sent[number % len(sent)])):
        yield


def _drip(held: list[socket.socket], letter: str) -> None:
    for connection in held:
        with suppress(OSError):
            connection.sendall(letter.encode())
    time.sleep(0.02)


@contextmanager
def _drawing(address: _Address) -> Iterator[None]:
    """Ask for the slow picture all the time."""
    target = f"/documents/{address.slow}/pages/1.webp"
    with _beside(PICTURE_CLIENTS, lambda _: address.get(target)):
        time.sleep(_SETTLE_SECONDS)
        yield


@contextmanager
def _beside(threads: int, do: Callable[[int], object]) -> Iterator[None]:
    """Do something over and over in some threads meanwhile."""
    over = threading.Event()

    def run() -> None:
        for number in count():
            if over.is_set():
                return
            do(number)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in running:
            thread.join()


def _measure(
    address: _Address, holding: Callable[[], AbstractContextManager[object]], searches: int
) -> common.Row:
    """Search while clients of a kind hold on: milliseconds, and how many searches failed."""
    times, failed = [], 0
    with holding():
        for number in range(searches):
            query = urlencode({"q": f"{QUESTIONS[number % len(QUESTIONS)]} {number}"})
            started = time.perf_counter()
            status, _ = address.get(f"/api/v1/search?{query}")
            times.append((time.perf_counter() - started) * 1000)
            failed += status != HTTPStatus.OK
    return common.percentiles(times, 50, 99) | {"max": round(max(times), 1), "failed": failed}


def _abort(address: _Address, process: int) -> common.Row:
    """Return answers up half-way, and look whether each can still be had, and what memory that took."""
    targets = [
        f"/api/v1/documents/{address.page}/file",
        f"/api/v1/documents/{address.text}/text",
        f"/documents/{address.plain}/pages/3.webp",
        f"/documents/{address.text}",
    ]
    before = own_mib(process)
    memory = []
    with ThreadPoolExecutor(ABORTING_CLIENTS) as clients:
        for _ in range(3):
            list(clients.map(partial(_give_up, address, targets), range(ABORTED)))
            time.sleep(_SETTLE_SECONDS)
            memory.append(round(own_mib(process), 1))
    answers = [address.get(target)[0] for target in targets for _ in range(20)]
    return {
        "answers": 3 * ABORTED,
        "refused_afterwards": sum(status != HTTPStatus.OK for status in answers),
        "own_mib_before": round(before, 1),
        "own_mib_after_each_thousand": memory,
    }


def _give_up(address: _Address, targets: list[str], number: int) -> None:
    """Ask, read a little of the answer, or nothing, and go."""
    target = targets[number % len(targets)]
    with suppress(OSError), socket.create_connection(address.place, timeout=30) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        if number % 3:
            connection.recv(1 + 997 * (number % 50))


if __name__ == "__main__":
    main()
