"""The data folder: what lies where in it, and how it comes to be."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.config_errors import ConfigError
from gateway.files import Owner, acting_as, give_tree, make_folder, replace_file, write_new

FORMAT_VERSION = 1
DEFAULT_STORE_KIND = "sqlite"
DEFAULT_FOLDER = "pop3gw-data"
"""Where nothing is said, in the working directory."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `DataFolder.prepare` found or made."""

    store_kind: str
    """The kind of mail store this folder has."""
    created: tuple[Path, ...]
    """What was missing, in the order in which it was made; empty if nothing was."""


class DataFolder:
    """A folder with all that a gateway keeps: accounts, mail, certificates.

    The paths may be asked for whether or not the folder exists.

    @param path: where it is; made absolute.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100  (keeps symbolic links)
        self.format_file = self.path / "format.json"
        self.accounts_file = self.path / "accounts.sqlite"
        self.logins_file = self.path / "logins.sqlite"
        """Wrong passwords of late, and last logins; nothing that would be missed."""
        self.trace_file = self.path / "trace.sqlite"
        self.ca_file = self.path / "ca.pem"
        self.ca_key_file = self.path / "ca-key.pem"
        self.tls = self.path / "tls"
        """The gateway's own pair; each folder in it holds a further pair, named as one likes."""
        self.chain_file = self.tls / "fullchain.pem"
        self.key_file = self.tls / "privkey.pem"
        self.acme_key_file = self.path / "acme-account-key.pem"
        """Says to the ACME server who we are."""
        self.mail = self.path / "mail"
        self.spool = self.path / "spool"
        self.imports = self.path / "imports"
        """What was imported into which mailbox, so that nothing is imported twice."""
        self.run = self.path / "run"
        """The control sockets of the gateways that run on this folder."""

    def __repr__(self) -> str:
        return f"DataFolder({str(self.path)!r})"

    def control_socket(self, pid: int) -> Path:
        """Return the path of the control socket of the gateway process `pid`."""
        return self.run / f"{pid}.sock"

    def prepare(self, store_kind: str | None = None, owner: Owner | None = None) -> Prepared:
        """Make what is missing; never change what is there. Any number may do so at once.

        @param store_kind: the kind that is asked for; None takes what the folder has, or
            "maildir" for a new one.
        @param owner: to whom belongs what is made, and what root's commands made before. None:
            where root works on a folder of another user's, that user; else the user we run as.
        @raise ConfigError: it cannot be made, read or written by that owner; it has another kind
            of store; it was written by a later version.
        """
        created: list[Path] = []
        try:
            self._make_folder(created, owner)
            if owner is not None and self._is_of_root():
                give_tree(self.path, owner)
            owner = owner if owner is not None else self.owner()
            with acting_as(owner):
                self._check_access()
            for folder in (self.tls, self.mail, self.spool, self.run):
                if make_folder(folder, owner):
                    created.append(folder)
            if self._make_format_file(store_kind or self._likely_kind(), owner):
                created.append(self.format_file)
            kind = self._read_format()
        except OSError as error:
            raise self._unusable(error) from error
        if store_kind is not None and store_kind != kind:
            raise ConfigError(
                f"the mail in this folder is kept as {kind!r}, not as {store_kind!r}",
                "leave out --store and [store] kind, or name another data folder",
                file=self.format_file,
            )
        return Prepared(kind, tuple(created))

    def set_store_kind(self, kind: str) -> None:
        """Have the folder say from now on that its mail is kept as `kind`. Raises `OSError`."""
        text = json.dumps({"version": FORMAT_VERSION, "store": kind}) + "\n"
        replace_file(self.format_file, text.encode(), owner=self.owner(), mode=0o600)

    def owner(self) -> Owner | None:
        """Return the owner of the folder where root works for another user, else None."""
        if os.geteuid() != 0:
            return None
        status = self.path.stat()
        return (status.st_uid, status.st_gid) if status.st_uid != 0 else None

    def _is_of_root(self) -> bool:
        """Say whether root, which we are, made this data folder; any other folder may be root's."""
        status = self.path.stat()
        ours = os.geteuid() == 0 == status.st_uid and not status.st_mode & 0o022
        return ours and self.format_file.exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes that use this lock out; the folder exists."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self, created: list[Path], owner: Owner | None) -> None:
        missing = [p for p in (self.path, *self.path.parents) if not p.exists()]
        for folder in reversed(missing):
            if make_folder(folder, owner):
                created.append(folder)

    def _check_access(self) -> None:
        for folder in (self.path, self.tls, self.mail, self.spool, self.run):
            try:
                status = folder.stat()
            except FileNotFoundError:
                continue
            if not os.path.isdir(folder):  # noqa: PTH112  (stat has told of errors)
                raise NotADirectoryError(20, "not a folder", str(folder))
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
                raise PermissionError(13, f"belongs to uid {status.st_uid}", str(folder))
        for file in (self.format_file, self.accounts_file, self.logins_file):
            if file.exists() and not os.access(file, os.R_OK | os.W_OK, effective_ids=True):
                raise PermissionError(13, f"belongs to uid {file.stat().st_uid}", str(file))

    def _make_format_file(self, kind: str, owner: Owner | None) -> bool:
        text = json.dumps({"version": FORMAT_VERSION, "store": kind}) + "\n"
        return write_new(self.format_file, text.encode(), owner=owner, mode=0o600)

    def _likely_kind(self) -> str:
        """Return the kind of the mail that is there, so that none passes for an empty mailbox."""
        for kind, name in (("sqlite", "sqlite"), ("maildir", "mail")):
            folder = self.path / name
            if folder.is_dir() and any(folder.iterdir()):
                return kind
        return DEFAULT_STORE_KIND

    def _read_format(self) -> str:
        try:
            values = json.loads(self.format_file.read_text("utf-8"))
            version, kind = int(values["version"]), str(values["store"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                "does not say in which format this data folder is",
                f'write {{"version": {FORMAT_VERSION}, "store": "{self._likely_kind()}"}} into it',
                file=self.format_file,
            ) from error
        if version > FORMAT_VERSION:
            raise ConfigError(
                f"the folder was written by a later pop3gw (format {version}, this one knows "
                f"{FORMAT_VERSION})",
                "install that version again, or name another data folder",
                file=self.format_file,
            )
        return kind

    def _unusable(self, error: OSError) -> ConfigError:
        path = Path(error.filename) if error.filename else self.path
        reason = (error.strerror or str(error)).lower()
        if isinstance(error, NotADirectoryError | FileExistsError):
            remedy = "move it away, or name another data folder with --data or the key data"
        else:
            remedy = (
                "let the user that the gateway runs as own and reach it (chown -R), "
                "or name another data folder with --data or the key data"
            )
        return ConfigError(f"the data folder cannot be used: {reason}", remedy, file=path)
