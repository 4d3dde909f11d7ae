"""Mailboxes, paths and address literals."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.addresses import (
    Address,
    InvalidAddress,
    canonical_domain,
    literal_ip,
    parse_mailbox,
    parse_path,
)

limited = settings(deadline=None, max_examples=300)


class TestMailbox:
    @pytest.mark.parametrize(
        ("text", "local_part", "domain"),
        [
            ("anna@example.com", "anna", "example.com"),
            ("Anna.Maria@Example.COM", "Anna.Maria", "Example.COM"),
            ("a+b-c_d=e@x", "a+b-c_d=e", "x"),
            ("!#$%&'*+-/=?^_`{|}~@x.example", "!#$%&'*+-/=?^_`{|}~", "x.example"),
            ('"anna"@example.com', "anna", "example.com"),
            ('"an na"@example.com', "an na", "example.com"),
            ('"a@b"@example.com', "a@b", "example.com"),
            ('"a>b"@example.com', "a>b", "example.com"),
            (r'"a\"b\\c"@example.com', r'a"b\c', "example.com"),
            (r'"\a"@example.com', "a", "example.com"),
            ('""@example.com', "", "example.com"),
            ('".."@example.com', "..", "example.com"),
            ("anna@[192.0.2.1]", "anna", "[192.0.2.1]"),
            ("anna@[IPv6:2001:db8::1]", "anna", "[IPv6:2001:db8::1]"),
            ("anna@[ipv6:::ffff:192.0.2.1]", "anna", "[ipv6:::ffff:192.0.2.1]"),
            ("anna@[x-tag:any>thing]", "anna", "[x-tag:any>thing]"),
            ("j\u00f6rg@b\u00fccher.example", "j\u00f6rg", "b\u00fccher.example"),
            ('"j \u00f6"@example.com', "j \u00f6", "example.com"),
            ("a@1.2", "a", "1.2"),
            ("a@my_host.example", "a", "my_host.example"),
            ("a@xn--bcher-kva.example", "a", "xn--bcher-kva.example"),
            ("PostMaster", "PostMaster", ""),
            ("x" * 64 + "@example.com", "x" * 64, "example.com"),
            ("a@" + "x" * 63 + ".example", "a", "x" * 63 + ".example"),
            ("a@" + "x." * 127 + "y", "a", "x." * 127 + "y"),
        ],
    )
    def test_valid(self, text: str, local_part: str, domain: str) -> None:
        address = parse_mailbox(text)
        assert address == Address(local_part, domain)
        assert parse_mailbox(str(address)) == address
        assert parse_mailbox(address.canonical).canonical == address.canonical

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "begin with a name"),
            ("@example.com", "begin with a name"),
            ("anna", "has no @"),
            ("postmaster@", "no domain"),
            ("anna@", "no domain"),
            (".anna@example.com", "must not begin with '.'"),
            ("anna.@example.com", "dot"),
            ("an..na@example.com", "dot"),
            ("an na@example.com", "' ' is not allowed"),
            ("a<b@example.com", "'<' is not allowed"),
            ('an"na@example.com', "is not allowed"),
            ('"anna@example.com', "not ended by a quote"),
            ('"anna"x@example.com', "is not allowed"),
            ('"anna"', "has no @"),
            ('"\\\u00f6"@example.com', "not ended by a quote"),
            ("a@b@example.com", "not allowed"),
            ("a@example..com", "empty part"),
            ("a@.example.com", "empty part"),
            ("a@example.com.", "empty part"),
            ("a@-example.com", "begin and end"),
            ("a@example-.com", "begin and end"),
            ("a@exam ple.com", "not allowed"),
            ("a@exam,ple.com", "not allowed"),
            ("a@b>c", "not allowed"),
            ("a@[192.0.2.256]", "literal"),
            ("a@[192.0.2]", "literal"),
            ("a@[192.0.2.1", "literal"),
            ("a@[192.0.2.1]x", "literal"),
            ("a@[]", "literal"),
            ("a@[IPv6:]", "literal"),
            ("a@[IPv6:nonsense]", "literal"),
            ("a@[IPv6:fe80::1%eth0]", "literal"),
            ("a@[2001:db8::1]x", "literal"),
            ("a@[tag:]", "literal"),
            ("a@[tag:a]b]", "literal"),
            ("a@[tag:a b]", "literal"),
            ("a\0@example.com", "control character"),
            ("a\r\n@example.com", "control character"),
            ("a@example.com\n", "control character"),
            ("a\x85@example.com", "control character"),
            ("a\u2028@example.com", "control character"),
            ("a\udcff@example.com", "control character"),
            ("x" * 65 + "@example.com", "64 octets"),
            ('"' + "x" * 63 + '"@example.com', "64 octets"),
            ("\u00e9" * 33 + "@example.com", "64 octets"),
            ("a@" + "x" * 64 + ".example", "63 octets"),
            ("a@" + "x." * 128 + "example", "255 octets"),
            ("a@" + "\u00e9" * 200, "255 octets"),
            ("a@" + "\u00e9" * 63, "not a valid internationalized name"),
            ("a@b\uff20evil.example", "not allowed"),
            ("a@b\u2100.example", "not allowed"),
            ("a@\u00fc .example", "not allowed"),
            ("a@\u00fc..example", "not a valid internationalized name"),
        ],
    )
    def test_invalid(self, text: str, reason: str) -> None:
        with pytest.raises(InvalidAddress, match=reason):
            parse_mailbox(text)

    def test_the_limit_on_the_local_part_can_be_raised(self) -> None:
        text = "x" * 100 + "@example.com"
        assert parse_mailbox(text, local_part_limit=100).local_part == "x" * 100
        with pytest.raises(InvalidAddress, match="99 octets"):
            parse_mailbox(text, local_part_limit=99)

    @pytest.mark.parametrize(
        "hostile",
        [
            '"' + "\\" * 100_000,
            '"' + "a" * 100_000,
            "a." * 100_000,
            "a" * 100_000 + "@",
            "a@[" + "x:" * 100_000,
            "a@" + "a-" * 100_000,
            "a@" + "\u00e9" * 100_000,
            "<" * 100_000,
            '<""' * 50_000,
            "<[" * 50_000,
            "<@a," * 50_000 + ":",
            "<@" + "a,@" * 50_000 + ">",
        ],
    )
    def test_hostile_input_is_refused_at_once(self, hostile: str) -> None:
        with pytest.raises(InvalidAddress):
            parse_mailbox(hostile)
        with pytest.raises(InvalidAddress):
            parse_path(hostile)
        with pytest.raises(InvalidAddress):
            parse_path(f"<{hostile}>")

    @limited
    @given(st.text(max_size=30), st.sampled_from(["example.com", "[192.0.2.1]", "b\u00fc.example"]))
    def test_any_local_part_is_written_so_that_it_parses_again(
        self, local_part: str, domain: str
    ) -> None:
        address = Address(local_part, domain)
        try:
            parsed = parse_mailbox(str(address), local_part_limit=1000)
        except InvalidAddress as error:
            assert str(error) == "the address contains a control character"
        else:
            assert parsed == address
            again = parse_mailbox(parsed.canonical, local_part_limit=1000)
            assert again.canonical == parsed.canonical

    @limited
    @given(st.text(max_size=40))
    def test_any_text_is_an_address_or_is_refused(self, text: str) -> None:
        for candidate in (text, f"a@{text}", f"{text}@b.example"):
            try:
                address = parse_mailbox(candidate)
            except InvalidAddress:
                continue
            assert parse_mailbox(str(address)) == address
            assert parse_mailbox(address.canonical, local_part_limit=1000)


class TestCanonical:
    @pytest.mark.parametrize(
        ("text", "canonical"),
        [
            ("Anna@Example.COM", "anna@example.com"),
            ('"Anna"@example.com', "anna@example.com"),
            ('"An Na"@example.com', '"an na"@example.com'),
            ("POSTMASTER", "postmaster"),
            ("a@B\u00dcCHER.example", "a@xn--bcher-kva.example"),
            ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
            ("a@b\u00fccher\u3002example", "a@xn--bcher-kva.example"),
            ("J\u00d6RG@example.com", "j\u00f6rg@example.com"),
            ("jo\u0308rg@example.com", "j\u00f6rg@example.com"),
            ("a@[IPv6:2001:DB8:0:0:0:0:0:1]", "a@[ipv6:2001:db8::1]"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@[Tag:X]", "a@[tag:x]"),
        ],
    )
    def test_one_form_for_all_ways_to_write_it(self, text: str, canonical: str) -> None:
        assert parse_mailbox(text).canonical == canonical

    def test_of_a_domain_alone(self) -> None:
        assert canonical_domain("B\u00fccher.Example") == "xn--bcher-kva.example"
        with pytest.raises(InvalidAddress):
            canonical_domain("")

    def test_an_address_cannot_be_changed(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            parse_mailbox("a@b").domain = "c"  # type: ignore[misc]


class TestPath:
    @pytest.mark.parametrize(
        ("text", "mailbox", "rest"),
        [
            ("<a@b>", "a@b", ""),
            ("<a@b> SIZE=1", "a@b", " SIZE=1"),
            ("<a@b>SIZE=1", "a@b", "SIZE=1"),
            ("<a@b>>", "a@b", ">"),
            ('<"a>b"@c> X', '"a>b"@c', " X"),
            (r'<"a\">"@c>', r'"a\">"@c', ""),
            ("<a@[t:>]> X", "a@[t:>]", " X"),
            ("<@one.example,@two.example:a@b>", "a@b", ""),
            ("<@one:postmaster>", "postmaster", ""),
            ("<Postmaster>", "Postmaster", ""),
        ],
    )
    def test_valid(self, text: str, mailbox: str, rest: str) -> None:
        address, after = parse_path(text)
        assert (str(address), after) == (mailbox, rest)

    def test_the_null_path(self) -> None:
        assert parse_path("<>") == (None, "")
        assert parse_path("<> BODY=8BITMIME") == (None, " BODY=8BITMIME")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "between < and >"),
            ("a@b", "between < and >"),
            (" <a@b>", "between < and >"),
            ("<a@b", "between < and >"),
            ('<"a@b>', "between < and >"),
            ("<a@[b>", "between < and >"),
            ("<@>", "no colon"),
            ("<@a:>", "begin with a name"),
            ("<@a,b:c@d>", "source route"),
            ("<@a, @b:c@d>", "source route"),
            ("<@[1.2.3.4]:c@d>", "source route"),
            ("<@a..b:c@d>", "empty part"),
            ("< >", "must not begin with ' '"),
            ("<<a@b>>", "must not begin with '<'"),
            ("<a@b\udc80>", "control character"),
            ("<" + "x" * 60 + "@" + "y." * 98 + "z>", "256 octets"),
        ],
    )
    def test_invalid(self, text: str, reason: str) -> None:
        with pytest.raises(InvalidAddress, match=reason):
            parse_path(text)

    def test_the_longest_path(self) -> None:
        domain = ".".join(["x" * 60] * 3 + ["x" * 7])
        text = f"<{'a' * 63}@{domain}>"
        assert len(text) == 256
        assert str(parse_path(text)[0]) == text[1:-1]


class TestLiteral:
    @pytest.mark.parametrize(
        ("domain", "address"),
        [
            ("[127.0.0.1]", "127.0.0.1"),
            ("[IPv6:::1]", "::1"),
            ("[IPV6:2001:DB8:0::1]", "2001:db8::1"),
            ("[127.0.0.01]", None),
            ("[::1]", None),
            ("[IPv6:127.0.0.1]", None),
            ("[IPv6:fe80::1%1]", None),
            ("127.0.0.1", None),
            ("[127.0.0.1", None),
            ("[127.0.0.12", None),
            ("x127.0.0.1]", None),
            ("[tag:1]", None),
            ("", None),
            ("[", None),
        ],
    )
    def test_address_of_a_literal(self, domain: str, address: str | None) -> None:
        assert literal_ip(domain) == address
