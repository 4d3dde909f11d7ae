"""Do the certificates match their keys, for which names are they, and until when?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder
from gateway.config_errors import ConfigError
from gateway.files import acting_as

_SOON = timedelta(days=14)


def check(folder: Folder) -> Iterator[Finding]:
    """Look at every pair the gateway would serve, as the folder's owner."""
    own = folder.settings.tls.certificates is None
    if own and not folder.data.chain_file.exists() and not folder.data.key_file.exists():
        yield Finding("certificate", "none yet; the first start makes one")
        return
    from gateway.net.pairs import find_pairs, read_pair
    from gateway.net.profiles import read_client_ca

    if folder.settings.tls.client_ca is not None:
        read_client_ca(folder.settings.tls.client_ca)
    owner = folder.data.owner() if folder.data.path.exists() else None
    source = folder.settings.tls.certificates or folder.data.tls
    try:
        with acting_as(owner):
            pairs = find_pairs(source)
    except ConfigError as error:
        raise folder.settings.placed("tls.certificates", error) from error
    for pair in pairs:
        try:
            with acting_as(owner):
                content = read_pair(pair)
        except ConfigError as error:
            yield Finding.of("certificate", folder.settings.placed("tls.certificates", error))
        else:
            yield _served(str(pair.chain), content.names, content.ends, own)


def _served(file: str, names: tuple[str, ...], ends: datetime, own: bool) -> Finding:
    now = datetime.now(UTC)
    if ends - now < _SOON:
        when = "ended" if ends <= now else "ends"
        renew = "make a new one with: pop3gw tls renew" if own else "renew it"
        return Finding(
            "certificate",
            f"{file} {when} on {ends:%Y-%m-%d}",
            f"{renew}; one that somebody else issued is renewed there",
        )
    if not names:
        return Finding(
            "certificate",
            f"{file} is for no name, so that clients do not take it",
            "get one with the name of this machine as subjectAltName",
        )
    return Finding("certificate", f"{file} for {', '.join(names)}, until {ends:%Y-%m-%d}")
