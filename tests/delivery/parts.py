"""A directory and a store in memory, whose answers come at once or after a second."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock, deferLater
from zope.interface import implementer

from gateway.accounts.interfaces import Alias, DirectoryUnavailable, IDirectory, User
from gateway.client import Client
from gateway.delivery.interfaces import Envelope
from gateway.store.interfaces import (
    IMailStore,
    IMessageWriter,
    MessageAttributes,
    StoredCopy,
    StoreError,
    Usage,
)

ENTRIES: dict[str, User | Alias] = {
    "anna@example.com": User("anna@example.com"),
    "bert@example.com": User("bert@example.com"),
    "off@example.com": User("off@example.com", enabled=False),
    "anna+exact@example.com": User("anna+exact@example.com"),
    "nested@example.org": User("nested@example.org"),
    "sales@example.com": Alias(("anna@example.com", "bert@example.com")),
    "all@example.com": Alias(("sales@example.com", "anna@example.com", "nested@example.org")),
    "half@example.com": Alias(("anna@example.com", "gone@example.com", "x@foreign.example")),
    "ghost@example.com": Alias(("gone@example.com",)),
    "unpaid@example.com": Alias(("off@example.com",)),
    "loop1@example.com": Alias(("anna@example.com", "loop2@example.com")),
    "loop2@example.com": Alias(("loop1@example.com",)),
    "@example.net": User("catcher@example.net"),
    "real@example.net": User("real@example.net"),
}


@implementer(IDirectory)
class MemoryDirectory:
    """Answers from a dictionary; with a clock, each answer takes a second."""

    def __init__(self, entries: dict[str, User | Alias], clock: Clock | None = None) -> None:
        self.entries = entries
        self.available = True
        self._clock = clock

    def _answer(self, value: Any) -> Any:
        if self._clock is not None:
            return deferLater(self._clock, 1, self._checked, value)
        return self._checked(value)

    def _checked(self, value: Any) -> Any:
        if not self.available:
            raise DirectoryUnavailable("the database has gone")
        return value

    def has_domain(self, domain: str) -> Any:
        return self._answer(any(name.endswith(f"@{domain}") for name in self.entries))

    def find(self, local_part: str, domain: str) -> Any:
        return self._answer(self.entries.get(f"{local_part}@{domain}"))

    def find_login(self, name: str) -> Any:
        found = [
            entry
            for address, entry in self.entries.items()
            if address.startswith(f"{name}@") and isinstance(entry, User)
        ]
        return self._answer(found[0] if len(found) == 1 else None)

    def first_user(self, domain: str) -> Any:
        users = [
            entry
            for address, entry in self.entries.items()
            if address.endswith(f"@{domain}" if domain else "") and isinstance(entry, User)
        ]
        return self._answer(users[0] if users else None)


@implementer(IMailStore)
class MemoryStore:
    """Keeps what is committed; told to fail, it does."""

    kind = "memory"

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock
        self.mailboxes: dict[str, list[bytes]] = {}
        self.attributes: list[MessageAttributes] = []
        self.begun = 0
        self.aborted = 0
        self.fail_write: StoreError | None = None
        self.fail_commit: Exception | None = None

    def open_maildrop(self, mailbox: str, client: Client) -> Any:
        return fail(StoreError("nobody reads this store"))

    def begin_delivery(self, attributes: MessageAttributes) -> MemoryWriter:
        self.begun += 1
        self.attributes.append(attributes)
        return MemoryWriter(self)

    def usage(self, mailbox: str, fresh: bool = False) -> Any:
        found = [self.mailboxes[name] for name in self.mailboxes if name.endswith(mailbox)]
        messages = [message for stored in found for message in stored]
        usage = Usage(len(messages), sum(map(len, messages)))
        return usage if self.clock is None else deferLater(self.clock, 1, lambda: usage)


@implementer(IMessageWriter)
class MemoryWriter:
    def __init__(self, store: MemoryStore) -> None:
        self.octets = 0
        self._store = store
        self._blocks: list[bytes] = []
        self._ended = False

    def write(self, octets: bytes) -> Any:
        assert not self._ended
        if self._store.fail_write is not None:
            raise self._store.fail_write
        self.octets += len(octets)
        self._blocks.append(octets)
        if self._store.clock is not None:
            return deferLater(self._store.clock, 1, lambda: None)
        return None

    def commit(self, mailboxes: Any) -> Deferred[list[StoredCopy]]:
        assert not self._ended
        assert len(set(mailboxes)) == len(mailboxes)
        self._ended = True
        if self._store.fail_commit is not None:
            return fail(self._store.fail_commit)
        if self._store.clock is not None:
            return deferLater(self._store.clock, 1, self._store_copies, tuple(mailboxes))
        return succeed(self._store_copies(mailboxes))

    def _store_copies(self, mailboxes: Any) -> list[StoredCopy]:
        message = b"".join(self._blocks)
        copies = []
        for mailbox in mailboxes:
            stored = self._store.mailboxes.setdefault(mailbox, [])
            stored.append(message)
            copies.append(StoredCopy(mailbox, f"uidl-{len(stored)}"))
        return copies

    def abort(self) -> None:
        if not self._ended:
            self._ended = True
            self._blocks.clear()
            self._store.aborted += 1


def envelope(**values: Any) -> Envelope:
    """An envelope as SMTP makes it, of a client at 192.0.2.1."""
    client = Client("smtp", "192.0.2.1", 4711, id="abc", local_host="198.51.100.5")
    given: dict[str, Any] = {
        "id": "abc.1",
        "sender": "sender@client.example",
        "client": client,
        "helo": "client.example",
        "protocol": "ESMTP",
        "received_at": 1_700_000_000.0,
    }
    return Envelope(**(given | values))
