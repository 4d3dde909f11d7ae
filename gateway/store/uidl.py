"""What may be a unique-id of a message."""

from __future__ import annotations

LONGEST_UIDL = 70
"""Characters, RFC 1939 section 7."""


def is_uidl(text: str) -> bool:
    """Say whether RFC 1939 section 7 allows this unique-id."""
    # Four times as fast as a regular expression; of ASCII, 0x20 to 0x7E is printable.
    return (
        0 < len(text) <= LONGEST_UIDL and text.isascii() and text.isprintable() and " " not in text
    )
