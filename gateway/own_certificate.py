"""The certificate that the gateway's own CA makes, kept in the data folder."""

from __future__ import annotations

from gateway.datafolder import DataFolder
from gateway.files import Owner
from gateway.net.local_ca import LocalCA, machine_names
from gateway.net.pairs import Source
from gateway.settings import Settings


def certificates_source(settings: Settings, folder: DataFolder, owner: Owner | None) -> Source:
    """Return where the certificates are; make the gateway's own, or renew it, if need be.

    @raise ConfigError: the local CA's files are not what they should be.
    """
    if settings.tls.certificates is not None:
        return settings.tls.certificates
    renew_own(settings, folder, owner)
    return folder.tls


def renew_own(
    settings: Settings, folder: DataFolder, owner: Owner | None, *, forced: bool = False
) -> bool:
    """Have the local CA make the gateway's certificate where it is due. Blocks.

    @param forced: whether it is due in any case.
    @return: whether a certificate was written.
    @raise ConfigError: see `LocalCA`.
    """
    names = tuple(dict.fromkeys((*machine_names(), *settings.tls.names)))
    with folder.locked():
        authority = LocalCA.open(folder.ca_file, folder.ca_key_file, owner)
        return authority.ensure_certificate(
            folder.chain_file, folder.key_file, names, forced=forced
        )
