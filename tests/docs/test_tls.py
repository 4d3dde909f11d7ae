"""docs/tls.md and docs/security.md say what is so: their tables are compared with it."""

from __future__ import annotations

import re

import pytest
from OpenSSL import SSL

from gateway.acme.upkeep import AcmeCertificate
from gateway.net import local_ca, upkeep
from gateway.net.profiles import Profile, make_context
from gateway.settings import TLS, Settings
from tests.docs.pages import ROOT
from tests.net import test_layouts

PAGE = (ROOT / "docs" / "tls.md").read_text(encoding="utf-8")
ATTACKS = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def _rows(page: str, title: str) -> list[list[str]]:
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


@pytest.mark.parametrize("row", _rows(ATTACKS, "The line"), ids=lambda row: row[0][:40])
def test_each_attack_says_all_and_names_its_test(row: list[str]) -> None:
    assert len(row) == 5
    assert all(row)
    names = re.findall(r"`(tests/\S+\.py)`", row[4])
    assert names
    for name in names:
        assert "def test_" in (ROOT / name).read_text(encoding="utf-8")


def test_there_are_attacks() -> None:
    assert len(_rows(ATTACKS, "The line")) >= 10


def test_each_layout_has_its_test() -> None:
    clients = [row[0] for row in _rows(PAGE, "Certificates from elsewhere")]
    assert clients == ["certbot", "acme.sh", "lego", "Caddy"]
    for client in clients:
        assert hasattr(test_layouts, client.lower().replace(".", "_"))


def test_the_versions_of_each_profile() -> None:
    rows = {row[0]: row for row in _rows(PAGE, "Who is served")}
    assert set(rows) == {"modern", "legacy"}
    for profile, versions in (("modern", "TLS 1.2, 1.3"), ("legacy", "TLS 1.0 to 1.3")):
        assert rows[profile][2] == versions
    for profile, old in (("modern", False), ("legacy", True)):
        ciphers = SSL.Connection(_context(profile), None).get_cipher_list()  # type: ignore[arg-type]
        assert any("CBC" in c or c.endswith("-SHA") for c in ciphers) is old


def _context(profile: Profile) -> SSL.Context:
    return make_context(profile)


def test_every_setting_is_told() -> None:
    told = set(re.findall(r"\b([a-z_]+)\b", PAGE))
    assert set(TLS.model_fields) <= told


def test_numbers() -> None:
    assert f"{local_ca.CERTIFICATE_DAYS} days" in PAGE
    assert f"{local_ca.RENEW_DAYS} days before its end" in PAGE
    assert f"{local_ca.RENEW_CA_DAYS} days left" in PAGE
    assert f"after {upkeep.FIRST_RETRY / 60:.0f} minutes" in PAGE
    assert f"up to {upkeep.LAST_RETRY / 3600:.0f} hours" in PAGE
    assert Settings().tls.acme_listen == ("tcp:80",)
    assert "account_key_file" in AcmeCertificate.__slots__
