"""Is the configuration in order?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.accounts.errors import AccountError
from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder

if TYPE_CHECKING:
    from gateway.config import Settings


def check(folder: Folder) -> Iterator[Finding]:
    """Say which configuration holds. Raises `ConfigError` where it is wrong."""
    _check_checkers(folder.settings)
    file = folder.settings.origin.file
    yield Finding("configuration", "the embedded default, no file" if file is None else str(file))


def _check_checkers(settings: Settings) -> None:
    if settings.auth.checkers == ("embedded",):
        return
    from gateway.accounts.sources.surroundings import default_surroundings
    from gateway.accounts.strings import checkers_from

    unread: Any = None  # accounts are not asked for anything here
    try:
        checkers_from(settings.auth.checkers, (), unread, default_surroundings())
    except AccountError as error:
        raise settings.error("auth.checkers", str(error)) from None
