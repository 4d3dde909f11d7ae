"""`pop3gw check`: is everything in order, and if not, what is to be done?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from gateway.admin.checks import (
    acme,
    certificates,
    configuration,
    data_folder,
    database,
    gateways,
    ports,
)
from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.refusals import explained
from gateway.config_errors import ConfigError

_CHECKS = {
    "configuration": configuration.check,
    "data folder": data_folder.check,
    "accounts": database.check,
    "certificate": certificates.check,
    "acme": acme.check,
    "gateway": gateways.check,
    "ports": ports.check,
}


@click.command()
@click.pass_context
@pass_folder
def command(folder: Folder, ctx: click.Context) -> None:
    """Find out whether all is well.

    Checks configuration, data folder, accounts, certificates and ports. Prints a line for each:
    "ok" where all is well, "MEND" with what to do where it is not.

    Example: pop3gw --config /etc/pop3gw.toml check
    """
    wrong = 0
    for finding in _findings(folder):
        if finding.remedy is None:
            click.echo(f"ok    {finding.item}: {finding.text}")
        else:
            wrong += 1
            click.echo(f"MEND  {finding.item}: {finding.text}; {finding.remedy}", err=True)
    if wrong:
        ctx.exit(1)


def _findings(folder: Folder) -> Iterator[Finding]:
    for item, check in _CHECKS.items():
        try:
            yield from check(folder)
        except ConfigError as error:
            yield Finding.of(item, error)
            if item == "configuration":
                return
        except OSError as error:
            yield Finding(item, explained(error), "let this user read it, or run this as root")
