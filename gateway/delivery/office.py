"""The gateway's own delivery: a message goes into the mailboxes of its recipients."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.accounts.interfaces import DirectoryUnavailable
from gateway.delivery.interfaces import (
    Envelope,
    IDelivery,
    ITransaction,
    OutcomeUnknown,
    Refused,
)
from gateway.delivery.loops import MOST_RECEIVED, LoopDetector
from gateway.delivery.message_id import MessageIdFinder
from gateway.delivery.quota import QuotaGuard
from gateway.delivery.routing import Router
from gateway.delivery.trace_headers import trace_headers
from gateway.delivery.utf8_header import UTF8HeaderDetector
from gateway.delivery.waiting import Steps, run
from gateway.events import EventStream, MessageStored, Trouble
from gateway.store.interfaces import (
    IMailStore,
    MessageAttributes,
    StorageFull,
    StoredCopy,
    StoreError,
)
from gateway.store.interfaces import OutcomeUnknown as NotKnown
from gateway.wire import smtp_replies as replies


@implementer(IDelivery)
class OfficeDelivery:
    """Stores each message once, in all mailboxes that its recipients mean, or in none.

    @param directory: an `IDirectory`.
    @param store: an `IMailStore`.
    @param hostname: what the gateway calls itself in Received.
    @param recipient_delimiter: see `Router`, and so for `home_domain`, `local_hosts` and
        `first_user`.
    @param events: where stored messages and troubles are told.
    """

    def __init__(
        self,
        directory: Any,
        store: Any,
        *,
        hostname: str,
        recipient_delimiter: str = "+",
        home_domain: Callable[[], Any] = lambda: None,
        local_hosts: Collection[str] = (),
        first_user: Callable[[str], Any] = lambda _domain: None,
        events: EventStream | None = None,
    ) -> None:
        self.store: Any = IMailStore(store)
        self.hostname = hostname
        self.quota = QuotaGuard(self.store)
        self.events = events if events is not None else EventStream()
        self.router = Router(
            directory,
            recipient_delimiter=recipient_delimiter,
            home_domain=home_domain,
            local_hosts=local_hosts,
            first_user=first_user,
            events=self.events,
        )

    def begin(self, envelope: Envelope) -> OfficeTransaction:
        """Begin a transaction; every sender is served."""
        return OfficeTransaction(self, envelope)


@implementer(ITransaction)
class OfficeTransaction:
    """One message on its way into mailboxes."""

    def __init__(self, office: OfficeDelivery, envelope: Envelope) -> None:
        self._office = office
        self._envelope = envelope
        self._accepted: list[str] = []
        self._mailboxes: dict[str, None] = {}
        self._writer: Any = None
        self._loops = LoopDetector(office.hostname)
        self._utf8 = UTF8HeaderDetector(envelope.smtputf8)
        self._held = b""
        """The beginning of the message, while its attributes are not known."""
        self._message_id = MessageIdFinder()

    # Recipients --------------------------------------------------------------------------------

    def recipient(self, address: str) -> Deferred[None] | None:
        """Accept an address that has mailboxes here, with room in them."""
        return run(self._recipient(address))

    def _recipient(self, address: str) -> Steps[None]:
        office, envelope = self._office, self._envelope
        try:
            users = yield office.router.route(address, envelope.client.local_host)
            yield from office.quota.check(users, envelope.size)
        except DirectoryUnavailable as error:
            raise self._not_now("directory", error) from None
        except StoreError as error:
            raise self._store_refuses(error) from None
        self._accepted.append(address)
        self._mailboxes.update((user.mailbox, None) for user in users)

    # The message -------------------------------------------------------------------------------

    def write(self, octets: bytes) -> Deferred[None] | None:
        """Store the next octets, after the trace headers."""
        if self._loops.feed(octets):
            self._refuse_loop()
        if self._message_id.feed(octets):
            self._envelope.message_id = self._message_id.found
        self._utf8.feed(octets)
        if self._utf8.found is None:
            self._held += octets
            return None
        return self._store(octets)

    def _store(self, octets: bytes) -> Deferred[None] | None:
        try:
            if self._writer is None:
                octets = self._begin() + octets
            written = self._writer.write(octets)
        except StoreError as error:
            raise self._store_refuses(error) from None
        return None if written is None else written.addErrback(self._store_failed)

    def commit(self) -> Deferred[None]:
        """Store it durably in every mailbox."""
        try:
            if self._loops.finish():
                self._refuse_loop()
            self._utf8.finish()
            written = self._store(b"") if self._writer is None else None
        except Refused:
            self.abort()
            raise
        if written is not None:
            return written.addCallbacks(self._commit, self._give_up)
        return self._commit()

    def abort(self) -> None:
        """Drop it."""
        if self._writer is not None:
            self._writer.abort()

    def _begin(self) -> bytes:
        envelope = self._envelope
        sole: tuple[str, str] | None = None
        if len(self._accepted) == len(self._mailboxes) == 1:
            sole = (self._accepted[0], next(iter(self._mailboxes)))
        trace = trace_headers(envelope, self._office.hostname, sole)
        smtputf8 = envelope.smtputf8 and (self._utf8.found is True or not trace.isascii())
        attributes = MessageAttributes(smtputf8=smtputf8, requiretls=envelope.requiretls)
        self._writer = self._office.store.begin_delivery(attributes)
        held, self._held = self._held, b""
        return trace + held

    def _refuse_loop(self) -> None:
        loops = self._loops
        if loops.received > MOST_RECEIVED or not loops.delivered_to.isdisjoint(self._mailboxes):
            raise Refused(replies.MAIL_LOOP)

    def _commit(self, _: object = None) -> Deferred[None]:
        committed: Deferred[list[StoredCopy]] = self._writer.commit(tuple(self._mailboxes))
        return committed.addCallbacks(self._stored, self._store_failed)

    def _stored(self, copies: list[StoredCopy]) -> None:
        envelope = self._envelope
        self._office.events.emit(
            MessageStored(
                envelope.client,
                envelope.id,
                envelope.sender,
                tuple(self._accepted),
                tuple((copy.mailbox, copy.uidl) for copy in copies),
                self._writer.octets,
                envelope.received_at,
                envelope.message_id,
            )
        )

    # What goes wrong ---------------------------------------------------------------------------

    def _store_failed(self, failure: Failure) -> None:
        failure.trap(StoreError)
        if failure.check(NotKnown):
            self._office.events.emit(Trouble("store", str(failure.value)))
            raise OutcomeUnknown(str(failure.value))
        raise self._store_refuses(failure.value)

    def _give_up(self, failure: Failure) -> Failure:
        self.abort()
        return failure

    def _store_refuses(self, error: BaseException) -> Refused:
        if isinstance(error, StorageFull):
            self._office.events.emit(Trouble("store", str(error)))
            return Refused(replies.STORAGE_FULL)
        return self._not_now("store", error)

    def _not_now(self, where: str, error: BaseException) -> Refused:
        self._office.events.emit(Trouble(where, str(error)))
        return Refused(replies.LOCAL_ERROR)
