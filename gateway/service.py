"""Values in, a running gateway out. Nothing else builds services."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.accounts.errors import AccountError
from gateway.config_errors import ConfigError
from gateway.control.client import ask_all
from gateway.control.server import ControlFactory, ControlServer
from gateway.control.sessions import SessionTable
from gateway.datafolder import DataFolder
from gateway.events import EventStream, GatewayReady, ListenerBound, Trouble
from gateway.files import Owner, acting_as
from gateway.log import LogWriter, quicken
from gateway.net.factory import ConnectionFactory
from gateway.net.listeners import Listener, ListenError
from gateway.net.networks import Networks
from gateway.net.tls import ServerTLS
from gateway.own_certificate import certificates_source
from gateway.parts import (
    Parts,
    build_factories,
    build_mailbox_upkeep,
    build_parts,
    build_trace,
)
from gateway.settings import Settings
from gateway.shared.tables import SharedTables
from gateway.tls_parts import build_tls, build_upkeep, give_legacy
from gateway.welcome import FirstAccount, Place, ensure_account, first_start_text, later_start_text

WIND_DOWN_SECONDS = 10.0
"""How long sessions may take to finish what they were promised when the gateway stops."""


Made = TypeVar("Made", bound="GatewayService")


def build_gateway(
    settings: Settings,
    reactor: Any,
    *,
    owner: Owner | None = None,
    kind: type[Made],
    tables: SharedTables | None = None,
) -> Made:
    """Make the data folder ready, and return the gateway, not bound to any port yet.

    @param owner: the user it will run as, where it starts as root.
    @param kind: `GatewayService`, or a kind of it.
    @param tables: what workers share; None where one process serves.
    @raise ConfigError: something in the settings, the folder or the certificates is wrong.
    """
    events = EventStream(LogWriter())
    folder = DataFolder(settings.data)
    store_kind = _prepare(folder, settings, owner)
    owner = owner if owner is not None else folder.owner()
    try:
        tls = build_tls(settings, certificates_source(settings, folder, owner), events)
    except ConfigError as error:
        raise settings.placed("tls.certificates", error) from error
    parts = build_parts(settings, reactor, folder, store_kind, owner, events, tables)
    factories = build_factories(settings, reactor, parts, tls)
    listeners = [
        Listener(
            protocol,
            endpoint,
            factories[protocol],
            tls if protocol == "pop3s" else None,
            Networks(settings.net.proxies),
            events,
        )
        for protocol in ("smtp", "lmtp", "pop3", "pop3s")
        for endpoint in getattr(settings.listen, protocol)
    ]
    if not listeners:
        raise settings.error(
            "listen", "no listener is given", 'write for instance pop3 = ["tcp:110"] below [listen]'
        )
    give_legacy(settings, tls, listeners)
    run = partial(deferToThreadPool, reactor, parts.pool)
    upkeep = build_upkeep(settings, reactor, folder, run, events)
    gateway = kind(settings, reactor, parts, tls, factories, listeners)
    gateway.challenge_listeners = list(upkeep.listeners)
    for service in upkeep.services:
        service.setServiceParent(gateway)
    return gateway


def _prepare(folder: DataFolder, settings: Settings, owner: Owner | None) -> str:
    try:
        return folder.prepare(settings.store.kind, owner).store_kind
    except ConfigError as error:
        raise settings.placed("data", error) from error


class GatewayService(MultiService):
    """A whole gateway. Bind it, then start it; what was not bound is bound before privileges go."""

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        parts: Parts,
        tls: ServerTLS,
        factories: dict[str, ConnectionFactory],
        listeners: list[Listener],
    ) -> None:
        super().__init__()
        self.setName("pop3gw")
        self.listeners = listeners
        self.challenge_listeners: list[Listener] = []
        """Where an ACME server asks."""
        self.events = parts.events
        self._settings = settings
        self._reactor = reactor
        self._parts = parts
        self._tls = tls
        self._factories = list(factories.values())
        self._upkeep = build_mailbox_upkeep(settings, reactor, parts)
        self._answers = ControlFactory(
            SessionTable(self._factories), self._bound_listeners, parts.takeover
        )
        self._control = ControlServer(parts.folder.run, self._answers, reactor)
        self._trace = build_trace(settings, reactor, parts)

    # Before the reactor runs -------------------------------------------------------------------

    def bind(self) -> None:
        """Bind every listener that is not bound yet.

        @raise ConfigError: one cannot be bound.
        """
        for listener in self.every_listener():
            self._attempt(listener, partial(listener.bind, self._reactor))
            self._give_away(listener)

    def _attempt(self, listener: Listener, what: Callable[[], object]) -> None:
        try:
            what()
        except ListenError as error:
            raise self._explained(listener, error) from error

    def every_listener(self) -> list[Listener]:
        """Return those of the protocols, and those of an ACME server's challenges."""
        return [*self.listeners, *self.challenge_listeners]

    def _explained(self, listener: Listener, error: ListenError) -> ConfigError:
        problem, remedy = error.problem, error.remedy
        if error.taken and (pid := self._holder(listener)) is not None:
            problem = (
                f"{listener.endpoint} is taken by the gateway that runs on this data folder "
                f"already, process {pid}"
            )
            remedy = f"stop it (kill {pid}), or give this one other ports"
        key = "tls.acme_listen" if listener.protocol == "acme" else f"listen.{listener.protocol}"
        return self._settings.error(key, problem, remedy)

    def _holder(self, listener: Listener) -> int | None:
        """Return the process of this folder that has the listener's place, if one has."""
        place = listener.endpoint.partition(":")[2].partition(":")[0]
        for answer in ask_all(self._parts.folder.run, {"do": "listeners"}):
            for row in answer.values.get("listeners", ()):
                if row["address"].rpartition(":")[2] == place:
                    return int(answer.values.get("supervisor") or answer.pid)
        return None

    def _give_away(self, listener: Listener) -> None:
        address = listener.address
        if self._parts.owner is not None and address.startswith("unix:/"):
            path = Path(address.removeprefix("unix:"))
            for file in (path, path.with_name(f"{path.name}.lock")):
                if os.path.lexists(file):
                    os.chown(file, *self._parts.owner, follow_symlinks=False)

    def welcome(self) -> str:
        """Make an account where there is none; return what to tell the person who starts us.

        @raise ConfigError: the accounts cannot be used.
        """
        parts = self._parts
        try:
            with acting_as(parts.owner), parts.folder.locked():
                embedded = "embedded" in self._settings.auth.checkers
                account = ensure_account(parts.database) if embedded else None
            text = self._text(account)
        except AccountError as error:
            raise ConfigError(str(error)) from error
        parts.logins.file.close()
        parts.database.close()  # the process may fork and change its user before it goes on
        return text

    def _text(self, account: FirstAccount | None) -> str:
        parts = self._parts
        if account is None:
            users, domains = len(parts.database.users()), parts.database.domains()
            return later_start_text(parts.folder, parts.store_kind, users, domains)
        places = [
            Place(listener.protocol, listener.host, listener.port) for listener in self.listeners
        ]
        plaintext = self._settings.auth.plaintext
        return first_start_text(parts.folder, account, places, plaintext, parts.store_kind)

    def privilegedStartService(self) -> None:
        """Bind what is not bound yet, while we may."""
        super().privilegedStartService()
        self.bind()

    # While it runs -----------------------------------------------------------------------------

    def startService(self) -> None:
        """Start, and say so when every listener is bound."""
        self.bind()
        quicken()
        raise_descriptor_limit()
        self._parts.pool.start()
        self._parts.store.start()
        super().startService()
        self._start_control()
        self._start_duties()
        pending = [Deferred.fromCoroutine(listener.bound()) for listener in self.every_listener()]
        bound = gatherResults(pending, consumeErrors=True)
        # Not before the reactor runs: until then a signal, or stop, would find nobody to obey.
        self._reactor.callWhenRunning(bound.addCallbacks, self._ready, self._not_ready)

    def _start_control(self) -> None:
        try:
            self._control.startService()
        except (OSError, CannotListenError) as error:
            reason = f"no control socket, so that `pop3gw` cannot end sessions: {error}"
            self._parts.events.emit(Trouble(str(self._parts.folder.run), reason))

    def _start_duties(self) -> None:
        """Begin what is not about serving clients."""
        self._upkeep.start()
        self.tell_surroundings()

    def tell_surroundings(self) -> None:
        """Tell of certificates, and of what an administrator has to see to."""
        self._tls.certificates.tell()
        folder = self._parts.folder
        if (owner := folder.owner()) is not None:
            advice = f"belongs to uid {owner[0]}, and we run as root; start with --uid {owner[0]}"
            self._parts.events.emit(Trouble(str(folder.path), advice))

    def _bound_listeners(self) -> list[tuple[str, str]]:
        return [(listener.protocol, listener.address) for listener in self.every_listener()]

    def _ready(self, _: object) -> None:
        self.tell_ready()

    def tell_ready(self) -> None:
        """Say that clients are served, and where."""
        for protocol, address in self._bound_listeners():
            self._parts.events.emit(ListenerBound(protocol, address))
        self._parts.events.emit(GatewayReady())

    def _not_ready(self, failure: Failure) -> None:
        self._parts.events.emit(Trouble("listeners", str(failure.value)))
        self._reactor.stop()

    def reload(self) -> None:
        """Look for renewed certificates now, not at the next handshake."""
        self._tls.certificates.look()

    def stopService(self) -> Deferred[None]:
        """Take no more connections, let those that live finish, then let go of everything."""
        stopped = super().stopService()
        return Deferred.fromCoroutine(self._stop(stopped))

    async def _stop(self, children: Any) -> None:
        await self._stop_listeners()
        await wind_down(self._factories, self._reactor)
        await self._control.stop()
        await self._upkeep.stop()
        if children is not None:
            await children
        await self._parts.store.stop()
        await self._parts.logins.notes.stop()
        if self._trace is not None:
            await self._trace.stop()
        self._parts.pool.stop()
        self._parts.logins.file.close()
        self._parts.database.close()

    async def _stop_listeners(self) -> None:
        for listener in self.every_listener():
            await self._stop_listener(listener)

    async def _stop_listener(self, listener: Listener) -> None:
        try:
            await listener.stop()
        except OSError as error:
            # A unix socket in a folder that is not ours any more, after privileges were dropped.
            self._parts.events.emit(Trouble(listener.endpoint, str(error)))


async def wind_down(factories: Sequence[ConnectionFactory], clock: IReactorTime) -> None:
    """Let all sessions finish what they were promised; cut those that take too long."""
    winding = DeferredList([factory.wind_down() for factory in factories], consumeErrors=True)
    await winding.addTimeout(WIND_DOWN_SECONDS, clock)
    if any(factory.connections for factory in factories):
        for factory in factories:
            factory.abort_all()
        await deferLater(clock, 0)  # then all of them have been told


def settle_memory() -> None:
    """Leave what is in memory now to itself.

    It stays for as long as the gateway does, and looking it all over for garbage would hold up
    everybody for 30 to 50 ms, again and again. Workers, which are forked after this, share it.
    """
    gc.collect()
    gc.freeze()


def raise_descriptor_limit() -> None:
    """Let this process have as many open files, connections included, as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        pass  # some systems state a hard limit that they do not grant: the soft one stays
