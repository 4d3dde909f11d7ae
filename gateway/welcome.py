"""The first account, and what a person who starts the gateway is told.

The text goes to standard output before the log begins, never through the log: it has a password.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.accounts.database import AccountDatabase
from gateway.accounts.schemes import hash_password
from gateway.datafolder import DataFolder

FIRST_DOMAIN = "localhost"

_CONSONANTS = "bdfghjkmnprtvz"
_VOWELS = "aeiou"
_SYLLABLES = 10
_WILDCARDS = ("0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104  (compared, not bound)


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """The account that was made because there was none."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener is bound."""

    protocol: str
    host: str
    port: int
    """0 for a unix socket."""

    @property
    def name(self) -> str:
        """What a program on this machine types in as the server."""
        return "localhost" if self.host in _WILDCARDS else self.host


def ensure_account(database: AccountDatabase) -> FirstAccount | None:
    """Make the domain `localhost` and one account in it, where there is no account at all.

    Blocks for one password hash, and for the disk.

    @return: the account, if it was made.
    @raise AccountError: the accounts cannot be used.
    """
    if database.has_users():
        return None
    if not database.has_domain(FIRST_DOMAIN):
        database.add_domain(FIRST_DOMAIN)
    account = FirstAccount(f"user@{FIRST_DOMAIN}", new_password())
    database.add_user(account.address, hash_password(account.password))
    return account


def new_password() -> str:
    """Return a random password (61 bits) that can be read aloud and typed."""
    pairs = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES)]
    return "-".join("".join(pairs[i : i + 2]) for i in range(0, _SYLLABLES, 2))


def first_start_text(
    folder: DataFolder, account: FirstAccount, places: Sequence[Place], plaintext: str
) -> str:
    """Return the text of a start that made an account.

    @param places: of all listeners.
    @param plaintext: `[auth] plaintext`.
    """
    incoming, outgoing = _first(places, "pop3s", "pop3"), _first(places, "smtp")
    user = f"user name {account.address}, password {account.password}"
    lines = [
        "",
        f"pop3gw: first start on the data folder {folder.path}",
        f"One account was made: {account.address}   password: {account.password}",
        "",
        "In Thunderbird (or another mail program) set the account up by hand:",
    ]
    if incoming is not None:
        lines.append(_setting("Incoming: POP3", incoming, user))
    if outgoing is not None:
        lines.append(_setting("Outgoing (to addresses of this gateway only): SMTP", outgoing, user))
    lines += [
        "  Certificate of the local CA, for the program to trust:",
        f"    {folder.ca_file}",
        "",
    ]
    if outgoing is not None:
        lines += ["Send a test message:", f"  {_send_command(folder, account)}"]
    if incoming is not None:
        lines += ["Read it:", f"  {_read_command(folder, account, incoming, plaintext)}"]
    return "\n".join([*lines, "", ""])


def later_start_text(
    folder: DataFolder, store_kind: str, users: int, domains: Sequence[str]
) -> str:
    """Return the text of a start that found everything there."""
    where = ", ".join(domains[:3]) + (", ..." if len(domains) > 3 else "")
    return (
        f"pop3gw: data folder {folder.path} (mail store: {store_kind})\n"
        f"  {users} account{'' if users == 1 else 's'} in {where or 'no domain'}; "
        f"local CA: {folder.ca_file}\n"
    )


def _first(places: Sequence[Place], *protocols: str) -> Place | None:
    found = [place for kind in protocols for place in places if place.protocol == kind]
    return next((place for place in found if place.port), None)


def _setting(title: str, place: Place, user: str) -> str:
    security = "SSL/TLS" if place.protocol == "pop3s" else "STARTTLS"
    return (
        f"  {title}, server {place.name}, port {place.port}, connection security {security},\n"
        f"    authentication: normal password, {user}"
    )


def _send_command(folder: DataFolder, account: FirstAccount) -> str:
    data = shlex.quote(str(folder.path))
    return f"{_command()} --data {data} send-test {account.address}"


def _read_command(folder: DataFolder, account: FirstAccount, place: Place, plaintext: str) -> str:
    login = shlex.quote(f"{account.address}:{account.password}")
    host = f"[{place.name}]" if ":" in place.name else place.name
    trust = f"--cacert {shlex.quote(str(folder.ca_file))}"
    if place.protocol == "pop3s":
        return f"curl {trust} -u {login} pop3s://{host}:{place.port}/1"
    if plaintext == "always":
        return f"curl -u {login} pop3://{host}:{place.port}/1"
    return f"curl --ssl-reqd {trust} -u {login} pop3://{host}:{place.port}/1"


def _command() -> str:
    """Return how the `pop3gw` command is called in this installation."""
    if shutil.which("pop3gw"):
        return "pop3gw"
    beside = Path(sys.executable).parent / "pop3gw"
    if beside.exists():
        return shlex.quote(str(beside))
    return f"{shlex.quote(sys.executable)} -m gateway.admin"
