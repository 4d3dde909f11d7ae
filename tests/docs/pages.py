"""The pages of the documentation, and the code blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Of a console block: what stands after each "$ ", with the lines that continue it."""
        lines = self.text.replace("\\\n", "").splitlines()
        return [line[2:] for line in lines if line.startswith("$ ")]


def blocks(language: str, page: Path | None = None) -> list[Block]:
    """The blocks of one language, of one page or of all, in order."""
    found = []
    for one in PAGES if page is None else [page]:
        text = one.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            if match[2] == language:
                indent = match[1]
                body = re.sub(f"^{indent}", "", match[3], flags=re.MULTILINE)
                line = text.count("\n", 0, match.start()) + 1
                found.append(Block(one, line, language, body))
    return found
