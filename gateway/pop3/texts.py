"""What the server says to people, a language to a value (RFC 6856 section 3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text after +OK or -ERR, in UTF-8. A `%` stands where a number or a name goes."""

    tag: str
    """The language (RFC 5646)."""
    name: str
    """What the language calls itself."""
    greeting: bytes
    goodbye: bytes
    too_many_connections: bytes
    too_many_errors: bytes
    idle: bytes
    shutting_down: bytes
    failure: bytes
    line_too_long: bytes
    unknown_command: bytes
    usage: bytes
    not_before_login: bytes
    not_after_login: bytes
    begin_tls: bytes
    no_tls: bytes
    already_tls: bytes
    plaintext_refused: bytes
    utf8_before_tls: bytes
    utf8_accepted: bytes
    language_chosen: bytes
    languages_follow: bytes
    unknown_language: bytes
    not_utf8: bytes
    user_accepted: bytes
    user_first: bytes
    wrong_password: bytes
    try_login_later: bytes
    in_use: bytes
    in_use_since: bytes
    login_delay: bytes
    no_apop: bytes
    mechanisms_follow: bytes
    unknown_mechanism: bytes
    exchange_cancelled: bytes
    bad_response: bytes
    maildrop: bytes
    capabilities_follow: bytes
    help_follows: bytes
    no_such_message: bytes
    no_such_uidl: bytes
    message_deleted: bytes
    message_gone: bytes
    message_unreadable: bytes
    message_needs_utf8: bytes
    listing_follows: bytes
    uidls_follow: bytes
    octets_follow: bytes
    top_follows: bytes
    deleted: bytes
    removed: bytes
    restored: bytes
    nothing_done: bytes
    not_removed: bytes
    asleep: bytes
    wake_first: bytes


ENGLISH = Texts(
    tag="en",
    name="English",
    greeting=b"POP3 server ready",
    goodbye=b"goodbye",
    too_many_connections=b"too many connections, try again later",
    too_many_errors=b"too many errors, goodbye",
    idle=b"nothing heard for too long, goodbye",
    shutting_down=b"the server is stopping, try again later",
    failure=b"something failed here, try again later",
    line_too_long=b"the line is too long",
    unknown_command=b"unknown command, HELP lists those there are",
    usage=b"usage: %b",
    not_before_login=b"log in first, with USER and PASS",
    not_after_login=b"you are logged in already",
    begin_tls=b"begin TLS negotiation",
    no_tls=b"this server has no TLS to offer",
    already_tls=b"TLS is on already",
    plaintext_refused=(
        b"a password is not accepted on an unencrypted connection:"
        b" set the client to STARTTLS (STLS) or SSL/TLS"
    ),
    utf8_before_tls=b"STLS comes before UTF8 (RFC 6856): connect again, and send STLS first",
    utf8_accepted=b"UTF-8 it is",
    language_chosen=b"this is English",
    languages_follow=b"languages follow",
    unknown_language=b"there are no texts in the language %b",
    not_utf8=b"a user name and a password are taken in UTF-8, without control characters",
    user_accepted=b"now send PASS",
    user_first=b"send USER first",
    wrong_password=b"wrong user name or password",
    try_login_later=b"logging in does not work at the moment, try again later",
    in_use=b"the maildrop is in use by another session",
    in_use_since=b"the maildrop is in use by another session, since %b from %b",
    login_delay=b"you logged in a moment ago, try again in %d seconds",
    no_apop=b"APOP is not available here, use another way to log in",
    mechanisms_follow=b"mechanisms follow",
    unknown_mechanism=b"no such mechanism, AUTH without argument lists those there are",
    exchange_cancelled=b"authentication cancelled",
    bad_response=b"the response cannot be read: %b",
    maildrop=b"maildrop has %d messages (%d octets)",
    capabilities_follow=b"capabilities follow",
    help_follows=b"you can type",
    no_such_message=b"no such message, there are %d",
    no_such_uidl=b"no message has this unique-id",
    message_deleted=b"message %d is marked as deleted, RSET takes the marks back",
    message_gone=b"message %d is no longer there, another program removed it",
    message_unreadable=b"message %d cannot be read at the moment",
    message_needs_utf8=b"message %d goes only to a client that sent UTF8 before it logged in",
    listing_follows=b"%d messages (%d octets)",
    uidls_follow=b"unique-ids follow",
    octets_follow=b"%d octets",
    top_follows=b"top of message follows",
    deleted=b"message %d will be deleted at QUIT",
    removed=b"message %d is deleted",
    restored=b"maildrop has %d messages (%d octets)",
    nothing_done=b"nothing done",
    not_removed=b"%d of %d messages could not be removed",
    asleep=b"asleep, WAKE opens the maildrop again",
    wake_first=b"asleep: send WAKE first",
)
