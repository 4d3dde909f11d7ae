"""The tables and examples of docs/accounts.md, and of the page on attacks, are the code's."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from gateway.accounts.foreign_hashes import FOREIGN_SCHEMES
from gateway.accounts.sasl.mechanisms import MECHANISMS
from gateway.accounts.schemes import check_scheme
from gateway.accounts.sources.ldap import LDAPSettings
from gateway.accounts.sources.passwd_file import parse
from gateway.accounts.sources.sql import SQLSettings
from gateway.accounts.strings import kinds
from gateway.settings import Auth
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "accounts.md"
ATTACKS = ROOT / "docs" / "security-authentication.md"


def first_column(heading: str) -> list[str]:
    """The first cells of the table with this heading."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"\n| {heading} |")
    rows = rest.splitlines()[2:]
    cells = []
    for row in rows:
        if not row.startswith("|"):
            break
        cells.append(row.split("|")[1].strip())
    return cells


def test_mechanisms() -> None:
    assert sorted(first_column("mechanism")) == sorted(MECHANISMS)


def test_kinds() -> None:
    standard = {kind for kind in kinds() if kind != "anonymous"}
    assert set(first_column("kind")) == standard


def test_schemes() -> None:
    named = [scheme for cell in first_column("scheme") for scheme in cell.split(", ")]
    assert sorted(named) == sorted([*FOREIGN_SCHEMES, "ARGON2ID", "ARGON2I"])


@pytest.mark.parametrize("block", [*blocks("toml", PAGE), *blocks("source", PAGE)], ids=str)
def test_examples(block: Any) -> None:
    values = tomllib.loads(block.text)
    if "auth" in values:
        auth = Auth.model_validate(
            {**values["auth"], "checkers": tuple(values["auth"]["checkers"])}
        )
        for string in auth.checkers:
            assert string.partition(":")[0] in kinds()
    else:
        model: Any = SQLSettings if "module" in values else LDAPSettings
        model.model_validate(values)


def test_passwd_file() -> None:
    (block,) = blocks("passwd", PAGE)
    users = parse(block.text)
    assert [users[name].may_log_in for name in sorted(users)] == [True, True, False]
    for entry in users.values():
        check_scheme(entry.password)


def test_tests_of_the_attacks_exist() -> None:
    rows = re.findall(r"^\|.*\|$", ATTACKS.read_text(encoding="utf-8"), re.MULTILINE)[2:]
    assert len(rows) > 10
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        (file,) = re.findall(r"`(tests/[^`]+)`", cells[3])
        assert (ROOT / file).is_file(), file
