"""The commands in the documentation work: those in console blocks are run, in order."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from gateway.config import load
from tests.docs.pages import PAGES, Block, blocks
from tests.interop.gateway import COMMAND, ROOT, Gateway
from tests.programs import require_program, run

DEFAULT_PORTS = {"2525": "smtp", "1110": "pop3", "1995": "pop3s"}
PLACEHOLDER = ("user@localhost", "PASSWORD")
"""The account that the first start makes, and what pages write for its password."""

_SIMPLE_COMMAND = re.compile(r"(?:^|[|;&]\s*)pop3gw\s+([^|;&\n#]*)", re.MULTILINE)


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with the commands that the pages call, to be put before PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    pop3gw = folder / "pop3gw"
    arguments = shlex.join([sys.executable, "-c", COMMAND])
    pop3gw.write_text(f'#!/bin/sh\nexec {arguments} "$@"\n', encoding="utf-8")
    pop3gw.chmod(0o755)
    return folder


def _pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(language, page)]


def _for_this_gateway(command: str, gateway: Gateway) -> str:
    for number, kind in DEFAULT_PORTS.items():
        command = re.sub(rf"\b{number}\b", str(gateway.ports[kind]), command)
    return command.replace(".venv/bin/", "")


@pytest.mark.parametrize("page", _pages_with("console"), ids=lambda page: page.name)
def test_console_blocks_succeed(page: Path, shell: Path, tmp_path: Path) -> None:
    store = "sqlite" if page.name == "stores.md" else "maildir"
    with Gateway(tmp_path, store=store) as gateway:
        address, password = PLACEHOLDER
        gateway.admin("user", "passwd", address, "--password-stdin", input=f"{password}\n")
        path = f"{shell}:{gateway.environment['PATH']}"
        for block in blocks("console", page):
            assert block.commands, block
            for command in block.commands:
                for word in ("curl", "swaks", "sqlite3"):
                    if command.startswith(word):
                        require_program(word)
                ours = _for_this_gateway(command, gateway)
                env = {**gateway.environment, "PATH": path}
                run(["sh", "-ec", ours], cwd=tmp_path, env=env, timeout=60)


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_sh_blocks_are_shell(block: Block, tmp_path: Path) -> None:
    run(["sh", "-n"], input=block.text)


@pytest.mark.parametrize("block", blocks("sh") + blocks("console"), ids=str)
def test_each_pop3gw_command_exists(block: Block, tmp_path: Path) -> None:
    text = re.sub(r"^\$ ", "", block.text, flags=re.MULTILINE).replace(".venv/bin/", "")
    for match in _SIMPLE_COMMAND.finditer(text):
        words = re.sub(r"--(config|data) \S+", "", match[1])
        nouns_and_verbs = re.match(r"[a-z -]*(?=\s|$)", words.strip())
        assert nouns_and_verbs is not None
        run([sys.executable, "-c", COMMAND, *nouns_and_verbs[0].split()[:2], "--help"], cwd=ROOT)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_blocks_are_configurations(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "pop3gw.toml"
    file.write_text(block.text, encoding="utf-8")
    assert load(file).origin.file == file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [title.lower().replace(" ", "-") for title in titles], target
