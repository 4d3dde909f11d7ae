"""docs/smtp.md says what the program does: its tables are compared with it, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.smtp.extensions import EXTENSIONS
from gateway.smtp.verbs import COMMANDS_OF_LMTP, COMMANDS_OF_SMTP
from gateway.wire import smtp_replies
from gateway.wire.replies import SMTPReply
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "smtp.md").read_text(encoding="utf-8")
TESTS = ROOT / "tests"
REPLIES = {name: value for name, value in vars(smtp_replies).items() if type(value) is SMTPReply}


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def code(cell: str) -> str:
    return cell.strip("`")


def shown_by(cell: str) -> list[Path]:
    files = []
    for name in re.findall(r"`([^`]+)`", cell):
        files.append(TESTS / name if "/" in name else TESTS / "dialogs" / "smtp" / f"{name}.txt")
    return files


ALL_ROWS = [
    pytest.param(title, row, id=f"{title}: {row[0]}")
    for title in ("Commands", "Extensions", "Limits", "Replies")
    for row in rows(title)
]


@pytest.mark.parametrize(("title", "row"), ALL_ROWS)
def test_each_row_is_shown(title: str, row: list[str]) -> None:
    """By files that exist and hold the verb, the keyword or the code of the row."""
    wanted = {
        "Commands": code(row[0]).split()[0],
        "Extensions": code(row[0]),
        "Limits": code(row[2]),
        "Replies": code(row[0]),
    }[title]
    files = shown_by(row[-1])
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8").replace("\\.", ".")
        if title == "Commands":
            text = text.upper()
        if title == "Limits" and "/test_limits.py" in str(file):
            continue  # the limit itself, below any protocol
        constant = [name for name, reply in REPLIES.items() if reply.text == row[1]]
        assert wanted in text or any(name in text for name in constant), (file, wanted)


def test_commands() -> None:
    of_smtp, of_lmtp = (
        {verb.usage: verb.source for verb in verbs}
        for verbs in (COMMANDS_OF_SMTP, COMMANDS_OF_LMTP)
    )
    expected = {
        usage: [
            "both"
            if usage in of_smtp and usage in of_lmtp
            else "SMTP"
            if usage in of_smtp
            else "LMTP",
            source,
        ]
        for usage, source in {**of_smtp, **of_lmtp}.items()
    }
    assert {code(row[0]): row[1:3] for row in rows("Commands")} == expected


def test_extensions() -> None:
    documented = [(code(row[0]), row[2]) for row in rows("Extensions")]
    assert documented == [(extension.keyword, extension.source) for extension in EXTENSIONS]


@pytest.mark.parametrize("row", rows("Limits"), ids=lambda row: row[0])
def test_limits(row: list[str]) -> None:
    found = re.fullmatch(r"`\[(\w+)\] (\w+)`", row[0])
    assert found is not None
    assert str(getattr(getattr(Settings(), found[1]), found[2])) == row[1]
    assert code(row[2]) in {f"{reply.code} {reply.enhanced}" for reply in REPLIES.values()}


def test_each_limit_of_smtp_is_documented() -> None:
    documented = {code(row[0]) for row in rows("Limits")}
    not_limits = {"exempt_networks", "pop3_idle_seconds"}
    for name in type(Settings().limits).model_fields:
        assert (
            f"[limits] {name}" in documented or name in not_limits or f"`[limits] {name}`" in PAGE
        )


def in_use() -> dict[str, SMTPReply]:
    """The replies that something in the program gives."""
    parts = ("smtp", "delivery", "wire")
    files = [file for part in parts for file in (ROOT / "gateway" / part).rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return {
        name: reply for name, reply in REPLIES.items() if len(re.findall(rf"\b{name}\b", text)) > 1
    }


def test_replies() -> None:
    documented = {(code(row[0]), row[1]) for row in rows("Replies")}
    expected = {
        (f"{reply.code} {reply.enhanced}".strip(), reply.text) for reply in in_use().values()
    }
    assert expected == documented, "docs/smtp.md, section Replies, lacks these or has too many"
