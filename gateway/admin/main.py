"""The `pop3gw` command: its global options, and the nouns below it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from gateway.admin.folder import Folder
from gateway.admin.refusals import refusing

NOUNS = {
    "domain": "gateway.admin.domain",
    "user": "gateway.admin.user",
    "alias": "gateway.admin.alias",
    "app-password": "gateway.admin.app_password",
    "bans": "gateway.admin.bans",
    "store": "gateway.admin.store",
    "backup": "gateway.admin.backup",
    "restore": "gateway.admin.restore",
    "export": "gateway.admin.export",
    "trace": "gateway.admin.trace",
    "tls": "gateway.admin.tls",
    "import": "gateway.admin.import_mail",
    "message": "gateway.admin.message",
    "session": "gateway.admin.session",
    "check": "gateway.admin.check",
    "send-test": "gateway.admin.send_test",
}
"""What stands after `pop3gw`: the module whose `command` it is, imported when it is asked for."""


class Nouns(click.Group):
    """The nouns of `NOUNS`. A mistake of the administrator's ends with one line on stderr."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's)
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in NOUNS:
            return None
        command: click.Command = import_module(NOUNS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in NOUNS:
            ctx.fail(f"there is no command {args[0]!r}; there are {', '.join(NOUNS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with refusing():
            return super().invoke(ctx)


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config", metavar="FILE", help="The configuration file; left out: the embedded default."
)
@click.option(
    "--data",
    metavar="DIR",
    help="The data folder; wins over the configuration. Default: pop3gw-data.",
)
@click.option(
    "--store", metavar="KIND", help="The kind of mail store, for a data folder that is made now."
)
@click.pass_context
def pop3gw(ctx: click.Context, config: str | None, data: str | None, store: str | None) -> None:
    """Look after a pop3gw mail gateway: its domains, users and aliases.

    Works whether or not the gateway runs; what is changed takes effect at once. 'pop3gw NOUN
    --help' says more about each noun.

    Example: pop3gw --data /var/lib/pop3gw user list
    """
    ctx.obj = ctx.with_resource(Folder(config, data, store))


def main() -> None:
    """Run the command and exit: 0 done, 1 refused or something to mend, 2 wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    pop3gw.main(prog_name="pop3gw")
