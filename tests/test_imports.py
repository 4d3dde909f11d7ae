"""The imports of gateway/ point one way only, as the design says. Read from the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CONFIGURATION = frozenset(
    {"config", "config_rules", "datafolder", "own_certificate", "settings", "welcome"}
)
_READERS = {"tap", "workers", "service", "parts", "tls_parts", "mailboxes", "admin", "control"}
READERS_OF_CONFIGURATION = _READERS | CONFIGURATION
"""Everybody else is given values."""

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"tap"}),
    frozenset({"workers"}),
    frozenset({"service"}),
    frozenset({"parts", "tls_parts"}),
    frozenset({"mailboxes"}),
    frozenset({"pop3", "smtp", "admin", "control", "acme", "imports"}),
    CONFIGURATION,
    frozenset({"delivery", "store", "accounts", "net", "log", "trace"}),
    frozenset(
        {
            "wire",
            "events",
            "client",
            "files",
            "direct_write",
            "sql_script",
            "config_errors",
            "shared",
            "signals",
        }
    ),
)
"""A part may import from itself and from the layers below it."""

SIDEWAYS = {
    ("accounts", "gateway.store.interfaces"),
    ("delivery", "gateway.store.interfaces"),
    ("delivery", "gateway.accounts.interfaces"),
    ("admin", "gateway.control"),
    ("admin", "gateway.imports"),
    ("trace", "gateway.accounts.errors"),
    ("trace", "gateway.accounts.sqlite_file"),
    ("events", "gateway.client"),
}
"""What may be imported from the importer's own layer: (part, module)."""

STORES = ("gateway.store.maildir", "gateway.store.sqlite")
"""The kinds of store, which know nothing of each other."""

ADAPTERS = {"gateway.pop3.foreign"}
"""The modules that may import twisted.mail."""

IMPURE = frozenset(
    {
        "asyncio",
        "datetime",
        "fcntl",
        "fileinput",
        "http",
        "io",
        "logging",
        "mmap",
        "multiprocessing",
        "os",
        "pathlib",
        "queue",
        "random",
        "sched",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "syslog",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
    }
)
"""Modules of the standard library with I/O, a clock or a log: not for gateway.wire."""


@dataclass(frozen=True)
class Import:
    """One name that a module imports."""

    line: int
    name: str
    """Dotted, with the name taken from the module: "gateway.client.Client"."""
    at_top: bool
    """Whether it runs when the module is imported."""


