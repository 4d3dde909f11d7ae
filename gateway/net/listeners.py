"""From Twisted endpoint strings to bound ports, with errors that say how to mend them."""

from __future__ import annotations

import errno
import os
import re
import socket
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure

from gateway.events import EventStream
from gateway.net import tcp
from gateway.net.networks import Networks
from gateway.net.proxied import ProxiedFactory
from gateway.net.tls import ServerTLS

_EXAMPLE = 'an endpoint is written as in "tcp:1110:interface=127.0.0.1" or "unix:/run/pop3gw/lmtp"'
_BACKLOG = 1024
"""Connections that wait to be accepted. Twisted's 50 are too few for an office's Monday morning."""
_WITH_TLS = re.compile(r"(ssl|tls|txacme|le|lets)\b")
"""Kinds of endpoints that bring their own certificates."""


class ListenError(Exception):
    """An endpoint that cannot be listened on.

    @ivar problem: what is wrong.
    @ivar remedy: what to do.
    @ivar taken: whether another program has the port.
    """

    def __init__(self, problem: str, remedy: str, taken: bool = False) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy
        self.taken = taken


class Listener:
    """One place where clients connect.

    @param protocol: "pop3", "pop3s", "smtp" or "lmtp".
    @param endpoint: a Twisted endpoint string.
    @param factory: builds the sessions.
    @param tls: for a listener whose connections begin with a handshake; an endpoint that brings
        its own certificates (`ssl:`, `tls:`) is taken as it is.
    @param proxies: from where connections must begin with a PROXY header.
    @param events: where wrong PROXY headers are told.
    """

    def __init__(
        self,
        protocol: str,
        endpoint: str,
        factory: IProtocolFactory,
        tls: ServerTLS | None = None,
        proxies: Networks | None = None,
        events: EventStream | None = None,
    ) -> None:
        self.protocol = protocol
        self.endpoint = endpoint
        self._factory = factory
        self._tls = tls
        self._proxies = proxies
        self._events = events if events is not None else EventStream()
        self._port: Any = None
        self._binding: Deferred[Any] | None = None
        self._error: ListenError | None = None

    @property
    def address(self) -> str:
        """Where it is bound, as in "127.0.0.1:110", "[::1]:110" or "unix:/run/pop3gw/lmtp"."""
        return "" if self._port is None else address_text(self._port.getHost())

    @property
    def host(self) -> str:
        """The IP address it is bound to; "unix" for a unix socket."""
        return "" if self._port is None else getattr(self._port.getHost(), "host", "unix")

    @property
    def port(self) -> int:
        """The number of the TCP port it is bound to; 0 for a unix socket."""
        return 0 if self._port is None else getattr(self._port.getHost(), "port", 0)

    def accepted(self, transport: Any) -> bool:
        """Say whether a connection came by this listener."""
        return self._port is not None and getattr(transport, "server", None) is self._port

    def bind(self, reactor: Any) -> None:
        """Begin to listen. Does nothing where it was done before.

        @raise ListenError: it cannot be done. Endpoints of some plugins know only later: then
            the failure comes from `bound`.
        """
        if self._binding is not None:
            return
        factory: Any = self._factory
        if self._tls is not None and not _WITH_TLS.match(self.endpoint):
            factory = self._tls.wrap(factory)
        binding = _endpoint(reactor, self.endpoint).listen(factory)
        self._binding = binding.addCallbacks(self._listening, self._failed, (reactor,))
        error, self._error = self._error, None
        if error is not None:
            self._binding = None
            raise error

    async def bound(self) -> None:
        """Wait until it listens. Raises `ListenError`."""
        if self._binding is not None:
            await self._binding
        if self._error is not None:
            raise self._error

    def _listening(self, port: Any, reactor: Any) -> None:
        self._port = port
        if self._proxies:
            # Here, so that the header comes before any TLS that the endpoint may bring.
            port.factory = ProxiedFactory(
                port.factory,
                self._proxies,
                protocol_name=self.protocol,
                events=self._events,
                reactor=reactor,
            )
        if "backlog=" not in self.endpoint and hasattr(port, "socket"):
            port.socket.listen(_BACKLOG)
        tcp.guard(port)

    def _failed(self, failure: Failure) -> None:
        self._error = _explained(self.endpoint, failure.value)

    def hold(self) -> Any:
        """Stay bound, but take no connection: that is for processes that share the socket.

        @return: the port.
        @raise ListenError: this kind of endpoint cannot do that.
        """
        if not hasattr(self._port, "stopReading") or not hasattr(self._port, "socket"):
            raise ListenError(
                f"{self.endpoint} cannot be shared by several processes",
                "leave workers out, or write tcp:, tcp6:, ssl:, unix: or systemd:",
            )
        self._port.stopReading()
        return self._port

    def let_go(self) -> None:
        """Close the socket of a port on hold in this process; others that have it keep it."""
        port, self._port, self._binding = self._port, None, None
        if port is not None:
            port.socket.close()

    async def stop(self) -> None:
        """Listen no more; connections that live are not touched."""
        port, self._port, self._binding = self._port, None, None
        if port is not None:
            stopping = port.stopListening()
            if stopping is not None:
                await stopping


