"""How results are shown: as a table to a person, as lines to a pipe, as JSON to a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")

Item = Mapping[str, Any]
"""One object as `--json` prints it."""


def show_list(items: Sequence[Item], columns: Mapping[str, str], as_json: bool) -> None:
    """Print items, one a row.

    A pipe gets a line for each, its columns parted by tabs, without a heading.

    @param columns: the key of each column, and its heading.
    """
    if as_json:
        click.echo(json.dumps(items, indent=2))
    elif sys.stdout.isatty():
        _show_table(items, columns)
    else:
        for item in items:
            click.echo("\t".join(_text(item.get(key)) for key in columns))


def show_one(item: Item, names: Mapping[str, str], as_json: bool) -> None:
    """Print one item, a line for each of its values.

    @param names: the key of each value that is shown, and what it is called.
    """
    if as_json:
        click.echo(json.dumps(item, indent=2))
        return
    width = max(len(name) for name in names.values()) + 2
    for key, name in names.items():
        if key in item:
            click.echo(f"{name + ':':{width}}{_text(item[key])}")


def counted(number: int, noun: str) -> str:
    """Return "1 message", "2 messages", "3 aliases"."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('s', 'x')) else 's'}"


def _show_table(items: Sequence[Item], columns: Mapping[str, str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for key, heading in columns.items():
        number = any(isinstance(item.get(key), int) for item in items)
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for item in items:
        table.add_row(*(Text(_text(item.get(key))) for key in columns))
    Console().print(table)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(_text(part) for part in value.values())
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value) or "-"
    return str(value)
