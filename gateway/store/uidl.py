"""What may be a unique-id of a message."""

from __future__ import annotations

from gateway.store.interfaces import StoreError

LONGEST_UIDL = 70
"""Characters, RFC 1939 section 7."""


def is_uidl(text: str) -> bool:
    """Say whether RFC 1939 section 7 allows this unique-id."""
    # Four times as fast as a regular expression; of ASCII, 0x20 to 0x7E is printable.
    return (
        0 < len(text) <= LONGEST_UIDL and text.isascii() and text.isprintable() and " " not in text
    )


def check_uidl(text: str | None) -> None:
    """See that a message may have this unique-id, or gets one from its store.

    @raise StoreError: it may not.
    """
    if text is not None and not is_uidl(text):
        raise StoreError(
            f"{text!r} cannot be a unique-id: RFC 1939 section 7 allows 1 to {LONGEST_UIDL}"
            " characters from 0x21 to 0x7E"
        )
