"""Command lines of SMTP."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.replies import SMTPReply
from gateway.wire.smtp_commands import (
    BdatCommand,
    SyntaxProblem,
    parse_bdat,
    parse_hello,
    parse_mail,
    parse_rcpt,
    split_command,
)
from gateway.wire.smtp_parameters import MAIL_PARAMETERS, RCPT_PARAMETERS

BASIC = ("SIZE", "BODY", "AUTH")
UTF8 = (*BASIC, "SMTPUTF8")


def refusal_of_mail(argument: str, offered: Collection[str] = BASIC) -> SMTPReply:
    with pytest.raises(SyntaxProblem) as caught:
        parse_mail(argument, offered=offered)
    return caught.value.reply


def refusal_of_rcpt(argument: str) -> SMTPReply:
    with pytest.raises(SyntaxProblem) as caught:
        parse_rcpt(argument)
    return caught.value.reply


def codes(reply: SMTPReply) -> str:
    return f"{reply.code} {reply.enhanced}"


class TestSplitCommand:
    @pytest.mark.parametrize(
        ("line", "verb", "argument"),
        [
            (b"NOOP", "NOOP", ""),
            (b"quit", "QUIT", ""),
            (b"  rset  ", "RSET", ""),
            (b"mail FROM:<a@b> SIZE=1", "MAIL", "FROM:<a@b> SIZE=1"),
            (b"Ehlo   Host.Example ", "EHLO", "Host.Example"),
            ("RCPT TO:<j\u00f6rg@b>".encode(), "RCPT", "TO:<j\u00f6rg@b>"),
            # The long s has an upper-case form in ASCII; this is no STARTTLS.
            ("\u017ftarttls".encode(), "\u017ftarttls", ""),
        ],
    )
    def test_valid(self, line: bytes, verb: str, argument: str) -> None:
        assert split_command(line) == (verb, argument)

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"", "no command"),
            (b"   ", "no command"),
            (b"NOOP\0", "control character"),
            (b"NO\tOP", "control character"),
            (b"NOOP\r", "control character"),
            (b"NOOP \x7f", "control character"),
            (b"NOOP \xc2\x85", "control character"),
            (b"NOOP \xe2\x80\xa8", "control character"),
            (b"NOOP \xff", "UTF-8"),
            (b"\x16\x03\x01\x02\x00\x01\xfc", "UTF-8"),
        ],
    )
    def test_invalid(self, line: bytes, text: str) -> None:
        with pytest.raises(SyntaxProblem, match=text) as caught:
            split_command(line)
        assert caught.value.reply.code == 500


class TestHello:
    @pytest.mark.parametrize(
        "name",
        ["host.example.com", "localhost", "[192.0.2.1]", "[IPv6:::1]", "DESKTOP_1", "a-", "[::1]"],
    )
    def test_any_word_is_a_name(self, name: str) -> None:
        assert parse_hello(name) == name

    def test_other_characters_are_replaced(self) -> None:
        assert parse_hello("B\u00fcro-PC") == "B?ro-PC"

    @pytest.mark.parametrize(
        "argument",
        ["", "two words", "a(comment", "a)b", "<a>", 'a"b', "a;b", "a,b", "a\\b", "x" * 256],
    )
    def test_what_would_spoil_a_received_field_is_refused(self, argument: str) -> None:
        with pytest.raises(SyntaxProblem) as caught:
            parse_hello(argument)
        assert codes(caught.value.reply) == "501 5.5.4"


class TestMail:
    @pytest.mark.parametrize(
        ("argument", "sender"),
        [
            ("FROM:<a@b>", "a@b"),
            ("from:<A@B.example>", "A@B.example"),
            ("FROM:<>", ""),
            ("FROM: <a@b>", "a@b"),
            ("FROM : <a@b>", "a@b"),
            ("FROM:a@b", "a@b"),
            ("FROM: a@b", "a@b"),
            ('FROM:<"a b"@c>', '"a b"@c'),
            ('FROM:<"ab"@c>', "ab@c"),
            ("FROM:<@x,@y:a@b>", "a@b"),
            ("FROM:<a@[IPv6:::1]>", "a@[IPv6:::1]"),
            ("FROM:<" + "x" * 150 + "@lists.example>", "x" * 150 + "@lists.example"),
        ],
    )
    def test_sender(self, argument: str, sender: str) -> None:
        for suffix in ("", " ", " SIZE=7", "  SIZE=7  "):
            mail = parse_mail(argument + suffix, offered=BASIC)
            assert mail.sender == sender
            assert mail.size == (7 if suffix.strip() else None)

    @pytest.mark.parametrize(
        ("argument", "expected", "text"),
        [
            ("", "501 5.5.4", "MAIL FROM:<"),
            ("<a@b>", "501 5.5.4", "MAIL FROM:<"),
            ("TO:<a@b>", "501 5.5.4", "MAIL FROM:<"),
            ("FROM <a@b>", "501 5.5.4", "MAIL FROM:<"),
            ("FROM:", "501 5.1.7", "begin with a name"),
            ("FROM:<a>", "501 5.1.7", "has no @"),
            ("FROM:<a@b", "501 5.1.7", "between < and >"),
            ("FROM:<a@b>x", "501 5.1.7", "after a space"),
            ("FROM:<a@b>SIZE=1", "501 5.1.7", "after a space"),
            ("FROM:<postmaster>", "501 5.1.7", "needs a domain"),
            ("FROM:<a..b@c>", "501 5.1.7", "dot"),
            ("FROM:<" + "x" * 300 + "@b>", "501 5.1.7", "256 octets"),
            ("FROM:" + "x" * 300 + "@b", "501 5.1.7", "256 octets"),
        ],
    )
    def test_invalid_sender(self, argument: str, expected: str, text: str) -> None:
        reply = refusal_of_mail(argument)
        assert codes(reply) == expected
        assert text in reply.text

    def test_parameters(self) -> None:
        mail = parse_mail("FROM:<a@b> size=12345 Body=8bitmime AUTH=c+2Bd@e SMTPUTF8", offered=UTF8)
        assert mail.parameters == {
            "SIZE": "12345",
            "BODY": "8bitmime",
            "AUTH": "c+2Bd@e",
            "SMTPUTF8": None,
        }
        assert (mail.size, mail.body, mail.smtputf8, mail.submitter) == (
            12345,
            "8BITMIME",
            True,
            "c+d@e",
        )

    def test_no_parameters(self) -> None:
        mail = parse_mail("FROM:<a@b>", offered=UTF8)
        assert mail.parameters == {}
        assert (mail.size, mail.body, mail.smtputf8, mail.submitter) == (None, None, False, None)

    def test_a_submitter_who_is_nobody(self) -> None:
        assert parse_mail("FROM:<a@b> AUTH=<>", offered=BASIC).submitter == ""

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ("SIZE", "501 5.5.4"),
            ("SIZE=", "501 5.5.4"),
            ("SIZE=x", "501 5.5.4"),
            ("SIZE=-1", "501 5.5.4"),
            ("SIZE=\u0661", "501 5.5.4"),
            ("SIZE=" + "9" * 21, "501 5.5.4"),
            ("SIZE=1 SIZE=1", "501 5.5.4"),
            ("SIZE=1 size=2", "501 5.5.4"),
            ("SIZE==1", "501 5.5.4"),
            ("BODY", "501 5.5.4"),
            ("BODY=BINARYMIME", "501 5.5.4"),
            ("=1", "501 5.5.4"),
            ("-A=1", "501 5.5.4"),
            ("A_B", "501 5.5.4"),
            ("AUTH", "501 5.5.4"),
            ("AUTH=a+2b@c", "501 5.5.4"),
            ("AUTH=a+FF@c", "501 5.5.4"),
            ("AUTH=a+0D+0A@c", "501 5.5.4"),
            ("AUTH=nobody", "501 5.5.4"),
            ("RET=FULL", "555 5.5.4"),
            ("X-NEW", "555 5.5.4"),
            ("SMTPUTF8", "555 5.5.4"),
        ],
    )
    def test_invalid_parameters(self, parameters: str, expected: str) -> None:
        assert codes(refusal_of_mail(f"FROM:<a@b> {parameters}")) == expected
        assert codes(refusal_of_mail(f"FROM:a@b {parameters}")) == expected

    def test_smtputf8_takes_no_value(self) -> None:
        reply = refusal_of_mail("FROM:<a@b> SMTPUTF8=1", offered=UTF8)
        assert codes(reply) == "501 5.5.4"

    def test_a_sender_beyond_ascii_needs_smtputf8(self) -> None:
        for argument in ("FROM:<j\u00f6rg@b>", "FROM:<a@b\u00fccher.example>"):
            reply = refusal_of_mail(argument, offered=UTF8)
            assert codes(reply) == "553 5.6.7"
            mail = parse_mail(argument + " SMTPUTF8", offered=UTF8)
            assert f"FROM:<{mail.sender}>" == argument


class TestRcpt:
    @pytest.mark.parametrize(
        ("argument", "recipient"),
        [
            ("TO:<a@b>", "a@b"),
            ("to: <A@B>", "A@B"),
            ("TO:a@b", "a@b"),
            ("TO:<Postmaster>", "Postmaster"),
            ("TO:postmaster", "postmaster"),
            ("TO:<@x:a@b>", "a@b"),
            ('TO:<"a b"@c>', '"a b"@c'),
        ],
    )
    def test_recipient(self, argument: str, recipient: str) -> None:
        rcpt = parse_rcpt(argument)
        assert (rcpt.recipient, rcpt.parameters) == (recipient, {})

    @pytest.mark.parametrize(
        ("argument", "expected"),
        [
            ("", "501 5.5.4"),
            ("FROM:<a@b>", "501 5.5.4"),
            ("TO:<>", "501 5.1.3"),
            ("TO:", "501 5.1.3"),
            ("TO:<a>", "501 5.1.3"),
            ("TO:<a@b> NOTIFY=NEVER", "555 5.5.4"),
            ("TO:<a@b> a=b=c", "501 5.5.4"),
            ("TO:<" + "x" * 65 + "@b>", "501 5.1.3"),
            ("TO:<j\u00f6rg@b>", "553 5.6.7"),
        ],
    )
    def test_invalid(self, argument: str, expected: str) -> None:
        assert codes(refusal_of_rcpt(argument)) == expected

    def test_a_recipient_beyond_ascii_with_smtputf8(self) -> None:
        assert parse_rcpt("TO:<j\u00f6rg@b>", smtputf8=True).recipient == "j\u00f6rg@b"


class TestBdat:
    @pytest.mark.parametrize(
        ("argument", "octets", "last"),
        [
            ("0", 0, False),
            ("0 LAST", 0, True),
            ("86 last", 86, True),
            ("1000  LAST", 1000, True),
            ("99999999999999999999", 99999999999999999999, False),
        ],
    )
    def test_valid(self, argument: str, octets: int, last: bool) -> None:
        assert parse_bdat(argument) == BdatCommand(octets, last)

    @pytest.mark.parametrize(
        "argument",
        ["", "LAST", "x", "-1", "+1", "1.0", "1LAST", "1 FIRST", "1 LAST 2", "\u0661", "9" * 21],
    )
    def test_invalid(self, argument: str) -> None:
        with pytest.raises(SyntaxProblem) as caught:
            parse_bdat(argument)
        assert codes(caught.value.reply) == "501 5.5.4"


class TestParametersOfExtensions:
    def test_those_of_mail(self) -> None:
        mail = parse_mail(
            "FROM:<a@b> RET=hdrs ENVID=QQ+2B314 REQUIRETLS", offered=("RET", "ENVID", "REQUIRETLS")
        )
        assert (mail.ret, mail.envid, mail.requiretls) == ("HDRS", "QQ+314", True)

    def test_those_of_rcpt(self) -> None:
        rcpt = parse_rcpt(
            "TO:<a@b> NOTIFY=success,Delay ORCPT=rfc822;Bob+2Bx@b", offered=("NOTIFY", "ORCPT")
        )
        assert rcpt.notify == {"SUCCESS", "DELAY"}
        assert rcpt.original == ("rfc822", "Bob+x@b")

    def test_none(self) -> None:
        mail, rcpt = parse_mail("FROM:<a@b>", offered=()), parse_rcpt("TO:<a@b>")
        assert (mail.ret, mail.envid, mail.requiretls) == (None, None, False)
        assert (rcpt.notify, rcpt.original) == (None, None)

    @pytest.mark.parametrize("parameter", ["RET=FULL", "ENVID=x", "REQUIRETLS", "RET=nonsense"])
    def test_of_mail_where_not_offered(self, parameter: str) -> None:
        assert codes(refusal_of_mail(f"FROM:<a@b> {parameter}")) == "555 5.5.4"

    @pytest.mark.parametrize("parameter", ["NOTIFY=NEVER", "ORCPT=rfc822;a@b", "NOTIFY"])
    def test_of_rcpt_where_not_offered(self, parameter: str) -> None:
        assert codes(refusal_of_rcpt(f"TO:<a@b> {parameter}")) == "555 5.5.4"

    @pytest.mark.parametrize("parameter", ["RET", "RET=", "RET=ALL", "ENVID", "REQUIRETLS=1"])
    def test_of_mail_where_not_valid(self, parameter: str) -> None:
        reply = refusal_of_mail(f"FROM:<a@b> {parameter}", ("RET", "ENVID", "REQUIRETLS"))
        assert codes(reply) == "501 5.5.4"


@settings(deadline=None, max_examples=500)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(str.encode)))
def test_anything_is_parsed_or_refused_with_a_reply(octets: bytes) -> None:
    for line in (octets, b"MAIL FROM:" + octets, b"MAIL FROM:<a@b> " + octets):
        try:
            verb, argument = split_command(line)
            if verb == "MAIL":
                parse_mail(argument, offered=MAIL_PARAMETERS)
                parse_rcpt("TO" + argument[4:], smtputf8=True, offered=RCPT_PARAMETERS)
            parse_hello(argument)
        except SyntaxProblem as problem:
            sent = bytes(problem.reply)
            assert sent.endswith(b"\r\n")
            assert sent.isascii()
            assert sent.count(b"\r\n") == 1
            assert len(sent) <= 512
