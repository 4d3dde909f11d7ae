"""What is told of an import: what each user's mail program will see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from gateway.admin.output import counted
from gateway.imports.outcome import Outcome


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return what `--json` prints of a mailbox."""
    return {
        "mailbox": outcome.mailbox,
        "source": outcome.source,
        "messages": outcome.messages,
        "kept": outcome.kept,
        "new": dict(outcome.new),
        "here": outcome.here,
        "renamed": outcome.renamed,
        "vanished": outcome.vanished,
        "unreadable": outcome.unreadable,
        "octets": outcome.octets,
        "failure": outcome.failure or None,
    }


def show_report(outcomes: Sequence[Outcome], *, dry_run: bool, as_json: bool) -> None:
    """Print the report."""
    if as_json:
        items = [describe(outcome) for outcome in outcomes]
        click.echo(json.dumps({"dry_run": dry_run, "mailboxes": items}, indent=2))
        return
    for outcome in outcomes:
        _show(outcome)
    if len(outcomes) > 1:
        _show(_sum(outcomes))
    click.echo("this was a dry run: nothing was changed" if dry_run else "done")


def _show(outcome: Outcome) -> None:
    source = f" in {outcome.source}" if outcome.source else ""
    click.echo(f"{outcome.mailbox}: {counted(outcome.messages, 'message')}{source}")
    lines = [
        (outcome.kept, "with the unique-id that mail programs know: not fetched again"),
        *((number, f"new to mail programs: {why}") for why, number in outcome.new.most_common()),
        (outcome.here, "here already: left alone"),
        (outcome.renamed, "of these here already under another unique-id, which is given up"),
        (outcome.vanished, "deleted by the old server meanwhile"),
    ]
    for number, what in lines:
        if number:
            click.echo(f"  {number:>7}  {what}")
    for reason in outcome.unreadable:
        click.echo(f"  not imported: {reason}")
    if outcome.failure:
        click.echo(f"  not all of it: {outcome.failure}")


def _sum(outcomes: Sequence[Outcome]) -> Outcome:
    total = Outcome("all", "")
    for outcome in outcomes:
        for key in ("messages", "kept", "here", "renamed", "vanished", "octets"):
            setattr(total, key, getattr(total, key) + getattr(outcome, key))
        total.new += outcome.new
    return total
