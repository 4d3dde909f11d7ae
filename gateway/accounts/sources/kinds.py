"""Our kinds of checkers, as strcred plugins (`twisted.cred.strcred`) that any program may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory
from twisted.plugin import IPlugin
from zope.interface import implementer

from gateway.accounts.sources.surroundings import Surroundings, default_surroundings


@implementer(ICheckerFactory, IPlugin)
@dataclass(frozen=True)
class SourceKind:
    """One kind."""

    authType: str
    argStringFormat: str
    """What follows the kind and a colon."""
    authHelp: str
    make: Callable[[str, Surroundings], Any]
    """Takes the argument; returns a checker, which may be an `IUserSource`, too."""
    credentialInterfaces: tuple[Any, ...] = (IUsernamePassword,)

    def generateChecker(self, argument: str) -> Any:
        """See `ICheckerFactory`."""
        return self.make(argument, default_surroundings())


def _passwd_file(argument: str, surroundings: Surroundings) -> Any:
    from gateway.accounts.sources.passwd_file import PasswdFileChecker

    return PasswdFileChecker(Path(argument), surroundings)


def _sql(argument: str, surroundings: Surroundings) -> Any:
    from gateway.accounts.sources.sql import SQLChecker

    return SQLChecker(Path(argument), surroundings)


def _http(argument: str, surroundings: Surroundings) -> Any:
    from gateway.accounts.sources.http import HTTPChecker

    return HTTPChecker(argument, surroundings)


def _pam(argument: str, surroundings: Surroundings) -> Any:
    from gateway.accounts.sources.pam import PAMChecker

    return PAMChecker(argument, surroundings)


def _ldap(argument: str, surroundings: Surroundings) -> Any:
    from gateway.accounts.sources.ldap import LDAPChecker

    return LDAPChecker(Path(argument), surroundings)


KINDS = (
    SourceKind(
        "passwd-file",
        "PATH",
        "A passwd-file as Dovecot has it: user:password:uid:gid:gecos:home:shell:extra.",
        _passwd_file,
    ),
    SourceKind("sql", "FILE", "A database; FILE (TOML) has the connection and queries.", _sql),
    SourceKind("ldap", "FILE", "An LDAP directory; FILE (TOML) says where and what.", _ldap),
    SourceKind("pam", "SERVICE (or nothing: pop3gw)", "System users, by PAM.", _pam),
    SourceKind("http", "https://HOST/PATH", "An HTTP endpoint that is sent each password.", _http),
)
