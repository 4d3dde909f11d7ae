"""`pop3gw user add --from`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts.schemes import hash_password, verify
from tests.admin.commands import Office
from tests.admin.terminal import at_terminal
from tests.admin.test_user import stored

SHA512 = "{SHA512-CRYPT}$6$saltsalt$" + "a" * 86
"""In form a hash, of no password."""


def file_of(office: Office, text: str | bytes) -> Path:
    path = office.folder / "users.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def addresses(office: Office) -> list[str]:
    return [user["address"] for user in office("user", "list", "--json").json]


def test_passwords_and_hashes(org: Office) -> None:
    hash_ = hash_password("kept")
    file = file_of(
        org,
        "\ufeff# our people\r\n"
        "\r\n"
        "c@example.org, with a space \r\n"
        'D@Example.org,"with ""quotes"", and commas"\r\n'
        f"e@example.org,{{ARGON2ID}}{hash_}\r\n"
        f"f@example.org,{hash_}\r\n"
        "g@example.org,{PLAIN}clear\r\n"
        "  # the end\r\n"
        "h@example.org,{not a scheme",
    )
    assert "added 6 users" in org("user", "add", "--from", file).out
    for name, password in (
        ("c", " with a space "),
        ("d", 'with "quotes", and commas'),
        ("e", "kept"),
        ("f", "kept"),
        ("g", "clear"),
        ("h", "{not a scheme"),
    ):
        assert verify(password, stored(org, f"{name}@example.org")[0]), name
    assert stored(org, "g@example.org")[0].startswith("$argon2id$")


def test_every_wrong_line_is_named_and_nothing_is_added(org: Office) -> None:
    org("alias", "add", "info@example.org", "anna@example.org")
    file = file_of(
        org,
        b"c@example.org,secret\n"
        b"d@other.example,secret\n"
        b"anna@example.org,secret\n"
        b"info@example.org,secret\n"
        b"C@example.org,secret\n"
        b"no address,secret\n",
    )
    done = org("user", "add", "--from", file, status=1)
    assert [line for line in range(1, 8) if f"{file}, line {line}: " in done.err] == [2, 3, 4, 5, 6]
    assert "pop3gw domain add other.example" in done.err
    assert "line 1 has c@example.org already" in done.err
    assert "nothing was added" in done.err
    assert addresses(org) == ["anna@example.org", "ben@example.org"]


def test_every_malformed_line_is_named(org: Office) -> None:
    file = file_of(
        org,
        b"c@example.org\n"
        b"c@example.org,\n"
        b"c@example.org,a,b\n"
        b'c@example.org,"a\n'
        b"c@example.org,\xff\n"
        b"c@example.org,{SHA512-CRYPT}half\n"
        b"c@example.org,{ROT13}frperg\n"
        b"c@example.org,right\n",
    )
    done = org("user", "add", "--from", file, status=1)
    named = [line for line in range(1, 9) if f"{file}, line {line}: " in done.err]
    assert named == [1, 2, 3, 4, 5, 6, 7]
    assert "frperg" not in done.err
    assert addresses(org) == ["anna@example.org", "ben@example.org"]


def test_two_thousand_hashes(org: Office) -> None:
    lines = [f"user{number:04}@example.org,{SHA512}\n" for number in range(2000)]
    done = org.run("user", "add", "--from", file_of(org, "".join(lines)))
    assert done.out == "added 2000 users\n"
    assert done.err == ""
    assert len(addresses(org)) == 2002
    assert stored(org, "user1999@example.org")[0] == SHA512


def test_one_wrong_line_among_many(org: Office) -> None:
    lines = [f"user{number:04}@example.org,{SHA512}\n" for number in range(2000)]
    lines[1234] = "user1233@example.org,secret\n"
    done = org("user", "add", "--from", file_of(org, "".join(lines)), status=1)
    assert "line 1235: line 1234 has user1233@example.org already" in done.err
    assert addresses(org) == ["anna@example.org", "ben@example.org"]


def test_an_empty_file_adds_nobody(org: Office) -> None:
    assert org("user", "add", "--from", file_of(org, "# nobody\n")).out == "added 0 users\n"


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read(org: Office, name: str) -> None:
    done = org("user", "add", "--from", org.folder / name, status=1)
    assert str(org.folder / name) in done.err


def test_a_terminal_sees_progress_and_a_pipe_does_not(org: Office) -> None:
    file = file_of(org, "c@example.org,one\nd@example.org,two\n")
    shown = at_terminal(["--data", org.data, "user", "add", "--from", file], org.folder, [])
    assert shown.status == 0
    assert "2/2" in shown.text
    assert "added 2 users" in shown.text
