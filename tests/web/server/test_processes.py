from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
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
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart
from xlsxwriter import Workbook

SCRIPT = Path(__file__).parents[1] / "serve_fake.py"


@contextmanager
def serving(*arguments: str, descriptors: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the fake searcher; return the process and the first line that names the address."""
    limit = ["prlimit", f"--nofile={descriptors}"] if descriptors else []
    process = subprocess.Popen(
        [*limit, sys.executable, SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
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


def test_one_connection_serves_many_requests_and_the_service_stops_cleanly() -> None:
    with serving("127.0.0.1", "0") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        with connected(address) as connection:
            for _ in range(3):
                status, answer = get(connection, "/api/v1/search?q=trade")
                assert (status, answer["results"][0]["text"]) == (200, "The trade grew.")
            # The longest question that the settings allow, in a script that takes six bytes a letter.
            assert get(connection, f"/api/v1/search?q={quote('я' * 1000)}")[0] == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=15)
        assert process.returncode == 0
        assert (out, err) == ("", "")


def test_an_interrupt_stops_the_service() -> None:
    with serving("127.0.0.1", "0") as (process, _):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
        assert process.returncode == 0


def test_a_request_in_progress_is_answered_before_the_service_stops() -> None:
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


def test_idle_connections_delay_no_other_client() -> None:
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


def test_clients_that_never_pause_delay_no_other_client() -> None:
    """There are more clients than threads."""
    statuses: list[int] = []
    with serving("127.0.0.1", "0") as (_, address):
        ends = time.monotonic() + 4

        def ask() -> None:
            with connected(address) as connection:
                while time.monotonic() < ends:
                    statuses.append(get(connection, "/healthz")[0])

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
    assert set(statuses) == {200}
    assert len(statuses) > len(threads)
    assert len(waited) > 1
    assert max(waited) < 1


def _ask_in_pieces(address: str, pieces: list[bytes], pause: float, *, and_no_more: bool = False) -> bytes:
    """Send a request piece by piece, and return the answer."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        if and_no_more:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.recv(65536):
            answer += data
    return answer


_GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
_LARGE = hashlib.sha256(b"large.txt").hexdigest()[:16].encode()
_BODY = b'{"q": "trade", "k": 1}'
_POST = (
    b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\ncontent-length:  %d \r\n\r\n%s"
)


def test_clients_that_send_byte_by_byte_delay_no_other_client() -> None:
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
        # Once their last byte has arrived, they are answered like all others.
        for client in slow[:10]:
            client.sendall(_BODY[-1:])
            sent = time.monotonic()
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 "), (time.monotonic() - sent, answer)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"G", id="half a line"),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHo", id="pipelined"
        ),
        pytest.param(_POST % (99, b"x"), id="half a body"),
        pytest.param(_GET % (b"/api/v1/documents/" + _LARGE + b"/text"), id="unread"),
    ],
)
def test_hostile_connections_delay_no_other_client(sent: bytes) -> None:
    with serving("127.0.0.1", "0") as (_, address), ExitStack() as stack:
        parts = urlsplit(address)
        for _ in range(80):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect((parts.hostname, parts.port))
            client.settimeout(0.2)
            with suppress(TimeoutError):
                client.sendall(sent)
        time.sleep(3)  # their requests are answered by now; from here on they only stay connected
        for _ in range(20):
            started = time.monotonic()
            with connected(address) as connection:
                assert get(connection, "/api/v1/search?q=trade")[0] == 200
            assert time.monotonic() - started < 2


def test_aborted_downloads_free_their_resources() -> None:
    """There are more downloads than a process sends at once, each aborted at another place."""
    with serving("127.0.0.1", "0") as (_, address):
        parts = urlsplit(address)
        for number in range(200):
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
                client.sendall(_GET % (b"/api/v1/documents/" + _LARGE + b"/text"))
                assert client.recv(1 + number * 1000).startswith(b"H")
        for _ in range(4):
            with connected(address) as connection:
                connection.request("GET", f"/api/v1/documents/{_LARGE.decode()}/text")
                response = connection.getresponse()
                assert (response.status, len(response.read())) == (200, 6_000_000)


