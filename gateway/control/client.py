"""Asks the gateways that run on a data folder, through their control sockets. Blocking."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAME = re.compile(r"([0-9]+)\.sock")
_LONGEST_PATH = 100
"""Octets; a unix socket's address holds 104 (BSD) to 108 (Linux), the final NUL included."""
_MOST_OCTETS = 16 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What one gateway process said."""

    pid: int
    """The process."""
    values: dict[str, Any] = field(default_factory=dict)
    """The answer, as it came; empty where there was none."""
    failure: str = ""
    """Why there is no answer, "" where there is one."""


def ask_all(run_folder: Path, command: dict[str, Any], seconds: float = 3.0) -> list[Answer]:
    """Ask every live gateway of a data folder one thing.

    A socket that nobody listens on any more is left out. A gateway that is there and gives no
    answer is in the list, with its `failure`.

    @param run_folder: where the control sockets are; it need not exist.
    @param command: for instance {"do": "kick", "user": "anna@example.org"}.
    @param seconds: how long each gateway may take.
    """
    answers = (ask(path, pid, command, seconds) for pid, path in _sockets(run_folder))
    return [answer for answer in answers if answer is not None]


def ask(path: Path, pid: int, command: dict[str, Any], seconds: float = 3.0) -> Answer | None:
    """Ask the gateway process `pid` one thing, through its socket at `path`.

    @return: None where nobody listens on the socket.
    """
    try:
        return Answer(pid, _ask(path, command, seconds))
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except TimeoutError:
        return Answer(pid, failure=f"no answer within {seconds:g} seconds")
    except (OSError, ValueError) as error:
        return Answer(pid, failure=str(error))


def _sockets(run_folder: Path) -> list[tuple[int, Path]]:
    try:
        paths = list(run_folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(match, path) for path in paths if (match := _NAME.fullmatch(path.name))]
    return sorted((int(match[1]), path) for match, path in found)


def _ask(path: Path, command: dict[str, Any], seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, short_path(path) as name:
        connection.settimeout(seconds)
        connection.connect(name)
        connection.sendall(json.dumps(command).encode() + b"\n")
        line = _read_line(connection, deadline)
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("the answer is not an object")
    return answer


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    blocks: list[bytes] = []
    octets = 0
    while not (blocks and blocks[-1].endswith(b"\n")):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        block = connection.recv(65536)
        octets += len(block)
        if not block:
            raise ValueError("it closed the connection without an answer")
        if octets > _MOST_OCTETS:
            raise ValueError("its answer is too long")
        blocks.append(block)
    return b"".join(blocks)


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name for `path` that fits into a socket's address, however deep it lies."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
