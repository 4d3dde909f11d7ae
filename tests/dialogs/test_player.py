"""The player finds what differs from a dialog."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.protocols.basic import LineReceiver

from tests.dialogs.player import (
    DialogTransport,
    Played,
    Player,
    Splitter,
    at_random,
    by_octet,
    load,
    play_all_ways,
    whole,
)


class Upper(LineReceiver):
    """Says each line in upper case; ends at "bye"; says "late" after a while."""

    clock: Clock

    def connectionMade(self) -> None:
        self.sendLine(b"hello")
        self.clock = Clock()

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line.upper())
        if line == b"bye":
            self.transport.loseConnection()
        if line == b"wait":
            self.clock.callLater(10, self.sendLine, b"late")


class Segments(LineReceiver):
    """Says how many segments came."""

    def dataReceived(self, data: bytes) -> None:
        self.sendLine(b"a segment")


def dialog_of(tmp_path: Path, text: str):
    path = tmp_path / "dialog.txt"
    path.write_text(text)
    return load(path)


def play(tmp_path: Path, text: str, split: Splitter = whole) -> Played:
    protocol = Upper()
    player = Player(
        dialog_of(tmp_path, text),
        protocol,
        DialogTransport(),
        advance=lambda seconds: protocol.clock.advance(seconds),
    )
    return player.play(split)


GOOD = """# a comment
S: hello
C: one
C: two
S: ONE
S~ T.O

C- thr\\x65e\\r\\n{x*3}\\r\\n
S: THREE
S: XXX
C: wait
S: WAIT
= wait 10
S: late
C: bye
S: BYE
= closed
"""


@pytest.mark.parametrize("split", [whole, by_octet, at_random(1)])
def test_good(tmp_path: Path, split: Splitter) -> None:
    assert play(tmp_path, GOOD, split).failures == []


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("S: hello", "S: hallo", 0),
        ("S: ONE\n", "", 3),
        ("S: ONE", "S: ONE\nS: more", 3),
        ("S~ T.O", "S~ T", 3),
        ("S: late", "S: later", 13),
        ("= closed", "", 15),
        ("S: XXX", "S: XXX\n= closed", 8),
        ("= wait 10", "= tls", 13),
    ],
)
def test_wrong(tmp_path: Path, right: str, wrong: str, line: int) -> None:
    (failure,) = play(tmp_path, GOOD.replace(right, wrong, 1)).failures
    assert failure.startswith(f"dialog.txt, line {line}:")


def test_the_difference_is_shown(tmp_path: Path) -> None:
    (failure,) = play(tmp_path, "S: hello\nC: a\nC: b\nS~ A\nS: C\n").failures
    assert failure.splitlines()[1:] == ["  A", "- C", "+ B"]


def test_a_line_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2"):
        play(tmp_path, "S: hello\nX: what\n")


def test_results_that_differ_between_ways_are_found(tmp_path: Path) -> None:
    dialog = dialog_of(tmp_path, "C- abc\nS~ .*\n")
    with pytest.raises(AssertionError, match="by octet"):
        play_all_ways(
            dialog, lambda split: Player(dialog, Segments(), DialogTransport()).play(split)
        )
