"""Return-Path, Delivered-To and Received (RFC 5321 section 4.4)."""

from __future__ import annotations

import pytest

from gateway.client import Client, TLSParameters
from gateway.delivery.trace_headers import trace_headers
from tests.delivery.parts import envelope


def test_single_recipient() -> None:
    sole = ("Anna+Shop@Example.com", "anna@example.com")
    assert trace_headers(envelope(), "mail.example.com", sole) == (
        b"Return-Path: <sender@client.example>\r\n"
        b"Delivered-To: anna@example.com\r\n"
        b"Received: from client.example ([192.0.2.1])\r\n"
        b"\tby mail.example.com (pop3gw) with ESMTP id abc.1\r\n"
        b"\tfor <Anna+Shop@Example.com>;\r\n"
        b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_several_recipients_are_not_named() -> None:
    headers = trace_headers(envelope(sender=""), "mail.example.com", None)
    assert headers == (
        b"Return-Path: <>\r\n"
        b"Received: from client.example ([192.0.2.1])\r\n"
        b"\tby mail.example.com (pop3gw) with ESMTP id abc.1;\r\n"
        b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_tls() -> None:
    told = envelope(protocol="ESMTPSA")
    told.client.tls = TLSParameters("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    headers = trace_headers(told, "mail.example.com", None)
    assert b"\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n\tby mail." in headers
    assert b" with ESMTPSA id abc.1;" in headers


@pytest.mark.parametrize(
    ("host", "helo", "peer"),
    [
        ("2001:db8::1", "[IPv6:2001:db8::1]", b"[IPv6:2001:db8::1] ([IPv6:2001:db8::1])"),
        ("unix", "localhost", b"localhost (local)"),
        ("192.0.2.1", "", b"unknown ([192.0.2.1])"),
        ("192.0.2.1", "a(b);\tc\u2028d", b"a?b???c?d ([192.0.2.1])"),
        ("192.0.2.1", "b\u00fccher.example", "b\u00fccher.example ([192.0.2.1])".encode()),
    ],
)
def test_peer(host: str, helo: str, peer: bytes) -> None:
    told = envelope(client=Client("smtp", host), helo=helo)
    assert b"\r\nReceived: from " + peer + b"\r\n" in trace_headers(told, "mail", None)
