from __future__ import annotations

import http.client
import json
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from gunicorn.errors import HaltServer

from qa.config import Settings
from qa.contracts import QAError
from qa.web import server

SCRIPT = Path(__file__).with_name("serve_fake.py")


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the fake searcher; give the process and the first line that names the address."""
    process = subprocess.Popen(
        [sys.executable, SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        line = ""
        while "Serving on" not in line:
            line = process.stderr.readline()
            assert line, "the service ended without serving"
        yield process, line.strip().removeprefix("Serving on ")
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


@contextmanager
def connected(address: str) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(address)
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)) as connection:
        yield connection


def get(connection: http.client.HTTPConnection, target: str) -> tuple[int, dict]:
    connection.request("GET", target)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_it_serves_many_requests_over_one_connection_and_stops_cleanly() -> None:
    with serving("127.0.0.1", "0") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        with connected(address) as connection:
            for _ in range(3):
                status, answer = get(connection, "/api/v1/search?q=trade")
                assert (status, answer["results"][0]["text"]) == (200, "The trade grew.")
            # As long a question as the settings allow, in a script that takes six bytes a letter.
            assert get(connection, f"/api/v1/search?q={quote('я' * 1000)}")[0] == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=15)
        assert process.returncode == 0
        assert (out, err) == ("", "")


def test_an_interrupt_stops_it_too() -> None:
    with serving("127.0.0.1", "0") as (process, _):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
        assert process.returncode == 0


def test_a_request_under_way_is_answered_before_it_stops() -> None:
    with serving("127.0.0.1", "0") as (process, address):
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
            client.sendall(
                b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            )
            client.sendall(b'Content-Length: 14\r\nConnection: close\r\n\r\n{"q": ')
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            client.sendall(b'"trade"}')
            answer = b""
            with suppress(TimeoutError):
                while data := client.recv(65536):
                    answer += data
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert process.wait(15) == 0


@pytest.mark.skipif(not hasattr(socket, "TCP_DEFER_ACCEPT"), reason="Linux alone can put them off")
def test_connections_on_which_nothing_is_asked_keep_nobody_waiting() -> None:
    with serving("127.0.0.1", "0") as (_, address), ExitStack() as stack:
        parts = urlsplit(address)
        idle = [socket.create_connection((parts.hostname, parts.port), timeout=10) for _ in range(9)]
        for connection in idle:
            stack.enter_context(connection)
        started = time.monotonic()
        with connected(address) as connection:
            assert get(connection, "/healthz")[0] == 200
        assert time.monotonic() - started < 4
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle[0].recv(65536).startswith(b"HTTP/1.1 200 ")


def test_clients_that_ask_without_a_pause_keep_nobody_waiting() -> None:
    """More of them than there are threads, which stay with a client for as long as it asks and is alone."""
    asked: list[int] = []
    with serving("127.0.0.1", "0") as (_, address):
        ends = time.monotonic() + 4

        def ask() -> None:
            with connected(address) as connection:
                while time.monotonic() < ends:
                    asked.append(get(connection, "/healthz")[0])

        threads = [threading.Thread(target=ask) for _ in range(70)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        waited = []
        while time.monotonic() < ends - 1:
            with connected(address) as connection:
                started = time.monotonic()
                assert get(connection, "/api/v1/search?q=trade")[0] == 200
                waited.append(time.monotonic() - started)
        for thread in threads:
            thread.join()
    assert set(asked) == {200}
    assert len(asked) > len(threads)
    assert len(waited) > 1
    assert max(waited) < 1


def _ask_in_pieces(address: str, pieces: list[bytes], pause: float) -> bytes:
    """Send a request piece by piece, and give the answer."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.recv(65536):
            answer += data
    return answer


_BODY = b'{"q": "trade", "k": 1}'
_POST = (
    b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\ncontent-length:  %d \r\n\r\n%s"
)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere gunicorn's own worker serves")
def test_clients_that_send_letter_by_letter_keep_nobody_waiting() -> None:
    with serving("127.0.0.1", "0") as (_, address), ExitStack() as stack:
        parts = urlsplit(address)
        stop = threading.Event()
        slow = [
            stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10))
            for _ in range(60)
        ]

        def drip() -> None:
            for letter in (_POST % (len(_BODY), _BODY))[:-1]:
                for client in slow:
                    client.sendall(bytes([letter]))
                if stop.wait(0.005):
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            time.sleep(0.5)
            for _ in range(10):
                started = time.monotonic()
                with connected(address) as connection:
                    assert get(connection, "/api/v1/search?q=trade")[0] == 200
                assert time.monotonic() - started < 4
        finally:
            dripping.join()
        # Once their last letter has come, they are answered like anybody.
        for client in slow[:10]:
            client.sendall(_BODY[-1:])
            asked = time.monotonic()
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 "), (time.monotonic() - asked, answer)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere gunicorn's own worker serves")
def test_clients_that_do_not_close_keep_nobody_waiting() -> None:
    over = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with serving("127.0.0.1", "0") as (_, address), ExitStack() as stack:
        parts = urlsplit(address)
        for _ in range(16):
            client = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10))
            client.sendall(over)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        for _ in range(16):
            with connected(address) as connection:
                assert get(connection, "/healthz")[0] == 200
        # gunicorn waits for two seconds until such a client has closed, in the thread that serves all.
        assert time.monotonic() - started < 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere gunicorn's own worker serves")
