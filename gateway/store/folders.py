"""Folders whose names are on stable storage."""

from __future__ import annotations

from pathlib import Path

from gateway.files import sync_folder


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, durably. Does nothing where it is there.

    Blocks, and raises `OSError`.
    """
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folder(folder.parent)
        make_folder(folder)
        return
    sync_folder(folder.parent)
