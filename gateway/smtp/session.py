"""One SMTP or LMTP session: a method for each command (RFC 5321 section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.smtp.auth import Authentication
from gateway.smtp.chunks import Answer, skip_chunk
from gateway.smtp.extensions import lines_of, mail_parameters
from gateway.smtp.transaction import MailTransaction, begin_transaction
from gateway.smtp.verbs import CHUNKS, MAIL, OF_HTTP, RCPT, READY, START, Verb
from gateway.wire import smtp_replies as replies
from gateway.wire.replies import SMTPReply, SyntaxProblem
from gateway.wire.smtp_commands import parse_bdat, parse_hello, parse_mail, split_command

if TYPE_CHECKING:
    from gateway.smtp.factory import SMTPFactory
    from gateway.smtp.protocol import SMTPConnection

NEED_LHLO = replies.NEED_HELLO.with_text("Say LHLO first")


class Session:
    """What a client has said so far, and the commands that change it.

    A method may raise `SyntaxProblem` or `Refused`, whose reply is then the answer.
    """

    def __init__(self, connection: SMTPConnection) -> None:
        self.connection: SMTPConnection = connection
        self.factory: SMTPFactory = connection.factory
        self.authentication = Authentication(connection)
        self.name = ""
        """What the client calls itself; "" before it has said so."""
        self.extended = False
        """Whether it said EHLO or LHLO."""
        self.transaction: MailTransaction | None = None
        self._messages = 0

    @property
    def state(self) -> int:
        """How far the session has come."""
        if self.transaction is None:
            return READY if self.name else START
        if self.transaction.chunks_begun:
            return CHUNKS
        return RCPT if self.transaction.envelope.recipients else MAIL

    def handle(self, line: bytes) -> Answer:
        """Carry out one command line.

        @raise SyntaxProblem: it is not a command, or not one that makes sense.
        @raise Refused: the delivery refuses.
        """
        keyword, argument = split_command(line)
        verb = self.factory.rows.get(keyword)
        if verb is None:
            return self._unknown(keyword)
        if len(line) + 2 > verb.octets:
            return replies.LINE_TOO_LONG
        if not verb.states & self.state:
            return self._out_of_turn(verb)
        if not argument and verb.argument == "required":
            return replies.BAD_ARGUMENTS.with_text(f"Write it as {verb.usage}")
        if argument and verb.argument == "none":
            return replies.NO_ARGUMENTS_ALLOWED
        method: Callable[..., Answer] = getattr(self, verb.method)
        return method() if verb.argument == "none" else method(argument)

    def _unknown(self, keyword: str) -> Answer:
        if keyword in OF_HTTP:
            self.connection.end("spoke HTTP", bytes(replies.NOT_SMTP))
            return None
        if self.factory.lmtp and keyword in ("HELO", "EHLO"):
            return replies.LMTP_NEEDS_LHLO
        if keyword == "LHLO":
            return replies.SMTP_NEEDS_EHLO
        return replies.UNKNOWN_COMMAND

    def _out_of_turn(self, verb: Verb) -> SMTPReply:
        state = self.state
        if state in (START, READY):
            return self._not_begun()
        if state == CHUNKS:
            return replies.CHUNKS_BEGUN
        return replies.NEED_RECIPIENT if verb.states & RCPT else replies.ALREADY_IN_TRANSACTION

    def _not_begun(self) -> SMTPReply:
        if self.name:
            return replies.NEED_MAIL
        return NEED_LHLO if self.factory.lmtp else replies.NEED_HELLO

    def end(self) -> None:
        """The connection has ended."""
        self._drop_transaction()
        self.authentication.end()

    def _drop_transaction(self) -> None:
        transaction, self.transaction = self.transaction, None
        if transaction is not None:
            transaction.abort()

    # Who is there ------------------------------------------------------------------------------

    def helo(self, argument: str) -> SMTPReply:
        """HELO: a client without extensions."""
        self._greet(argument, extended=False)
        return SMTPReply(250, "", self.factory.hostname)

    def ehlo(self, argument: str) -> SMTPReply:
        """EHLO, LHLO: a client that wants to know what we can do."""
        self._greet(argument, extended=True)
        return SMTPReply(250, "", "\n".join((self.factory.hostname, *lines_of(self))))

    def _greet(self, argument: str, *, extended: bool) -> None:
        self.name = parse_hello(argument)
        self._drop_transaction()
        self.extended = extended

    def auth(self, argument: str) -> Answer:
        """AUTH (RFC 4954)."""
        return self.authentication.begin(argument)

    @property
    def mechanisms(self) -> Sequence[str]:
        """The mechanisms of AUTH that work now."""
        return self.authentication.mechanisms

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS works now."""
        return self.factory.tls is not None and not self.connection.secure

    def starttls(self) -> Answer:
        """STARTTLS (RFC 3207): everything the client said so far is forgotten."""
        if self.connection.secure:
            return replies.TLS_ALREADY_ACTIVE
        if not self.can_start_tls:
            return replies.UNKNOWN_COMMAND
        self.name = ""
        self.extended = False
        self.authentication.forget()
        self.connection.start_tls(bytes(replies.READY_FOR_TLS))
        return None

    # A message ---------------------------------------------------------------------------------

    def mail(self, argument: str) -> Answer:
        """MAIL: a message begins."""
        policy = self.factory.policy
        if policy.messages and self._messages >= policy.messages:
            self.connection.end("too many messages", bytes(replies.TOO_MANY_MESSAGES))
            return None
        command = parse_mail(argument, offered=mail_parameters(self))
        if command.size is not None and command.size > policy.message_octets:
            return replies.MESSAGE_TOO_BIG
        self._messages += 1
        return begin_transaction(self, command, self._messages)

    def rcpt(self, argument: str) -> Answer:
        """RCPT: one more recipient."""
        assert self.transaction is not None
        return self.transaction.recipient(argument)

    def data(self) -> Answer:
        """DATA: the message itself follows."""
        assert self.transaction is not None
        return self.transaction.data()

    def bdat(self, argument: str) -> Answer:
        """BDAT (RFC 3030): so many octets of the message follow."""
        try:
            command = parse_bdat(argument)
        except SyntaxProblem as problem:
            # What follows may be octets of a message: none of them may count as a command.
            last_words = bytes(problem.reply) + bytes(replies.CHUNK_LOST)
            self.connection.end("BDAT without its size", last_words)
            return None
        if self.transaction is None:
            return skip_chunk(self.connection, command.octets, self._not_begun())
        if self.state == MAIL:
            return skip_chunk(self.connection, command.octets, replies.NEED_RECIPIENT)
        return self.transaction.chunk(command)

    def rset(self) -> SMTPReply:
        """RSET: the message that was begun is given up."""
        self._drop_transaction()
        return replies.OK

    # The rest ----------------------------------------------------------------------------------

    def noop(self, _argument: str) -> SMTPReply:
        """NOOP: nothing."""
        return replies.OK

    def vrfy(self, _argument: str) -> SMTPReply:
        """VRFY: told to nobody (RFC 5321 section 7.3)."""
        return replies.CANNOT_VERIFY

    def help(self, _argument: str) -> SMTPReply:
        """HELP: what a person can type."""
        usages = (verb.usage for verb in self.factory.rows.values())
        return replies.HELP.with_text("\n".join(("Commands:", *usages)))

    def quit(self) -> None:
        """QUIT: the end."""
        self.connection.end("quit", bytes(replies.CLOSING))
