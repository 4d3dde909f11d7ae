"""dovecot-uidlist, versions 1 and 3."""

from __future__ import annotations

import pytest

from gateway.imports.dovecot_uidlist import UidEntry, parse
from gateway.imports.errors import DamagedLine


def test_version_3() -> None:
    uids = parse(
        b"3 V1700000000 N9 G9a5a563a102f066b\n"
        b"1 W18 :1600.M1P1.mx\n"
        b"3 G12ab PUID5-77 O2 :1601.M1P1.mx,S=14,W=15\n"
        b"7 P :1602.M1P1.mx:2,S\n"
    )
    assert uids.uidvalidity == 1_700_000_000
    assert list(uids.entries.values()) == [
        UidEntry(1, "1600.M1P1.mx"),
        UidEntry(3, "1601.M1P1.mx,S=14,W=15", "UID5-77", "12ab", 2),
        UidEntry(7, "1602.M1P1.mx", ""),
    ]


def test_version_1() -> None:
    uids = parse(b"1 1700000000 9\n1 1600.M1P1.mx:2,S\n8 1601.M1P1.mx\n")
    assert uids.uidvalidity == 1_700_000_000
    assert uids.entries["1600.M1P1.mx"].uid == 1
    assert uids.entries["1601.M1P1.mx"].uid == 8


def test_of_two_lines_for_a_file_the_later_counts() -> None:
    uids = parse(b"3 V7 N9\n1 :a\n2 :b\n5 :a\n")
    assert [(entry.uid, name) for name, entry in uids.entries.items()] == [(2, "b"), (5, "a")]


def test_names_of_any_octets() -> None:
    (entry,) = parse(b"3 V7 N9\n1 :a\xff b\n").entries.values()
    assert entry.name.encode("utf-8", "surrogateescape") == b"a\xff b"


@pytest.mark.parametrize(
    ("octets", "number", "what"),
    [
        (b"", 1, "not the header"),
        (b"\n", 1, "not the header"),
        (b"2 V7 N9\n", 1, "not the header"),
        (b"3 N9\n", 1, "not the header"),
        (b"3 Vx N9\n", 1, "not the header"),
        (b"\0\0\0\0\n", 1, "not the header"),
        (b"3 V7 N9\n1 :a\n2 :b", 3, "ends within this line"),
        (b"3 V7 N9\n1 a\n", 2, "is not 'UID :NAME'"),
        (b"3 V7 N9\n1 :\n", 2, "is not 'UID :NAME'"),
        (b"3 V7 N9\n\n2 :b\n", 2, "is not 'UID :NAME'"),
        (b"3 V7 N9\n0 :a\n", 2, "is not 'UID :NAME'"),
        (b"3 V7 N9\n4294967295 :a\n", 2, "is not 'UID :NAME'"),
        (b"3 V7 N9\n1 :../a\n", 2, "is not 'UID :NAME'"),
        (b"3 V7 N9\n2 :a\n2 :b\n", 3, "the UID 2 does not follow 2"),
        (b"1 7 9\nx a\n", 2, "is not 'UID NAME'"),
    ],
)
def test_damage(octets: bytes, number: int, what: str) -> None:
    with pytest.raises(DamagedLine) as caught:
        parse(octets)
    assert caught.value.number == number
    assert what in caught.value.what
