"""From events to the rows of the trace.

There is one for each message that comes and address that it concerns, and one for all that a
session does to the copies in a mailbox in one way: there may be thousands of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gateway import events
from gateway.client import Client

MAIL = "mail"
REFUSED = "refused"
STORED = "stored"
ABANDONED = "abandoned"
RETRIEVED = "retrieved"
DELETED = "deleted"
NOT_DELETED = "not deleted"
EXPIRED = "expired"


class Row(NamedTuple):
    """One happening, in the order of the table's columns."""

    at: float
    """Seconds since the epoch."""
    what: str
    message: str | None
    """The id of the transaction; None where only mailbox and unique-id tell which message it is."""
    message_id: str | None
    address: str | None
    """The mailbox, or the recipient that was refused, in lower case."""
    uidl: str | None
    session: str
    protocol: str
    host: str
    user: str | None
    """Who had logged in."""
    sender: str | None
    octets: int | None = None
    reply: str | None = None


class Copies(NamedTuple):
    """What happened to copies in a mailbox, in one session, in the order of the table's columns."""

    at: float
    """Seconds since the epoch, of the first."""
    what: str
    address: str
    """The mailbox."""
    session: str
    protocol: str
    host: str
    user: str | None
    uidls: str
    """A line for each of them, its unique-id, a space and its octets where they are told; a line
    end stands before the first, too."""

    def of(self, uidl: str) -> Row | None:
        """Return what happened to one of them, None where it is not among them."""
        start = self.uidls.find(mark_of(uidl))
        if start < 0:
            return None
        octets = self.uidls[start + len(mark_of(uidl)) :].partition("\n")[0]
        about = (self.session, self.protocol, self.host, self.user)
        row = Row(self.at, self.what, None, None, self.address, uidl, *about, None)
        return row._replace(octets=int(octets) if octets else None)


Doing = tuple[Client | None, str, str]
"""A client, None for the gateway itself; what it does; the mailbox with the copies."""


def mark_of(uidl: str) -> str:
    """Return what `Copies.uidls` contains where a unique-id is among them."""
    return f"\n{uidl} "


def rows_of(event: events.Event, now: float) -> Sequence[Row]:
    """Return what the trace keeps of an event that is not about copies; nothing of most."""
    make = _MAKERS.get(type(event))
    return make(event, now) if make is not None else ()


def copies_of(event: events.Event) -> tuple[Doing, list[str]] | None:
    """Return what the trace keeps of an event about copies; None of others.

    @return: who did what, and a line for each copy as in `Copies.uidls`.
    """
    about = _ABOUT_COPIES.get(type(event))
    return about(event) if about is not None else None


def row_of_copies(doing: Doing, at: float, lines: Sequence[str]) -> Copies:
    """Return the row of what was done to copies, the first of them `at` that time."""
    client, what, mailbox = doing
    about = _session(client) if client is not None else ("", "", "", None)
    return Copies(at, what, mailbox, *about, "\n" + "".join(lines))


def is_traced(event: events.Event) -> bool:
    """Say whether the trace keeps anything of an event."""
    return type(event) in _MAKERS or type(event) in _ABOUT_COPIES


def _row(client: Client, at: float, what: str, **values: Any) -> Row:
    take = values.get
    return Row(
        at,
        what,
        take("message"),
        take("message_id"),
        take("address"),
        take("uidl"),
        *_session(client),
        take("sender"),
        take("octets"),
        take("reply"),
    )


def _stored(event: events.MessageStored, now: float) -> list[Row]:
    client, message, message_id = event.client, event.id, event.message_id or None
    about = _session(client)
    begun = event.received_at or now
    mail = Row(begun, MAIL, message, message_id, None, None, *about, event.sender, event.octets)
    copies = [
        Row(now, STORED, message, message_id, mailbox, uidl, *about, None)
        for mailbox, uidl in event.copies
    ]
    return [mail, *copies]


def _refused(event: events.MessageRefused, now: float) -> list[Row]:
    message: dict[str, Any] = {"message": event.id, "message_id": event.message_id or None}
    mail = _row(event.client, event.received_at or now, MAIL, sender=event.sender, **message)
    reply = event.reply
    return [
        mail,
        *(
            _row(event.client, now, REFUSED, address=address.lower(), reply=reply, **message)
            for address in event.recipients
        ),
    ]


def _abandoned(event: events.MessageAbandoned, now: float) -> list[Row]:
    message: dict[str, Any] = {"message": event.id, "message_id": event.message_id or None}
    mail = _row(event.client, event.received_at, MAIL, sender=event.sender, **message)
    return [
        mail,
        *(
            _row(event.client, now, ABANDONED, address=address.lower(), **message)
            for address in event.recipients
        ),
    ]


def _recipient_refused(event: events.RecipientRefused, now: float) -> list[Row]:
    row = _row(
        event.client,
        now,
        REFUSED,
        message=event.id or None,
        address=event.recipient.lower(),
        sender=event.sender,
        reply=event.reply,
    )
    return [row]


def _retrieved(event: events.MessageRetrieved) -> tuple[Doing, list[str]]:
    return (event.client, RETRIEVED, event.mailbox), [f"{event.uidl} {event.octets}\n"]


def _deleted(event: events.MessagesDeleted) -> tuple[Doing, list[str]]:
    return (event.client, DELETED, event.mailbox), _lines(event.uidls)


def _not_deleted(event: events.UpdateFailed) -> tuple[Doing, list[str]]:
    return (event.client, NOT_DELETED, event.mailbox), _lines(event.uidls)


def _expired(event: events.MessagesExpired) -> tuple[Doing, list[str]]:
    return (None, EXPIRED, event.mailbox), _lines(event.uidls)


def _session(client: Client) -> tuple[str, str, str, str | None]:
    return client.id, client.protocol, client.host, client.user


def _lines(uidls: Sequence[str]) -> list[str]:
    return [f"{uidl} \n" for uidl in uidls]


_MAKERS: dict[type[events.Event], Callable[[Any, float], Sequence[Row]]] = {
    events.MessageStored: _stored,
    events.MessageRefused: _refused,
    events.MessageAbandoned: _abandoned,
    events.RecipientRefused: _recipient_refused,
}
_ABOUT_COPIES: dict[type[events.Event], Callable[[Any], tuple[Doing, list[str]]]] = {
    events.MessageRetrieved: _retrieved,
    events.MessagesDeleted: _deleted,
    events.UpdateFailed: _not_deleted,
    events.MessagesExpired: _expired,
}
