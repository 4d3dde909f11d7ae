"""Plays dialogs (see README.md in this folder) against a protocol over a transport in memory."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import ndiff
from pathlib import Path
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import alsoProvides

Splitter = Callable[[bytes], Iterator[bytes]]
"""Cuts what is sent at a time into the segments in which it arrives."""


# Ways to cut ---------------------------------------------------------------------------------


def whole(octets: bytes) -> Iterator[bytes]:
    """Everything in one segment."""
    if octets:
        yield octets


def by_octet(octets: bytes) -> Iterator[bytes]:
    """Each octet in a segment of its own."""
    for at in range(len(octets)):
        yield octets[at : at + 1]


def at_random(seed: int) -> Splitter:
    """Segments of 1 to 20 octets, the same for the same seed."""
    source = random.Random(seed)

    def split(octets: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(octets):
            length = source.randint(1, 20)
            yield octets[at : at + length]
            at += length

    return split


# The file ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """A line that the server has to send."""

    number: int
    text: str
    pattern: re.Pattern[str] | None

    def matches(self, line: str) -> bool:
        if self.pattern is not None:
            return self.pattern.fullmatch(line) is not None
        return line == self.text

    def __str__(self) -> str:
        return f"~ {self.text}" if self.pattern else self.text


@dataclass
class Turn:
    """What the client does, and all that the server says to it."""

    number: int
    sent: bytes = b""
    act: str = ""
    """"" where octets are sent, else one of "tls", "wait N", "lost"."""
    expected: list[Expected] = field(default_factory=list)
    closed: bool = False


@dataclass(frozen=True)
class Dialog:
    """One file."""

    name: str
    options: dict[str, str]
    turns: list[Turn]

    @property
    def whole_only(self) -> bool:
        return "whole" in self.options

    def splitters(self, seeds: int = 5) -> dict[str, Splitter]:
        """All ways in which this dialog is to be played, by name; "whole" comes first."""
        ways: dict[str, Splitter] = {"whole": whole}
        if not self.whole_only:
            ways["by octet"] = by_octet
            ways |= {f"seed {seed}": at_random(seed) for seed in range(seeds)}
        return ways


_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})|\\([rnt0\\])|\{([^{}]*)\*([0-9]+)\}")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def _unescape(text: str) -> bytes:
    def replace(match: re.Match[bytes]) -> bytes:
        hexadecimal, plain, repeated, count = match.groups()
        if hexadecimal:
            return bytes([int(hexadecimal, 16)])
        return _PLAIN[plain] if plain else repeated * int(count)

    return _ESCAPE.sub(replace, text.encode())


def load(path: Path) -> Dialog:
    """Read a dialog. A line that is none of the kinds raises ValueError with its number."""
    options: dict[str, str] = {}
    turns = [Turn(0)]
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        mark, _, rest = line.partition(" ")
        if not line.strip() or mark == "#":
            continue
        if mark == "@":
            name, _, value = rest.partition(" ")
            options[name] = value
        elif not _add(turns, number, mark, rest):
            raise ValueError(f"{path}, line {number}: not a line of a dialog: {line!r}")
    return Dialog(path.stem, options, turns)


def _add(turns: list[Turn], number: int, mark: str, rest: str) -> bool:
    last = turns[-1]
    if mark in ("C:", "C-"):
        if last.expected or last.act or last.closed or not last.number:
            turns.append(last := Turn(number))
        last.sent += rest.encode() + b"\r\n" if mark == "C:" else _unescape(rest)
    elif mark == "S:":
        last.expected.append(Expected(number, rest, None))
    elif mark == "S~":
        last.expected.append(Expected(number, rest, re.compile(rest)))
    elif mark == "=" and rest == "closed":
        last.closed = True
    elif mark == "=" and (rest in ("tls", "lost") or re.fullmatch(r"wait [0-9]+", rest)):
        turns.append(Turn(number, act=rest))
    else:
        return False
    return True


def dialogs_in(folder: Path) -> list[Dialog]:
    """Read all dialogs of a folder; a folder without any is an error."""
    found = [load(path) for path in sorted(folder.glob("*.txt"))]
    if not found:
        raise ValueError(f"no dialogs in {folder}")
    return found


# The transport -------------------------------------------------------------------------------


class Handshake:
    """Stands for the OpenSSL connection of a handshake that has completed."""

    def get_servername(self) -> bytes | None:
        return b"mail.example.com"

    def get_protocol_version_name(self) -> str:
        return "TLSv1.3"

    def get_cipher_name(self) -> str:
        return "TLS_AES_256_GCM_SHA384"


class DialogTransport(StringTransport):
    """A transport in memory that can also begin TLS, as far as the protocol can tell."""

    tls_begun = False

    def startTLS(self, context: object) -> None:
        self.tls_begun = True

    def getHandle(self) -> Handshake:
        return Handshake()

    def take(self) -> bytes:
        """Return what was written since the last call."""
        octets = self.value()
        self.clear()
        return octets


# Playing -------------------------------------------------------------------------------------


@dataclass
class Played:
    """What came of it."""

    failures: list[str] = field(default_factory=list)
    """Each says where, and shows what differs. Empty: all went as the dialog has it."""
    transcript: list[bytes] = field(default_factory=list)
    """What the server said in each turn."""


class Player:
    """Plays one dialog once.

    @param protocol: not connected yet.
    @param transport: what it will be connected to.
    @param advance: called with the seconds of `= wait N`; usually `task.Clock.advance`.
    @param settle: called after each segment, to let work that is under way come to its end.
    @param connected: called with the protocol when the connection is made, before the greeting is
        looked at: to give it an id that is the same each time, say.
    """

    def __init__(
        self,
        dialog: Dialog,
        protocol: Protocol,
        transport: DialogTransport,
        *,
        advance: Callable[[float], object] | None = None,
        settle: Callable[[], object] = lambda: None,
        connected: Callable[[Any], object] = lambda protocol: None,
    ) -> None:
        self._dialog = dialog
        self._protocol = protocol
        self._transport = transport
        self._advance = advance
        self._settle = settle
        self._connected = connected

    def play(self, split: Splitter = whole) -> Played:
        """Play it all, stop at the first turn that fails, then end the connection."""
        played = Played()
        self._protocol.makeConnection(self._transport)
        self._connected(self._protocol)
        lost = False
        for turn in self._dialog.turns:
            lost = lost or turn.act == "lost"
            self._act(turn, split)
            said = self._transport.take()
            played.transcript.append(said)
            failure = self._judge(turn, said)
            if failure:
                played.failures.append(failure)
                break
        if not lost:
            self._protocol.connectionLost(Failure(ConnectionDone()))
        return played

    def _act(self, turn: Turn, split: Splitter) -> None:
        kind, _, argument = turn.act.partition(" ")
        if kind == "tls" and self._transport.tls_begun:
            alsoProvides(self._transport, ISSLTransport)
            self._protocol.handshakeCompleted()  # type: ignore[attr-defined]
        elif kind == "wait":
            assert self._advance is not None, "this dialog needs a clock"
            self._advance(int(argument))
        elif kind == "lost":
            self._protocol.connectionLost(Failure(ConnectionLost()))
        for segment in split(turn.sent):
            if self._transport.disconnecting:
                break
            self._protocol.dataReceived(segment)
            self._settle()
        self._settle()

    def _judge(self, turn: Turn, said: bytes) -> str | None:
        where = f"{self._dialog.name}.txt, line {turn.number}"
        if turn.act == "tls" and not self._transport.tls_begun:
            return f"{where}: no handshake was begun"
        if said and not said.endswith(b"\r\n"):
            return f"{where}: the last line has no end: {said!r}"
        lines = [_text(line) for line in said.split(b"\r\n")[:-1]]
        wanted = turn.expected
        if len(lines) != len(wanted) or not all(map(Expected.matches, wanted, lines)):
            return f"{where}:\n" + _difference(wanted, lines)
        closed = bool(self._transport.disconnecting)
        if turn.closed and not closed:
            return f"{where}: the server should have closed the connection"
        if closed and not self._may_be_closed(turn):
            return f"{where}: the server has closed the connection"
        return None

    def _may_be_closed(self, turn: Turn) -> bool:
        turns = self._dialog.turns
        return any(earlier.closed for earlier in turns[: turns.index(turn) + 1])


def _text(line: bytes) -> str:
    # What is not UTF-8, and a lone CR or LF, shows as an escape.
    text = line.decode("utf-8", "backslashreplace")
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _difference(wanted: list[Expected], lines: list[str]) -> str:
    # A line that its pattern matches stands for itself, so that only what differs is marked.
    shown = [
        lines[at] if at < len(lines) and expected.matches(lines[at]) else str(expected)
        for at, expected in enumerate(wanted)
    ]
    return "\n".join(line for line in ndiff(shown, lines) if not line.startswith("?"))


def play_all_ways(
    dialog: Dialog, play: Callable[[Splitter], Played], seeds: int = 5
) -> dict[str, Played]:
    """Play a dialog in all its ways with `play`; raise AssertionError at the first failure, and
    where the server's words differ between two ways.

    @param play: builds a fresh server, plays the dialog once and returns what came of it.
    @return: what came of each way.
    """
    results: dict[str, Played] = {}
    for name, split in dialog.splitters(seeds).items():
        played = results[name] = play(split)
        assert not played.failures, f"played {name}: " + "\n".join(played.failures)
        assert played.transcript == results["whole"].transcript, f"{name} differs from whole"
    return results
