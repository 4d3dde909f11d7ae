"""The first start, as a newcomer meets it, and those after it."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from tests.interop.gateway import Gateway
from tests.programs import require_program, run


def _line_after(title: str, text: str) -> str:
    return text.partition(f"{title}\n")[2].splitlines()[0].strip()


def test_the_two_commands_that_it_prints(tmp_path: Path) -> None:
    require_program("curl")
    with Gateway(tmp_path) as gateway:
        said = gateway.log
        for title in ("Send a test message:", "Read it:"):
            command = _line_after(title, said)
            done = run(["sh", "-c", command], env=gateway.environment, cwd=tmp_path)
        assert b"\r\n\r\n" in done.stdout
        assert str(gateway.ca) in said
        assert stat.S_IMODE(gateway.data.stat().st_mode) == 0o700


def test_the_password_is_said_once_and_never_logged(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    with gateway:
        welcome, _, log = gateway.log.partition("listening ")
        match = re.search(r"password: (\S+)", welcome)
        assert match is not None
        assert match[1] not in log
        users = gateway.admin_json("user", "list", "--json")
    with gateway:
        assert match[1] not in gateway.log_since_start
        assert str(gateway.data) in gateway.log_since_start
        assert gateway.admin_json("user", "list", "--json") == users


def test_nothing_is_left_running_or_lying_about(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        pass
    assert not list(tmp_path.glob("twistd.*"))
    assert not list(gateway.data.glob("run/*.sock"))


def test_commands_before_the_first_start(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.admin("domain", "add", "example.com")
    (account,) = gateway.add_accounts(1, "example.com")
    with gateway:
        assert "password:" not in gateway.log.partition("listening ")[0]
        users = gateway.admin_json("user", "list", "--json")
        assert [user["address"] for user in users] == [account.address]


def test_send_test_says_that_nothing_runs(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.admin("domain", "add", "example.com")
    (account,) = gateway.add_accounts(1, "example.com")
    done = gateway.admin("send-test", account.address, status=1)
    assert done.stderr.strip()
    assert b"Traceback" not in done.stderr
