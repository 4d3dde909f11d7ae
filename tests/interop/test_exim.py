"""Exim relays to the gateway with BDAT (RFC 3030), over TLS and over LMTP.

Debian has either Postfix or Exim on a machine, so this runs where somebody has put an `exim4` into
PATH.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, large_message, read_all
from tests.programs import require_program, run

pytestmark = pytest.mark.slow

CONFIGURATION = """
exim_path = {exim}
primary_hostname = sender.example.com
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
keep_environment =
tls_advertise_hosts =
never_users =
begin routers
out:
  driver = manualroute
  transport = {way}
  route_list = * 127.0.0.1::{port}
  self = send
begin transports
smtp:
  driver = smtp
  hosts_require_tls = *
  tls_verify_certificates = {ca}
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
lmtp:
  driver = smtp
  protocol = lmtp
  port = {port}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="exim"))
    made.chmod(0o777)  # Exim writes there as its own user
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("way", ["smtp", "lmtp"])
def test_messages_arrive_whole(gateway: Gateway, account: Account, folder: Path, way: str) -> None:
    exim = require_program("exim4")
    file = folder / "exim.conf"
    port = gateway.ports[way]
    # Exim gives up its privileges, and could read nothing below the folders of pytest.
    ca = Path(shutil.copy(gateway.ca, folder))
    ca.chmod(0o644)
    file.write_text(CONFIGURATION.format(exim=exim, folder=folder, way=way, port=port, ca=ca))
    samples = [SAMPLES["plain"], SAMPLES["leading-dots"], large_message(500_000)]
    for message in samples:
        command = [exim, "-C", file, "-odf", "-i", "-f", "a@client.example", account.address]
        run(command, input=message.replace(b"\r\n", b"\n"))
    log = (folder / "mainlog").read_text()
    arrived = read_all(gateway, account)
    assert len(arrived) == len(samples), log
    assert log.count(" K C=") == len(samples), "each was sent by BDAT"
    for message, sample in zip(arrived, samples, strict=True):
        assert message.partition(b"\r\n\r\n")[2] == sample.partition(b"\r\n\r\n")[2]
