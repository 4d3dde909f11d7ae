"""Where messages lie while they arrive: DATA/spool/<process>/.

Where the system can (Linux, local file systems) they lie in files without a name, which vanish
with the process by themselves. Elsewhere they have names, in a folder of this process.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from itertools import count
from pathlib import Path

from gateway.store.disk_errors import told_as_store_error
from gateway.store.process_folder import ProcessFolder


class Spool:
    """The spool of this process. All methods but `stop` block."""

    def __init__(self, folder: Path) -> None:
        self._folder = ProcessFolder(folder)
        self._counter = count()
        self._nameless = True

    def start(self) -> None:
        """Remove what dead processes left, and make ready for this one. Raises `StoreError`."""
        with told_as_store_error("make the spool", self._folder.root):
            self._folder.start()
            self._nameless = self._can_do_without_names()

    def stop(self) -> None:
        """Remove the spool of this process."""
        self._folder.stop()

    def create(self) -> SpoolFile:
        """Make an empty file. Raises `OSError`, or `StoreError`."""
        try:
            return self._create()
        except FileNotFoundError:
            # Somebody cleaned up under our feet.
            self.start()
            return self._create()

    def _create(self) -> SpoolFile:
        if self._nameless:
            return NamelessFile(self._folder.path)
        return NamedFile(self._folder.path / str(next(self._counter)))

    def _can_do_without_names(self) -> bool:
        probe = self._folder.path / ".probe"
        if not hasattr(os, "O_TMPFILE"):
            return False
        try:
            file = NamelessFile(self._folder.path)
        except OSError:
            return False
        try:
            file.link(str(probe))
            probe.unlink()
        except OSError:
            return False
        finally:
            file.close()
        return True


class SpoolFile(ABC):
    """A file that is written once and then linked into mailboxes. All methods block."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, octets: bytes) -> None:
        """Append octets. Raises `OSError`."""
        rest = memoryview(octets)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    @abstractmethod
    def link(self, path: str) -> None:
        """Give the file a name in a mailbox. Raises `OSError`."""

    def close(self) -> None:
        """Let go of it; what was not linked is gone."""
        os.close(self.descriptor)


class NamelessFile(SpoolFile):
    """A file without a name (O_TMPFILE)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600))

    def link(self, path: str) -> None:
        """See `SpoolFile.link`."""
        # Only with a dir_fd does Python follow the link in /proc to the file itself.
        source = f"/proc/self/fd/{self.descriptor}"
        os.link(source, path, src_dir_fd=self.descriptor, follow_symlinks=True)


class NamedFile(SpoolFile):
    """A file with a name in the spool."""

    def __init__(self, path: Path) -> None:
        super().__init__(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._path = path

    def link(self, path: str) -> None:
        """See `SpoolFile.link`."""
        os.link(self._path, path)

    def close(self) -> None:
        """See `SpoolFile.close`."""
        super().close()
        self._path.unlink(missing_ok=True)