def address_text(address: object) -> str:
    """Return an address as the log shows it."""
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    if isinstance(address, UNIXAddress):
        name = address.name or b""
        text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else str(name)
        return f"unix:{text}"
    return str(address)


def _endpoint(reactor: Any, text: str) -> IStreamServerEndpoint:
    try:
        return serverFromString(reactor, text)
    except Exception as error:  # each kind of endpoint parses, and fails, in its own way
        kind = text.partition(":")[0]
        if isinstance(error, ValueError) and "Unknown endpoint type" in str(error):
            raise ListenError(f'there is no endpoint of the kind "{kind}"', _EXAMPLE) from error
        if isinstance(error, OSError):
            raise _explained(text, error) from error
        raise ListenError(f'"{text}" is no endpoint ({error})', _EXAMPLE) from error


def _explained(endpoint: str, error: BaseException) -> ListenError:
    cause = error.socketError if isinstance(error, CannotListenError) else error
    number = cause.errno if isinstance(cause, OSError) else None
    if endpoint.startswith("unix:"):
        return _explained_unix(endpoint, cause)
    if number == errno.EADDRINUSE:
        return ListenError(
            f"{endpoint} is taken by another program",
            "stop that program (ss -tlnp shows it), or choose another port",
            taken=True,
        )
    if number in (errno.EACCES, errno.EPERM):
        return ListenError(
            f"{endpoint} may not be bound by this user",
            "ports below 1024 need root: start as root with --uid and --gid, or use a unit with "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        )
    if number == errno.EADDRNOTAVAIL or isinstance(cause, socket.gaierror):
        return ListenError(
            f"{endpoint} names an address that this machine does not have",
            "ip address shows those it has; leave interface= out for all of them",
        )
    reason = getattr(cause, "strerror", None) or str(cause)
    if file := getattr(cause, "filename", None):
        reason = f"{reason}: {file}"
    return ListenError(f"{endpoint} cannot be bound: {reason}", _EXAMPLE)


def _explained_unix(endpoint: str, cause: object) -> ListenError:
    # Twisted's errors are about its lock file, which nobody knows of.
    folder = Path(endpoint.split(":")[1]).absolute().parent
    if not folder.is_dir():
        return ListenError(f"{endpoint} cannot be bound: there is no folder {folder}", "make it")
    if not os.access(folder, os.W_OK | os.X_OK):
        return ListenError(
            f"{endpoint} cannot be bound: the folder {folder} is not writable",
            "let the user that the gateway runs as write there",
        )
    if "acquire lock" in str(cause) or getattr(cause, "errno", None) == errno.EADDRINUSE:
        return ListenError(
            f"{endpoint} is taken by another program",
            "stop that program (ss -xlp shows it), or choose another path",
            taken=True,
        )
    reason = getattr(cause, "strerror", None) or str(cause)
    return ListenError(f"{endpoint} cannot be bound: {reason}", "choose another path")
