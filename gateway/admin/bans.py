"""`pop3gw bans`: user names that are refused from a network, after too many wrong passwords."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from gateway.accounts.throttle import RECENTLY_SECONDS, ThrottleRules
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted, json_option, show_list

_COLUMNS = {
    "user": "User name",
    "network": "From",
    "passwords": "Wrong passwords",
    "last": "The last",
    "until": "Until",
}


@click.group()
def command() -> None:
    """Who is refused after too many wrong passwords.

    Example: pop3gw bans list
    """


@command.command(name="list")
@json_option
@pass_folder
def list_(folder: Folder, as_json: bool) -> None:
    """List user names that are refused now, and from where.

    Each ends by itself, [auth] throttle_seconds after the last wrong password that was counted.

    Example: pop3gw bans list
    """
    passwords, seconds = _rules(folder)
    now = time.time()
    bans = folder.logins.bans(passwords, now - seconds, now - RECENTLY_SECONDS) if passwords else []
    items: list[dict[str, Any]] = [
        {
            "user": ban.user,
            "network": ban.network,
            "passwords": ban.passwords,
            "last": _shown(ban.at),
            "until": _shown(ban.at + seconds),
        }
        for ban in bans
    ]
    if not items and sys.stdout.isatty() and not as_json:
        click.echo("nobody is refused", err=True)
        return
    show_list(items, _COLUMNS, as_json)


@command.command()
@click.argument("address", required=False, metavar="USER@DOMAIN")
@pass_folder
def clear(folder: Folder, address: str | None) -> None:
    """Let everybody, or one user name, try again at once.

    Example: pop3gw bans clear anna@example.org
    """
    cleared = folder.logins.clear(None if address is None else address.strip().lower())
    click.echo(f"forgot the wrong passwords of {counted(cleared, 'pair')} of user name and network")


def _rules(folder: Folder) -> tuple[int, float]:
    if not folder.configured:
        rules = ThrottleRules()
        return rules.passwords, rules.seconds
    auth = folder.settings.auth
    return auth.throttle_passwords, auth.throttle_seconds


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
