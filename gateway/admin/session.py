"""`pop3gw session`: who is connected to the gateways that run on the data folder."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted, json_option, show_list
from gateway.admin.refusals import Refused, say
from gateway.control.client import Answer

_COLUMNS = {
    "id": "Session",
    "user": "User",
    "protocol": "Protocol",
    "host": "From",
    "tls": "TLS",
    "since": "Since",
    "silent": "Silent (s)",
    "process": "Process",
}


@click.group()
def command() -> None:
    """Who is connected to the running gateways.

    Example: pop3gw session list
    """


@command.command(name="list")
@click.argument("who", required=False, metavar="[ID|USER|ADDRESS]")
@json_option
@pass_folder
def list_(folder: Folder, who: str | None, as_json: bool) -> None:
    """List the live sessions, the oldest first, or only those of WHO.

    WHO is the id of a session, a user, or the address that a session comes from. "Silent" says for
    how many seconds not one octet has gone over the connection.

    Example: pop3gw session list anna@example.org
    """
    answers, complete = _answers(folder, {"do": "sessions"})
    rows = [
        {**row, "process": answer.pid} for answer in answers for row in answer.values["sessions"]
    ]
    if who is not None:
        rows = [row for row in rows if row[_kind_of(who)] == who.lower()]
    rows.sort(key=lambda row: row["since"])
    items = [{**row, "since": _shown(row["since"])} for row in rows]
    if not items and sys.stdout.isatty() and not as_json:
        click.echo("no session is open", err=True)
    else:
        show_list(items, _COLUMNS, as_json)
    if not complete:
        click.get_current_context().exit(1)


@command.command()
@click.argument("who", metavar="ID|USER|ADDRESS")
@pass_folder
def kick(folder: Folder, who: str) -> None:
    """End sessions: one by its id, or all of a user, or all from an address.

    Each is cut as if its line had broken: what was marked as deleted stays. Nothing keeps the
    client from coming back; 'pop3gw user set USER enabled no' does.

    Example: pop3gw session kick anna@example.org
    """
    kind = _kind_of(who)
    answers, complete = _answers(folder, {"do": "kick", kind: who.lower()})
    kicked = sum(answer.values["kicked"] for answer in answers)
    if not complete:
        click.get_current_context().exit(1)
    if not kicked:
        raise Refused(f"no session of {who} is open; 'pop3gw session list' shows them all")
    click.echo(f"ended {counted(kicked, 'session')} of {who}")


def _answers(folder: Folder, question: dict[str, Any]) -> tuple[list[Answer], bool]:
    """Return the answers of all gateways that gave one, and whether all of them did."""
    answers = folder.ask_gateways(question)
    if not answers:
        raise Refused(f"no gateway runs on {folder.data.path}")
    good = []
    for answer in answers:
        failure = answer.failure or answer.values.get("error")
        if failure:
            say(f"warning: the gateway process {answer.pid} does not answer ({failure})")
        else:
            good.append(answer)
    return good, len(good) == len(answers)


def _kind_of(who: str) -> str:
    """Say which value of a session a word is about."""
    if "@" in who:
        return "user"
    return "host" if "." in who or ":" in who or who == "unix" else "id"


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
