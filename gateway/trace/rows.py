"""From events to the rows of the trace: one for each message and address that it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


def rows_of(event: events.Event, now: float) -> Iterable[Row]:
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
        client.id,
        client.protocol,
        client.host,
        client.user,
        take("sender"),
        take("octets"),
        take("reply"),
    )


def _copy_row(
    client: Client, at: float, what: str, mailbox: str, uidl: str, octets: int | None = None
) -> Row:
    """Make a row about a copy in a mailbox. There may be thousands in a session."""
    about = (client.id, client.protocol, client.host, client.user)
    return Row(at, what, None, None, mailbox, uidl, *about, None, octets)


def _stored(event: events.MessageStored, now: float) -> Iterator[Row]:
    message: dict[str, Any] = {"message": event.id, "message_id": event.message_id or None}
    begun = event.received_at or now
    octets = event.octets
    yield _row(event.client, begun, MAIL, sender=event.sender, octets=octets, **message)
    for mailbox, uidl in event.copies:
        yield _row(event.client, now, STORED, address=mailbox, uidl=uidl, **message)


def _refused(event: events.MessageRefused, now: float) -> Iterator[Row]:
    message: dict[str, Any] = {"message": event.id, "message_id": event.message_id or None}
    yield _row(event.client, event.received_at or now, MAIL, sender=event.sender, **message)
    for address in event.recipients:
        known = address.lower()
        yield _row(event.client, now, REFUSED, address=known, reply=event.reply, **message)


def _abandoned(event: events.MessageAbandoned, now: float) -> Iterator[Row]:
    message: dict[str, Any] = {"message": event.id, "message_id": event.message_id or None}
    yield _row(event.client, event.received_at, MAIL, sender=event.sender, **message)
    for address in event.recipients:
        yield _row(event.client, now, ABANDONED, address=address.lower(), **message)


def _recipient_refused(event: events.RecipientRefused, now: float) -> Iterator[Row]:
    yield _row(
        event.client,
        now,
        REFUSED,
        message=event.id or None,
        address=event.recipient.lower(),
        sender=event.sender,
        reply=event.reply,
    )


def _retrieved(event: events.MessageRetrieved, now: float) -> Iterator[Row]:
    yield _copy_row(event.client, now, RETRIEVED, event.mailbox, event.uidl, event.octets)


def _deleted(event: events.MessagesDeleted | events.UpdateFailed, now: float) -> Iterator[Row]:
    what = DELETED if isinstance(event, events.MessagesDeleted) else NOT_DELETED
    for uidl in event.uidls:
        yield _copy_row(event.client, now, what, event.mailbox, uidl)


_MAKERS: dict[type[events.Event], Callable[[Any, float], Iterator[Row]]] = {
    events.MessageStored: _stored,
    events.MessageRefused: _refused,
    events.MessageAbandoned: _abandoned,
    events.RecipientRefused: _recipient_refused,
    events.MessageRetrieved: _retrieved,
    events.MessagesDeleted: _deleted,
    events.UpdateFailed: _deleted,
}
