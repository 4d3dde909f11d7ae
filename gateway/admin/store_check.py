"""Checking a store, or a backup of one, and saying what was found."""

from __future__ import annotations

import sqlite3

import click

from gateway.admin.output import counted
from gateway.admin.progress import progress_bar
from gateway.store.sqlite.checking import bodies, check
from gateway.store.sqlite.layout import Layout


def run_check(layout: Layout, connection: sqlite3.Connection, *, repair: bool) -> bool:
    """Check a store; return whether it is whole now. Raises `sqlite3.Error`."""
    wrong = mended = 0
    total = _bodies(connection)
    with progress_bar("checking", total) as advance:
        try:
            for problem in check(layout, connection, advance, repair=repair):
                wrong += not problem.repaired
                mended += problem.repaired
                click.echo(f"{'mended' if problem.repaired else 'WRONG'}  {problem.text}", err=True)
        except sqlite3.DatabaseError as error:
            wrong += 1
            click.echo(f"WRONG  the database is damaged: {error}", err=True)
    if wrong:
        click.echo(_advice(wrong, repair), err=True)
        return False
    click.echo(f"ok: {counted(total, 'message')}" + (f", {mended} mended" if mended else ""))
    return True


def _bodies(connection: sqlite3.Connection) -> int:
    try:
        return bodies(connection)
    except sqlite3.DatabaseError:
        return 0


def _advice(wrong: int, repair: bool) -> str:
    what = counted(wrong, "problem")
    if repair:
        return f'{what} cannot be mended here; see "Damage" in docs/stores.md'
    return f"{what}; 'pop3gw store check --repair' mends what can be mended"
