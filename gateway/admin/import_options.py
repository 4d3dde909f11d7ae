"""The options that the commands of `pop3gw import` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.admin.output import json_option

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose mail is imported, and how."""

    address: str | None
    """One user; None for all of `users`."""
    users: Path | None
    """The file with the accounts of the old server."""
    domain: str | None
    """Of logins without one."""
    table: str | None
    """Of an SQL dump."""
    again: bool
    """Whether what was imported before and deleted here since is imported once more."""
    dry_run: bool
    as_json: bool


def users_options(command: Command) -> Command:
    """Add the options that say how a file of accounts is read."""
    command = click.option(
        "--table", metavar="NAME", help="The table with the users, where a dump has several."
    )(command)
    return click.option("--domain", metavar="DOMAIN", help="The domain of logins that name none.")(
        command
    )


def mailbox_options(command: Command) -> Command:
    """Add what names the users, and give it as the argument `choice`."""

    @click.argument("address", required=False, metavar="[USER@DOMAIN]")
    @click.option(
        "--users",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Import these accounts too: Dovecot's passwd-file, or the dump of an SQL table. "
        "Without USER@DOMAIN all of them.",
    )
    @users_options
    @click.option(
        "--again", is_flag=True, help="Import also what was imported before and deleted here since."
    )
    @click.option("--dry-run", is_flag=True, help="Say what each user would see; change nothing.")
    @json_option
    @wraps(command)
    def with_choice(
        address: str | None,
        users: Path | None,
        domain: str | None,
        table: str | None,
        again: bool,
        dry_run: bool,
        as_json: bool,
        **others: Any,
    ) -> Any:
        if address is None and users is None:
            raise click.UsageError("name one user as USER@DOMAIN, or many with --users FILE")
        choice = Choice(address, users, domain, table, again, dry_run, as_json)
        return command(choice=choice, **others)

    return with_choice
