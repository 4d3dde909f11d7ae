"""A mail transaction: MAIL, RCPT, then DATA or BDAT (RFC 5321 section 3.3)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.delivery.interfaces import Envelope, ITransaction, Refused
from gateway.events import MessageAbandoned, RecipientRefused
from gateway.smtp.chunks import Answer, ChunkedMessage, take_chunk
from gateway.smtp.data import DataReceiver
from gateway.smtp.keywords import protocol_keyword
from gateway.smtp.message import IncomingMessage, Outcome
from gateway.wire import smtp_replies as replies
from gateway.wire.dots import BareNewlines
from gateway.wire.replies import SMTPReply
from gateway.wire.smtp_commands import BdatCommand, MailCommand, parse_rcpt

if TYPE_CHECKING:
    from gateway.smtp.session import Session


def begin_transaction(
    session: Session, mail: MailCommand, number: int
) -> SMTPReply | Deferred[SMTPReply]:
    """Ask the delivery to take a message; on success it is the session's transaction.

    @param number: which one of this session it is.
    @raise Refused: the delivery does not.
    """
    client = session.connection.client
    envelope = Envelope(
        id=f"{client.id}.{number}",
        sender=mail.sender,
        client=client,
        helo=session.name,
        protocol=protocol_keyword(
            client,
            lmtp=session.factory.lmtp,
            extended=session.extended,
            smtputf8=mail.smtputf8,
        ),
        received_at=time.time(),
        size=mail.size,
        smtputf8=mail.smtputf8,
        requiretls=mail.requiretls,
    )
    begun = session.factory.delivery.begin(envelope)
    if isinstance(begun, Deferred):
        return begun.addCallback(_begun, session, envelope)
    return _begun(begun, session, envelope)


def _begun(transaction: Any, session: Session, envelope: Envelope) -> SMTPReply:
    session.transaction = MailTransaction(session, envelope, ITransaction(transaction))
    if not session.connection.client.connected:
        session.end()
    return replies.SENDER_OK


class MailTransaction:
    """One message under way, from MAIL to the reply that answers for it."""

    def __init__(self, session: Session, envelope: Envelope, transaction: Any) -> None:
        self.envelope = envelope
        self._session = session
        self._connection = session.connection
        self._factory = session.factory
        self._transaction = transaction
        self._message: IncomingMessage | None = None
        self._chunks: ChunkedMessage | None = None

    def abort(self) -> None:
        """Drop it."""
        self._tell_abandoned()
        if self._message is not None:
            self._message.abort()
        else:
            self._transaction.abort()

    def _tell_abandoned(self) -> None:
        envelope = self.envelope
        if envelope.recipients:
            self._factory.events.emit(
                MessageAbandoned(
                    envelope.client,
                    envelope.id,
                    envelope.sender,
                    tuple(envelope.recipients),
                    envelope.received_at,
                    envelope.message_id,
                )
            )

    # RCPT --------------------------------------------------------------------------------------

    def recipient(self, argument: str) -> SMTPReply | Deferred[SMTPReply]:
        """Take the argument of RCPT.

        @raise gateway.wire.smtp_commands.SyntaxProblem: it is not valid.
        """
        address = parse_rcpt(argument, smtputf8=self.envelope.smtputf8).recipient
        if len(self.envelope.recipients) >= self._factory.policy.recipients:
            return self._refused(replies.TOO_MANY_RECIPIENTS, address)
        try:
            accepted = self._transaction.recipient(address)
        except Refused as refusal:
            return self._refused(refusal.reply, address)
        if isinstance(accepted, Deferred):
            return accepted.addCallbacks(
                lambda _: self._accepted(address), self._failed, errbackArgs=(address,)
            )
        return self._accepted(address)

    def _accepted(self, address: str) -> SMTPReply:
        self.envelope.recipients.append(address)
        self._connection.forgive_errors()
        return replies.RECIPIENT_OK

    def _failed(self, failure: Failure, address: str) -> SMTPReply:
        failure.trap(Refused)
        reply: SMTPReply = failure.value.reply
        return self._refused(reply, address)

    def _refused(self, reply: SMTPReply, address: str) -> SMTPReply:
        envelope = self.envelope
        self._factory.events.emit(
            RecipientRefused(
                envelope.client,
                envelope.sender,
                address,
                str(reply),
                envelope.id,
                envelope.received_at,
            )
        )
        return reply

    # The message itself ----------------------------------------------------------------------

    def data(self) -> SMTPReply:
        """Let the message come."""
        receiver = DataReceiver(
            self._connection, self._begin_message(), self._bare_newlines, self._done
        )
        self._connection.take_blocks(receiver.take)
        return replies.START_MAIL_INPUT

    def chunk(self, command: BdatCommand) -> Answer:
        """Let a part of the message come, which may be its last (RFC 3030)."""
        if self._chunks is None:
            self._chunks = ChunkedMessage(self._begin_message(), self._bare_newlines)
        return take_chunk(self._connection, self._chunks, command, self._done)

    @property
    def chunks_begun(self) -> bool:
        """Whether a part of the message has come."""
        return self._chunks is not None

    def _begin_message(self) -> IncomingMessage:
        self._message = IncomingMessage(
            self.envelope,
            self._transaction,
            limit=self._factory.policy.message_octets,
            each=self._factory.lmtp,
            events=self._factory.events,
        )
        return self._message

    @property
    def _bare_newlines(self) -> BareNewlines:
        lenient = self._factory.is_lenient_to(self._connection.client)
        return "normalise" if lenient else "refuse"

    def _done(self, outcome: Outcome) -> SMTPReply | None:
        """The message has ended: send all replies to it but the last one, which is returned."""
        self._session.transaction = None
        if not outcome:
            self._tell_abandoned()
            self._connection.abort("nobody knows whether the message is stored")
            return None
        if any(reply.code < 300 for reply in outcome):
            self._connection.forgive_errors()
        *others, last = outcome
        for reply in others:
            self._connection.send(bytes(reply))
        return last
