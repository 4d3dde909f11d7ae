"""`pop3gw tls`: which certificates are served, a new one of our own, and how clients trust it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import json_option, show_list
from gateway.admin.trust import TRUST
from gateway.config_errors import ConfigError
from gateway.files import acting_as

if TYPE_CHECKING:
    from gateway.net.pairs import Content

_COLUMNS = {
    "chain": "certificate",
    "names": "names",
    "ends": "ends",
    "issuer": "issued by",
    "problem": "problem",
}


@click.group()
def command() -> None:
    """The certificates that are served, and the local CA.

    Example: pop3gw tls show
    """


@command.command()
@json_option
@pass_folder
def show(folder: Folder, as_json: bool) -> None:
    """List the certificates that are served, the default one first.

    Example: pop3gw tls show
    """
    show_list(list(_rows(folder)), _COLUMNS, as_json)


def _rows(folder: Folder) -> list[dict[str, Any]]:
    from gateway.net.pairs import find_pairs, read_pair

    owner = folder.data.owner() if folder.data.path.exists() else None
    rows = []
    with acting_as(owner):
        for pair in find_pairs(folder.settings.tls.certificates or folder.data.tls):
            row: dict[str, Any] = {"chain": str(pair.chain), "key": str(pair.key)}
            try:
                row |= _described(read_pair(pair))
            except ConfigError as error:
                row["problem"] = str(error)
            rows.append(row)
    return rows


def _described(content: Content) -> dict[str, Any]:
    from cryptography.hazmat.primitives import hashes

    leaf = content.chain[0]
    return {
        "names": list(content.names),
        "ends": f"{content.ends:%Y-%m-%d}",
        "issuer": leaf.issuer.rfc4514_string(),
        "sha256": leaf.fingerprint(hashes.SHA256()).hex(),
    }


@command.command()
@pass_folder
def renew(folder: Folder) -> None:
    """Have the local CA make a new certificate now, for the names in use now.

    Running gateways serve it to the next connection. A certificate that somebody else issued, or
    an ACME server, is left alone: whoever issued it renews it.

    Example: pop3gw tls renew
    """
    from gateway.own_certificate import renew_own

    if folder.settings.tls.certificates is not None:
        raise ConfigError(
            "the certificates in use are not the gateway's own",
            "renew them where they come from",
            key="[tls] certificates",
        )
    folder.store_kind  # noqa: B018  (makes the folder)
    if not renew_own(folder.settings, folder.data, folder.data.owner(), forced=True):
        raise ConfigError(
            "is not from the local CA",
            "renew it where it comes from, or remove it and its key to get one of the local CA's",
            file=folder.data.chain_file,
        )
    click.echo(f"renewed {folder.data.chain_file}")


@command.command("export-ca")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_folder
def export_ca(folder: Folder, file: Path | None) -> None:
    """Write the local CA's certificate to FILE, and say how clients are told to trust it.

    Without FILE the certificate goes to standard output, and what to do with it to standard error.

    Example: pop3gw tls export-ca pop3gw-ca.crt
    """
    from gateway.net.pem import load_chain, read_pem

    pem = read_pem(folder.data.ca_file)
    certificate = load_chain(folder.data.ca_file, pem)[0]
    if file is None:
        click.echo(pem.decode("ascii"), nl=False)
    else:
        file.write_bytes(pem)
    from cryptography.hazmat.primitives import hashes

    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    name = str(file or "pop3gw-ca.crt")
    click.echo(TRUST.format(file=name, fingerprint=fingerprint), err=file is None)
