"""From an address to the mailboxes that it means."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred

from gateway.accounts.interfaces import Alias, IDirectory, IVersionedDirectory, User
from gateway.delivery.interfaces import Refused
from gateway.delivery.waiting import Steps, run
from gateway.events import EventStream, Trouble
from gateway.wire import smtp_replies as replies
from gateway.wire.addresses import InvalidAddress, canonical_domain, literal_ip, parse_mailbox
from gateway.wire.replies import SMTPReply

POSTMASTER = "postmaster"
ALIAS_DEPTH = 32
"""Aliases of aliases of aliases; more is taken for a loop."""

MOST_ROUTES = 10_000
"""So many addresses are remembered: a few megabytes."""

ALIAS_LOOP = SMTPReply(550, "5.4.6", "This alias leads back to itself, tell its postmaster")

Found = tuple[str, User | Alias]
"""The address under which something was found, and what."""

Users = tuple[User, ...]


class Router:
    """Says which mailboxes an address means (RFC 5321 section 3.4, 4.5.1).

    The whole local part is looked up first, then what is before a delimiter, before the last one
    first ("anna-maria+shop" may be "anna-maria"), then the catch-all of the domain. An alias
    counts for all its targets, each looked up in the same way.

    `postmaster` always works, with or without a domain: it is the user or alias of that name,
    else the catch-all, else the first account.

    @param directory: knows the addresses.
    @param recipient_delimiter: the characters that separate the user from a detail, as "+" does in
        "anna+shop"; "" for no details.
    @param home_domain: returns the domain of `user@[our address]` and of a bare `postmaster`, or a
        Deferred of it; None leaves them to `IDirectory.find_login`.
    @param local_hosts: addresses (as text) that are ours beside the one the client connected to.
    @param first_user: called with a domain, or "" for all, where nobody is postmaster: returns the
        first account as a `User`, or None, or a Deferred of either.
    @param events: where faults in the aliases are told.
    """

    def __init__(
        self,
        directory: Any,
        *,
        recipient_delimiter: str = "+",
        home_domain: Callable[[], Any] = lambda: None,
        local_hosts: Collection[str] = (),
        first_user: Callable[[str], Any] = lambda _domain: None,
        events: EventStream | None = None,
    ) -> None:
        self._directory: Any = IDirectory(directory)
        self._routes = _Routes(self._directory)
        self._delimiters = recipient_delimiter
        self._home_domain = home_domain
        self._local_hosts = frozenset(map(_plain_ip, local_hosts))
        self._first_user = first_user
        self._events = events if events is not None else EventStream()

    def route(self, address: str, local_host: str) -> Users | Deferred[Users]:
        """Return the users that an address means, at least one, none twice; or a Deferred of them.

        @param address: as a client wrote it, or "postmaster".
        @param local_host: the address of ours that the client connected to, as text.
        @raise Refused: it has none, or none that can be used.
        @raise gateway.accounts.interfaces.DirectoryUnavailable: nobody can say now.
        """
        known = self._routes.find(address)
        return known if known is not None else run(self._route(address, local_host))

    def _route(self, address: str, local_host: str) -> Steps[Users]:
        local_part, domain = self._parse(address, local_host)
        if not domain:
            domain = yield from self._home()
        elif not (yield self._directory.has_domain(domain)):
            raise Refused(replies.RELAY_DENIED)
        if local_part == POSTMASTER:
            return (yield from self._postmaster(domain))
        found = yield from self._find(local_part, domain)
        if found is None:
            raise Refused(replies.UNKNOWN_RECIPIENT)
        users = yield from self._users(found)
        if "[" not in address and isinstance(found[1], User):
            self._routes.keep(address, users)
        return users

    def _parse(self, address: str, local_host: str) -> tuple[str, str]:
        """Local part and domain, in lower case; "" is the domain of an address without one and
        of a literal that is ours."""
        try:
            local_part, domain, literal = _read(address)
        except InvalidAddress:
            raise Refused(replies.BAD_RECIPIENT_SYNTAX) from None
        if literal is None:
            return local_part, domain
        if _plain_ip(literal) not in {_plain_ip(local_host), *self._local_hosts}:
            raise Refused(replies.RELAY_DENIED)
        return local_part, ""

    def _home(self) -> Steps[str]:
        home = yield self._home_domain()
        return home if home and (yield self._directory.has_domain(home)) else ""

    def _find(self, local_part: str, domain: str) -> Steps[Found | None]:
        for name in self._names(local_part):
            if domain:
                entry = yield self._directory.find(name, domain)
            else:
                entry = yield self._directory.find_login(name)
            if entry is not None:
                return f"{name}@{domain}", entry
        if domain:
            entry = yield self._directory.find("", domain)
            if entry is not None:
                return f"@{domain}", entry
        return None

    def _names(self, local_part: str) -> tuple[str, ...]:
        ends = [end for end, c in enumerate(local_part) if end and c in self._delimiters]
        return (local_part, *(local_part[:end] for end in reversed(ends)))

    def _postmaster(self, domain: str) -> Steps[Users]:
        refused = replies.UNKNOWN_RECIPIENT
        found = yield from self._find(POSTMASTER, domain)
        if found is not None:
            try:
                return (yield from self._users(found))
            except Refused as refusal:
                refused = refusal.reply
        first = yield self._first_user(domain)
        if first is None and domain:
            first = yield self._first_user("")
        if first is None:
            raise Refused(refused)
        return (first,)

    # Aliases -----------------------------------------------------------------------------------

    def _users(self, found: Found) -> Steps[Users]:
        expansion = _Expansion()
        yield from self._expand(found, (), expansion)
        for address in expansion.dangling:
            self._trouble(f"an alias points to {address}, which has no mailbox here")
        if expansion.users:
            return tuple(expansion.users.values())
        raise Refused(replies.MAILBOX_DISABLED if expansion.disabled else replies.UNKNOWN_RECIPIENT)

    def _expand(self, found: Found, path: tuple[str, ...], into: _Expansion) -> Steps[None]:
        address, entry = found
        if isinstance(entry, User):
            if entry.enabled:
                into.users[entry.mailbox] = entry
            else:
                into.disabled = True
            return
        if address in path or len(path) >= ALIAS_DEPTH:
            self._trouble(f"the alias {address} leads back to itself: {' -> '.join(path)}")
            raise Refused(ALIAS_LOOP)
        if address in into.expanded:
            return
        into.expanded.add(address)
        for target in entry.targets:
            next_found = yield from self._find_target(target)
            if next_found is None:
                into.dangling.append(target)
            else:
                yield from self._expand(next_found, (*path, address), into)

    def _find_target(self, target: str) -> Steps[Found | None]:
        try:
            local_part, domain, _ = _read(target)
        except InvalidAddress:
            return None
        if not (yield self._directory.has_domain(domain)):
            return None
        return (yield from self._find(local_part, domain))

    def _trouble(self, what: str) -> None:
        self._events.emit(Trouble("aliases", what))


class _Routes:
    """The way of addresses that mean one user by themselves, for as long as the directory is sure
    that nothing has changed. What troubles an administrator (aliases) is looked at every time."""

    def __init__(self, directory: Any) -> None:
        versioned = IVersionedDirectory.providedBy(directory)
        self._version_now: Callable[[], object] | None = directory.version if versioned else None
        self._version: object = None
        self._known: dict[str, Users] = {}

    def find(self, address: str) -> Users | None:
        """Return what an address means, where that is known."""
        if self._version_now is None:
            return None
        version = self._version_now()
        if version != self._version:
            self._known.clear()
            self._version = version
        return self._known.get(address)

    def keep(self, address: str, users: Users) -> None:
        """Remember what was found after `find`: of a change meanwhile the next `find` will tell."""
        if self._version_now is not None:
            if len(self._known) >= MOST_ROUTES:
                self._known.clear()
            self._known[address] = users


class _Expansion:
    """What became of an address so far."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.expanded: set[str] = set()
        self.dangling: list[str] = []
        self.disabled = False


@lru_cache(maxsize=2048)
def _read(address: str) -> tuple[str, str, str | None]:
    """Return local part and domain in lower case, and the IP address where the domain is one.

    @raise InvalidAddress: it is none.
    """
    parsed = parse_mailbox(address)
    local_part = unicodedata.normalize("NFC", parsed.local_part.lower())
    domain = canonical_domain(parsed.domain) if parsed.domain else ""
    return local_part, domain, literal_ip(parsed.domain)


def _plain_ip(host: str) -> str:
    """One spelling for an IP address; an IPv4 address mapped into IPv6 is the IPv4 one."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)
