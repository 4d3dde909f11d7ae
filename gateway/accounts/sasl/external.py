"""EXTERNAL (RFC 4422 appendix A): the client has shown a certificate when TLS began."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from gateway.accounts.credentials import CertificateCredentials
from gateway.accounts.interfaces import InvalidResponse, ISASLMechanism
from gateway.accounts.sasl.channel import Channel


@implementer(ISASLMechanism)
class External:
    """One exchange: the client names whom it wants to be, or leaves that to its certificate.

    @param channel: the connection, with the certificate.
    """

    name = "EXTERNAL"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def respond(self, response: bytes | None) -> Any:
        """See `ISASLMechanism`."""
        if response is None:
            return b""
        if b"\0" in response:
            raise InvalidResponse("EXTERNAL takes a user name, or nothing")
        return CertificateCredentials(self._channel.addresses, response)
