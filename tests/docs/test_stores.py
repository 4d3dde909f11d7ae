"""What docs/stores.md says of damage is what the store says."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "stores.md").read_text(encoding="utf-8")
OURS = ("checking.py", "creation.py", "migration.py", "layout.py")


def test_every_message_of_the_table_exists() -> None:
    folder = ROOT / "gateway" / "store" / "sqlite"
    source = " ".join((folder / name).read_text(encoding="utf-8") for name in OURS)
    told = re.sub(r'"\s*f?"|\{[^}]*\}', "", source)
    others = {
        "database or disk is full",
        "No space left on device",
        "attempt to write a readonly database",
        "malformed",
        "not a database",
        "pop3gw store check",
        "mail.sqlite is missing",
        "is empty",
    }
    table = PAGE.partition("## Damage")[2]
    firsts = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {text for first in firsts for text in re.findall("`([^`]+)`", first)}
    assert len(named) > 8
    assert {text for text in named - others if text not in told} == set()


def test_every_file_of_the_table_is_in_the_layout() -> None:
    table = PAGE.partition("## What lies where")[2].partition("##")[0]
    names = re.findall(r"^\| `([\w.-]+)/?`", table, re.MULTILINE)
    layout = (ROOT / "gateway" / "store" / "sqlite" / "layout.py").read_text(encoding="utf-8")
    assert len(names) > 4
    assert [name for name in names if f'"{name.removesuffix("-wal")}"' not in layout] == []
