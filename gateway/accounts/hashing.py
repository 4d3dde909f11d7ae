"""Password hashing off the reactor, bounded; and none at all for a password proven recently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredSemaphore, fail, succeed

from gateway.accounts.proven import ProvenPasswords
from gateway.accounts.schemes import (
    DEFAULT_PARAMETERS,
    Argon2Parameters,
    dummy_hash,
    hash_password,
    verify,
)
from gateway.accounts.scram import DEFAULT_ITERATIONS


class HashingOverloaded(Exception):
    """Too many passwords wait to be hashed. Nothing is known about this one: try again later."""


class InThread(Protocol):
    """Calls a function in a thread of a pool, as `deferToThreadPool` does with its first two
    arguments filled in; a test may pass `twisted.internet.defer.maybeDeferred`."""

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]: ...


PROVEN_SECONDS = 600.0


class HashingPool:
    """Does all that costs a password hash. One for the whole process.

    @param in_thread: calls a blocking function in another thread.
    @param seconds: a clock, such as `reactor.seconds`.
    @param parallel: how many hashes are worked on at once.
    @param queue: how many more may wait.
    @param parameters: what a hash made here costs.
    @param scram_iterations: of the SCRAM verifiers that are made when a password is first proven;
        0 makes none.
    @param proven_seconds: how long a password that was right needs no second hash; 0 never.
    @param proven: remembers them, where others do so with it.
    """

    def __init__(
        self,
        in_thread: InThread,
        seconds: Callable[[], float],
        *,
        parallel: int = 2,
        queue: int = 100,
        parameters: Argon2Parameters = DEFAULT_PARAMETERS,
        scram_iterations: int = DEFAULT_ITERATIONS,
        proven_seconds: float = PROVEN_SECONDS,
        proven: ProvenPasswords | None = None,
    ) -> None:
        self.parameters = parameters
        self.scram_iterations = scram_iterations
        self._in_thread = in_thread
        self._running = DeferredSemaphore(parallel)
        self._queue = queue
        self._proven = proven if proven is not None else ProvenPasswords(seconds, proven_seconds)
        self._nobody = dummy_hash(parameters)

    def run(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Call a blocking function in a thread, within the bounds of the pool.

        @return: a Deferred of what it returns; fails with `HashingOverloaded` where too many wait.
        """
        if self._running.tokens == 0 and len(self._running.waiting) >= self._queue:
            return fail(HashingOverloaded("too many passwords wait to be hashed"))
        return self._running.run(self._in_thread, function, *arguments)

    def verify(self, password: str, stored: str) -> Deferred[bool]:
        """Say whether a stored hash is of this password.

        @return: fails with `HashingOverloaded`, or `schemes.UnknownScheme` for a hash that cannot
            be read.
        """
        if self.is_proven(password, stored):
            return succeed(True)

        def remember(right: bool) -> bool:
            if right:
                self._proven.add(stored, password)
            return right

        return self.run(verify, password, stored).addCallback(remember)

    def is_proven(self, password: str, stored: str) -> bool:
        """Say whether it is known without a hash that a stored hash is of this password."""
        return self._proven.holds(stored, password)

    def verify_nobody(self, password: str) -> Deferred[bool]:
        """Take as long as `verify` for a wrong password, and return a Deferred of False."""
        return self.run(verify, password, self._nobody)

    def hash(self, password: str) -> Deferred[str]:
        """Return a Deferred of a new hash; fails with `HashingOverloaded`."""
        return self.run(hash_password, password, self.parameters)
