"""The message that `pop3gw send-test` sends, and how it is handed over."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid
from typing import Protocol

from gateway.admin.refusals import Refused
from gateway.config_errors import one_line

_TIMEOUT = 30.0
"""Seconds for each answer."""
_BODY = """\
This is a test message of the pop3gw mail gateway.

It was sent by the command 'pop3gw send-test'. That you can read it means that the
gateway receives mail, keeps it, and gives it to your mail program.
"""


class Door(Protocol):
    """Where to connect."""

    @property
    def protocol(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the gateway has taken."""

    message_id: str
    reply: str
    """The gateway's answer to it."""


def deliver(door: Door, recipient: str) -> Sent:
    """Send the message over SMTP (RFC 5321) or LMTP (RFC 2033).

    @raise Refused: the gateway cannot be reached, or did not take it; says what it answered.
    """
    message = _compose(recipient)
    kind = smtplib.LMTP if door.protocol == "lmtp" else smtplib.SMTP
    client = kind(local_hostname="localhost", timeout=_TIMEOUT)
    try:
        _expect(client.connect(door.host, door.port), "the greeting")
        client.ehlo_or_helo_if_needed()
        _expect(client.mail(message["From"]), "MAIL")
        _expect(client.rcpt(recipient), "RCPT")
        reply = _expect(client.data(message.as_bytes(policy=SMTP)), "DATA")
    except smtplib.SMTPResponseException as error:
        raise _not_taken(recipient, (error.smtp_code, error.smtp_error)) from None
    except UnicodeError:
        raise Refused(
            f"{recipient} has letters that only SMTPUTF8 (RFC 6531) can carry, which send-test "
            "does not speak"
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise Refused(
            f"could not send to the gateway at {door} ({one_line(str(error))}); see its log"
        ) from None
    finally:
        client.close()
    return Sent(message["Message-ID"], reply)


def _compose(recipient: str) -> EmailMessage:
    domain = recipient.rpartition("@")[2] if "@" in recipient else "localhost"
    message = EmailMessage()
    message["From"] = f"postmaster@{domain}"
    message["To"] = recipient
    message["Subject"] = "Test message of pop3gw"
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain="pop3gw.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_BODY)
    return message


def _expect(answer: tuple[int, bytes], command: str) -> str:
    code, text = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, f"{command}: {_text(text)}")
    return f"{code} {_text(text)}"


def _text(answer: bytes | str) -> str:
    return one_line(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)


def _not_taken(recipient: str, answer: tuple[int, bytes | str]) -> Refused:
    return Refused(
        f"the gateway did not take the message to {recipient}; it answered {answer[0]} "
        f"{_text(answer[1])}"
    )
