"""`pop3gw user`: the people who have a mailbox."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gateway.accounts.names import read_address
from gateway.accounts.records import UserRecord
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted, json_option, show_list, show_one
from gateway.admin.passwords import password_stdin_option, read_password, warn_of_secret
from gateway.admin.refusals import Refused, say


@click.group()
def command() -> None:
    """The people who have a mailbox here.

    Example: pop3gw user add anna@example.org
    """


@command.command()
@click.argument("address", required=False, metavar="USER@DOMAIN")
@password_stdin_option
@click.option("--apop", is_flag=True, help="Keep the password in clear, as APOP and CRAM-MD5 need.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Add all users of a file.",
)
@pass_folder
def add(
    folder: Folder, address: str | None, password_stdin: bool, apop: bool, source: Path | None
) -> None:
    """Add a user, who can receive and fetch mail from now on.

    Asks for the password, twice. With --from it adds all users of a file, or none if one is
    wrong; each line is ADDRESS,PASSWORD or ADDRESS,{SCHEME}HASH.

    Example: pop3gw user add anna@example.org
    """
    if (address is None) == (source is None):
        raise click.UsageError("name one user as USER@DOMAIN, or many with --from FILE")
    if source is not None:
        if password_stdin or apop:
            raise click.UsageError("--from goes with neither --password-stdin nor --apop")
        _add_many(folder, source)
    elif address is not None:
        _add_one(folder, address, password_stdin, apop)


def _add_one(folder: Folder, address: str, password_stdin: bool, apop: bool) -> None:
    from gateway.accounts.schemes import hash_password
    from gateway.accounts.scram import make_verifiers
    from gateway.admin.new_user import check_new_user

    check_new_user(folder.accounts, address)
    password = read_password(password_stdin)
    user = folder.accounts.add_user(
        address,
        hash_password(password, folder.argon2),
        secret=password if apop else None,
        scram=make_verifiers(password, folder.scram_iterations),
    )
    if apop:
        warn_of_secret(user.address)
    click.echo(f"added the user {user.address}")
    _tell_of_old_mail(folder, user.address)


def _tell_of_old_mail(folder: Folder, address: str) -> None:
    try:
        messages = folder.mail.usage(address).messages
    except Refused as error:
        say(f"warning: the mailbox that was here already cannot be read: {error}")
        return
    if messages:
        click.echo(f"its mailbox was here already: {counted(messages, 'message')}")


def _add_many(folder: Folder, source: Path) -> None:
    from gateway.admin.progress import progress_bar
    from gateway.admin.user_file import check_lines, hash_lines, read_lines

    lines = read_lines(source)
    check_lines(source, lines, folder.accounts)
    with progress_bar("adding users", len(lines)) as advance:
        users = folder.accounts.add_users(
            hash_lines(lines, advance, folder.argon2, folder.scram_iterations)
        )
    click.echo(f"added {counted(len(users), 'user')}")


@command.command()
@click.argument("address", metavar="USER@DOMAIN")
@password_stdin_option
@click.option(
    "--apop/--no-apop",
    default=None,
    help="Keep the password in clear, or no longer. Left out: as it was with the old one.",
)
@pass_folder
def passwd(folder: Folder, address: str, password_stdin: bool, apop: bool | None) -> None:
    """Give a user a new password.

    Asks for it, twice. Sessions that are logged in with the old one are ended.

    Example: pop3gw user passwd anna@example.org
    """
    from gateway.accounts.schemes import hash_password
    from gateway.accounts.scram import make_verifiers
    from gateway.admin.sessions import end_sessions

    old = _require_user(folder, address)
    name = old.address
    password = read_password(password_stdin)
    keep = apop if apop is not None else old.secret is not None
    folder.accounts.set_password(
        name,
        hash_password(password, folder.argon2),
        secret=password if keep else None,
        scram=make_verifiers(password, folder.scram_iterations),
    )
    if keep:
        warn_of_secret(name)
    end_sessions(folder, name)
    click.echo(f"changed the password of {name}")


@command.command()
@click.argument("address", metavar="USER@DOMAIN")
@click.option("--purge", is_flag=True, help="Delete the user's mail, for good.")
@pass_folder
def remove(folder: Folder, address: str, purge: bool) -> None:
    """Remove a user; the mail is kept.

    Sessions of the user are ended. A new user of the same address finds the mail again. With
    --purge the mail is deleted, too; also that of a user who was removed before.

    Example: pop3gw user remove anna@example.org
    """
    from gateway.admin.alias import tell_changed
    from gateway.admin.sessions import end_sessions

    name = read_address(address).canonical
    if not (purge and folder.accounts.user(name) is None and folder.mail.exists(name)):
        changed = folder.accounts.remove_user(name)
        folder.logins.forget(name)
        end_sessions(folder, name)
        click.echo(f"removed the user {name}")
        tell_changed(changed)
    if purge:
        _purge(folder, name)
    else:
        _tell_of_kept_mail(folder, name)


def _purge(folder: Folder, address: str) -> None:
    from gateway.admin.purge import purge

    messages = purge(folder, address)
    click.echo(f"deleted the mail of {address}: {counted(messages, 'message')}")


def _tell_of_kept_mail(folder: Folder, address: str) -> None:
    where = folder.mail.location(address) or f"the mail store of {folder.data.path}"
    click.echo(f"its mail is kept in {where}; to delete it: pop3gw user remove --purge {address}")


@command.command()
@click.argument("address", metavar="USER@DOMAIN")
@json_option
@pass_folder
def show(folder: Folder, address: str, as_json: bool) -> None:
    """Show one user: mail, limits, aliases.

    Example: pop3gw user show anna@example.org
    """
    from gateway.admin.user_view import NAMES, describe

    user = _require_user(folder, address)
    item = describe(folder, [user])[0]
    show_one(item, NAMES, as_json)
    _exit_if_unreadable([item])


def _exit_if_unreadable(items: list[dict[str, Any]]) -> None:
    if any(item["messages"] is None for item in items):
        click.get_current_context().exit(1)


def _require_user(folder: Folder, address: str) -> UserRecord:
    user = folder.accounts.user(address)
    if user is None:
        name = read_address(address).canonical
        raise Refused(f"there is no user {name}; 'pop3gw user list' shows them all")
    return user


@command.command(name="list")
@click.argument("domain", required=False)
@json_option
@pass_folder
def list_(folder: Folder, domain: str | None, as_json: bool) -> None:
    """List all users, or those of DOMAIN.

    Example: pop3gw user list example.org
    """
    from gateway.admin.user_view import COLUMNS, describe

    items = describe(folder, folder.accounts.users(domain))
    if not items and sys.stdout.isatty() and not as_json:
        click.echo("there is no user yet; next: pop3gw user add USER@DOMAIN", err=True)
        return
    show_list(items, COLUMNS, as_json)
    _exit_if_unreadable(items)


@command.command(name="set")
@click.argument("address", metavar="USER@DOMAIN")
@click.argument("key")
@click.argument("value")
@pass_folder
def set_(folder: Folder, address: str, key: str, value: str) -> None:
    """Change a setting of a user.

    \b
    enabled         yes or no: whether the user may log in, and mail for it is taken
    quota_octets    the most that the mailbox may hold, as in 500M or 2G; none: no limit
    quota_messages  the most messages in it; none: no limit

    These are as with 'pop3gw domain set', which says more; "default" gives back what the domain or
    the configuration has: login_delay_seconds, login_delay_hard, expire_days, keep, undelete_days.

    Example: pop3gw user set anna@example.org quota_octets 2G
    """
    from gateway.accounts.policies import POLICY_SETTINGS
    from gateway.admin.policy import set_for_user
    from gateway.admin.sessions import end_sessions

    if key in POLICY_SETTINGS:
        set_for_user(folder, address, key, value)
        return
    user = folder.accounts.set_user(address, key, value)
    if not user.enabled:
        end_sessions(folder, user.address)
    now = getattr(user, key)
    click.echo(f"{user.address}: {key} is {_shown(now)} now")


def _shown(value: bool | int | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
