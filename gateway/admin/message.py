"""`pop3gw message`: messages that users have deleted, and that are still kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted, json_option, show_list
from gateway.admin.refusals import Refused
from gateway.store.interfaces import DeletedMessage

_COLUMNS = {
    "id": "Message",
    "arrived": "Arrived",
    "octets": "Octets",
    "from": "From",
    "subject": "Subject",
    "until": "Kept until",
}


@click.group()
def command() -> None:
    """Messages that were deleted, and that are still kept.

    They are kept where undelete_days or keep says so: [pop3] in the configuration,
    'pop3gw domain set', 'pop3gw user set'.

    Example: pop3gw message list anna@example.org
    """


@command.command(name="list")
@click.argument("address", metavar="USER@DOMAIN")
@json_option
@pass_folder
def list_(folder: Folder, address: str, as_json: bool) -> None:
    """List the deleted messages of a user that can be brought back.

    Example: pop3gw message list anna@example.org
    """
    items = [_item(message) for message in folder.mail.deleted(_mailbox(folder, address))]
    if not items and sys.stdout.isatty() and not as_json:
        click.echo("no deleted message is kept", err=True)
        return
    show_list(items, _COLUMNS, as_json)


@command.command()
@click.argument("address", metavar="USER@DOMAIN")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@pass_folder
def undelete(folder: Folder, address: str, ids: tuple[str, ...]) -> None:
    """Bring deleted messages back: those with these IDs, or all that are kept.

    Their clients see them at the next login, in their old places and with their old unique-ids, so
    that a client which has them already does not fetch them again.

    Example: pop3gw message undelete anna@example.org
    """
    mailbox = _mailbox(folder, address)
    kept = {message.uidl for message in folder.mail.deleted(mailbox)}
    unknown = sorted(set(ids) - kept)
    if unknown:
        raise Refused(
            f"no deleted message of {mailbox} has the id {unknown[0]}; "
            f"'pop3gw message list {mailbox}' shows them all"
        )
    back = folder.mail.undelete(mailbox, set(ids) or kept)
    click.echo(f"brought {counted(len(back), 'message')} of {mailbox} back")


def _mailbox(folder: Folder, address: str) -> str:
    user = folder.accounts.user(address)
    if user is None:
        raise Refused(f"there is no user {address}; 'pop3gw user list' shows them all")
    return user.address


def _item(message: DeletedMessage) -> dict[str, Any]:
    header = message_from_bytes(message.header)
    return {
        "id": message.uidl,
        "arrived": _shown(message.arrived),
        "octets": message.octets,
        "from": _readable(header.get_all("From", ())),
        "subject": _readable(header.get_all("Subject", ())),
        "until": "for ever" if message.until == math.inf else _shown(message.until),
    }


def _readable(values: Iterable[object]) -> str:
    """Return a header's value as a line of text, whatever a sender put there."""
    text = ", ".join(map(str, values))
    try:
        text = str(make_header(decode_header(text)))
    except (ValueError, LookupError):
        pass  # as it is, then
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
