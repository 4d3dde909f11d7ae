"""The tables of docs/moving-in.md say what the commands do."""

from __future__ import annotations

import re

from gateway.admin.import_mail import command
from gateway.imports import dovecot, messages, pop3, sql_dump
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "moving-in.md").read_text(encoding="utf-8")


def first_column(heading: str) -> list[str]:
    """The cells of the first column of the table with a heading."""
    table = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0].splitlines()
    return [row.split(" | ")[0].removeprefix("| ") for row in table[2:]]


def test_every_command_has_its_row() -> None:
    assert first_column("command") == [f"`pop3gw import {name}`" for name in command.commands]


def test_every_reason_has_its_row() -> None:
    assert first_column("reason") == [
        messages.UNSEEN,
        messages.UNFIT,
        messages.TWICE,
        messages.TAKEN,
        dovecot.NO_MD5,
        pop3.NO_UIDL,
    ]


def test_the_columns_of_a_dump() -> None:
    text = PAGE.replace("\n", " ")
    for names in (sql_dump.LOGIN, sql_dump.PASSWORD):
        assert ", ".join(f"`{name}`" for name in names) in text


def test_every_option_is_one() -> None:
    known = {
        option
        for each in command.commands.values()
        for parameter in each.params
        for option in parameter.opts
    }
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known
