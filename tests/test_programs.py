"""What happens where a program is missing."""

from __future__ import annotations

import pytest

from tests.programs import require_program, run

MISSING = "no-such-mail-client"


def test_a_missing_program_skips_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POP3GW_REQUIRE_CLIENTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"apt-get install {MISSING}"):
        require_program(MISSING)


def test_a_missing_program_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POP3GW_REQUIRE_CLIENTS", "1")
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        require_program(MISSING)


def test_a_program_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POP3GW_REQUIRE_CLIENTS", "1")
    assert require_program("sh").endswith("/sh")


def test_a_wrong_exit_status_fails_with_what_was_said() -> None:
    with pytest.raises(pytest.fail.Exception, match="ended with 3, not 0:\nthe reason"):
        run(["sh", "-c", "echo the reason >&2; exit 3"])
