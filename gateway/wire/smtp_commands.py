"""Command lines of SMTP and LMTP, parsed (RFC 5321 sections 4.1.1 and 4.1.2).

Three liberties are taken, for scanners and old devices: spaces around the colon of `MAIL FROM:`
and `RCPT TO:`, a mailbox there without angle brackets, and any host name without white space in
EHLO. Senders may have a local part of more than 64 octets, which mailing lists and forwarders
(VERP, SRS) produce.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from gateway.wire import smtp_replies
from gateway.wire.addresses import (
    LOCAL_PART_LIMIT,
    PATH_LIMIT,
    Address,
    InvalidAddress,
    parse_mailbox,
    parse_path,
)
from gateway.wire.dsn import OriginalRecipient, parse_envid, parse_notify, parse_orcpt
from gateway.wire.replies import SMTPReply, SyntaxProblem
from gateway.wire.smtp_parameters import (
    MAIL_PARAMETERS,
    RCPT_PARAMETERS,
    Parameters,
    parse_parameters,
    parse_submitter,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FROM = re.compile(r"FROM *: *", re.IGNORECASE | re.ASCII)
_TO = re.compile(r"TO *: *", re.IGNORECASE | re.ASCII)
_HELLO_NAME = re.compile(r"""[^\s()<>"\\,;]{1,255}""", re.ASCII)
_CHUNK = re.compile(r"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class MailCommand:
    """MAIL (RFC 5321 section 4.1.1.2). The values of its parameters are valid."""

    sender: str
    """The mailbox of the reverse-path, "" for the null one; quoted only where it has to be."""
    parameters: Parameters

    @property
    def size(self) -> int | None:
        """Octets as SIZE declares them (RFC 1870), None where it does not."""
        value = self.parameters.get("SIZE")
        return None if value is None else int(value)

    @property
    def body(self) -> str | None:
        """The value of BODY in upper case: "7BIT" or "8BITMIME" (RFC 6152); None without it."""
        value = self.parameters.get("BODY")
        return None if value is None else value.upper()

    @property
    def smtputf8(self) -> bool:
        """Whether SMTPUTF8 was given (RFC 6531)."""
        return "SMTPUTF8" in self.parameters

    @property
    def requiretls(self) -> bool:
        """Whether REQUIRETLS was given (RFC 8689)."""
        return "REQUIRETLS" in self.parameters

    @property
    def submitter(self) -> str | None:
        """The mailbox in AUTH= (RFC 4954 section 5), "" for `<>`; None without it."""
        value = self.parameters.get("AUTH")
        return None if value is None else parse_submitter(value)

    @property
    def ret(self) -> str | None:
        """What a notice returns, "FULL" or "HDRS" (RFC 3461 section 4.3); None without RET."""
        value = self.parameters.get("RET")
        return None if value is None else value.upper()

    @property
    def envid(self) -> str | None:
        """The sender's name for the transaction (RFC 3461 section 4.4); None without ENVID."""
        value = self.parameters.get("ENVID")
        return None if value is None else parse_envid(value)


@dataclass(frozen=True, slots=True)
class RcptCommand:
    """RCPT (RFC 5321 section 4.1.1.3)."""

    recipient: str
    """The mailbox of the forward-path, or "postmaster" as it was written."""
    parameters: Parameters

    @property
    def notify(self) -> frozenset[str] | None:
        """When to send a notice (RFC 3461 section 4.1); empty for NEVER, None without NOTIFY."""
        value = self.parameters.get("NOTIFY")
        return None if value is None else parse_notify(value)

    @property
    def original(self) -> OriginalRecipient | None:
        """Whom the sender meant at first (RFC 3461 section 4.2); None without ORCPT."""
        value = self.parameters.get("ORCPT")
        return None if value is None else parse_orcpt(value)


@dataclass(frozen=True, slots=True)
class BdatCommand:
    """BDAT (RFC 3030 section 2)."""

    octets: int
    """How many follow the command line."""
    last: bool
    """Whether the message ends with them."""


def split_command(line: bytes) -> tuple[str, str]:
    """Split a command line, given without its end.

    @return: the verb in upper case, and its argument without spaces around it.
    @raise SyntaxProblem: the line is not UTF-8, is empty or contains a control character.
    """
    try:
        text = line.decode("utf-8").strip(" ")
    except UnicodeDecodeError:
        raise SyntaxProblem(smtp_replies.NOT_UTF8) from None
    if _CONTROL.search(text):
        raise SyntaxProblem(smtp_replies.CONTROL_CHARACTER)
    if not text:
        raise SyntaxProblem(smtp_replies.EMPTY_COMMAND)
    verb, _, argument = text.partition(" ")
    # Some letters beyond ASCII have upper-case forms within it.
    return verb.upper() if verb.isascii() else verb, argument.lstrip(" ")


def parse_hello(argument: str) -> str:
    """Parse what EHLO, HELO or LHLO say: the name of the client, to be used in Received.

    Names that are not valid are taken as they are, as RFC 5321 section 4.1.4 wants no message
    refused for them, unless they would change the meaning of a Received field.

    @return: the name in ASCII, with "?" for each other character.
    @raise SyntaxProblem: there is none, or it is not one word of plain characters.
    """
    if not argument:
        raise SyntaxProblem(smtp_replies.HELLO_NEEDS_NAME)
    if not _HELLO_NAME.fullmatch(argument):
        raise SyntaxProblem(smtp_replies.BAD_HELLO_NAME)
    return argument.encode("ascii", "replace").decode("ascii")


def parse_mail(argument: str, *, offered: Collection[str]) -> MailCommand:
    """Parse the argument of MAIL.

    @param offered: the parameters that are supported now, of those in `MAIL_PARAMETERS`.
    @raise SyntaxProblem: it is not valid, or has a parameter that is not supported.
    """
    found = _FROM.match(argument)
    if found is None:
        raise SyntaxProblem(smtp_replies.MAIL_SYNTAX)
    try:
        address, rest = _path(argument[found.end() :], PATH_LIMIT)
    except InvalidAddress as error:
        raise _problem(smtp_replies.BAD_SENDER_SYNTAX, error) from None
    if address is not None and not address.domain:
        raise SyntaxProblem(
            smtp_replies.BAD_SENDER_SYNTAX.with_text("The sender's address needs a domain")
        )
    parameters = parse_parameters(rest, MAIL_PARAMETERS, offered)
    mail = MailCommand("" if address is None else str(address), parameters)
    if not mail.sender.isascii() and not mail.smtputf8:
        raise SyntaxProblem(smtp_replies.UTF8_SENDER_NOT_ALLOWED)
    return mail


def parse_rcpt(
    argument: str, *, smtputf8: bool = False, offered: Collection[str] = ()
) -> RcptCommand:
    """Parse the argument of RCPT.

    @param smtputf8: whether MAIL had the SMTPUTF8 parameter.
    @param offered: the parameters that are supported now, of those in `RCPT_PARAMETERS`.
    @raise SyntaxProblem: it is not valid, or has a parameter that is not supported.
    """
    found = _TO.match(argument)
    if found is None:
        raise SyntaxProblem(smtp_replies.RCPT_SYNTAX)
    try:
        address, rest = _path(argument[found.end() :], LOCAL_PART_LIMIT)
    except InvalidAddress as error:
        raise _problem(smtp_replies.BAD_RECIPIENT_SYNTAX, error) from None
    if address is None:
        raise SyntaxProblem(
            smtp_replies.BAD_RECIPIENT_SYNTAX.with_text("The recipient must not be empty")
        )
    recipient = str(address)
    if not recipient.isascii() and not smtputf8:
        raise SyntaxProblem(smtp_replies.UTF8_RECIPIENT_NOT_ALLOWED)
    return RcptCommand(recipient, parse_parameters(rest, RCPT_PARAMETERS, offered))


def parse_bdat(argument: str) -> BdatCommand:
    """Parse the argument of BDAT.

    @raise SyntaxProblem: it is not valid; then nobody knows how many octets of a message follow.
    """
    found = _CHUNK.fullmatch(argument)
    if found is None:
        raise SyntaxProblem(smtp_replies.BDAT_SYNTAX)
    return BdatCommand(int(found[1]), found[2] is not None)


def _path(text: str, local_part_limit: int) -> tuple[Address | None, str]:
    """Parse the path at the beginning of `text`; angle brackets may be missing."""
    if text.startswith("<"):
        address, rest = parse_path(text, local_part_limit=local_part_limit)
        if rest and not rest.startswith(" "):
            raise InvalidAddress("only parameters, after a space, may follow the >")
        return address, rest
    mailbox, _, rest = text.partition(" ")
    return parse_mailbox(mailbox, local_part_limit=local_part_limit), rest


def _problem(reply: SMTPReply, error: InvalidAddress) -> SyntaxProblem:
    text = str(error)
    return SyntaxProblem(reply.with_text(text[:1].upper() + text[1:]))
