"""Where a password may travel as it is."""

from __future__ import annotations

from typing import Literal

from gateway.net.connection import CommandConnection

Plaintext = Literal["never", "loopback", "always"]
"""Without TLS: nowhere, from this machine only, from anywhere. Over TLS: always."""


def password_allowed(connection: CommandConnection, rule: Plaintext) -> bool:
    """Say whether a password may come over `connection` as it is now."""
    return (
        connection.secure or rule == "always" or (rule == "loopback" and connection.client.loopback)
    )
