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


def mark_of(uidl: str) -> str:
    """Return what `Copies.uidls` contains where a unique-id is among them."""
    return f"\n{uidl} "


def together(copies: Sequence[Copies]) -> list[Copies]:
    """Make one of what happened to the copies of a mailbox in the same way in the same session."""
    found: dict[tuple[str, str, str], list[Copies]] = {}
    for one in copies:
        found.setdefault((one.session, one.what, one.address), []).append(one)
    return [
        group[0]._replace(uidls="\n" + "".join(one.uidls[1:] for one in group))
        for group in found.values()
    ]


def rows_of(event: events.Event, now: float) -> Sequence[Row | Copies]:
    """Return what the trace keeps of an event; nothing of most."""
    make = _MAKERS.get(type(event))
    return make(event, now) if make is not None else ()


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


def _retrieved(event: events.MessageRetrieved, now: float) -> list[Copies]:
    line = f"\n{event.uidl} {event.octets}\n"
    return [Copies(now, RETRIEVED, event.mailbox, *_session(event.client), line)]


def _deleted(event: events.MessagesDeleted, now: float) -> list[Copies]:
    return [Copies(now, DELETED, event.mailbox, *_session(event.client), _lines(event.uidls))]


def _not_deleted(event: events.UpdateFailed, now: float) -> list[Copies]:
    return [Copies(now, NOT_DELETED, event.mailbox, *_session(event.client), _lines(event.uidls))]


def _expired(event: events.MessagesExpired, now: float) -> list[Copies]:
    return [Copies(now, EXPIRED, event.mailbox, "", "", "", None, _lines(event.uidls))]


def _session(client: Client) -> tuple[str, str, str, str | None]:
    return client.id, client.protocol, client.host, client.user


def _lines(uidls: Sequence[str]) -> str:
    return "\n" + "".join([f"{uidl} \n" for uidl in uidls])


_MAKERS: dict[type[events.Event], Callable[[Any, float], Sequence[Row | Copies]]] = {
    events.MessageStored: _stored,
    events.MessageRefused: _refused,
    events.MessageAbandoned: _abandoned,
    events.RecipientRefused: _recipient_refused,
    events.MessageRetrieved: _retrieved,
    events.MessagesDeleted: _deleted,
    events.UpdateFailed: _not_deleted,
    events.MessagesExpired: _expired,
}
