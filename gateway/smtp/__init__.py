"""SMTP (RFC 5321) and LMTP (RFC 2033), receiving: the commands, the session, the factories."""

from gateway.smtp.factory import LMTPFactory, SMTPFactory
from gateway.smtp.policy import SMTPPolicy

__all__ = ["LMTPFactory", "SMTPFactory", "SMTPPolicy"]
