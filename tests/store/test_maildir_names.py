"""Names of message files and folders."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.maildir.folders import mailbox_folder
from gateway.store.maildir.names import (
    NameMaker,
    parse,
    parse_usual,
    place,
    uidl,
)
from gateway.store.uidl import is_uidl

OURS = re.compile(
    r"[0-9]{10}\.M[0-9]{6}P[0-9]+Q[0-9]{6}R[0-9a-f]{4}\.[A-Za-z0-9-]+,S=[0-9]+,W=[0-9]+"
)


@pytest.mark.parametrize(
    "host", ["mail", "mail.example.com", "a" * 63, "", "...", "üx", "a/b:c,d", "MAIL-2"]
)
@pytest.mark.parametrize("octets", [0, 4096, 99_999_999_999])
def test_ours_are_their_own_unique_ids(host: str, octets: int) -> None:
    name = NameMaker(host).make(octets, octets + 5)
    assert OURS.fullmatch(name)
    assert len(name) <= 70
    assert uidl(name) == name
    assert parse(name) == (name, octets, octets + 5)


def test_ours_are_in_order_and_never_the_same() -> None:
    names = NameMaker("h")
    made = [names.make(1, 1) for _ in range(5000)]
    assert len({name[:18] for name in made}) == 5000
    assert made == sorted(made, key=place)


def test_ours_differ_between_threads_and_makers() -> None:
    makers = [NameMaker("h"), NameMaker("h")]
    made: list[str] = []

    def make(maker: NameMaker) -> None:
        made.extend(maker.make(1, 1) for _ in range(2000))

    threads = [threading.Thread(target=make, args=(maker,)) for maker in makers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000


@pytest.mark.parametrize(
    ("base", "key", "file_octets", "octets"),
    [
        # Dovecot
        ("1700000000.M123456P9.h,S=10,W=12", "1700000000.M123456P9.h,S=10,W=12", 10, 12),
        ("1700000000.M1234P99.host,S=10,W=12", "1700000000.M001234Q000000000000000", 10, 12),
        ("1700000000.M123456P99.host", "1700000000.M123456Q000000000000000", -1, -1),
        ("1700000000.M123456P99.host,W=12", "1700000000.M123456Q000000000000000", -1, -1),
        ("1700000000.M123456P99.host,S=10", "1700000000.M123456Q000000000000000", 10, -1),
        ("1700000000.M123456P99V0000I00A1_0.host,S=10", None, 10, -1),
        # the Maildir page
        ("1700000000.M123456P99Q7.host", "1700000000.M123456Q000000000000007", -1, -1),
        ("1700000000.P99Q7.host", "1700000000.M000000Q000000000000000", -1, -1),
        # Postfix
        ("1700000000.Vfe01I9a8bM98765.host", "1700000000.M098765Q000000000000000", -1, -1),
        # procmail, mutt, qmail
        ("1700000000.4711_1.host", "1700000000.M000000Q000000000000000", -1, -1),
        ("1700000000.R1234567890123456.host", "1700000000.M000000Q000000000000000", -1, -1),
        ("1700000000.4711.host", "1700000000.M000000Q000000000000000", -1, -1),
        ("900000000.4711.host", "0900000000.M000000Q000000000000000", -1, -1),
        # neither
        ("message", "", -1, -1),
        ("", "", -1, -1),
        ("20231114221320.x.host", "", -1, -1),
        ("x,S=5,W=6", "", 5, 6),
        ("1700000000", "", -1, -1),
        ("1700000000.M1P2.h,S=5x,W=6", "1700000000.M000001Q000000000000000", -1, -1),
        ("1700000000.M1P2.h,S=99999999999999999999", None, -1, -1),
        (
            "\u0661\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660.M1P1.h,S=\u0661",
            "",
            -1,
            -1,
        ),
    ],
)
def test_everybodys_names(base: str, key: str | None, file_octets: int, octets: int) -> None:
    parsed = parse(base)
    assert parsed[1:] == (file_octets, octets)
    assert parsed[0] == place(base)
    if key == base:
        assert parsed[0] == base
    elif key is not None:
        assert parsed[0] == (key and f"{key}\0{base}")


def test_unique_id_of_names_that_are_none() -> None:
    bases = ["", "a b", "ä", "x" * 71, "a\tb", "\udcff", "a\x7f"]
    made = [uidl(base) for base in bases]
    assert len(set(made)) == len(bases)
    assert all(re.fullmatch("[0-9a-f]{40,70}", one) for one in made)
    # For ever: a client that keeps mail on the server would download all of it again.
    assert uidl("a b") == "c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c203"


@given(st.text())
def test_unique_ids_are_what_rfc_1939_allows(base: str) -> None:
    assert re.fullmatch("[\x21-\x7e]{1,70}", uidl(base))
    assert is_uidl(base) == bool(re.fullmatch("[\x21-\x7e]{1,70}", base))


def test_folders_people_can_find() -> None:
    root = Path("/mail")
    assert mailbox_folder(root, "anna@example.com") == root / "example.com" / "anna"
    assert mailbox_folder(root, "a.b+c=d@example.com") == root / "example.com" / "a.b+c=d"
    assert mailbox_folder(root, "zoë@exämple.com") == root / "exämple.com" / "zoë"


@given(st.lists(st.text(alphabet="ab@/.%\0\n2FE\ud800é"), unique=True, min_size=2, max_size=20))
def test_no_two_mailboxes_share_a_folder(mailboxes: list[str]) -> None:
    root = Path("/mail")
    folders = [mailbox_folder(root, mailbox) for mailbox in mailboxes]
    assert len(set(folders)) == len(mailboxes)
    for folder in folders:
        assert len(folder.parts) == 4
        assert all(part[0] != "." and "\0" not in part for part in folder.parts[2:])
        # It can be a name at all.
        bytes(folder)


@pytest.mark.parametrize(
    "base",
    [
        "1700000000.M000001P77.host,S=12,W=13",
        "1700000000.M000001P77Q000002R00ff.host,S=12,W=13",
    ],
)
def test_a_usual_name_is_place_and_unique_id_in_one(base: str) -> None:
    sizes = parse_usual(base)
    assert sizes is not None
    assert (int(sizes[1]), int(sizes[2])) == (12, 13)
    assert place(base) == uidl(base) == base


@pytest.mark.parametrize("host", ["hösť", "a b", "a\x7fb", "h" * 60])
def test_a_name_that_is_no_unique_id_is_not_usual(host: str) -> None:
    base = f"1700000000.M000001P77.{host},S=12,W=13"
    assert parse_usual(base) is None
    assert uidl(base) != base
    assert parse(base)[1:] == (12, 13)
