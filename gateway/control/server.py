"""The control socket `DATA/run/PID.sock`: tells of sessions and listeners, ends sessions.

One JSON object a line, and one for each answer. Commands: `{"do": "ping"}`, `{"do": "listeners"}`,
`{"do": "sessions"}`, `{"do": "kick", "user": ADDRESS}` (or `"id"` or `"host"`), and, of another
gateway whose client waits, `{"do": "give up", "mailbox": ADDRESS, "host": HOST}`. Whoever may open
the socket (its owner and root) may do all of that.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from gateway.control.client import short_path
from gateway.control.sessions import SessionTable
from gateway.store.takeover import Takeover

_NAME = re.compile(r"([0-9]+)\.sock")
_IDLE_SECONDS = 30
_STARTING_SECONDS = 60

Listing = Callable[[], Sequence[tuple[str, str]]]
"""Gives (protocol, address) of each listener."""


class ControlConnection(LineOnlyReceiver, TimeoutMixin):
    """One client of the control socket."""

    delimiter = b"\n"
    MAX_LENGTH = 65536
    factory: ControlFactory

    def connectionMade(self) -> None:
        """Wait for a command, but not for ever."""
        self.setTimeout(_IDLE_SECONDS)

    def lineReceived(self, line: bytes) -> None:
        """Answer a command."""
        self.resetTimeout()
        self.sendLine(json.dumps(self.factory.answer(line)).encode())

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Forget the client."""
        self.setTimeout(None)


class ControlFactory(ServerFactory):
    """Answers the commands.

    @param sessions: the live sessions.
    @param listeners: the listeners that are bound.
    @param takeover: ends the sessions that have to make room for a login in another process.
    """

    protocol = ControlConnection  # type: ignore[assignment]
    noisy = False

    def __init__(
        self, sessions: SessionTable, listeners: Listing, takeover: Takeover | None = None
    ) -> None:
        self._sessions = sessions
        self._listeners = listeners
        self._takeover = takeover if takeover is not None else Takeover()
        self.supervisor: int | None = None
        """The process whose worker this one is; it is the one to stop."""

    def answer(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one line; a command that is not understood gives an "error"."""
        try:
            command = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": "not a line of JSON"}
        match command:
            case {"do": "ping"}:
                return {"pid": os.getpid(), **self._place()}
            case {"do": "listeners"}:
                listeners = [{"protocol": kind, "address": at} for kind, at in self._listeners()]
                return {"listeners": listeners, **self._place()}
            case {"do": "sessions"}:
                return {"sessions": self._sessions.rows()}
            case {"do": "kick", "user": str(user)}:
                return {"kicked": self._sessions.kick(user)}
            case {"do": "kick", "id": str(id_)}:
                return {"kicked": self._sessions.kick_id(id_)}
            case {"do": "kick", "host": str(host)}:
                return {"kicked": self._sessions.kick_host(host)}
            case {"do": "give up", "mailbox": str(mailbox), "host": str(host)}:
                return {"given up": self._takeover.give_up(mailbox, host)}
        return {
            "error": "no such command; there are ping, listeners, sessions, give up, "
            "and kick with a user, an id or a host"
        }

    def _place(self) -> dict[str, int]:
        return {} if self.supervisor is None else {"supervisor": self.supervisor}


class ControlServer(Service):
    """Serves the control socket of this process.

    @param folder: where the sockets of all processes are.
    @param factory: answers.
    @param reactor: provides `IReactorUNIX`.
    """

    def __init__(self, folder: Path, factory: ControlFactory, reactor: Any) -> None:
        self._folder = folder
        self._factory = factory
        self._reactor = reactor
        self._port: Any = None
        self._names = ExitStack()

    def startService(self) -> None:
        """Listen; remove what dead processes have left. Raises OSError or CannotListenError."""
        super().startService()
        remove_stale_sockets(self._folder)
        path = self._folder / f"{os.getpid()}.sock"
        name = self._names.enter_context(short_path(path))
        self._port = self._reactor.listenUNIX(name, self._factory, mode=0o600)
        if os.geteuid() == 0:
            owner = self._folder.stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    async def stop(self) -> None:
        """Listen no more; the socket goes."""
        if self._port is not None:
            port, self._port = self._port, None
            await maybeDeferred(port.stopListening)
        self._names.close()


def remove_stale_sockets(folder: Path) -> None:
    """Remove the control sockets of processes that are no more."""
    for path in folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name and _is_stale(path, int(name[1])):
            path.unlink(missing_ok=True)


def _is_stale(path: Path, pid: int) -> bool:
    """Say whether nobody listens. The process may have died, and its number be used again."""
    if pid == os.getpid() or not _is_alive(pid):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            # One that starts now is bound already, and listens in a moment.
            return time.time() - path.stat().st_mtime > _STARTING_SECONDS
        except OSError:
            pass  # not ours to say
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # another user's process; or the number of none, and so not our file
    return True
