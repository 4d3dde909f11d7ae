"""POP3 (RFC 1939): the commands, the session and the factory."""

from gateway.pop3.factory import POP3Factory
from gateway.pop3.policy import POP3Policy

__all__ = ["POP3Factory", "POP3Policy"]
