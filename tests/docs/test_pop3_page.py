"""docs/pop3.md names every command, capability and response code that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.pop3.capabilities import CAPABILITIES
from gateway.pop3.replies import RESPONSE_CODES
from gateway.pop3.verbs import EXTENSIONS, STATES
from tests.docs.pages import ROOT
from tests.pop3.test_dialogs import DIALOGS

PAGE = ROOT / "docs" / "pop3.md"
TEXT = PAGE.read_text(encoding="utf-8")

_LINK = re.compile(r"\[[^]]+\]\(([^)]+)\)")


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section, without its head."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert table, title
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def target(cell: str) -> Path:
    (link,) = _LINK.findall(cell)
    return (PAGE.parent / link).resolve()


def test_commands() -> None:
    there = [
        (state, f"`{verb.usage.decode()}`", verb.source)
        for state, verbs in STATES.items()
        for verb in verbs
    ]
    assert [tuple(row[:3]) for row in rows("Commands")] == there


@pytest.mark.parametrize("row", rows("Commands"), ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_dialog_has_the_command(row: list[str]) -> None:
    keyword = re.escape(row[1].strip("`").split()[0])
    assert re.search(rf"(?im)^C[:-] *{keyword}\b", target(row[3]).read_text(encoding="utf-8"))


def test_capabilities() -> None:
    there = [(f"`{row.tag.decode()}`", row.source) for row in CAPABILITIES]
    assert [(row[0], row[2]) for row in rows("Capabilities")] == there


@pytest.mark.parametrize("row", rows("Capabilities"), ids=lambda row: row[0])
def test_a_dialog_has_the_capability(row: list[str]) -> None:
    tag = re.escape(row[0].strip("`"))
    assert re.search(rf"(?m)^S: {tag}\b", target(row[3]).read_text(encoding="utf-8"))


def test_response_codes() -> None:
    there = [(f"`{code.decode()}`", source) for code, source in RESPONSE_CODES.items()]
    assert [(row[0], row[2]) for row in rows("Response codes")] == there


@pytest.mark.parametrize("row", rows("Response codes"), ids=lambda row: row[0])
def test_a_test_has_the_code(row: list[str]) -> None:
    code = row[0].strip("`")
    shown = target(row[3]).read_text(encoding="utf-8").replace("\\", "")
    assert f"-ERR [{code}]" in shown


def test_extensions() -> None:
    assert tuple(row[0].strip("`") for row in rows("Outside of the standards")) == EXTENSIONS


@pytest.mark.parametrize("row", rows("Programs"), ids=lambda row: row[0])
def test_programs_have_their_tests(row: list[str]) -> None:
    name = row[0].split()[0].lower()
    assert name in target(row[3]).read_text(encoding="utf-8").lower()


def test_every_dialog_is_played() -> None:
    named = {target(f"[x]({link})") for link in _LINK.findall(TEXT) if link.endswith(".txt")}
    played = {f"{dialog.name}.txt" for dialog in DIALOGS}
    assert {path.name for path in named} <= played
