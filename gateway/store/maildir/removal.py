"""Deleting messages for good. Blocks: not for a reactor thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gateway.files import sync_folder
from gateway.store.maildir.locate import locate


def remove(folder: Path, paths: dict[str, str]) -> set[str]:
    """Remove messages of a mailbox, durably. See `take_away`."""
    return take_away(folder, paths, os.unlink)


def take_away(folder: Path, paths: dict[str, str], take: Callable[[str], object]) -> set[str]:
    """Take message files out of new/ and cur/, durably.

    One that another program moved or flagged is looked for; one that is gone counts as taken.

    @param paths: where each message was last seen, by base name.
    @param take: removes one file, or moves it away; may raise `OSError`.
    @return: the base names of those that are still there, or may be after a crash.
    """
    changed: dict[str, set[str]] = {}
    moved, left = _take(paths, changed, take)
    if moved:
        try:
            found = {base: str(path) for base, path in locate(folder, moved).items()}
            left |= _take(found, changed, take)[1]
        except OSError:
            left |= moved
    for subfolder, bases in changed.items():
        try:
            sync_folder(subfolder)
        except FileNotFoundError:
            # The whole mailbox is gone.
            continue
        except OSError:
            left |= bases
    return left


def _take(
    paths: dict[str, str], changed: dict[str, set[str]], take: Callable[[str], object]
) -> tuple[set[str], set[str]]:
    """Take files and note the folders that changed. Return those not found, those left."""
    missing: set[str] = set()
    left: set[str] = set()
    for base, path in paths.items():
        try:
            take(path)
        except FileNotFoundError:
            missing.add(base)
        except OSError:
            left.add(base)
        else:
            changed.setdefault(path.rpartition("/")[0], set()).add(base)
    return missing, left
