"""Webhooks: what is posted is signed, goes only where it may, and is delivered once it was taken."""

from __future__ import annotations

import base64
import hmac
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pages
import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiver import Receiver, free_port, receiving

from qa.errors import DeliveryError
from qa.news import webhook
from qa.news.destinations import Webhook
from qa.news.webhook import permitted_addresses, post, read_key, signed_headers

BODY = json.dumps({"name": "trade", "question": "Сколько?"}, ensure_ascii=False).encode()
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "webhook.secret"
    path.write_text(SECRET + "\n", "utf-8")
    return path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def is_genuine() -> Callable[..., bool]:
    """Return the function of the documentation that checks a signature."""
    [example] = [
        block.text
        for block in pages.blocks((pages.ROOT / "docs" / "saved.md").read_text("utf-8"))
        if "def is_genuine" in block.text
    ]
    names: dict[str, Callable[..., bool]] = {}
    exec(example, names)
    return names["is_genuine"]


def _post(receiver: Receiver, secret: Path, seconds: float = 30) -> None:
    post(Webhook(receiver.url, secret), "urn:uuid:1", BODY, (), seconds)


def test_what_is_posted_passes_the_check_of_the_documentation(
    receiver: Receiver, secret: Path, is_genuine: Callable[..., bool]
) -> None:
    _post(receiver, secret)
    [got] = receiver.received
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/news", BODY, "urn:uuid:1")
    assert got.headers["content-type"] == "application/json"
    assert is_genuine(got.headers, got.body, SECRET)
    assert not is_genuine(got.headers, got.body.replace(b"trade", b"fraud"), SECRET)
    assert not is_genuine(got.headers | {"webhook-id": "urn:uuid:2"}, got.body, SECRET)
    assert not is_genuine(got.headers, got.body, SECRET.replace("A", "B"))
    later = str(int(got.headers["webhook-timestamp"]) + 1)
    assert not is_genuine(got.headers | {"webhook-timestamp": later}, got.body, SECRET)


def test_an_old_message_is_refused_though_its_signature_holds(is_genuine: Callable[..., bool]) -> None:
    old = signed_headers(bytes(range(32)), "1", int(time.time()) - 600, BODY)
    assert not is_genuine(old, BODY, SECRET)
    assert is_genuine(signed_headers(bytes(range(32)), "1", int(time.time()), BODY), BODY, SECRET)


@given(st.binary(min_size=24, max_size=64), st.text("abc:-", min_size=1), st.integers(0, 2**40), st.binary())
def test_the_signature_is_that_of_standard_webhooks(key: bytes, name: str, second: int, body: bytes) -> None:
    expected = hmac.new(key, name.encode() + b"." + str(second).encode() + b"." + body, "sha256").digest()
    signature = signed_headers(key, name, second, body)["webhook-signature"]
    assert signature == "v1," + base64.b64encode(expected).decode()


def test_the_example_of_standard_webhooks_has_its_signature() -> None:
    """The values are those of the specification's own libraries' tests."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_status_of_success_will_do(receiver: Receiver, secret: Path, status: int) -> None:
    receiver.statuses = [status]
    _post(receiver, secret)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [301, 307, 400, 404, 410, 429, 500, 503])
def test_any_other_status_is_a_failure_and_redirects_are_not_followed(
    receiver: Receiver, secret: Path, status: int
) -> None:
    with receiving() as elsewhere:
        receiver.statuses, receiver.location = [status], elsewhere.url
        with pytest.raises(DeliveryError, match=f"it answered {status}"):
            _post(receiver, secret)
        assert len(receiver.received) == 1
        assert not elsewhere.received


def test_nobody_there_is_a_failure(secret: Path) -> None:
    with pytest.raises(DeliveryError, match="Connection refused"):
        post(Webhook(f"http://127.0.0.1:{free_port()}/", secret), "1", BODY, (), 30)


def test_a_receiver_that_hangs_is_left(receiver: Receiver, secret: Path) -> None:
    free = threading.Event()
    receiver.before_answer = lambda: free.wait(60)
    with pytest.raises(DeliveryError, match=r"did not answer within 0\.3 seconds"):
        _post(receiver, secret, 0.3)
    free.set()


def test_a_receiver_that_trickles_is_left_and_its_status_counts_once_it_is_there(secret: Path) -> None:
    with _trickling(b"HTTP/1.1 ") as hook, pytest.raises(DeliveryError, match="did not answer within"):
        post(Webhook(hook, secret), "1", BODY, (), 0.5)
    with _trickling(b"HTTP/1.1 200 OK\r\nX: ") as hook:
        post(Webhook(hook, secret), "1", BODY, (), 2)
    with _trickling(b"HTTP/1.1 500 Oh\r\nX: ") as hook, pytest.raises(DeliveryError, match="500"):
        post(Webhook(hook, secret), "1", BODY, (), 2)


@contextmanager
def _trickling(beginning: bytes) -> Iterator[str]:
    """Answer with a byte now and then, for ever: no timeout between two bytes helps against that."""

    def trickle() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(beginning)
            while True:
                connection.sendall(b"0")
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "it closed the connection"),
        (b"SSH-2.0-secret\r\n", "it did not answer as HTTP has it"),
        (b"HTTP/1.1 abc\r\n\r\n", "it did not answer as HTTP has it"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "it did not answer as HTTP has it"),
    ],
)
def test_an_answer_that_is_no_http_is_a_failure_and_not_quoted(
    receiver: Receiver, secret: Path, answer: bytes, message: str
) -> None:
    receiver.raw_answer = answer
    with pytest.raises(DeliveryError) as error:
        _post(receiver, secret)
    assert str(error.value) == message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of a certificate for localhost and its key."""
    if not shutil.which("openssl"):
        pytest.skip("makes a certificate with openssl, which is not installed")
    folder = tmp_path_factory.mktemp("tls")
    files = (folder / "certificate.pem", folder / "key.pem")
    made = ["-out", str(files[0]), "-keyout", str(files[1]), "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", *made]
    subprocess.run(command, check=True, capture_output=True)
    return files


