"""The names of message files: making ours, understanding everybody's.

A Maildir name is a base name, unique for ever, and behind a colon what may change ("2,S": flags).
Ours are `SECONDS.M<microseconds>P<process>Q<counter>R<random>.<host>,S=<size>,W=<size>` and
at most 70 characters long, so that the base name is itself the unique-id (RFC 1939 section 7).
`,S=` is the size of the file, `,W=` the one with CRLF line ends, as Dovecot and Courier write them.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from hashlib import sha256
from secrets import token_hex

from gateway.store.uidl import LONGEST_UIDL, is_uidl

_DIGITS_OF_DIGEST = 48

# Ours, and most of Dovecot's: what counts for the order stands in the right form already.
_USUAL = re.compile(
    r"[0-9]{10}\.M[0-9]{6}P[0-9]+(?:Q[0-9]{6}R[0-9a-f]{4})?\.[!-+\--~]*"
    r",S=([0-9]{1,15}),W=([0-9]{1,15})"
)
# Seconds; then, in the same field as Dovecot and Postfix have it, microseconds and a counter.
_ARRIVAL = re.compile(r"([0-9]{1,10})\.(?:[^.,M]*M([0-9]{1,6})[^.,Q]*(?:Q([0-9]{1,15}))?)?")
_SIZES = re.compile(r",S=([0-9]{1,15})(?:,W=([0-9]{1,15}))?(?![^,])")


class NameMaker:
    """Makes base names that no other message has, in the order in which they are made."""

    def __init__(self, host: str | None = None) -> None:
        self._host = _short_host(host if host is not None else socket.gethostname())
        self._lock = threading.Lock()
        self._last = 0
        self._counter = 0

    def make(self, file_octets: int, octets: int | None) -> str:
        """Make a base name for a message that arrives now. May be called in any thread.

        @param file_octets: the size of the file.
        @param octets: the canonical size, None where nobody counted it.
        """
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            self._counter = (self._counter + 1) % 1_000_000
            microseconds, counter = self._last, self._counter
        seconds, microseconds = divmod(microseconds, 1_000_000)
        unique = f"{seconds}.M{microseconds:06}P{os.getpid()}Q{counter:06}R{token_hex(2)}."
        sizes = f",S={file_octets}" if octets is None else f",S={file_octets},W={octets}"
        return unique + self._host[: LONGEST_UIDL - len(unique) - len(sizes)] + sizes


def _short_host(host: str) -> str:
    """Reduce a host name to its first label and to what harms in no file name."""
    return re.sub("[^A-Za-z0-9-]", "", host.partition(".")[0]) or "host"


def base_name(name: str) -> str:
    """Cut off what may change: a colon and all behind it."""
    return name.partition(":")[0]


def parse(base: str) -> tuple[str, int, int]:
    """Understand a base name as far as it goes, whoever made it.

    @return: `place`, the size of the file, and the canonical size; -1 for a missing size.
    """
    usual = _USUAL.fullmatch(base)
    if usual is not None:
        return base, int(usual[1]), int(usual[2])
    sizes = _SIZES.search(base)
    if sizes is None:
        return place(base), -1, -1
    return place(base), int(sizes[1]), int(sizes[2] or -1)


def parse_usual(base: str) -> re.Match[str] | None:
    """Understand a base name as most are, which is its own place and its own unique-id.

    @return: a match whose groups are the size of the file and the canonical size; None of others.
    """
    return _USUAL.fullmatch(base) if len(base) <= LONGEST_UIDL else None


def place(base: str) -> str:
    """Return a text by which messages sort by seconds, microseconds and counter of their arrival.

    It begins like the names that this module makes. Those are their own place.

    @return: "" where the name does not tell; see `place_by_time`.
    """
    if _USUAL.fullmatch(base):
        return base
    match = _ARRIVAL.match(base)
    if match is None:
        return ""
    seconds, microseconds, counter = match.groups("0")
    return f"{seconds:0>10}.M{microseconds:0>6}Q{counter:0>15}\0{base}"


def place_by_time(seconds: float, base: str) -> str:
    """Return the `place` of a message that arrived so many seconds after the epoch."""
    whole, microseconds = divmod(int(max(seconds, 0.0) * 1e6), 1_000_000)
    return f"{whole:010}.M{microseconds:06}\0{base}"


def time_of_place(place: str) -> float:
    """Return the time of arrival that a `place` stands for, in seconds since the epoch."""
    return int(place[:10]) + int(place[12:18]) / 1e6


def uidl(base: str) -> str:
    """Say the unique-id of a message from its base name alone, so that it is the same for ever."""
    if is_uidl(base):
        return base
    return sha256(os.fsencode(base)).hexdigest()[:_DIGITS_OF_DIGEST]
