"""What is decided about mailboxes, for all, a domain or a user: the nearest decision counts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.accounts.answers import Answers
from gateway.accounts.errors import AccountError
from gateway.accounts.names import canonical_domain, read_address
from gateway.accounts.rules import require_domain, require_user
from gateway.accounts.sqlite_file import SQLiteFile
from gateway.accounts.user_settings import UserSetting, read_switch
from gateway.store.interfaces import MaildropPolicy

DAY = 86_400
_MOST_DAYS = 36_500
_MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class MailboxPolicy:
    """What was decided about one mailbox."""

    login_delay_seconds: int = 0
    """The least time from one login to the next (RFC 2449 section 6.5); 0: any."""
    login_delay_hard: bool = True
    """Whether a login that comes earlier is refused; else the time is only announced."""
    expire_days: int = 0
    """Messages are deleted when they are so old (RFC 2449 section 6.7); 0: never."""
    keep: bool = False
    """Whether deleted messages are kept for ever."""
    undelete_days: int = 0
    """For how long deleted messages can be brought back, where they are not kept for ever."""

    @property
    def announced(self) -> MaildropPolicy:
        """What the client is told."""
        return MaildropPolicy(
            self.login_delay_seconds, self.login_delay_hard, self.expire_days or None
        )

    def kept_until(self, moment: float) -> float | None:
        """Say until when a message is kept that is deleted at `moment`; None: not at all.

        @return: seconds since the epoch; `math.inf` for ever.
        """
        if self.keep:
            return math.inf
        return moment + self.undelete_days * DAY if self.undelete_days else None


def _up_to(most: int) -> Any:
    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is None or int(text) > most:
            raise ValueError(text)
        return int(text)

    return read


def _or_never(text: str) -> int:
    return 0 if text == "never" else int(_up_to(_MOST_DAYS)(text))


POLICY_SETTINGS: dict[str, UserSetting] = {
    "login_delay_seconds": UserSetting(_up_to(_MOST_SECONDS), "seconds, 0 for none"),
    "login_delay_hard": UserSetting(read_switch, "yes or no"),
    "expire_days": UserSetting(_or_never, 'days, or "never"'),
    "keep": UserSetting(read_switch, "yes or no"),
    "undelete_days": UserSetting(_up_to(_MOST_DAYS), "days, 0 for none"),
}
"""By key. Each also takes "default": what the domain has, or else the configuration."""


class Policies:
    """The decisions that differ from the configuration. Blocks and raises as `AccountDatabase`.

    @param file: the account database.
    """

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file
        self._answers = Answers(file)

    def set_for_user(self, address: str, key: str, value: str) -> None:
        """Decide something for a user.

        @param key: one of `POLICY_SETTINGS`.
        @param value: as a person writes it: "30", "yes", "default".
        """
        stored = _read(key, value)
        name = read_address(address).canonical
        with self._file.writing() as connection:
            require_user(connection, name)
            _store(connection, name, key, stored)

    def set_for_domain(self, domain: str, key: str, value: str) -> None:
        """Decide something for all users of a domain, as far as theirs is not decided."""
        stored = _read(key, value)
        name = canonical_domain(domain)
        with self._file.writing() as connection:
            require_domain(connection, name)
            _store(connection, name, key, stored)

    def of_domain(self, domain: str) -> dict[str, int]:
        """Return what is decided for a domain, given in canonical form, by key."""
        return self._rows("WHERE subject = ?", domain)

    def of(self, mailbox: str, default: MailboxPolicy) -> MailboxPolicy:
        """Return what holds for a mailbox, given in canonical form."""
        rows = self._answers.get(self._of, mailbox)
        return _decided(default, rows) if rows else default

    def _of(self, mailbox: str) -> Mapping[str, int]:
        domain = mailbox.rpartition("@")[2]
        return self._rows("WHERE subject IN (?, ?) ORDER BY instr(subject, '@')", domain, mailbox)

    def strictest(self, default: MailboxPolicy) -> MaildropPolicy | None:
        """Return the largest delay and the shortest time to expiry that anybody has.

        @return: None where they are the same for everybody.
        """
        keys = ("login_delay_seconds", "expire_days")
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT key, value FROM policies WHERE key IN (?, ?)", keys
            ).fetchall()
        if not found:
            return None
        delays = [row["value"] for row in found if row["key"] == keys[0]]
        days = [row["value"] for row in found if row["key"] == keys[1]]
        expiry = [number for number in (default.expire_days, *days) if number]
        return MaildropPolicy(
            max(default.login_delay_seconds, *delays, 0),
            default.login_delay_hard,
            min(expiry, default=None),
        )

    def _rows(self, where: str, *subjects: str) -> dict[str, int]:
        # `where` is text of this module's, never from outside.
        query = f"SELECT key, value FROM policies {where}"  # noqa: S608
        with self._file.reading() as connection:
            return {row["key"]: row["value"] for row in connection.execute(query, subjects)}


def _decided(default: MailboxPolicy, rows: Mapping[str, int]) -> MailboxPolicy:
    before = asdict(default)
    return replace(
        default, **{key: type(before[key])(value) for key, value in rows.items() if key in before}
    )


def _read(key: str, value: str) -> int | None:
    """Return what is stored; None where nothing is decided any more."""
    setting = POLICY_SETTINGS.get(key)
    if setting is None:
        known = "; ".join(f"{name} ({row.takes})" for name, row in POLICY_SETTINGS.items())
        raise AccountError(f"there is no policy {key!r}; there are: {known}")
    text = value.strip().lower()
    if text == "default":
        return None
    try:
        return setting.read(text)
    except ValueError:
        raise AccountError(f'{key} takes {setting.takes}, or "default", not {value!r}') from None


def _store(connection: Any, subject: str, key: str, value: int | None) -> None:
    if value is None:
        connection.execute("DELETE FROM policies WHERE subject = ? AND key = ?", (subject, key))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO policies VALUES (?, ?, ?)", (subject, key, value)
        )
