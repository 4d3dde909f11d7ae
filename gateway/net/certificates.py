"""The certificates the gateway serves: picked by name, renewed while it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from OpenSSL import SSL

from gateway.config_errors import ConfigError
from gateway.events import CertificateLoaded, CertificateRejected, EventStream, Trouble
from gateway.net.pairs import Content, Pair, Source, Stamp, find_pairs, read_pair
from gateway.net.profiles import Profile
from gateway.net.reach import unreadable

MakeContext = Callable[[Profile], SSL.Context]


@dataclass(slots=True)
class Served:
    """A pair, and the context for each profile that a client has asked for."""

    content: Content
    stamp: Stamp
    contexts: dict[Profile, SSL.Context]


class CertificateStore:
    """Knows the pairs of a source, and has an OpenSSL context ready for each.

    At most once a second, at a handshake, it looks whether files have changed. A new pair is
    read and checked whole before it replaces the old one.

    @param source: a folder or files.
    @param make_context: returns a new context with everything set but the certificate.
    @param events: hears of pairs that were taken, and of those that were not.
    @param default_name: whose certificate clients get that name no server, or one that no
        certificate is for; None, or where no certificate is for it: the first pair.
    @param clock: gives seconds that only grow.
    @raise ConfigError: a pair is missing, unreadable or does not match.
    """

    check_seconds = 1.0

    def __init__(
        self,
        source: Source,
        make_context: MakeContext,
        events: EventStream,
        *,
        default_name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._make_context = make_context
        self._events = events
        self._default_name = default_name
        self._clock = clock
        self._rejected: dict[Path, object] = {}
        self._served = {pair: self._ready(read_pair(pair)) for pair in find_pairs(source)}
        self._index()
        self._checked = clock()

    def _ready(self, content: Content) -> Served:
        return Served(content, content.stamp, {})

    def tell(self) -> None:
        """Emit what is served, and what the administrator has to see to.

        Call it when privileges are dropped: what cannot be read then is not seen when it changes.
        """
        now = datetime.now(UTC)
        for served in self._served.values():
            content = served.content
            self._events.emit(CertificateLoaded(str(content.pair.chain), content.names))
            if content.ends <= now:
                reason = f"the certificate ended on {content.ends:%Y-%m-%d}"
                self._events.emit(Trouble(str(content.pair.chain), reason))
            for file in dict.fromkeys((content.pair.chain, content.pair.key)):
                if (obstacle := unreadable(file)) is not None:
                    late = "until then a renewed certificate will not be served"
                    self._events.emit(Trouble(str(file), f"{obstacle}; {late}"))
        if self._default_name and self._find(self._default_name) is None:
            reason = "no certificate is for it yet; clients that name no server get the first one"
            self._events.emit(Trouble(self._default_name, reason))

    def prepare(self) -> None:
        """Make the contexts now, so that processes forked from this one resume each other's
        sessions: until a certificate is renewed, which each of them takes up by itself."""
        for served in self._served.values():
            self._context(served, "modern")

    def look(self) -> None:
        """Look now whether files have changed."""
        self._checked = -math.inf
        self._refresh()

    def default(self, profile: Profile = "modern") -> SSL.Context:
        """Return the context for a client that names no server, or one we have no pair for."""
        self._refresh()
        return self._context(self._default, profile)

    def select(self, server_name: str, profile: Profile = "modern") -> SSL.Context:
        """Return the context for a server name (RFC 6066 section 3), a wildcard's included."""
        return self._context(self._find(server_name) or self._default, profile)

    def _find(self, name: str) -> Served | None:
        name = name.lower()
        found = self._by_name.get(name)
        return found if found is not None else self._by_name.get("*." + name.partition(".")[2])

    def _context(self, served: Served, profile: Profile) -> SSL.Context:
        context = served.contexts.get(profile)
        if context is None:
            context = self._make_context(profile)
            served.content.fill(context)
            served.contexts[profile] = context
        return context

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._checked < self.check_seconds:
            return
        self._checked = now
        try:
            pairs = find_pairs(self._source)
        except ConfigError as error:
            path = error.file or Path("[tls] certificates")
            self._reject(path, str(error), str(error))
            return
        served = {pair: found for pair in pairs if (found := self._renewed(pair)) is not None}
        if served and served != self._served:
            self._served = served
            self._index()

    def _renewed(self, pair: Pair) -> Served | None:
        old = self._served.get(pair)
        stamp: Stamp | None
        try:
            stamp = pair.stamp()
        except OSError:
            stamp = None
        if old is not None and stamp == old.stamp:
            return old
        if pair.chain in self._rejected and self._rejected[pair.chain] == stamp:
            return old
        try:
            content = read_pair(pair)
        except ConfigError as error:
            self._reject(pair.chain, stamp, str(error))
            return old
        rejected = self._rejected.pop(pair.chain, None) is not None
        same = old is not None and old.content.digest == content.digest
        if rejected or not same:
            self._events.emit(CertificateLoaded(str(pair.chain), content.names))
        if old is not None and same:
            old.stamp = content.stamp  # the sessions of its contexts can still be resumed
            return old
        return self._ready(content)

    def _reject(self, path: Path, cause: object, reason: str) -> None:
        if path not in self._rejected or self._rejected[path] != cause:
            self._rejected[path] = cause
            self._events.emit(CertificateRejected(str(path), reason))

    def _index(self) -> None:
        every = list(self._served.values())
        self._by_name: dict[str, Served] = {}
        for served in every:
            for name in served.content.names:
                self._by_name.setdefault(name, served)
        named = self._find(self._default_name) if self._default_name else None
        self._default = named or every[0]
