from __future__ import annotations

import http.client
import json
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

SCRIPT = Path(__file__).with_name("serve_fake.py")


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the fake searcher; give the process and the first line that names the address."""
    process = subprocess.Popen(
        [sys.executable, SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(30, process.kill)
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
            client.sendall(b"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
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
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[0].recv(65536).startswith(b"HTTP/1.1 200 ")


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
