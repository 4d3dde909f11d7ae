"""`pop3gw trace`: the life of a message."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import json_option
from gateway.admin.refusals import Refused

if TYPE_CHECKING:
    from gateway.trace.rows import Row


@click.command()
@click.argument("what", metavar="ID|USER|MESSAGE-ID")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="The most messages."
)
@json_option
@pass_folder
def command(folder: Folder, what: str, limit: int, as_json: bool) -> None:
    """Tell what became of a message, from the first MAIL on.

    The message is meant by the id that the log and its Received line have, or by its Message-ID; an
    address means the latest messages to it, those that were refused too. All times are of this
    machine. `[service] trace_days` says for how long this is kept.

    Example: pop3gw trace anna@example.org
    """
    from gateway.trace.book import TraceBook

    found: list[str] = []
    book = TraceBook(folder.data.trace_file)
    if book.path.exists():
        found = book.messages_of(what.strip(), limit)
    if not found:
        raise Refused(
            f"nothing is known of {what!r}: it came longer ago than [service] trace_days, or never"
        )
    lives = [(message, book.life_of(message)) for message in found]
    book.close()
    if as_json:
        click.echo(json.dumps([_described(*life) for life in lives], indent=2))
        return
    for number, (message, rows) in enumerate(lives):
        if number:
            click.echo()
        _show(message, rows)


def _described(message: str, rows: list[Row]) -> dict[str, Any]:
    happenings = [
        {
            key: value
            for key, value in row._asdict().items()
            if value is not None and key not in ("message", "message_id")
        }
        for row in rows
    ]
    return {"id": message, "message_id": _message_id(rows), "happenings": happenings}


def _message_id(rows: list[Row]) -> str | None:
    return next((row.message_id for row in rows if row.message_id), None)


def _show(message: str, rows: list[Row]) -> None:
    message_id = _message_id(rows)
    click.echo(f"message {message}" + (f"  Message-ID {_plain(message_id)}" if message_id else ""))
    for row in rows:
        moment = datetime.fromtimestamp(row.at).astimezone()
        click.echo(f"  {moment:%Y-%m-%d %H:%M:%S}  {_line(row)}")


def _line(row: Row) -> str:
    words = [f"{row.what:11}"]
    if row.sender is not None:
        words.append(f"from <{_plain(row.sender)}>")
    if row.address is not None:
        words.append(("to " if row.what == "refused" else "") + _plain(row.address))
    if row.octets is not None:
        words.append(f"{row.octets} octets")
    if row.reply is not None:
        words.append(_plain(row.reply))
    who = f" {_plain(row.user)}" if row.user and row.user != row.address else ""
    if row.session:
        words.append(f"({row.protocol}{who} from {row.host}, session {row.session})")
    return "  ".join(words)


def _plain(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown.encode(sys.stdout.encoding or "utf-8", "replace").decode(
        sys.stdout.encoding or "utf-8"
    )
