"""The form of an SMTP reply."""

from __future__ import annotations

from gateway.wire.replies import SMTPReply


def test_one_line() -> None:
    reply = SMTPReply(550, "5.1.1", "Nobody")
    assert bytes(reply) == b"550 5.1.1 Nobody\r\n"
    assert str(reply) == "550 5.1.1 Nobody"
    assert reply.permanent


def test_without_an_enhanced_code() -> None:
    assert bytes(SMTPReply(354, "", "Go on")) == b"354 Go on\r\n"
    assert not SMTPReply(354, "", "Go on").permanent


def test_each_line_has_both_codes() -> None:
    assert (
        bytes(SMTPReply(214, "2.0.0", "a\nb\nc"))
        == b"214-2.0.0 a\r\n214-2.0.0 b\r\n214 2.0.0 c\r\n"
    )


def test_another_text() -> None:
    assert bytes(SMTPReply(451, "4.3.0", "a").with_text("b")) == b"451 4.3.0 b\r\n"
