"""fdm fetches, keeps or deletes, and fetches nothing twice."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, read_all, send
from tests.programs import require_program, run

WAYS = {"clear": ("pop3", ""), "stls": ("pop3", "starttls"), "pop3s": ("pop3s", "")}


class Fdm:
    """fdm with a Maildir of its own. Started by root it fetches as another user, who must have
    access to its cache and to the CA."""

    def __init__(self, gateway: Gateway, account: Account, home: Path, way: str, keep: str) -> None:
        self._home = home
        self._shared = TemporaryDirectory()
        shared = Path(self._shared.name)
        shared.chmod(0o777)
        self._ca = Path(shutil.copy(gateway.ca, shared))
        self._ca.chmod(0o644)
        kind, starttls = WAYS[way]
        self._settings = home / "fdm.conf"
        self._settings.write_text(
            f'set default-user "{getpass.getuser()}"\n'
            f'set lock-file "{home}/lock"\n'
            f'account "a" {kind} server "localhost" port {gateway.ports[kind]}\n'
            f'user "{account.address}" pass "{account.password}"\n'
            f'new-only cache "{shared}/cache" {starttls} {keep}\n'
            f'action "store" maildir "{home}/maildir"\n'
            'match all action "store"\n'
        )
        self._settings.chmod(0o600)

    def fetch(self) -> list[bytes]:
        """Poll once; return the new messages."""
        fdm = [require_program("fdm"), "-f", self._settings, "fetch"]
        run(fdm, env={"HOME": str(self._home), "SSL_CERT_FILE": str(self._ca)})
        files = sorted((self._home / "maildir" / "new").glob("*"))
        messages = [file.read_bytes() for file in files]
        for file in files:
            file.unlink()
        return messages


@pytest.mark.parametrize("way", WAYS)
def test_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    fdm = Fdm(gateway, account, tmp_path, way, "keep")
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["leading-dots"])
    assert len(fdm.fetch()) == 2
    assert fdm.fetch() == []
    send(gateway, [account.address], SAMPLES["eight-bit"])
    (third,) = fdm.fetch()
    assert third.endswith(SAMPLES["eight-bit"].replace(b"\r\n", b"\n"))
    assert len(read_all(gateway, account)) == 3


@pytest.mark.parametrize("way", WAYS)
def test_not_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    fdm = Fdm(gateway, account, tmp_path, way, "")
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["leading-dots"])
    assert len(fdm.fetch()) == 2
    assert read_all(gateway, account) == []
