"""Every dialog in tests/dialogs/pop3, played in all ways with each kind of avatar."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogs.player import (
    Dialog,
    DialogTransport,
    Played,
    Player,
    Splitter,
    dialogs_in,
    play_all_ways,
)
from tests.pop3.server import AVATARS, LOOPBACK, Server

DIALOGS = dialogs_in(Path(__file__).parents[1] / "dialogs" / "pop3")


CASES = [
    (dialog, avatar)
    for dialog in DIALOGS
    for avatar in dialog.options.get("avatars", " ".join(AVATARS)).split()
    # The clock of a slow avatar runs by itself: it cannot play a dialog about time.
    if not (avatar == "slow" and any(turn.act.startswith("wait") for turn in dialog.turns))
]


@pytest.mark.parametrize(
    ("dialog", "avatar"), CASES, ids=[f"{dialog.name}-{avatar}" for dialog, avatar in CASES]
)
def test_dialog(dialog: Dialog, avatar: str) -> None:
    def play(split: Splitter) -> Played:
        server = Server(dialog.options, avatar)
        played = Player(
            dialog,
            server.factory.buildProtocol(LOOPBACK),
            DialogTransport(peerAddress=LOOPBACK),
            advance=server.clock.advance,
            settle=server.settle,
        ).play(split)
        assert not server.realm.logged_in
        assert server.realm.mailbox.held == ("in-use" in dialog.options)
        assert not server.factory.connections
        return played

    play_all_ways(dialog, play)
