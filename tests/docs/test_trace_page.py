"""The happenings that docs/administrator.md explains are those that the trace keeps."""

from __future__ import annotations

import re

from gateway.trace import rows
from tests.docs.pages import ROOT


def test_every_happening_is_explained() -> None:
    page = (ROOT / "docs" / "administrator.md").read_text(encoding="utf-8")
    section = page.partition("## What became of a message")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    kinds = {value for name, value in vars(rows).items() if name.isupper() and name[0] != "_"}
    assert set(explained) == kinds