@pytest.fixture
def safe(certificate: tuple[Path, Path]) -> Iterator[Receiver]:
    """Run a receiver over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with receiving(tls=context) as running:
        yield running


def test_https_reaches_a_host_with_a_trusted_certificate(
    safe: Receiver, certificate: tuple[Path, Path], secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    post(Webhook(safe.url.replace("127.0.0.1", "localhost"), secret), "1", BODY, (), 30)
    assert safe.received[0].body == BODY
    with pytest.raises(DeliveryError, match="its certificate is not valid: IP address mismatch"):
        post(Webhook(safe.url, secret), "1", BODY, (), 30)
    assert len(safe.received) == 1


def test_https_reaches_no_host_whose_certificate_is_not_trusted(safe: Receiver, secret: Path) -> None:
    with pytest.raises(DeliveryError, match="its certificate is not valid: self-signed certificate"):
        post(Webhook(safe.url.replace("127.0.0.1", "localhost"), secret), "1", BODY, (), 30)
    assert not safe.received


def test_a_receiver_without_tls_gets_nothing_over_https(receiver: Receiver, secret: Path) -> None:
    for scheme in ("https:", "HTTPS:"):
        with pytest.raises(DeliveryError):
            post(Webhook(receiver.url.replace("http:", scheme), secret), "1", BODY, (), 30)
    assert not receiver.received


@pytest.mark.parametrize("url", ["http://localhost/", "http://127.0.0.1/", "http://127.8.9.10:90/"])
def test_this_machine_is_always_permitted(url: str) -> None:
    assert permitted_addresses(Webhook(url, Path()), ())


@pytest.mark.parametrize(
    "host",
    ["hooks.example.org", "10.0.0.7", "0.0.0.0", "169.254.169.254", "2130706433", "localhost.",
     "[::]", "[fe80::1]"],
)  # fmt: skip
def test_any_other_host_must_be_named(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)  # its address is not even looked up
    with pytest.raises(DeliveryError, match="is not in the setting webhook_hosts"):
        permitted_addresses(Webhook(f"http://{host}/", Path()), ["example.org", "ooks.example.org"])


def _leading_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "10.0.0.7", "192.168.1.2", "2606:2800:220:1::1", "fd00::1"]
)
def test_a_named_host_may_have_any_ordinary_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _leading_to(monkeypatch, address)
    hook = Webhook("https://Hooks.Example.org/x", Path())
    assert permitted_addresses(hook, ["hooks.EXAMPLE.org"]) == (address,)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1%eth0",
     "0.0.0.0", "::", "224.0.0.1"],
)  # fmt: skip
def test_a_named_host_must_not_lead_to_this_machine_or_the_local_link(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leading_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(DeliveryError, match=r"hooks\.example\.org leads to .*, where no news may go"):
        permitted_addresses(Webhook("http://hooks.example.org/", Path()), ["hooks.example.org"])


def test_localhost_must_lead_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    _leading_to(monkeypatch, "10.0.0.7")
    with pytest.raises(DeliveryError, match=r"localhost leads to 10\.0\.0\.7"):
        permitted_addresses(Webhook("http://localhost/", Path()), ())


def test_the_address_that_was_checked_is_the_one_connected_to(
    receiver: Receiver, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere when it is looked up a second time gets nothing."""
    monkeypatch.setattr(webhook, "permitted_addresses", lambda *_: ("127.0.0.1",))
    url = receiver.url.replace("127.0.0.1", "hooks.invalid")
    post(Webhook(url, secret), "1", BODY, ["hooks.invalid"], 30)
    assert receiver.received[0].headers["host"].startswith("hooks.invalid:")


def test_a_secret_may_be_base64_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET.removeprefix("whsec_"), "utf-8")
    assert read_key(path) == bytes(range(32))


@pytest.mark.parametrize(
    "content", [b"", b"whsec_", b"whsec_short", b"hunter2 is no base64!", b"\xff\xfe" * 40]
)
def test_what_is_no_secret_is_refused_without_being_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(DeliveryError, match="holds no secret: write whsec_") as error:
        read_key(path)
    assert "hunter2" not in str(error.value)
    path.unlink()
    with pytest.raises(DeliveryError, match="cannot be read: No such file"):
        read_key(path)
