"""Who may try a password now: guessers wait and are refused, an office behind one address works on.

Counted are distinct wrong passwords of a user name from a network, so that a program that tries
the same old password for ever is one. Whoever logged in from there of late is never refused
without being asked. The counts are the same whether or not the user exists.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address, ip_network
from secrets import token_bytes
from typing import Any

from twisted.cred.credentials import IUsernamePassword

from gateway.accounts.credentials import IBearerToken, ICertificateCredentials, IScramCredentials
from gateway.accounts.errors import DatabaseUnavailable
from gateway.accounts.interfaces import DirectoryUnavailable
from gateway.accounts.login_notes import LoginNotes
from gateway.accounts.logins_file import LoginsFile, forgive, right, wrong
from gateway.client import Client
from gateway.shared.attempts import SharedAttempts

RECENTLY_SECONDS = 86_400.0
"""How long a success exempts a user and network."""
_FREE_ATTEMPTS = 2
_LONGEST_NAME = 320
_MOST = 10_000
_NOTE_AGAIN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class ThrottleRules:
    """When to wait, and when to refuse."""

    passwords: int = 10
    """Distinct wrong passwords of a user from a network before it is refused; 0 never refuses
    and never waits."""
    seconds: float = 900.0
    """How long a wrong password counts."""
    most_delay: float = 15.0
    """The longest that an attempt waits. The third wrong password costs the next attempt one
    second, and each further one twice as much."""

    def delay_after(self, count: int) -> float:
        """Return how long an attempt waits after so many distinct wrong passwords."""
        if count <= _FREE_ATTEMPTS:
            return 0.0
        return float(min(self.most_delay, 2.0 ** min(count - _FREE_ATTEMPTS - 1, 30)))


@dataclass(slots=True)
class Attempt:
    """One attempt to log in, and what is to be done about it. Whoever made it says how it ended."""

    name: str
    """As it was typed."""
    user: str
    """What it means; "" where nobody looked, since it is known to be good."""
    network: str
    fingerprint: bytes | None
    """Of the password; None where the mechanism does not show it."""
    digest: bytes
    """Of the fingerprint: as much as may be kept of a wrong password."""
    throttle: Throttle
    delay: float = 0.0
    """Seconds to wait before it is looked at."""
    refused: bool = False
    counted: int = 0
    """Other wrong passwords before it, distinct ones."""
    tried: bool = False
    """Whether it is under way, and so counts for those that come at the same time."""
    told: int | None = None
    """Its number among the attempts that other workers are told of."""
    wrong: bool = False

    def succeeded(self) -> None:
        """It was let in."""
        self.throttle.note_success(self)

    def failed(self) -> None:
        """It was wrong."""
        self.throttle.note_failure(self)

    def end(self) -> None:
        """It is over, in whatever way."""
        self.throttle.forget(self)


class Throttle:
    """Judges attempts. The reactor thread reads one indexed row; nothing waits for a write.

    @param rules: the settings.
    @param file: what all processes know.
    @param notes: writes to it.
    @param canonical: returns the address that a user name means, or for nobody a text of the
        same kind; may raise `DirectoryUnavailable`.
    @param shared: what the workers of one gateway tell each other; None where there is one process.
    """

    def __init__(
        self,
        rules: ThrottleRules,
        file: LoginsFile,
        notes: LoginNotes,
        canonical: Callable[[str], str],
        now: Callable[[], float] = time.time,
        shared: SharedAttempts | None = None,
    ) -> None:
        self._shared = shared
        self._rules = rules
        self._file = file
        self._notes = notes
        self._canonical = canonical
        self._now = now
        self._key: bytes | None = None
        self._trying: dict[tuple[str, str], Counter[bytes]] = {}
        self._known: OrderedDict[tuple[str, str, bytes], float] = OrderedDict()

    def judge(self, credentials: Any, client: Client) -> Attempt | None:
        """Return what to do about an attempt; None where it is not for us.

        @raise DatabaseUnavailable: nobody can say.
        """
        if not self._rules.passwords or ICertificateCredentials.providedBy(credentials):
            return None
        name = _text(getattr(credentials, "username", b""))
        network = network_of(client.host)
        fingerprint = self._fingerprint(credentials)
        now = self._now()
        if fingerprint is not None and self._is_known((name, network, fingerprint), now):
            return Attempt(name, "", network, fingerprint, b"", self)
        attempt = Attempt(name, self._user(name), network, fingerprint, _short(fingerprint), self)
        others = self._wrong(attempt, now) - {attempt.digest}
        attempt.counted = len(others)
        attempt.delay = self._rules.delay_after(attempt.counted)
        attempt.refused = attempt.counted >= self._rules.passwords and not self._recently(
            attempt.user, network, now
        )
        if not attempt.refused:
            attempt.tried = True
            self._trying.setdefault((attempt.user, network), Counter())[attempt.digest] += 1
            if self._shared is not None:
                attempt.told = self._shared.begun(attempt.user, network, attempt.digest)
        return attempt

    def _wrong(self, attempt: Attempt, now: float) -> set[bytes]:
        """Return the digests of what was wrong of late, is to be written down as that, or is being
        tried at this moment: many guesses at once are many guesses."""
        pair = (attempt.user, attempt.network)
        digests = self._file.wrong(*pair, now - self._rules.seconds)
        digests |= {note.digest for note in self._notes.wrong_pending() if note.pair == pair}
        if self._shared is not None:
            digests |= self._shared.elsewhere(*pair)
        return digests | set(self._trying.get(pair, ()))

    def note_success(self, attempt: Attempt) -> None:
        """See `Attempt.succeeded`."""
        now = self._now()
        if attempt.counted:
            self._notes.add(forgive(attempt.user, attempt.network))
        # Without a fingerprint it is remembered, too: only so as not to be noted again.
        key = (attempt.name, attempt.network, attempt.fingerprint or b"")
        if self._is_known(key, now):
            return
        self._known[key] = now
        self._known.move_to_end(key)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        self._notes.add(right(self._meant(attempt), attempt.network, now))

    def note_failure(self, attempt: Attempt) -> None:
        """See `Attempt.failed`."""
        attempt.wrong = True
        digest = attempt.digest or _short(attempt.fingerprint)
        self._notes.add(wrong(self._meant(attempt), attempt.network, digest, self._now()))
        if attempt.fingerprint is not None:
            self._known.pop((attempt.name, attempt.network, attempt.fingerprint), None)

    def forget(self, attempt: Attempt) -> None:
        """See `Attempt.end`."""
        if not attempt.tried:
            return
        attempt.tried = False
        if self._shared is not None and attempt.told is not None:
            self._shared.ended(attempt.told, wrong=attempt.wrong)
        pair = (attempt.user, attempt.network)
        trying = self._trying[pair]
        trying[attempt.digest] -= 1
        if not trying[attempt.digest]:
            del trying[attempt.digest]
        if not trying:
            del self._trying[pair]

    def _is_known(self, key: tuple[str, str, bytes], now: float) -> bool:
        noted = self._known.get(key)
        return noted is not None and now - noted < _NOTE_AGAIN_SECONDS

    def _meant(self, attempt: Attempt) -> str:
        return attempt.user or self._user(attempt.name)

    def _recently(self, user: str, network: str, now: float) -> bool:
        at = self._file.right_at(user, network)
        return at is not None and now - at < RECENTLY_SECONDS

    def _user(self, name: str) -> str:
        try:
            return self._canonical(name)
        except (DirectoryUnavailable, DatabaseUnavailable):
            return name.lower()

    def _fingerprint(self, credentials: Any) -> bytes | None:
        if IUsernamePassword.providedBy(credentials):
            shown = credentials.password
        elif IBearerToken.providedBy(credentials):
            shown = credentials.token
        elif IScramCredentials.providedBy(credentials) and credentials.proven:
            shown = credentials.stored_key
        else:
            return None
        octets = shown if isinstance(shown, bytes) else shown.encode("utf-8", "surrogatepass")
        if self._key is None:
            self._key = self._file.digest_key()
        return blake2b(octets, key=self._key, digest_size=16).digest()


def _short(fingerprint: bytes | None) -> bytes:
    """Return twelve bits: enough to tell a few passwords apart, too few to find one by."""
    whole = fingerprint if fingerprint is not None else token_bytes(2)
    return bytes((whole[0], whole[1] & 0xF0))


def _text(name: bytes | str) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return text[:_LONGEST_NAME]


@lru_cache(maxsize=1024)
def network_of(host: str) -> str:
    """Return the network of a client: an IPv4 address, or the /64 of an IPv6 address.

    One customer's line has at least a /64 (RFC 6177), and any number of addresses in it.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    address = getattr(address, "ipv4_mapped", None) or address
    return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))