def test_the_service_survives_more_connections_than_descriptors() -> None:
    with serving("127.0.0.1", "0", descriptors=400) as (process, address):
        parts = urlsplit(address)
        with ExitStack() as stack:
            for _ in range(900):
                with suppress(OSError):
                    client = socket.create_connection((parts.hostname, parts.port), timeout=1)
                    stack.enter_context(client).sendall(b"G")
        with connected(address) as connection:
            assert get(connection, "/api/v1/search?q=trade")[0] == 200
        assert process.poll() is None


def test_clients_that_do_not_close_delay_no_other_client() -> None:
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
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("size", [1, 7, 60, 150, 500])
def test_a_request_in_pieces_is_answered_like_a_whole_one(size: int, pieces_served: str) -> None:
    whole = _POST % (len(_BODY), _BODY)
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    answer = _ask_in_pieces(pieces_served, pieces, 0.005)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"text":"The trade grew."' in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: a\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 150_000, b"431"),
        (_POST % (2**40, b"x"), b"413"),
        (_POST.replace(b"content-length:  %d \r\n", b"") % b"", b"4"),
        (_POST.replace(b"content-length:  %d ", b"Transfer-Encoding: chunked") % b"5\r\n", b"411"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_an_invalid_request_is_refused(request_: bytes, status: bytes, pieces_served: str) -> None:
    answer = _ask_in_pieces(pieces_served, [request_], 0.05)
    assert answer.split(b" ")[1].startswith(status)
    with connected(pieces_served) as connection:
        assert get(connection, "/healthz")[0] == 200


@pytest.mark.parametrize(
    "request_", [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", _POST % (99, _BODY), b"G", b""]
)
def test_an_incomplete_request_is_dropped(request_: bytes, pieces_served: str) -> None:
    try:
        answer = _ask_in_pieces(pieces_served, [request_], 0.05, and_no_more=True)
    except ConnectionResetError:
        answer = b""
    assert answer == b"" or answer.split(b" ")[1] == b"400"
    with connected(pieces_served) as connection:
        assert get(connection, "/healthz")[0] == 200


def test_a_client_that_expects_100_continue_gets_it(pieces_served: str) -> None:
    top, body = (_POST % (len(_BODY), _BODY)).split(b"\r\n\r\n")
    parts = urlsplit(pieces_served)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(top + b"\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.fixture(scope="module")
def pieces_served() -> Iterator[str]:
    with serving("127.0.0.1", "0") as (_, address):
        yield address


def test_without_keys_only_this_machine_is_served() -> None:
    ended = run("0.0.0.0", "0")
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "SettingsError: Anyone who can reach 0.0.0.0 could read the documents. Make a key"
    )
    with serving("0.0.0.0", "0", "insecure") as (_, address), connected(address) as connection:
        assert get(connection, "/api/v1/search?q=trade")[0] == 200


def test_processes_share_connections_and_metrics() -> None:
    with serving("127.0.0.1", "0") as (_, address):
        time.sleep(1)  # until the other process listens, too
        for _ in range(40):
            with connected(address) as connection:
                assert get(connection, "/api/v1/search?q=trade")[0] == 200
        with connected(address) as connection:
            connection.request("GET", "/metrics")
            metrics = connection.getresponse().read().decode()
    assert 'qa_http_requests_total{method="GET",route="/api/v1/search",status="200"} 40.0' in metrics
    assert metrics.count("\nqa_index_passages ") == 1
    assert metrics.count("\nqa_build_info{") == 1


def test_without_an_index_the_service_runs_but_is_not_ready() -> None:
    with serving("127.0.0.1", "0", "none") as (_, address), connected(address) as connection:
        assert get(connection, "/healthz")[0] == 200
        assert get(connection, "/readyz")[0] == 503


def test_the_service_listens_on_ipv6() -> None:
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


def test_a_worker_that_cannot_start_stops_the_service() -> None:
    ended = run("127.0.0.1", "0", "broken")
    assert ended.returncode == 1
    assert "Serving on" not in ended.stderr
    assert ended.stderr.endswith("QAError: The service had to stop. The log above says why.\n")


def _workers(process: subprocess.Popen[str]) -> list[int]:
    command = ["ps", "-o", "pid=", "--ppid", str(process.pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(pid) for pid in listed.stdout.split()]


def _answers(address: str, *, within: float) -> bool:
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        with suppress(OSError, http.client.HTTPException), connected(address) as connection:
            return get(connection, "/healthz")[0] == 200
        time.sleep(0.1)
    return False


def test_a_killed_worker_is_restarted() -> None:
    with serving("127.0.0.1", "0") as (process, address):
        time.sleep(1)  # until the other process listens, too
        before = _workers(process)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert _answers(address, within=20)
        assert not set(before) & set(_workers(process))
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_every_worker_has_what_was_loaded_before_it_started() -> None:
    def loaders(process: subprocess.Popen[str], address: str) -> set[str]:
        answers = []
        for _ in range(20):
            with connected(address) as connection:
                answers.append(get(connection, "/api/v1/search?q=tokenizer"))
        assert {status for status, _ in answers} == {200}
        return {answer["results"][0]["text"] for _, answer in answers}

    with serving("127.0.0.1", "0", "shared") as (process, address):
        time.sleep(1)  # until the other process listens, too
        text = f"Process {process.pid} loaded the tokenizer, and [{process.pid}] what tells languages."
        expected = {text}
        assert loaders(process, address) == expected
        for pid in _workers(process):
            os.kill(pid, signal.SIGKILL)
        assert _answers(address, within=20)
        assert loaders(process, address) == expected


def test_workers_stop_if_the_service_itself_is_killed() -> None:
    with serving("127.0.0.1", "0") as (process, address):
        process.kill()
        process.wait()
        ends = time.monotonic() + 15
        while _answers(address, within=0.1) and time.monotonic() < ends:
            time.sleep(0.2)
        assert not _answers(address, within=0.1)


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("127.0.0.1", port)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"SettingsError: Cannot serve on 127.0.0.1 port {port}: ")
    assert "in use" in ended.stderr


@pytest.mark.parametrize(
    ("host", "port"), [("no host", "8000"), ("127.0.0.1", "99999"), ("203.0.113.7", "8000")]
)
def test_an_unusable_address_is_reported(host: str, port: str) -> None:
    ended = run(host, port)
    assert ended.returncode == 1
    assert ended.stderr.startswith("SettingsError: ")
    assert "Traceback" not in ended.stderr


def _sheet(questions: int, answers: str = "csv") -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a form with a sheet of so many questions, in a workbook."""
    output = io.BytesIO()
    with Workbook(output) as book:
        book.add_worksheet().write_column(0, 0, ["question", *(f"What is {n}?" for n in range(questions))])
    file = FileStorage(io.BytesIO(output.getvalue()), "asked.xlsx", "sheet")
    boundary, body = encode_multipart({"sheet": file, "format": answers})
    return body, {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Sec-Fetch-Site": "same-origin",
    }


def _send_sheet(address: str, answers: str) -> int:
    """Send a short sheet; return the status of its answer, which must arrive whole."""
    with connected(address) as connection:
        connection.request("POST", "/batch", *_sheet(2, answers))
        response = connection.getresponse()
        assert response.read()
        return response.status


def test_a_sheet_is_answered_as_it_is_read() -> None:
    with serving("127.0.0.1", "0", "slow") as (_, address), connected(address) as connection:
        connection.request("POST", "/batch", *_sheet(1000))
        response = connection.getresponse()
        assert response.readline().startswith(b"\xef\xbb\xbfquestion,answer,")
        assert response.readline().startswith(b"What is 0?,")
        with connected(address) as other:
            assert get(other, "/api/v1/search?q=trade")[0] == 200


@pytest.mark.parametrize("answers", ["csv", "xlsx"])
def test_a_sheet_ends_with_its_client(answers: str) -> None:
    with serving("127.0.0.1", "0", "slow") as (_, address):
        ends = time.monotonic() + 30
        with connected(address) as leaving:
            leaving.request("POST", "/batch", *_sheet(1000, answers))  # takes at least 50 seconds
            while _send_sheet(address, answers) != 503:
                assert time.monotonic() < ends
        statuses: list[int] = []
        while statuses[-10:] != [200] * 10:  # both processes are free again
            assert time.monotonic() < ends
            statuses.append(_send_sheet(address, answers))
        assert set(statuses) <= {200, 503}
