"""Every dialog in tests/dialogs/smtp, played in all ways, with a store that waits and one that
does not."""

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
from tests.smtp.server import AFAR, HERE, LOOPBACK, Server, identify

DIALOGS = dialogs_in(Path(__file__).parents[1] / "dialogs" / "smtp")


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "slow"])
@pytest.mark.parametrize("dialog", DIALOGS, ids=lambda dialog: dialog.name)
def test_dialog(dialog: Dialog, slow: bool) -> None:
    peer = LOOPBACK if "loopback" in dialog.options else AFAR
    stored = []

    def play(split: Splitter) -> Played:
        server = Server(dialog.options, slow)
        played = Player(
            dialog,
            server.factory.buildProtocol(peer),
            DialogTransport(hostAddress=HERE, peerAddress=peer),
            advance=server.clock.advance,
            settle=server.settle,
            connected=identify,
        ).play(split)
        server.check_clean()
        stored.append({name: server.stored(name) for name in server.store.mailboxes})
        return played

    play_all_ways(dialog, play, seeds=3)
    assert all(mailboxes == stored[0] for mailboxes in stored)
    assert sum(map(len, stored[0].values())) == int(dialog.options.get("copies", 0))
