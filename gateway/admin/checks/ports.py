"""Can the listeners be bound, and if not, who is in the way?"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.admin.checks.finding import Finding
from gateway.admin.checks.gateways import Held, held_by_gateways
from gateway.admin.checks.port_holder import holders
from gateway.admin.folder import Folder

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.net.listeners import Listener

_PORT = re.compile(r"\w+:(?:port=)?(\d+)")
_UNIX = re.compile(r"unix:(?:address=)?((?:[^:\\]|\\.)+)")


def check(folder: Folder) -> Iterator[Finding]:
    """Try to bind every listener of the configuration."""
    own = held_by_gateways(folder)
    with closing(_Trial(folder.settings, own)) as trial:
        for protocol in ("smtp", "lmtp", "pop3", "pop3s"):
            for endpoint in getattr(folder.settings.listen, protocol):
                yield trial.endpoint(protocol, endpoint)
        if folder.settings.tls.acme_names:
            for endpoint in folder.settings.tls.acme_listen:
                yield trial.endpoint("acme", endpoint)


class _Trial:
    """Binds endpoints and holds them until it is closed, which finds one that is named twice.

    The reactor does not run, so nobody who connects meanwhile is answered.
    """

    def __init__(self, settings: Settings, own: Held) -> None:
        self._settings = settings
        self._own = own
        self._bound: list[Listener] = []

    def close(self) -> None:
        """Let go of what was bound."""
        if not self._bound:
            return
        from twisted.internet.defer import Deferred

        for listener in self._bound:
            Deferred.fromCoroutine(listener.stop())
        _reactor().iterate()

    def endpoint(self, protocol: str, endpoint: str) -> Finding:
        """Say how it is with one endpoint."""
        if endpoint.startswith("systemd:"):
            return Finding(protocol, f"{endpoint} is bound by systemd")
        if unix := _UNIX.match(endpoint):
            path = Path(re.sub(r"\\(.)", r"\1", unix[1]))
            return _unix(protocol, endpoint, path, self._own)
        from gateway.net.listeners import ListenError

        try:
            self._bind(protocol, endpoint)
        except ListenError as error:
            port = _PORT.match(endpoint)
            if error.taken and port is not None:
                return _taken(protocol, endpoint, int(port[1]), self._own)
            key = "tls.acme_listen" if protocol == "acme" else f"listen.{protocol}"
            wrong = self._settings.error(key, error.problem, error.remedy)
            return Finding.of(protocol, wrong)
        return Finding(protocol, f"{endpoint} can be bound")

    def _bind(self, protocol: str, endpoint: str) -> None:
        from twisted.internet.protocol import Factory

        from gateway.net.listeners import Listener

        listener = Listener(protocol, endpoint, Factory())
        listener.bind(_reactor())
        self._bound.append(listener)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


def _taken(protocol: str, endpoint: str, port: int, own: Held) -> Finding:
    found = holders(port)
    others = {pid: line for pid, line in found.items() if pid not in own.pids}
    if own.pids & found.keys() or (not others and _holds(own, port)):
        return Finding(protocol, f"{endpoint} is held by this folder's own gateway")
    if os.getpid() in others:
        return Finding(
            protocol, f"{endpoint} is named twice", "give each listener a port of its own"
        )
    if others:
        pid, line = next(iter(others.items()))
        return Finding(
            protocol,
            f"{endpoint} is taken by the process {pid} ({line})",
            "stop that program, or choose another port",
        )
    return Finding(
        protocol,
        f"{endpoint} is taken by another program",
        f"find it as root with: ss -tlnp 'sport = :{port}'; stop it, or choose another port",
    )


def _holds(own: Held, port: int) -> bool:
    return any(address.endswith(f":{port}") for address in own.addresses)


def _unix(protocol: str, endpoint: str, path: Path, own: Held) -> Finding:
    if f"unix:{path}" in own.addresses:
        return Finding(protocol, f"{endpoint} is held by this folder's own gateway")
    if not path.parent.is_dir():
        return Finding(protocol, f"there is no folder {path.parent}", f"mkdir -p {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return Finding(
            protocol,
            f"{endpoint} cannot be made in {path.parent} by this user",
            "let the user that the gateway runs as write there",
        )
    if _answers(path):
        return Finding(
            protocol,
            f"{endpoint} is taken by another program",
            f"find it as root with: ss -xlp 'src = {path}'; stop it, or choose another path",
        )
    return Finding(protocol, f"{endpoint} can be bound")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
