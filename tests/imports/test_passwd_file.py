"""Dovecot's passwd-file."""

from __future__ import annotations

import pytest

from gateway.imports.errors import DamagedLine
from gateway.imports.old_users import OldUser
from gateway.imports.passwd_file import parse


def test_users() -> None:
    users = parse(
        "# users\n"
        "\n"
        "anna@example.org:{SHA512-CRYPT}$6$salt$hash:1000:1000::/home/anna::quota_rule=*:bytes=1G\n"
        "ben:{PLAIN}secret\r\n"
        "carl:$1$salt$hash::::::nologin\n"
        "dora:!{SSHA}abc:\n"
        "eve::::::"
    )
    assert users == [
        OldUser(3, "anna@example.org", "{SHA512-CRYPT}$6$salt$hash", "/home/anna"),
        OldUser(4, "ben", "{PLAIN}secret"),
        OldUser(5, "carl", "$1$salt$hash", enabled=False),
        OldUser(6, "dora", "{SSHA}abc", enabled=False),
        OldUser(7, "eve", ""),
    ]


@pytest.mark.parametrize("line", ["anna", ":x", "\0", " :x"])
def test_damage(line: str) -> None:
    with pytest.raises(DamagedLine) as caught:
        parse(f"ben:x\n{line}\n")
    assert caught.value.number == 2


def test_a_password_is_in_no_repr() -> None:
    assert "tanstaaf" not in repr(parse("ben:tanstaaf\n"))
