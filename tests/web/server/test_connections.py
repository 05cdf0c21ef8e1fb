from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from qa.web.server import connections


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the sockets of other tests, some of which stay open as long as the process."""
    all_descriptors = connections._descriptors

    def identities() -> dict[int, tuple[int, int]]:
        """Return what each descriptor is open on: a number that was closed may be used again."""
        opened = {}
        for descriptor in all_descriptors():
            with suppress(OSError):
                status = os.fstat(descriptor)
                opened[descriptor] = status.st_dev, status.st_ino
        return opened

    others = identities().items()
    monkeypatch.setattr(
        connections,
        "_descriptors",
        lambda: [descriptor for descriptor, file in identities().items() if (descriptor, file) not in others],
    )


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_process_knows_whether_it_listens() -> None:
    assert not connections.is_listening()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert connections.is_listening()
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)  # the socket is still open
    assert not connections.is_listening()


@pytest.mark.skipif(
    not hasattr(socket, "TCP_INFO"), reason="only Linux reports how long a socket has been silent"
)
def test_the_longest_silent_connections_are_dropped_and_no_more_than_needed(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SILENT_MS", 100)
    with ExitStack() as stack:
        pairs = []
        for _ in range(6):
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            accepted = stack.enter_context(listener.accept()[0])
            client.sendall(b"G")
            pairs.append((client, accepted))
            time.sleep(0.05)
        time.sleep(0.2)
        talking, _ = pairs.pop(0)
        talking.sendall(b"E")
        in_use = len(connections._descriptors())
        assert connections.drop_silent(in_use) == 0
        before = {one.fileno() for _, one in pairs}
        assert connections.drop_silent(in_use - 2) == 2
        # This process has both ends of each connection: if either is dropped, the other end notices.
        dropped = [place for place, (client, accepted) in enumerate(pairs) if _has_ended(client, accepted)]
        assert dropped
        assert max(dropped) <= 1
        assert before == {
            one.fileno() for _, one in pairs
        }  # the descriptors stay open for their owner to close
        assert not _has_ended(talking)


def _has_ended(*ends: socket.socket) -> bool:
    for end in ends:
        end.settimeout(0)
        try:
            if end.recv(1, socket.MSG_PEEK) == b"":
                return True
        except BlockingIOError:
            pass
    return False


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has this limit")
def test_the_system_drops_a_client_that_does_not_read(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "UNREAD_MS", 500)
    assert connections.is_listening()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.connect(listener.getsockname())
        with listener.accept()[0] as accepted:
            accepted.settimeout(20)
            with pytest.raises(TimeoutError, match="Connection timed out"):
                accepted.sendall(b"x" * (64 << 20))
