"""Serves Maildirs with `twisted.mail`. Run: python twisted_mail.py FOLDER PORT TLSPORT CERT KEY"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.protocol import ServerFactory
from twisted.mail.interfaces import IMailboxPOP3
from twisted.mail.maildir import MaildirMailbox
from twisted.mail.pop3 import POP3
from zope.interface import implementer

from bench.pop3.listening import serve
from bench.pop3.servers import PASSWORD


class Session(POP3):
    """As it comes, but for Nagle's algorithm, which would cost 40 ms a message."""

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        super().connectionMade()


class Maildir(MaildirMailbox):
    """As it comes, but for two slips over octets and text, which would end the session."""

    def getMessage(self, index: int) -> Any:
        path: bytes = self.list[index]
        return open(path, "rb")  # noqa: PTH123  (the session closes it)

    def deleteMessage(self, index: int) -> None:
        path: bytes = self.list[index]
        trash = os.path.join(self.path, b".Trash", b"cur", os.path.basename(path))  # noqa: PTH118, PTH119
        os.rename(path, trash)  # noqa: PTH104
        self.deleted[path] = trash
        self.list[index] = 0


@implementer(ICredentialsChecker)
class OnePassword:
    """Everybody has the same one, in plain."""

    credentialInterfaces = (IUsernamePassword,)

    def requestAvatarId(self, credentials: Any) -> bytes:
        if not credentials.checkPassword(PASSWORD.encode()):
            raise UnauthorizedLogin
        name: bytes = credentials.username
        return name


@implementer(IRealm)
class Maildirs:
    """A Maildir for each local part."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def requestAvatar(self, avatar_id: bytes, *_: object) -> Any:
        folder = self._root / avatar_id.decode().partition("@")[0]
        return IMailboxPOP3, Maildir(os.fsencode(folder)), lambda: None


class Sessions(ServerFactory):
    """Makes sessions that log in at one portal."""

    protocol = Session

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def buildProtocol(self, address: Any) -> Any:
        session = super().buildProtocol(address)
        session.portal = self._portal
        return session


if __name__ == "__main__":
    portal = Portal(Maildirs(Path(sys.argv[1])), [OnePassword()])
    serve(Sessions(portal), *sys.argv[2:])
