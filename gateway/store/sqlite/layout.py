"""What lies where in the folder of the store."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path


class Layout:
    """The paths below the store's folder; they need not exist.

    @param folder: the store's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "mail.sqlite"
        self.large = folder / "large"
        """Bodies too large for the database, each a file named by its row."""
        self.arriving = folder / "arriving"
        """Large bodies on their way in; nothing of value after a stop."""
        self.locks = folder / "locks"
        """A folder for each maildrop that was ever opened; a file in it is locked by its holder."""
        self.marker = folder / "created"
        """Says that there has to be a database here."""
        self.keep_files = folder / "keep-files"
        """Locked, and shared, by whoever needs that no large body is removed: a backup."""

    def lock_folder(self, mailbox: str) -> Path:
        """Return the folder of a maildrop's lock."""
        return _lock_folder(self.locks, mailbox)

    def large_file(self, name: str) -> Path:
        """Return where the large body of a name lies."""
        return self.large / name[:2] / name


@lru_cache(maxsize=10_000)
def _lock_folder(locks: Path, mailbox: str) -> Path:
    return locks / sha256(mailbox.encode("utf-8", "surrogatepass")).hexdigest()[:40]
