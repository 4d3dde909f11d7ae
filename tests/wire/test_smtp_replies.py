"""What an SMTP server says is well-formed, and says the same thing in both codes."""

from __future__ import annotations

import re

import pytest

from gateway.wire import smtp_replies
from gateway.wire.replies import SMTPReply

REPLIES = {name: value for name, value in vars(smtp_replies).items() if type(value) is SMTPReply}


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_each_reply_is_well_formed(name: str) -> None:
    reply = REPLIES[name]
    assert 200 <= reply.code <= 599
    lines = bytes(reply).split(b"\r\n")
    assert lines.pop() == b""
    for at, line in enumerate(lines):
        separator = " " if at == len(lines) - 1 else "-"
        prefix = f"{reply.code}{separator}" + (f"{reply.enhanced} " if reply.enhanced else "")
        assert re.fullmatch(re.escape(prefix.encode()) + rb"[ -~]+", line)
        # RFC 5321 section 4.5.3.1.5
        assert len(line) <= 510


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_both_codes_are_of_one_class(name: str) -> None:
    reply = REPLIES[name]
    if reply.code == 354:
        assert reply.enhanced == ""
    else:
        assert re.fullmatch(rf"{reply.code // 100}\.[0-9]\.[0-9]{{1,2}}", reply.enhanced)


def test_there_is_a_reply_to_each_defect() -> None:
    for defect, word in (("NUL", "NUL"), ("bare CR", "CR without"), ("bare LF", "LF without")):
        reply = smtp_replies.DEFECT_REPLIES[defect]
        assert (reply.code, reply.enhanced) == (554, "5.6.0")
        assert word in reply.text
