"""What a configuration file says of POP3 is what clients find."""

from __future__ import annotations

import poplib
from collections.abc import Iterator

import pytest

from tests.interop.gateway import Account, Gateway

CONFIGURATION = """
[auth]
plaintext = "loopback"
[pop3]
login_delay_seconds = 3600
language = "fr"
extensions = ["LAST", "UID-PARAM"]
"""


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("configured")
    with Gateway(folder, configuration=CONFIGURATION) as running:
        yield running


def _client(gateway: Gateway) -> poplib.POP3:
    return poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=30)


def _log_in(client: poplib.POP3, account: Account) -> bytes:
    client.user(account.address)
    return client.pass_(account.password)


def test_language_and_extensions(configured: Gateway) -> None:
    client = _client(configured)
    assert client.getwelcome().decode() == "+OK serveur POP3 prêt"
    capabilities = client.capa()
    assert capabilities["LOGIN-DELAY"] == ["3600"]
    assert {"LAST", "UID-PARAM"} <= set(capabilities)
    assert "SLEEPING" not in capabilities
    assert client.quit() == b"+OK au revoir"


def test_the_delay_counts_for_all_listeners(configured: Gateway) -> None:
    (account,) = configured.add_accounts(1)
    client = _client(configured)
    assert _log_in(client, account).startswith(b"+OK")
    client.quit()
    with pytest.raises(poplib.error_proto, match=r"\[LOGIN-DELAY\]"):
        _log_in(_client(configured), account)
