"""Dovecot's pop3_uidl_format, in both ways of writing it."""

from __future__ import annotations

import pytest

from gateway.imports.uidl_format import FormatError, UidlFormat

VALUES = {
    "uid": "42",
    "uidvalidity": "1700000000",
    "filename": "1700.M1P2.Host,S=10",
    "guid": "9A5A56",
}


@pytest.mark.parametrize(
    ("format", "uidl"),
    [
        ("%08Xu%08Xv", "0000002a6553f100"),
        ("%v-%u", "1700000000-42"),
        ("%Xv%Xu", "6553f1002a"),
        ("%f", "1700.M1P2.Host,S=10"),
        ("%Lf", "1700.m1p2.host,s=10"),
        ("%g", "9A5A56"),
        ("UID%u-%v", "UID42-1700000000"),
        ("%05u.%4v", "00042.1700"),
        ("%01u", "42"),
        ("%XUv.%u", "6553F100.42"),
        ("100%%%u", "100%42"),
        ("%{uid | hex(8)}%{uidvalidity | hex(8)}", "0000002a6553f100"),
        ("%{uidvalidity|hex|upper}%{uid}", "6553F10042"),
        ("%{guid | lower}", "9a5a56"),
        ("%{filename}", "1700.M1P2.Host,S=10"),
    ],
)
def test_what_it_gives(format: str, uidl: str) -> None:
    assert UidlFormat(format).render(VALUES) == uidl


@pytest.mark.parametrize(
    ("format", "why"),
    [
        ("", "nothing in it that differs"),
        ("%v", "nothing in it that differs"),
        ("uid", "nothing in it that differs"),
        ("%q", "%q is not known"),
        ("%u%", "'%' is not known"),
        ("%Hu", "the modifier H"),
        ("%Xf", "the modifier X"),
        ("%{user}", "%{user} is not known"),
        ("%{uid | sha1}", "'sha1' is not known"),
        ("%{filename | hex(8)}", "'hex(8)' is not known"),
    ],
)
def test_what_it_refuses(format: str, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        UidlFormat(format)
    assert why in str(caught.value)


def test_the_md5_of_a_header_is_asked_for() -> None:
    assert UidlFormat("%m").needs_md5
    assert not UidlFormat("%u").needs_md5
