"""The mailbox of one user on the old server, opened as often as it takes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import click

from gateway.admin.passwords import read_password
from gateway.admin.refusals import Refused, say
from gateway.client import is_loopback
from gateway.imports.errors import SourceError
from gateway.imports.messages import SourceMessage
from gateway.imports.pop3 import read_mailbox
from gateway.imports.pop3_client import OldServer, POP3Client

_SERVER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Mover:
    """A user whose mail is imported."""

    address: str
    """Here, in canonical form."""
    login: str
    """There."""
    home: str = ""
    """There; "" where it is not known."""

    def expand(self, text: str) -> str:
        """Put the values of this user in the place of Dovecot's variables.

        @raise Refused: there is another variable, or the home folder is not known.
        """
        name, _, domain = self.login.partition("@")
        domain = domain or self.address.rpartition("@")[2]
        values = {"u": self.login, "n": name, "d": domain, "h": self.home, "%": "%"}

        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise Refused(f"{text}: {match[0]} is none of the variables %u, %n, %d, %h, %%")
            if not values[match[1]]:
                raise Refused(f"{text}: the file of users names no home folder for {self.login}")
            return values[match[1]]

        return re.sub(r"%(.?)", value, text)

    def path(self, text: str) -> Path:
        """Return `expand` as a path."""
        return Path(self.expand(text))


class Source(Protocol):
    """A mailbox on the old server."""

    @property
    def where(self) -> str:
        """Where it is, for a person."""

    @property
    def exists(self) -> bool:
        """Whether there is a mailbox at all."""

    def opened(self, *, keep: bool = False) -> AbstractContextManager[list[SourceMessage]]:
        """Give the messages, which can be read until it ends. Raises `SourceError`.

        @param keep: to be asked once more; then the same may be given, without a second look.
        """


class FolderSource:
    """A mailbox in a folder.

    @param read: gives the messages of a folder, and of another one beside it.
    """

    def __init__(
        self,
        folder: Path,
        read: Callable[[Path, Path | None], list[SourceMessage]],
        beside: Path | None = None,
    ) -> None:
        self._folder = folder
        self._read = read
        self._beside = beside
        self._kept: list[SourceMessage] | None = None

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._folder)

    @property
    def exists(self) -> bool:
        """Whether the folder is there: a user who never got mail has none."""
        return self._folder.exists()

    @contextmanager
    def opened(self, *, keep: bool = False) -> Iterator[list[SourceMessage]]:
        """See `Source.opened`."""
        kept, self._kept = self._kept, None
        messages = kept if kept is not None else self._read(self._folder, self._beside)
        if keep:
            self._kept = messages
        yield messages


class ServerSource:
    """A maildrop on a server."""

    def __init__(self, server: OldServer, login: str, password: str) -> None:
        self._server = server
        self._login = login
        self._password = password

    @property
    def where(self) -> str:
        """User and server."""
        return f"{self._login} on {self._server}"

    @property
    def exists(self) -> bool:
        """The server will tell."""
        return True

    @contextmanager
    def opened(self, *, keep: bool = False) -> Iterator[list[SourceMessage]]:  # noqa: ARG002
        """See `Source.opened`."""
        client = POP3Client(self._server)
        try:
            try:
                client.log_in(self._login, self._password)
            except SourceError as error:
                raise SourceError(f"{self._login}: {error}") from None
            yield read_mailbox(client, f"{self._login}@{self._server.host}")
            client.quit()
        finally:
            client.close()


def read_server(text: str, tls: str, ca: str | None) -> OldServer:
    """Read "HOST", "HOST:PORT" or "[IPV6]:PORT"."""
    match = _SERVER.fullmatch(text)
    if match is None or not 0 < int(match[3] or 1) < 65536:
        raise click.BadParameter(f"{text!r} is not HOST or HOST:PORT", param_hint="HOST[:PORT]")
    if ca is not None and not Path(ca).is_file():
        raise click.BadParameter(f"there is no file {ca}", param_hint="--ca")
    host = match[1] or match[2]
    if tls == "none" and host != "localhost" and not is_loopback(host):
        say("warning: passwords and mail travel in clear; --tls stls or pop3s protects them")
    return OldServer(host, int(match[3] or (995 if tls == "pop3s" else 110)), tls, ca)


def read_old_password(from_stdin: bool) -> str:
    """Return the password for the old server."""
    if from_stdin or not sys.stdin.isatty():
        return read_password(from_stdin)
    password: str = click.prompt("Password on the old server", hide_input=True, err=True)
    return password
