"""Can a certificate be got from the ACME server?"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder


def check(folder: Folder) -> Iterator[Finding]:
    """Say whether ACME is on, and what keeps it from working. The server is not asked."""
    tls = folder.settings.tls
    if not tls.acme_names:
        return
    if find_spec("acme") is None:
        yield Finding(
            "acme", "the library acme is missing", 'install it with: pip install "pop3gw[acme]"'
        )
        return
    names = ", ".join(tls.acme_names)
    if not (folder.data.tls / tls.acme_names[0] / "fullchain.pem").exists():
        yield Finding(
            "acme",
            f"there is no certificate for {names} yet",
            "start the gateway, which asks for one; where it was refused, the log says why",
        )
        return
    yield Finding("acme", f"{names} from {tls.acme_directory}")
