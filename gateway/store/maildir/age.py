"""How old the messages of a mailbox are. Blocks."""

from __future__ import annotations

from pathlib import Path

from gateway.store.maildir.listing import Listing
from gateway.store.maildir.slices import SLICE, let_others_run


def older_than(listing: Listing, moment: float) -> list[int]:
    """See `IKeepingMaildrop.older_than`.

    The name of a file may tell a wrong time, of which its time of change knows better.
    """
    found: list[int] = []
    for index in range(len(listing)):
        if not index % SLICE:
            let_others_run()
        if listing.attributes(index).arrived >= moment:
            break  # they are in order of arrival
        try:
            if Path(listing.path(index)).lstat().st_mtime < moment:
                found.append(index)
        except OSError:
            continue
    return found
