"""Where messages are now that another program has moved or flagged them. Blocks."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from gateway.store.maildir.names import base_name
from gateway.store.maildir.slices import SLICE, let_others_run


def locate(folder: Path, bases: Collection[str]) -> dict[str, Path]:
    """Look for messages by base name.

    @return: the path of each that is there.
    """
    found: dict[str, Path] = {}
    for subfolder in ("new", "cur"):
        path = folder / subfolder
        try:
            entries = os.scandir(path)
        except FileNotFoundError:
            continue
        with entries:
            for number, entry in enumerate(entries):
                if not number % SLICE:
                    let_others_run()
                base = base_name(entry.name)
                if base in bases:
                    found[base] = path / entry.name
    return found
