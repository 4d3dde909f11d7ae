"""The client of the control sockets."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.control.client import Answer, ask_all, short_path


@contextmanager
def answering(path: Path, reply: bytes | None) -> Iterator[list[bytes]]:
    """Listen at a unix socket, keep what comes, answer it; None never answers."""
    heard: list[bytes] = []
    over = threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    with short_path(path) as name:
        listener.bind(name)
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(65536))
            if reply is None:
                over.wait(10)
                return
            for start in range(0, len(reply), 7):
                connection.sendall(reply[start : start + 7])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        over.set()
        thread.join(10)
        listener.close()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_folder_and_no_gateway(tmp_path: Path) -> None:
    assert ask_all(tmp_path / "run", {"do": "ping"}) == []
    assert ask_all(tmp_path, {"do": "ping"}) == []


def test_every_gateway_is_asked(tmp_path: Path) -> None:
    with (
        answering(tmp_path / "12.sock", b'{"pid": 12}\n') as first,
        answering(tmp_path / "7.sock", json.dumps({"x": "y" * 200_000}).encode() + b"\n"),
    ):
        answers = ask_all(tmp_path, {"do": "kick", "user": "märz@example.org"})
    assert answers == [Answer(7, {"x": "y" * 200_000}), Answer(12, {"pid": 12})]
    assert first[0].endswith(b"\n")
    assert json.loads(first[0]) == {"do": "kick", "user": "märz@example.org"}


def test_what_is_dead_or_no_socket_of_ours_is_left_out(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "5.sock"))
    (tmp_path / "6.sock").write_text("a plain file")
    (tmp_path / "README").write_text("")
    with answering(tmp_path / "12.sock", b"{}\n"):
        assert ask_all(tmp_path, {"do": "ping"}) == [Answer(12)]


def test_a_gateway_that_hangs_is_named(tmp_path: Path) -> None:
    with answering(tmp_path / "12.sock", None):
        (answer,) = ask_all(tmp_path, {"do": "ping"}, seconds=0.2)
    assert answer.pid == 12
    assert "no answer" in answer.failure


def test_nonsense_is_a_failure(tmp_path: Path) -> None:
    for reply in (b"", b"no JSON\n", b"[1]\n", b"\xff\n", b'{"half":'):
        with answering(tmp_path / "12.sock", reply):
            (answer,) = ask_all(tmp_path, {"do": "ping"})
        assert answer.failure
        assert answer.values == {}
        (tmp_path / "12.sock").unlink()


def test_a_folder_deeper_than_a_sockets_address_is_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    before = _descriptors()
    with answering(deep / "12.sock", b'{"pid": 12}\n'):
        assert ask_all(deep, {"do": "ping"}) == [Answer(12, {"pid": 12})]
    assert _descriptors() == before
