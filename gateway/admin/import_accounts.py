"""The accounts of another server: read, checked, added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.accounts.database import AccountDatabase, AccountError
from gateway.accounts.foreign_hashes import split_scheme
from gateway.accounts.names import read_address
from gateway.accounts.schemes import check_scheme
from gateway.admin.new_user import check_new_user
from gateway.admin.output import counted
from gateway.admin.passwords import obstacle
from gateway.admin.refusals import Refused
from gateway.admin.user_file import Line
from gateway.imports import passwd_file, sql_dump
from gateway.imports.errors import DamagedLine, SourceError
from gateway.imports.old_users import OldUser


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the old server who can have an account here, or has one."""

    address: str
    """In canonical form."""
    old: OldUser
    new: Line | None
    """What is added; None for who has an account."""


def read_accounts(
    accounts: AccountDatabase, path: Path, domain: str | None, table: str | None
) -> list[Account]:
    """Read the accounts of a passwd-file or of an SQL dump.

    @param domain: of logins without one.
    @param table: of a dump.
    @raise Refused: lines are wrong; names them all.
    """
    found: list[Account] = []
    wrong: list[str] = []
    first: dict[str, int] = {}
    for user in _read_file(path, table):
        try:
            account = _account(accounts, user, domain)
            if first.setdefault(account.address, user.line) != user.line:
                raise AccountError(f"line {first[account.address]} has {account.address} already")
            found.append(account)
        except AccountError as error:
            wrong.append(f"{path}, line {user.line}: {error}")
    if wrong:
        raise Refused("\n".join([*wrong, "nothing was imported"]))
    return found


def _read_file(path: Path, table: str | None) -> list[OldUser]:
    octets = path.read_bytes()
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = octets.count(b"\n", 0, error.start) + 1
        raise Refused(
            f"{path}, line {number}: is not UTF-8; save the file in that encoding"
        ) from None
    try:
        if table is not None or sql_dump.is_dump(text):
            return sql_dump.parse(text, table)
        return passwd_file.parse(text)
    except DamagedLine as error:
        raise Refused(f"{path}, {error}\nnothing was imported") from None
    except SourceError as error:
        raise Refused(f"{path}: {error}\nnothing was imported") from None


def _account(accounts: AccountDatabase, user: OldUser, domain: str | None) -> Account:
    login = user.login if "@" in user.login or domain is None else f"{user.login}@{domain}"
    if "@" not in login:
        raise AccountError(f"{login!r} names no domain: add --domain DOMAIN")
    address = read_address(login).canonical
    if accounts.user(address) is not None:
        return Account(address, user, None)
    check_new_user(accounts, address)
    return Account(address, user, _line(user, address))


def _line(user: OldUser, address: str) -> Line:
    scheme, body = split_scheme(user.password)
    if scheme == "PLAIN":
        reason = obstacle(body)
        if reason is not None:
            raise AccountError(reason)
        return Line(user.line, address, body, hashed=False)
    if not user.password:
        raise AccountError(
            f"{address} has no password: put one there as {{PLAIN}}PASSWORD, or remove the line"
        )
    check_scheme(user.password)
    return Line(user.line, address, user.password, hashed=True)


def add_accounts(
    accounts: AccountDatabase, users: Sequence[Account], *, dry_run: bool, quiet: bool = False
) -> None:
    """Add those who have no account yet, all or none, and say so.

    @param quiet: say nothing.
    """
    from gateway.admin.progress import progress_bar
    from gateway.admin.user_file import hash_lines

    lines = [user.new for user in users if user.new is not None]
    if not dry_run and lines:
        with progress_bar("adding accounts", len(lines)) as advance:
            accounts.add_users(hash_lines(lines, advance))
        for user in users:
            if user.new is not None and not user.old.enabled:
                accounts.set_user(user.address, "enabled", "no")
    if not quiet:
        _say_added(users, dry_run)


def _say_added(users: Sequence[Account], dry_run: bool) -> None:
    new = [user for user in users if user.new is not None]
    click.echo(f"{'would add' if dry_run else 'added'} {counted(len(new), 'account')}")
    schemes = Counter(
        split_scheme(user.old.password)[0]
        for user in new
        if user.new is not None and user.new.hashed
    )
    for scheme, number in sorted(schemes.items()):
        what = f"{counted(number, 'password')} in {{{scheme}}}"
        if scheme == "ARGON2ID":
            click.echo(f"  {what}: kept")
        else:
            click.echo(f"  {what}: kept until the next login, then replaced by argon2id")
    disabled = sum(not user.old.enabled for user in new)
    if disabled:
        click.echo(f"  {counted(disabled, 'account')} may not log in, as on the old server")
    if len(new) < len(users):
        others = counted(len(users) - len(new), "user")
        click.echo(f"  {others} had an account here already, whose password stays")
