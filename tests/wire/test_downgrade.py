"""The conversion of internationalized messages to ASCII headers (RFC 6858)."""

from __future__ import annotations

import email
import email.policy
import random
from email.header import decode_header, make_header

import pytest

from gateway.wire.ascii_header import INVALID_ADDRESS, ascii_field
from gateway.wire.downgrade import HEADER_LIMIT, CannotDowngrade, Downgrader
from tests.splits import all_ways

MULTIPART = (
    "From: Jøran <jøran@example.com>\r\n"
    "Subject: Grüße\r\n"
    'Content-Type: multipart/mixed; boundary="=_a b"\r\n'
    "\r\n"
    "preamble\r\n"
    "--=_a b\r\n"
    "Content-Disposition: attachment; filename=Ä.txt\r\n"
    "\r\n"
    "--not a delimiter Ä\r\n"
    "-\r\n"
    "--=_a b \r\n"
    "Content-Type: message/global\r\n"
    "\r\n"
    "Subject: drinnen: Öl\r\n"
    "\r\n"
    "Körper\r\n"
    "--=_a b\r\n"
    "Content-Description: nur ein Kopf, ß\r\n"
    "--=_a b--\r\n"
    "Subject: Ü is no header here\r\n"
).encode()

CONVERTED = (
    "From: =?utf-8?b?SsO4cmFu?= <invalid@internationalized-address.invalid>\r\n"
    "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    'Content-Type: multipart/mixed; boundary="=_a b"\r\n'
    "\r\n"
    "preamble\r\n"
    "--=_a b\r\n"
    "Content-Disposition: attachment;\r\n"
    " filename*=utf-8''%C3%84.txt\r\n"
    "\r\n"
    "--not a delimiter Ä\r\n"
    "-\r\n"
    "--=_a b \r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: =?utf-8?b?ZHJpbm5lbjogw5Zs?=\r\n"
    "\r\n"
    "Körper\r\n"
    "--=_a b\r\n"
    "Content-Description: =?utf-8?b?bnVyIGVpbiBLb3BmLCDDnw==?=\r\n"
    "--=_a b--\r\n"
    "Subject: Ü is no header here\r\n"
).encode()


def downgraded(message: bytes, blocks: list[bytes] | None = None) -> bytes:
    downgrader = Downgrader()
    said = b"".join(map(downgrader.encode, [message] if blocks is None else blocks))
    return said + downgrader.finish()


def field(text: str) -> str:
    return ascii_field(f"{text}\r\n".encode()).decode("ascii")


def test_parts_and_messages_within() -> None:
    assert downgraded(MULTIPART) == CONVERTED


def test_however_it_is_split() -> None:
    for blocks in all_ways(MULTIPART):
        assert downgraded(MULTIPART, blocks) == CONVERTED


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\r\n",
        b"\r\nbody \xff only\r\n",
        b"Subject: ascii\r\n\r\n\xc3\x84 in the body\r\n--x\r\n",
        b"Subject: no blank line\r\n",
        b"Subject: no end",
        b"no header\r\n folded\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x\r\n\r\n--x--\r\n-",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--",
        b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: a\r\n\r\n--x--\r\n",
        b"Content-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\n\xff\r\n",
    ],
)
def test_what_is_ascii_stays(message: bytes) -> None:
    for blocks in all_ways(message):
        assert downgraded(message, blocks) == message


def test_messages_in_a_digest() -> None:
    message = (
        "Content-Type: multipart/digest; boundary=x\r\n\r\n"
        "--x\r\n\r\nSubject: Öl\r\n\r\nÖl\r\n--x--\r\n"
    ).encode()
    expected = message.replace("Subject: Öl".encode(), b"Subject: =?utf-8?b?w5Zs?=")
    assert downgraded(message) == expected


def test_an_encoded_message_within_stays_closed() -> None:
    message = (
        b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"U3ViamVjdDogw5ZsDQoNCg==\r\n"
    )
    assert downgraded(message) == message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("From: anna@example.com", "From: anna@example.com\r\n"),
        ("From: ä@example.com", f"From: =?utf-8?b?w6RAZXhhbXBsZS5jb20=?= <{INVALID_ADDRESS}>\r\n"),
        ("To: Ä <a@example.com>", "To: =?utf-8?b?w4Q=?= <a@example.com>\r\n"),
        ('To: "Ä, B" <a@b.c>, x@y.z', "To: =?utf-8?b?w4QsIEI=?= <a@b.c>,\r\n x@y.z\r\n"),
        ("Cc: Gruppe Ä: a@b.c, d@e.f;", "Cc: =?utf-8?b?R3J1cHBlIMOE?=:\r\n a@b.c,\r\n d@e.f;\r\n"),
        ("To: <ä@b.c>", f"To: =?utf-8?b?w6RAYi5j?= <{INVALID_ADDRESS}>\r\n"),
        ('To: "a\\"ä" <a@b.c>', "To: =?utf-8?b?YSLDpA==?= <a@b.c>\r\n"),
        ("Message-ID: <ä@b.c>", ""),
        ("Received: from ä by b; date", ""),
        ("Ünknown: ä", ""),
        ("no colon ä", ""),
        ("X-Ours: ä", "X-Ours: =?utf-8?b?w6Q=?=\r\n"),
    ],
)
def test_fields(given: str, expected: str) -> None:
    assert field(given) == expected


def test_a_long_subject_is_readable_and_in_lines() -> None:
    subject = "Größe 漢字 \U0001f4ec " * 40
    converted = field(f"Subject: {subject}")
    assert all(len(line) <= 78 for line in converted.split("\r\n")[1:])
    unfolded = converted.removeprefix("Subject: ").replace("\r\n", "")
    assert str(make_header(decode_header(unfolded))) == subject.strip()


def test_a_long_file_name_is_readable() -> None:
    name = "Ä" * 100 + ".txt"
    message = f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'.encode()
    parsed = email.message_from_bytes(downgraded(message), policy=email.policy.default)
    assert parsed.get_filename() == name


def test_octets_that_are_no_utf8() -> None:
    assert ascii_field(b"Subject: \xff\r\n") == b"Subject: =?utf-8?b?77+9?=\r\n"


def test_an_endless_header_is_given_up() -> None:
    downgrader = Downgrader()
    with pytest.raises(CannotDowngrade):
        for _ in range(HEADER_LIMIT // 1000 + 1):
            downgrader.encode(b"x" * 1000)


PIECES = [
    b"Subject: \xc3\x84\r\n",
    b"\r\n",
    b"--x\r\n",
    b"--x--\r\n",
    b"--y\r\n",
    b"text\r\n",
    b"-",
    b"--",
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: multipart/digest; boundary=y\r\n",
    b"Content-Type: message/global\r\n",
    b"\r",
    b" folded \xff\r\n",
    b"\xc3",
    b"From: \xc3\x84 <\r\n",
]


@pytest.mark.parametrize("seed", range(100))
def test_random_messages_however_they_are_split(seed: int) -> None:
    source = random.Random(seed)
    message = b"".join(source.choice(PIECES) for _ in range(source.randrange(1, 40)))
    expected = downgraded(message)
    assert (b"\r\n" + expected).partition(b"\r\n\r\n")[0].isascii()
    for blocks in all_ways(message, seed, 2):
        assert downgraded(message, blocks) == expected
    if message.isascii():
        assert expected.replace(b"message/rfc822", b"message/global") == message


def test_many_hyphens_are_no_trouble() -> None:
    head = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    message = head + b"--\r\n" * 300_000
    assert downgraded(message) == message
