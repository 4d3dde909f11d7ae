"""courierpop3dsizelist, all its versions."""

from __future__ import annotations

import pytest

from gateway.imports.courier_sizelist import parse
from gateway.imports.errors import DamagedLine


@pytest.mark.parametrize(
    ("octets", "uidls"),
    [
        (
            b"/3 9 1700000000\n1600.M1.mx:2,S 18 1:1700000000:0\n1601.M1.mx 20 8:1600000000:1\n",
            {"1600.M1.mx": "UID1-1700000000", "1601.M1.mx": "UID8-1600000000"},
        ),
        (
            b"/2 9 1700000000\n1600.M1.mx:2,S 18 1:1700000000\n1601.M1.mx,S=3 20 2:0\n",
            {"1600.M1.mx": "UID1-1700000000", "1601.M1.mx,S=3": "UID2"},
        ),
        (b"/1 9\n1600.M1.mx:2, 18 1\n", {"1600.M1.mx": "UID1"}),
        (b"1600.M1.mx:2, 18\n", {"1600.M1.mx": "1600.M1.mx"}),
        (b"/3 1 7\na'b+c d\xff 18 0:0:0\n", {"a'b+c d\udcff": "a+27b+2Bc+20d+FF"}),
        (b"/3 1 1700000000\n", {}),
    ],
    ids=["3", "2", "1", "0", "names", "empty"],
)
def test_versions(octets: bytes, uidls: dict[str, str]) -> None:
    assert parse(octets) == uidls


@pytest.mark.parametrize(
    ("octets", "number", "what"),
    [
        (b"/4 1 2\n", 1, "not the header"),
        (b"/3 1\n", 1, "not the header"),
        (b"/3 1 2\na 18 1:2:0\nb 18 1", 3, "ends within this line"),
        (b"/3 1 2\na 18 1:2\n", 2, "is not 'NAME SIZE N:UIDV:UTF8'"),
        (b"/2 1 2\na 18 1:2\nb 18 1:2:0\n", 3, "is not 'NAME SIZE N:UIDV'"),
        (b"/2 1 2\n\n", 2, "is not 'NAME SIZE N:UIDV'"),
        (b"a\n", 1, "is not 'NAME SIZE'"),
        (b"\0\0\0\n", 1, "is not 'NAME SIZE'"),
    ],
)
def test_damage(octets: bytes, number: int, what: str) -> None:
    with pytest.raises(DamagedLine) as caught:
        parse(octets)
    assert caught.value.number == number
    assert what in caught.value.what
