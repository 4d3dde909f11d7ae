"""A SASL exchange as lines of base64, the same in POP3 (RFC 5034) and SMTP (RFC 4954)."""

from __future__ import annotations

from typing import Any

from gateway.accounts.interfaces import IExplainsRefusal, InvalidResponse
from gateway.wire.sasl import InvalidBase64, decode_initial, decode_response, encode_challenge


class AuthExchange:
    """Drives one mechanism from the AUTH command to the credentials.

    Both methods return either bytes, a challenge as it stands in a line after "+ " or "334 ", or
    the credentials that a portal is to be given; then the exchange is over. They raise
    `gateway.wire.sasl.Cancelled` and `InvalidResponse`, which end it too.

    @param mechanism: an `ISASLMechanism`.
    """

    def __init__(self, mechanism: Any) -> None:
        self.mechanism = mechanism

    def start(self, initial: bytes | None) -> Any:
        """Take the initial response as it stands in the AUTH command, None where there is none."""
        if initial is None:
            return self._respond(None)
        try:
            response = decode_initial(initial)
        except InvalidBase64:
            raise InvalidResponse("the initial response is not base64") from None
        return self._respond(response)

    def line(self, line: bytes) -> Any:
        """Take the line that the client sent after a challenge, without its end."""
        try:
            response = decode_response(line)
        except InvalidBase64:
            raise InvalidResponse("the response is not base64") from None
        return self._respond(response)

    def refusal(self) -> bytes | None:
        """Return the challenge for a client whose credentials were refused, as it stands in a line;
        None where the mechanism has none. Whatever line answers it, the exchange has failed."""
        if not IExplainsRefusal.providedBy(self.mechanism):
            return None
        return encode_challenge(self.mechanism.refusal)

    def _respond(self, response: bytes | None) -> Any:
        outcome = self.mechanism.respond(response)
        return encode_challenge(outcome) if isinstance(outcome, bytes) else outcome
