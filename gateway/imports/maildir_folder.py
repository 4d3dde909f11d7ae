"""The message files of a Maildir that another server looks after. Nothing in it is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.imports.errors import DamagedLine, SourceError
from gateway.imports.messages import MessageUnreadable, MessageVanished
from gateway.store.maildir.locate import locate
from gateway.store.maildir.names import base_name, place, place_by_time
from gateway.wire.newlines import CRLFEncoder

_BLOCK = 65_536
_LOOKED_INTO = 100
"""So many messages are opened before the first is imported, to see whether they can be read."""
_COMPRESSED = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True, slots=True)
class MessageFile:
    """One message file."""

    folder: Path
    """Of the Maildir."""
    subfolder: str
    name: str
    modified: float
    """Seconds since the epoch: the INTERNALDATE of both Dovecot and Courier."""
    base: str
    """The name without flags."""

    @property
    def place(self) -> str:
        """That by which files are in the order of their arrival."""
        return place(self.base) or place_by_time(self.modified, self.base)

    @property
    def path(self) -> str:
        """Where it was found."""
        return f"{self.folder}/{self.subfolder}/{self.name}"

    def read(self) -> Iterator[bytes]:
        """Yield the octets of the message in canonical form.

        @raise SourceError: it is compressed.
        """
        encoder = CRLFEncoder()
        try:
            with self._open() as file:
                block = os.read(file.fileno(), _BLOCK)
                _refuse_compressed(self.path, block)
                yield encoder.encode(block)
                while len(block) == _BLOCK:  # less is the end of a file
                    block = os.read(file.fileno(), _BLOCK)
                    yield encoder.encode(block)
        except OSError as error:
            raise MessageUnreadable(str(unreadable(Path(self.path), error))) from error
        rest = encoder.finish()
        if rest:
            yield rest

    def _open(self) -> _OpenFile:
        try:
            return _OpenFile(self.path)
        except FileNotFoundError:
            moved = locate(self.folder, {self.base}).get(self.base)
        if moved is None:
            raise MessageVanished(self.path)
        return _OpenFile(moved)


class _OpenFile:
    """A file opened for reading, a link to elsewhere excepted."""

    def __init__(self, path: str | Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> _OpenFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor


def list_files(folder: Path) -> list[MessageFile]:
    """Return the message files of a Maildir, in the order of their arrival.

    @raise SourceError: it is no Maildir, it cannot be read, or its files are compressed.
    """
    found: list[MessageFile] = []
    try:
        if not (folder / "cur").is_dir() or not (folder / "new").is_dir():
            raise SourceError(
                f"{folder} is not a Maildir: it has no new/ and cur/; name the folder that has. A "
                "server that keeps mail in another form is asked with 'pop3gw import pop3'"
            )
        for subfolder in ("new", "cur"):
            found += _list_subfolder(folder, subfolder)
    except OSError as error:
        raise unreadable(folder, error) from error
    found.sort(key=lambda file: file.place)
    # Whoever compresses new mail has old mail that is not: the latest tell.
    for file in found[-_LOOKED_INTO:]:
        with suppress(MessageUnreadable, MessageVanished):  # told when it is imported
            next(file.read(), None)
    return found


def _list_subfolder(folder: Path, subfolder: str) -> Iterator[MessageFile]:
    with os.scandir(folder / subfolder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                continue
            try:
                modified = entry.stat(follow_symlinks=False).st_mtime
            except FileNotFoundError:
                continue
            name = entry.name
            yield MessageFile(folder, subfolder, name, modified, base_name(name))


def _refuse_compressed(path: str, start: bytes) -> None:
    for magic, name in _COMPRESSED.items():
        if start.startswith(magic):
            raise SourceError(
                f"{path} is compressed ({name}), as a plugin of the old server does it: start that "
                "server and import with 'pop3gw import pop3'"
            )


def read_list(path: Path) -> bytes:
    """Read a file that lists unique-ids. Raises `SourceError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> SourceError:
    """Return what to tell about a file that cannot be read."""
    reason = (error.strerror or str(error)).lower()
    return SourceError(f"{error.filename or path}: {reason}")


def damaged(path: Path, error: DamagedLine) -> SourceError:
    """Return what to tell about a file with a damaged line."""
    return SourceError(f"{path}, {error}")
