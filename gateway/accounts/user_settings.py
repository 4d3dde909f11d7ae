"""The settings of a user that `pop3gw user set` changes: their names and what they take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.accounts.errors import AccountError

_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})
_NO_LIMIT = frozenset({"none", "unlimited", ""})
_SIZE = re.compile(r"([0-9]{1,18}) ?([kmgt]?)(?:i?b)?", re.ASCII)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class UserSetting:
    """One settable key."""

    read: Callable[[str], int | None]
    """Text to the value that is stored; raises ValueError for any other text."""
    takes: str
    """What it takes, in words."""


def read_switch(text: str) -> int:
    """Read a yes or no. Raises ValueError."""
    if text in _YES:
        return 1
    if text in _NO:
        return 0
    raise ValueError(text)


def _read_octets(text: str) -> int | None:
    if text in _NO_LIMIT:
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    octets = int(match[1]) * _UNITS[match[2]]
    if octets > _LARGEST:
        raise ValueError(text)
    return octets


def _read_count(text: str) -> int | None:
    if text in _NO_LIMIT:
        return None
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) is None:
        raise ValueError(text)
    return int(text)


USER_SETTINGS: dict[str, UserSetting] = {
    "enabled": UserSetting(read_switch, "yes or no"),
    "quota_octets": UserSetting(_read_octets, 'octets, as in 500M or 2G (of 1024), or "none"'),
    "quota_messages": UserSetting(_read_count, 'a number of messages, or "none"'),
}


def read_user_setting(key: str, value: str) -> int | None:
    """Return what is stored for `value` under `key`.

    @raise AccountError: there is no such key, or it does not take this value.
    """
    setting = USER_SETTINGS.get(key)
    if setting is None:
        known = "; ".join(f"{name} ({row.takes})" for name, row in USER_SETTINGS.items())
        raise AccountError(f"a user has no setting {key!r}; there are: {known}")
    try:
        return setting.read(value.strip().lower())
    except ValueError:
        raise AccountError(f"{key} takes {setting.takes}, not {value!r}") from None
