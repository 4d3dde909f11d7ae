"""`pop3gw send-test`: is mail received?"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.refusals import Refused
from gateway.wire.addresses import Address, InvalidAddress, parse_mailbox

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared, not bound)
_TCP = re.compile(r"\[?([0-9A-Za-z.:%]+?)\]?:([0-9]+)")
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener of the running gateway can be reached from here."""

    protocol: str
    host: str
    """An address as text, or the path of a unix socket."""
    port: int
    """0 for a unix socket."""

    def __str__(self) -> str:
        if not self.port:
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@click.command()
@click.argument("address", metavar="USER@DOMAIN")
@pass_folder
def command(folder: Folder, address: str) -> None:
    """Send a test message to a user.

    It goes over SMTP to the gateway that runs on the data folder. Says what the gateway answered,
    and how to read the message.

    Example: pop3gw send-test anna@example.org
    """
    from gateway.admin.trial_message import deliver

    try:
        recipient = parse_mailbox(address.strip())
    except InvalidAddress as error:
        raise Refused(f"{address!r} is not an address: {error}") from None
    places = _places(folder)
    door = _first(places, "smtp", "lmtp")
    if door is None:
        raise Refused(
            "the gateway that runs on this data folder listens for neither SMTP nor LMTP: start "
            "it with --smtp or [listen] smtp"
        )
    sent = deliver(door, recipient.canonical)
    click.echo(
        f"sent a test message to {recipient.canonical} over {door.protocol.upper()} ({door})"
    )
    click.echo(f"Message-ID: {sent.message_id}")
    click.echo(f"answer: {sent.reply}")
    _tell_how_to_read(folder, recipient, places)


def _places(folder: Folder) -> list[Place]:
    answers = folder.ask_gateways({"do": "listeners"})
    if not answers:
        raise Refused(
            f"no gateway runs on the data folder {folder.data.path}: start it with "
            f"'twistd -n pop3gw --data {shlex.quote(str(folder.data.path))}', then try again"
        )
    failed = [answer for answer in answers if answer.failure]
    if len(failed) == len(answers):
        raise Refused(
            f"the gateway process {failed[0].pid} does not say where it listens: "
            f"{failed[0].failure}"
        )
    rows = [row for answer in answers for row in answer.values.get("listeners", ())]
    places = (_place(row["protocol"], row["address"]) for row in rows)
    return [place for place in places if place is not None]


def _place(protocol: str, address: str) -> Place | None:
    if address.startswith("unix:/"):
        return Place(protocol, address.removeprefix("unix:"), 0)
    match = _TCP.fullmatch(address)
    if match is None:
        return None
    return Place(protocol, _EVERY_ADDRESS.get(match[1], match[1]), int(match[2]))


def _first(places: list[Place], *protocols: str) -> Place | None:
    found = (place for protocol in protocols for place in places if place.protocol == protocol)
    return next(found, None)


def _tell_how_to_read(folder: Folder, recipient: Address, places: list[Place]) -> None:
    users = folder.accounts.users_behind(recipient.canonical, 1)
    place = _first([place for place in places if place.port], "pop3s", "pop3")
    if not users or place is None:
        return
    mailbox = users[0].address
    number = folder.mail.usage(mailbox).messages
    click.echo("read it with (curl asks for the password):")
    click.echo(f"  {_read_command(folder, place, mailbox, number)}")


def _read_command(folder: Folder, place: Place, mailbox: str, number: int) -> str:
    host = "localhost" if place.host in _LOOPBACK else place.host
    words = ["curl", "--user", mailbox]
    if folder.settings.tls.certificates is None:
        words += ["--cacert", str(folder.data.ca_file)]
    if place.protocol == "pop3":
        words.append("--ssl-reqd")
    host = f"[{host}]" if ":" in host else host
    return shlex.join([*words, f"{place.protocol}://{host}:{place.port}/{number}"])
