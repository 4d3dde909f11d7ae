"""Command lines of SMTP and LMTP, parsed (RFC 5321 sections 4.1.1 and 4.1.2).

Three liberties are taken, for scanners and old devices: spaces around the colon of `MAIL FROM:`
and `RCPT TO:`, a mailbox there without angle brackets, and any host name without white space in
EHLO. Senders may have a local part of more than 64 octets, which mailing lists and forwarders
(VERP, SRS) produce.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
from gateway.wire.replies import SMTPReply

Parameters = dict[str, str | None]
"""ESMTP parameters by keyword in upper case; None where there is no value."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE = re.compile(r"[!-<>-~\u00a0-\U0010ffff]+")
_FROM = re.compile(r"FROM *: *", re.IGNORECASE | re.ASCII)
_TO = re.compile(r"TO *: *", re.IGNORECASE | re.ASCII)
_HELLO_NAME = re.compile(r"""[^\s()<>"\\,;]{1,255}""", re.ASCII)
_SIZE = re.compile(r"[0-9]{1,20}")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_HEXCHAR = re.compile(rb"\+([0-9A-F]{2})")


class SyntaxProblem(Exception):
    """A command that cannot be understood. `reply` tells the client why."""

    def __init__(self, reply: SMTPReply) -> None:
        super().__init__(str(reply))
        self.reply = reply


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
    def submitter(self) -> str | None:
        """The mailbox in AUTH= (RFC 4954 section 5), "" for `<>`; None without it."""
        value = self.parameters.get("AUTH")
        return None if value is None else _submitter(value)


@dataclass(frozen=True, slots=True)
class RcptCommand:
    """RCPT (RFC 5321 section 4.1.1.3)."""

    recipient: str
    """The mailbox of the forward-path, or "postmaster" as it was written."""
    parameters: Parameters


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


def parse_mail(argument: str, *, smtputf8_offered: bool) -> MailCommand:
    """Parse the argument of MAIL.

    @param smtputf8_offered: whether EHLO announced SMTPUTF8.
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
    parsers = MAIL_PARAMETERS
    if not smtputf8_offered:
        parsers = {key: parsers[key] for key in parsers if key != "SMTPUTF8"}
    mail = MailCommand("" if address is None else str(address), _parameters(rest, parsers))
    if not mail.sender.isascii() and not mail.smtputf8:
        raise SyntaxProblem(smtp_replies.UTF8_SENDER_NOT_ALLOWED)
    return mail


def parse_rcpt(argument: str, *, smtputf8: bool = False) -> RcptCommand:
    """Parse the argument of RCPT.

    @param smtputf8: whether MAIL had the SMTPUTF8 parameter.
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
    return RcptCommand(recipient, _parameters(rest, RCPT_PARAMETERS))


def decode_xtext(text: str) -> str:
    """Decode xtext (RFC 3461 section 4).

    @raise ValueError: it is not xtext, or not UTF-8 when decoded.
    """
    if not _XTEXT.fullmatch(text):
        raise ValueError("the value is not valid xtext")
    octets = _HEXCHAR.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the value is not valid UTF-8") from None


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


# Parameters ----------------------------------------------------------------------------------

ParameterCheck = Callable[[str | None], object]
"""Takes the value of a parameter; raises `ValueError` where it is not valid."""


def _parameters(text: str, checks: dict[str, ParameterCheck]) -> Parameters:
    parameters: Parameters = {}
    for word in filter(None, text.split(" ")):
        keyword, equals, value = word.partition("=")
        if not _KEYWORD.fullmatch(keyword) or (equals and not _VALUE.fullmatch(value)):
            raise _bad_parameter("Write parameters as KEYWORD or KEYWORD=value")
        keyword = keyword.upper()
        check = checks.get(keyword)
        if check is None:
            raise SyntaxProblem(
                smtp_replies.UNKNOWN_PARAMETER.with_text(
                    f"The parameter {keyword[:40]} is not supported here"
                )
            )
        if keyword in parameters:
            raise _bad_parameter(f"The parameter {keyword} is given twice")
        parameters[keyword] = value if equals else None
        try:
            check(parameters[keyword])
        except ValueError as error:
            raise _bad_parameter(f"{keyword}: {error}") from None
    return parameters


def _bad_parameter(text: str) -> SyntaxProblem:
    return SyntaxProblem(smtp_replies.BAD_PARAMETER.with_text(text))


def _check_size(value: str | None) -> None:
    if value is None or not _SIZE.fullmatch(value):
        raise ValueError("give the size of the message in octets")


def _check_body(value: str | None) -> None:
    if value is None or value.upper() not in ("7BIT", "8BITMIME"):
        raise ValueError("7BIT and 8BITMIME are supported")


def _check_smtputf8(value: str | None) -> None:
    if value is not None:
        raise ValueError("it takes no value")


def _check_auth(value: str | None) -> None:
    if value is None:
        raise ValueError("give a mailbox or <>")
    _submitter(value)


def _submitter(value: str) -> str:
    if value == "<>":
        return ""
    return str(parse_mailbox(decode_xtext(value), local_part_limit=PATH_LIMIT))


MAIL_PARAMETERS: dict[str, ParameterCheck] = {
    "SIZE": _check_size,
    "BODY": _check_body,
    "SMTPUTF8": _check_smtputf8,
    "AUTH": _check_auth,
}
"""The parameters of MAIL that are supported, with what checks their values."""

RCPT_PARAMETERS: dict[str, ParameterCheck] = {}
"""The parameters of RCPT that are supported."""
