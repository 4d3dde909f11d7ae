"""A mail store of Maildir folders, shared with mutt, Dovecot, Postfix and the like."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.store.maildir.administration import MaildirAdministration
    from gateway.store.maildir.store import MaildirStore

__all__ = ["MaildirAdministration", "MaildirStore"]

_WHERE = {"MaildirAdministration": "administration", "MaildirStore": "store"}


def __getattr__(name: str) -> Any:
    # Only when they are asked for: the process that stores messages needs nothing of Twisted.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
