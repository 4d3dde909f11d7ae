"""The grammar of RFC 3461 and RFC 6533."""

from __future__ import annotations

import pytest

from gateway.wire.dsn import parse_envid, parse_notify, parse_orcpt, parse_ret


def test_ret() -> None:
    assert (parse_ret("FULL"), parse_ret("hdrs")) == ("FULL", "HDRS")


def test_envid() -> None:
    assert parse_envid("QQ314159") == "QQ314159"
    assert parse_envid("a+20b+2B") == "a b+"
    assert parse_envid("x" * 100) == "x" * 100


def test_notify() -> None:
    assert parse_notify("NEVER") == frozenset()
    assert parse_notify("success,FAILURE,Delay") == {"SUCCESS", "FAILURE", "DELAY"}
    assert parse_notify("DELAY,DELAY") == {"DELAY"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("rfc822;Bob@Example.com", ("rfc822", "Bob@Example.com")),
        ("RFC822;a+2Bb@example.com", ("rfc822", "a+b@example.com")),
        ("x400;/c=us/+20x".replace("=", "+3D"), ("x400", "/c=us/ x")),
        ("utf-8;j\u00f6rg@b\u00fccher.example", ("utf-8", "j\u00f6rg@b\u00fccher.example")),
        ("utf-8;j\\x{F6}rg@b.example", ("utf-8", "j\u00f6rg@b.example")),
        (
            "utf-8;\\x{1F4EC}+x@b.example".replace("+", "\\x{2B}"),
            ("utf-8", "\U0001f4ec+x@b.example"),
        ),
    ],
)
def test_orcpt(value: str, expected: tuple[str, str]) -> None:
    assert parse_orcpt(value) == expected


@pytest.mark.parametrize("value", ["", "ALL", "FULL,HDRS"])
def test_ret_refuses(value: str) -> None:
    with pytest.raises(ValueError, match="FULL or HDRS"):
        parse_ret(value)


@pytest.mark.parametrize("value", ["x" * 101, "a+0A", "a+C3+B6", "a+2b", "a b"])
def test_envid_refuses(value: str) -> None:
    with pytest.raises(ValueError, match=r"longer than|printable|not valid"):
        parse_envid(value)


@pytest.mark.parametrize("value", ["", "NEVER,SUCCESS", "ALWAYS", "SUCCESS,", ",DELAY", "a"])
def test_notify_refuses(value: str) -> None:
    with pytest.raises(ValueError, match="NEVER alone"):
        parse_notify(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "rfc822",
        "rfc822;",
        ";a@b",
        "rfc 822;a@b",
        "rfc822;a b",
        "rfc822;a+0D",
        "rfc822;j\u00f6rg@b",
        "utf-8;\\x{D800}",
        "utf-8;\\x{110000}",
        "utf-8;\\x{0A}",
        "utf-8;\\x",
        "utf-8;a+b",
        "rfc822;" + "x" * 500,
    ],
)
def test_orcpt_refuses(value: str) -> None:
    with pytest.raises(
        ValueError, match=r"write it as|printable|not valid|longer|no character|print"
    ):
        parse_orcpt(value)