def _is_type_checking(node: ast.If) -> bool:
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _names(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        above = package.split(".")
        above = above[: len(above) - (node.level - 1)]
        base = ".".join([*above, base] if base else above)
    return [f"{base}.{alias.name}" for alias in node.names]


def _walk(node: ast.AST, package: str, at_top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for name in _names(child, package):
                yield Import(child.lineno, name, at_top)
            continue
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        later = later or (isinstance(child, ast.If) and _is_type_checking(child))
        yield from _walk(child, package, at_top and not later)


def imports_of(source: str, module: str, *, is_package: bool = False) -> list[Import]:
    """List what `source` imports, inside functions and under TYPE_CHECKING too."""
    package = module if is_package else module.rpartition(".")[0]
    return list(_walk(ast.parse(source), package, True))


def part_of(module: str) -> str | None:
    """Name the part of the house that a module belongs to: "pop3" for gateway.pop3.session."""
    words = module.split(".")
    return words[1] if words[0] == "gateway" and len(words) > 1 else None


def _layer(part: str) -> int | None:
    return next((depth for depth, parts in enumerate(LAYERS) if part in parts), None)


def _inside(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _direction(part: str, name: str) -> str | None:
    target = part_of(name)
    if target is None or target == part:
        return None
    ours, theirs = _layer(part), _layer(target)
    if ours is None or theirs is None:
        return f"{part if ours is None else target} is in no layer: add it to LAYERS"
    if {part, target} <= CONFIGURATION:
        return None
    if target in CONFIGURATION and part not in READERS_OF_CONFIGURATION:
        return f"{part} is given values, it does not read the configuration"
    if theirs > ours or any(_inside(name, given) for by, given in SIDEWAYS if by == part):
        return None
    return f"{part} may not import {target}"


def _purity(name: str) -> str | None:
    top = name.partition(".")[0]
    if top == "gateway":
        return None
    if top not in sys.stdlib_module_names:
        return "wire imports only the standard library"
    return "wire has no I/O, clock or log" if any(_inside(name, one) for one in IMPURE) else None


def _between_kinds(module: str, name: str) -> str | None:
    mine = [kind for kind in STORES if _inside(module, kind)]
    others = [kind for kind in STORES if _inside(name, kind)]
    if not others or mine == others or module == "gateway.store.kinds":
        return None
    if not _inside(module, "gateway.store"):
        return None
    return "only gateway.store.kinds knows the kinds of store"


def faults(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """List what is wrong with the imports of a module, a line each: "line: name: why"."""
    part = part_of(module)
    found = []
    for entry in imports_of(source, module, is_package=is_package):
        reasons = [
            _direction(part, entry.name) if part else None,
            _purity(entry.name) if part == "wire" else None,
            _between_kinds(module, entry.name),
        ]
        if entry.at_top and _inside(entry.name, "twisted.internet.reactor"):
            reasons.append("the reactor is passed in")
        if _inside(entry.name, "twisted.mail") and module not in ADAPTERS:
            reasons.append("only adapters import twisted.mail")
        found += [f"{entry.line}: {entry.name}: {why}" for why in reasons if why]
    return found


def _modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        words = path.relative_to(ROOT).with_suffix("").parts
        found.append((".".join(words[:-1] if words[-1] == "__init__" else words), path))
    return found


@pytest.mark.parametrize(("module", "path"), _modules(), ids=lambda value: str(value))
def test_imports_point_the_right_way(module: str, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert faults(source, module, is_package=path.name == "__init__.py") == []


def test_every_layer_stands_in_the_tree() -> None:
    known = frozenset[str]().union(*LAYERS)
    there = {part_of(module) for module, _ in _modules()} - {None}
    assert there <= known


@pytest.mark.parametrize(
    ("module", "source", "why"),
    [
        ("gateway.pop3.session", "from gateway.smtp.session import x", "may not import smtp"),
        ("gateway.smtp.session", "import gateway.pop3", "may not import pop3"),
        ("gateway.smtp.session", "from gateway import pop3", "may not import pop3"),
        ("gateway.smtp.session", "from ..pop3 import session", "may not import pop3"),
        ("gateway.store.maildir", "def f():\n    import gateway.service", "may not import service"),
        ("gateway.store.maildir", "from gateway.net import limits", "may not import net"),
        ("gateway.store.sqlite.a", "import gateway.store.maildir.names", "knows the kinds"),
        ("gateway.store.writer", "from gateway.store import sqlite", "knows the kinds"),
        ("gateway.net.tls", "from gateway.accounts.interfaces import User", "may not import acc"),
        ("gateway.accounts.realm", "from gateway.store import maildir", "may not import store"),
        ("gateway.delivery.local", "from gateway.config import Settings", "is given values"),
        ("gateway.pop3.policy", "import gateway.settings", "is given values"),
        ("gateway.service", "from gateway.tap import Options", "may not import tap"),
        ("gateway.client", "from gateway.events import Event", "may not import events"),
        ("gateway.cellar.rats", "from gateway.client import Client", "cellar is in no layer"),
        ("gateway.wire.lines", "from zope.interface import Interface", "the standard library"),
        ("gateway.wire.lines", "import os.path", "no I/O"),
        ("gateway.wire.lines", "from urllib.request import urlopen", "no I/O"),
        ("gateway.wire.lines", "from time import monotonic", "no I/O, clock"),
        ("gateway.wire.lines", "import gateway.net.idle", "may not import net"),
        ("gateway.net.tls", "from twisted.internet import reactor", "reactor is passed in"),
        ("gateway.net.tls", "class A:\n    import twisted.internet.reactor", "is passed in"),
        ("gateway.pop3.session", "from twisted.mail import pop3", "only adapters"),
        (
            "gateway.pop3.session",
            "if TYPE_CHECKING:\n    from gateway.smtp import SMTPFactory",
            "may not import smtp",
        ),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str, why: str) -> None:
    (fault,) = faults(source, module)
    assert why in fault


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gateway.pop3.session", "from gateway.net.connection import CommandConnection"),
        ("gateway.pop3.session", "from . import verbs"),
        ("gateway.tap", "from gateway.service import make\nfrom gateway.config import load"),
        ("gateway.delivery.local", "from gateway.accounts.interfaces import IDirectory"),
        ("gateway.accounts.realm", "import gateway.store.interfaces"),
        ("gateway.net.factory", "def f():\n    from twisted.internet import reactor"),
        ("gateway.wire.sasl", "import base64\nfrom gateway.wire.lines import InputBuffer"),
        ("gateway.wire.xtext", "from urllib.parse import quote"),
        ("gateway.events", "from gateway.client import Client"),
        ("gateway.store.kinds", "from gateway.store.sqlite import SQLiteStore"),
        ("gateway.pop3.foreign", "from twisted.mail.interfaces import IMailboxPOP3"),
    ],
)
def test_a_right_import_passes(module: str, source: str) -> None:
    assert faults(source, module) == []
