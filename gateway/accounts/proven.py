"""Passwords that were right a short while ago, remembered without being kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from secrets import token_bytes

from gateway.accounts.passwords import prepare_password
from gateway.shared.times import SharedTimes


class ProvenPasswords:
    """Remembers pairs of stored hash and password that fit.

    What is kept is a digest with a key of this process, worth nothing outside it. Since the stored
    hash is part of it, an account whose password changed is not found any more, with nobody having
    to say so; and since the hash alone decides which password fits, the user's name is no part.

    @param seconds: a clock, such as `reactor.seconds`.
    @param lifetime: seconds until a pair is forgotten.
    @param most: pairs that are kept; beyond it the oldest go.
    """

    def __init__(self, seconds: Callable[[], float], lifetime: float, most: int = 10_000) -> None:
        self._seconds = seconds
        self._lifetime = lifetime
        self._most = most
        self._key = token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def holds(self, stored: str, password: str) -> bool:
        """Say whether this password is known to fit this hash."""
        until = self._until.get(self._digest(stored, password))
        return until is not None and self._seconds() < until

    def add(self, stored: str, password: str) -> None:
        """Remember that this password fits this hash."""
        if self._lifetime <= 0:
            return
        digest = self._digest(stored, password)
        self._until[digest] = self._seconds() + self._lifetime
        self._until.move_to_end(digest)
        self._forget()

    def _forget(self) -> None:
        now = self._seconds()
        while self._until:
            oldest, until = next(iter(self._until.items()))
            if until > now and len(self._until) <= self._most:
                break
            del self._until[oldest]

    def _digest(self, stored: str, password: str) -> bytes:
        hashed = stored.encode("utf-8", "surrogatepass")
        length = len(hashed).to_bytes(8, "big")
        return blake2b(length + hashed + prepare_password(password), key=self._key).digest()


class SharedProvenPasswords(ProvenPasswords):
    """Remembers for all workers, so that a password is hashed once, whoever serves its user.

    It is made before they are forked, so that all have the same key.

    @param times: what they share; of some 65,000 pairs the oldest go.
    """

    def __init__(self, seconds: Callable[[], float], lifetime: float, times: SharedTimes) -> None:
        super().__init__(seconds, lifetime)
        self._times = times

    def holds(self, stored: str, password: str) -> bool:
        """See `ProvenPasswords.holds`."""
        until = self._times.get(self._digest(stored, password).hex())
        return until is not None and self._seconds() < until

    def add(self, stored: str, password: str) -> None:
        """See `ProvenPasswords.add`."""
        if self._lifetime > 0:
            until = self._seconds() + self._lifetime
            self._times.put(self._digest(stored, password).hex(), until)
