"""What sslscan and testssl.sh say of the default profile, on every kind of listener."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.interop.gateway import Gateway
from tests.programs import require_program, run

pytestmark = pytest.mark.slow

KINDS = {"pop3s": None, "pop3": "pop3", "smtp": "smtp"}
"""Each kind of listener, and the protocol that the scanners start TLS with."""

OF_A_LOCAL_CA = {"cert_chain_of_trust", "cert_revocation"}
"""What testssl.sh says of any certificate of a CA that the machine does not know."""


@pytest.mark.parametrize("kind", KINDS)
def test_sslscan(gateway: Gateway, kind: str) -> None:
    start = [] if KINDS[kind] is None else [f"--starttls-{KINDS[kind]}"]
    sslscan = [require_program("sslscan"), "--no-colour", "--sni-name=localhost", *start]
    done = run([*sslscan, f"127.0.0.1:{gateway.ports[kind]}"], timeout=120)
    text = done.stdout.decode()
    enabled = re.findall(r"^(SSLv\d|TLSv\d\.\d)\s+(\w+)$", text, re.MULTILINE)
    assert [version for version, state in enabled if state == "enabled"] == ["TLSv1.2", "TLSv1.3"]
    assert "Session renegotiation not supported" in text
    assert "Compression enabled" not in text
    assert "vulnerable to heartbleed" in text
    assert not re.search(r"\d vulnerable to heartbleed", text)
    ciphers = re.findall(r"^(?:Preferred|Accepted)\s+\S+\s+(\d+) bits\s+(\S+)", text, re.MULTILINE)
    assert len(ciphers) >= 5
    for bits, cipher in ciphers:
        assert int(bits) >= 128
        assert re.search(r"^TLS_(AES|CHACHA)|^ECDHE-.*(GCM|POLY1305)", cipher), cipher


@pytest.mark.parametrize("kind", KINDS)
def test_testssl(gateway: Gateway, kind: str, tmp_path: Path) -> None:
    start = [] if KINDS[kind] is None else ["-t", str(KINDS[kind])]
    report = tmp_path / "report.json"
    # Protocols, ciphers, forward secrecy, preferences, certificate, known attacks.
    what = ["-p", "-s", "-f", "-P", "-S", "-U"]
    options = ["--quiet", "--color", "0", "--warnings", "batch", "--jsonfile", report]
    testssl = [require_program("testssl"), *what, *options, "--openssl", require_program("openssl")]
    run([*testssl, *start, f"localhost:{gateway.ports[kind]}"], timeout=500, status=None)
    findings = json.loads(report.read_text())
    severities = {finding["severity"] for finding in findings}
    assert "OK" in severities, "it has looked at something"
    assert len(findings) > 40
    wrong = [
        finding
        for finding in findings
        if finding["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
        and finding["id"].partition(" ")[0] not in OF_A_LOCAL_CA
    ]
    assert wrong == []
