"""The command as a person at a terminal sees it."""

from __future__ import annotations

from gateway.accounts.schemes import verify
from tests.admin.commands import Office
from tests.admin.terminal import at_terminal
from tests.admin.test_user import stored


def test_the_password_is_asked_for_twice_and_not_shown(org: Office) -> None:
    shown = at_terminal(
        ["--data", org.data, "user", "add", "c@example.org"],
        org.folder,
        [("Password: ", "not for eyes"), ("Repeat for confirmation: ", "not for eyes")],
    )
    assert shown.status == 0, shown
    assert "not for eyes" not in shown.text
    assert verify("not for eyes", stored(org, "c@example.org")[0])


def test_two_different_passwords_are_asked_for_again(org: Office) -> None:
    asked = "Password: ", "Repeat for confirmation: "
    shown = at_terminal(
        ["--data", org.data, "user", "passwd", "anna@example.org"],
        org.folder,
        [(asked[0], "one"), (asked[1], "two"), (asked[0], "three"), (asked[1], "three")],
    )
    assert shown.status == 0, shown
    assert verify("three", stored(org, "anna@example.org")[0])


def test_an_obstacle_is_told_before_a_password_is_asked_for(org: Office) -> None:
    for address in ("c@other.example", "anna@example.org", "nobody"):
        shown = at_terminal(["--data", org.data, "user", "add", address], org.folder, [])
        assert shown.status == 1, shown
        assert "Password" not in shown.text


def test_a_list_is_a_table(org: Office) -> None:
    shown = at_terminal(["--data", org.data, "user", "list"], org.folder, [])
    assert shown.status == 0
    assert "Messages" in shown.text
    assert "anna@example.org" in shown.text
