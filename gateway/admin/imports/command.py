"""`pop3gw import`: mail from elsewhere."""

from __future__ import annotations

from importlib import import_module

import click

SOURCES = {"maildir": "gateway.admin.imports.maildir"}
"""What stands after `pop3gw import`: the module whose `command` it is."""


class Sources(click.Group):
    """The sources of `SOURCES`, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's)
        return list(SOURCES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SOURCES:
            return None
        command: click.Command = import_module(SOURCES[cmd_name]).command
        return command


@click.group(cls=Sources)
def command() -> None:
    """Bring mail in from elsewhere.

    Example: pop3gw import maildir old/anna anna@example.org
    """
