"""The octets of one message, from the first to the reply that answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.delivery.interfaces import Envelope, ITransaction, OutcomeUnknown, Refused
from gateway.events import EventStream, InternalError, MessageRefused
from gateway.wire import smtp_replies as replies
from gateway.wire.replies import SMTPReply

Outcome = list[SMTPReply]
"""The replies to a message: one, or one for each recipient with LMTP. None at all where nobody
knows what became of it."""


class IncomingMessage:
    """Hands a message on as it comes, whatever command brings it, and knows how it ended.

    Once it is refused, for whatever reason, the transaction is aborted and the rest is only
    counted; the client hears of it when it has sent everything.

    @param transaction: the `ITransaction` that takes it.
    @param limit: octets of the largest message.
    @param each: reply for each recipient (RFC 2033) instead of once.
    """

    def __init__(
        self, envelope: Envelope, transaction: Any, limit: int, each: bool, events: EventStream
    ) -> None:
        self._envelope = envelope
        self._transaction: Any = ITransaction(transaction)
        self._limit = limit
        self._each = each
        self._events = events
        self._octets = 0
        self._refusal: SMTPReply | None = None
        self._told = False
        self._ended = False

    def write(self, octets: bytes) -> Deferred[None] | None:
        """Hand on the next octets. Never raises, and what it returns does not fail."""
        self._octets += len(octets)
        if self._refusal is not None:
            return None
        if self._octets > self._limit:
            self._refuse(replies.MESSAGE_TOO_BIG)
            return None
        try:
            written = self._transaction.write(octets)
        except Exception:
            self._write_failed(Failure())
            return None
        return written.addErrback(self._write_failed) if isinstance(written, Deferred) else None

    def refuse(self, defect: SMTPReply) -> None:
        """Store nothing of it for what its octets are, and answer with `defect` at its end.

        That is told rather than any other refusal, so that it does not matter in which blocks the
        octets come.
        """
        self._refuse(defect)
        self._refusal = defect

    def _refuse(self, reply: SMTPReply) -> None:
        if self._refusal is None:
            self._refusal = reply
            self.abort()

    def expect(self, octets: int) -> None:
        """So many octets will come next: refuse them at once where they are too many."""
        if self._octets + octets > self._limit:
            self._refuse(replies.MESSAGE_TOO_BIG)

    def tell_refusal(self) -> SMTPReply | None:
        """Return the reply that refuses it, to be given before its end; None while it is not."""
        if self._refusal is not None:
            self._tell_refused(self._refusal)
        return self._refusal

    def abort(self) -> None:
        """Drop it: refused, or the rest will never come."""
        if not self._ended:
            self._ended = True
            self._transaction.abort()

    def finish(self) -> Outcome | Deferred[Outcome]:
        """All octets were written: commit. Never raises, and what it returns does not fail."""
        if self._ended:  # refused, or the client has gone meanwhile
            return self._all_refused(self._refusal or replies.LOCAL_ERROR)
        self._ended = True
        try:
            committed = self._transaction.commit()
            if not isinstance(committed, Deferred):
                return self._committed(committed)
        except Exception:
            return self._commit_failed(Failure())
        return committed.addCallback(self._committed).addErrback(self._commit_failed)

    # Outcomes ----------------------------------------------------------------------------------

    def _committed(self, results: Sequence[SMTPReply | None] | None) -> Outcome:
        stored = replies.MESSAGE_STORED.with_text(f"stored as {self._envelope.id}")
        if results is None:
            return self._for_all(stored)
        if len(results) != len(self._envelope.recipients):
            raise ValueError(f"commit answered for {len(results)} recipients, not for all of them")
        refused = [reply for reply in results if reply is not None]
        if len(refused) == len(results) or (refused and not self._each):
            self._tell_refused(refused[0])
        if self._each:
            return [stored if reply is None else reply for reply in results]
        return [refused[0] if refused else stored]

    def _write_failed(self, failure: Failure) -> None:
        self._refuse(self._reply_to(failure))

    def _commit_failed(self, failure: Failure) -> Outcome:
        if failure.check(OutcomeUnknown):
            return []
        return self._all_refused(self._reply_to(failure))

    def _reply_to(self, failure: Failure) -> SMTPReply:
        if failure.check(Refused):
            reply: SMTPReply = failure.value.reply
            return reply
        self._events.emit(InternalError("delivery", failure, self._envelope.client))
        return replies.LOCAL_ERROR

    def _all_refused(self, reply: SMTPReply) -> Outcome:
        self._tell_refused(reply)
        return self._for_all(reply)

    def _for_all(self, reply: SMTPReply) -> Outcome:
        return [reply] * (len(self._envelope.recipients) if self._each else 1)

    def _tell_refused(self, reply: SMTPReply) -> None:
        if self._told:
            return
        self._told = True
        envelope = self._envelope
        recipients = tuple(envelope.recipients)
        self._events.emit(
            MessageRefused(
                envelope.client,
                envelope.id,
                envelope.sender,
                recipients,
                str(reply),
                envelope.received_at,
                envelope.message_id,
            )
        )
