"""The protocol keyword of Received (RFC 3848, RFC 6531 section 4.3)."""

from __future__ import annotations

from gateway.client import Client


def protocol_keyword(client: Client, *, lmtp: bool, extended: bool, smtputf8: bool) -> str:
    """Return "SMTP", "ESMTP", "ESMTPS", "ESMTPSA", "LMTP", "UTF8SMTPS" and so on.

    @param extended: the client said EHLO or LHLO.
    """
    if not extended:
        return "SMTP"
    base = "LMTP" if lmtp else "SMTP" if smtputf8 else "ESMTP"
    prefix = "UTF8" if smtputf8 else ""
    secure = "S" if client.tls is not None else ""
    authenticated = "A" if client.user is not None else ""
    return prefix + base + secure + authenticated