def test_a_letter_that_comes_while_the_headers_are_looked_at_does_not_make_them_whole() -> None:
    from qa.web.worker import _has_arrived

    class Overtaken(socket.socket):
        def recv(self, size: int, flags: int = 0) -> bytes:
            top = super().recv(size, flags)
            client.sendall(b"S")
            select.select([], [], [], 0.05)
            return top

    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with client, Overtaken(fileno=accepted.detach()) as server:
            client.sendall(b"PO")
            assert select.select([server], [], [], 5)[0]
            assert not _has_arrived(server)


@pytest.mark.parametrize("size", [1, 7, 60, 150, 500])
def test_a_request_in_pieces_is_answered_as_one_in_one(size: int, pieces_served: str) -> None:
    whole = _POST % (len(_BODY), _BODY)
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    answer = _ask_in_pieces(pieces_served, pieces, 0.005)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"text":"The trade grew."' in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (_POST % (2**40, b"x"), b"413"),
        (_POST.replace(b"content-length:  %d \r\n", b"") % b"", b"4"),
        (
            _POST.replace(b"content-length:  %d ", b"Transfer-Encoding: chunked") % b"5\r\n",
            b"411",
        ),  # and no more
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b""),  # and no more
        (_POST % (99, _BODY), b"4"),  # and no more
        (b"", b""),
    ],
)
def test_what_is_no_whole_request_is_answered_or_dropped(
    request_: bytes, status: bytes, pieces_served: str
) -> None:
    try:
        answer = _ask_in_pieces(pieces_served, [request_], 0.05)
    except ConnectionResetError:
        answer = b""
    assert answer == b"" or answer.split(b" ")[1].startswith(status)
    with connected(pieces_served) as connection:
        assert get(connection, "/healthz")[0] == 200


@pytest.fixture(scope="module")
def pieces_served() -> Iterator[str]:
    with serving("127.0.0.1", "0") as (_, address):
        yield address


def test_without_a_key_only_this_machine_is_served() -> None:
    ended = run("0.0.0.0", "0")
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "SettingsError: Whoever reaches 0.0.0.0 could read the documents: make a key"
    )
    with serving("0.0.0.0", "0", "insecure") as (_, address), connected(address) as connection:
        assert get(connection, "/api/v1/search?q=trade")[0] == 200


def test_its_processes_share_the_connections_and_count_together() -> None:
    with serving("127.0.0.1", "0") as (_, address):
        time.sleep(1)  # until the other one listens too
        for _ in range(40):
            with connected(address) as connection:
                assert get(connection, "/api/v1/search?q=trade")[0] == 200
        with connected(address) as connection:
            connection.request("GET", "/metrics")
            told = connection.getresponse().read().decode()
    assert 'qa_http_requests_total{method="GET",route="/api/v1/search",status="200"} 40.0' in told
    assert told.count("\nqa_index_passages ") == 1
    assert told.count("\nqa_build_info{") == 1


def test_without_an_index_it_serves_and_says_so() -> None:
    with serving("127.0.0.1", "0", "none") as (_, address), connected(address) as connection:
        assert get(connection, "/healthz")[0] == 200
        assert get(connection, "/readyz")[0] == 503


def test_it_serves_on_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving("::1", "0") as (_, address), connected(address) as connection:
        assert address.startswith("http://[::1]:")
        assert get(connection, "/healthz")[0] == 200


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_worker_that_cannot_start_ends_the_service() -> None:
    ended = run("127.0.0.1", "0", "broken")
    assert ended.returncode == 1
    assert "Serving on" not in ended.stderr
    assert ended.stderr.endswith("QAError: The service could not go on; what stands above says why.\n")


def test_another_process_that_cannot_begin_while_gunicorn_ends_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(_: object) -> None:
        raise HaltServer("Worker failed to boot.", 3)

    monkeypatch.setattr(server._Server, "run", run)
    with pytest.raises(QAError, match="what stands above says why"):
        server.serve(Settings(host="127.0.0.1", port=0))


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("127.0.0.1", port)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"SettingsError: Cannot serve on 127.0.0.1 port {port}: ")
    assert "in use" in ended.stderr


@pytest.mark.parametrize(
    ("host", "port"), [("no host", "8000"), ("127.0.0.1", "99999"), ("203.0.113.7", "8000")]
)
def test_an_address_that_cannot_be_had_is_said(host: str, port: str) -> None:
    ended = run(host, port)
    assert ended.returncode == 1
    assert ended.stderr.startswith("SettingsError: ")
    assert "Traceback" not in ended.stderr
