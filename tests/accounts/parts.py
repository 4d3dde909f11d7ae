"""The real parts that tests of logins are put together from, made cheap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.hashing import HashingPool
from gateway.accounts.portal import build_access
from gateway.accounts.schemes import Argon2Parameters, hash_password
from gateway.accounts.sources.surroundings import Surroundings
from gateway.store.interfaces import IMaildrop, IMailStore, MaildropInUse, Snapshot

CHEAP = Argon2Parameters(time_cost=1, memory_cost=8, parallelism=1)


def cheap_hash(password: str) -> str:
    return hash_password(password, CHEAP)


def make_database(folder: Path) -> AccountDatabase:
    """anna and bob at example.org, bob with a secret; carl, disabled; two aliases."""
    database = AccountDatabase(folder / "accounts.sqlite")
    database.add_domain("example.org")
    database.add_user("anna@example.org", cheap_hash("anna's"))
    database.add_user("bob@example.org", cheap_hash("tanstaaf"), secret="tanstaaf")
    database.add_user("carl@example.org", cheap_hash("carl's"), secret="carl's")
    database.set_user("carl@example.org", "enabled", "no")
    database.add_alias("info@example.org", ["anna@example.org"])
    database.add_alias("all@example.org", ["anna@example.org", "bob@example.org"])
    return database


class Threads:
    """Calls functions as a pool of threads would, but at once or when the test says so."""

    def __init__(self, at_once: bool = True) -> None:
        self.called: list[str] = []
        self._at_once = at_once
        self._pending: list[tuple[Deferred[Any], Any, Any]] = []

    def __call__(self, function: Any, *arguments: Any) -> Deferred[Any]:
        self.called.append(function.__name__)
        if self._at_once:
            return maybeDeferred(function, *arguments)
        waiting: Deferred[Any] = Deferred()
        self._pending.append((waiting, function, arguments))
        return waiting

    def finish_one(self) -> None:
        """Let the call that began first come to its end."""
        waiting, function, arguments = self._pending.pop(0)
        maybeDeferred(function, *arguments).chainDeferred(waiting)


def make_hashing(threads: Threads, clock: Clock | None = None, **options: Any) -> HashingPool:
    seconds = (clock or Clock()).seconds
    options.setdefault("scram_iterations", 0)
    return HashingPool(threads, seconds, parameters=CHEAP, **options)


def build_portal(
    directory: EmbeddedDirectory, store: Any, hashing: HashingPool, **options: Any
) -> Portal:
    """A portal whose threads are none."""
    surroundings = Surroundings(Clock(), maybeDeferred, hashing)
    return build_access(directory, store, surroundings, **options).portal


@implementer(IMaildrop)
class HeldMaildrop:
    """A maildrop without messages."""

    snapshot = Snapshot((), ())

    def __init__(self, store: EmptyStore, mailbox: str) -> None:
        self.mailbox = mailbox
        self._store = store

    def open_message(self, index: int) -> Any:
        raise IndexError(index)

    def attributes(self, index: int) -> Any:
        raise IndexError(index)

    def commit(self, deleted: Any) -> Deferred[list[int]]:
        return succeed([])

    def release(self) -> None:
        self._store.held.discard(self.mailbox)


@implementer(IMailStore)
class EmptyStore:
    """A store whose maildrops are empty, and held by one session at a time."""

    kind = "empty"

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.trouble: Exception | None = None

    def open_maildrop(self, mailbox: str, client: Any) -> Deferred[HeldMaildrop]:
        if self.trouble is not None:
            return fail(self.trouble)
        if mailbox in self.held:
            return fail(MaildropInUse(mailbox))
        self.held.add(mailbox)
        return succeed(HeldMaildrop(self, mailbox))

    def begin_delivery(self, attributes: Any) -> Any:
        raise AssertionError("nothing is delivered here")

    def usage(self, mailbox: str, fresh: bool = False) -> Any:
        raise AssertionError("nobody has a quota here")


def outcome(deferred: Deferred[Any]) -> Any:
    """Return the result of a Deferred that has one, or the exception it failed with."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "it has not fired"
    [result] = results
    return result.value if isinstance(result, Failure) else result


def pending(deferred: Deferred[Any]) -> bool:
    """Say whether a Deferred has not fired."""
    return not deferred.called or bool(deferred.paused)  # or it waits for another
