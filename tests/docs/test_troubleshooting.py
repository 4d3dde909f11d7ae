"""The messages that the administrator's guide explains are those that the gateway has."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

_ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def _messages() -> list[str]:
    guide = (ROOT / "docs" / "administrator.md").read_text(encoding="utf-8")
    return _ROW.findall(guide.partition("## Troubleshooting")[2])


def _texts() -> str:
    texts = []
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                value = node.value
                texts.append(value if isinstance(value, str) else value.decode("latin-1"))
    return "\n".join(texts)


def test_there_are_some() -> None:
    assert len(_messages()) > 10


@pytest.mark.parametrize("message", _messages())
def test_each_message_is_said_by_the_gateway(message: str) -> None:
    assert message in _texts()
