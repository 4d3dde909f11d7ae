"""Password hashes: ours, and those that people bring."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest

from gateway.accounts.errors import AccountError
from gateway.accounts.schemes import (
    DEFAULT_PARAMETERS,
    Argon2Parameters,
    UnknownScheme,
    check_scheme,
    dummy_hash,
    hash_password,
    needs_upgrade,
    verify,
)
from tests.accounts.parts import CHEAP


def salted(name: str, password: bytes, salt: bytes) -> str:
    return b64encode(hashlib.new(name, password + salt).digest() + salt).decode()


# (stored, password); from the schemes' own documents, openssl passwd, or put together by hand.
FOREIGN = {
    "sha512-crypt": (
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
        "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "Hello world!",
    ),
    "{SHA512-CRYPT}": (
        "{SHA512-CRYPT}$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT"
        "0Y77vwPZN.Pq.H91p5hVO1",
        "secret",
    ),
    "{SHA256-CRYPT}": (
        "{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        "Hello world!",
    ),
    "{CRYPT} of LDAP": (
        "{crypt}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        "Hello world!",
    ),
    "md5-crypt": ("$1$abcdefgh$L/t8iA0TyNmQOlLKIjqlA0", "grün"),
    "{MD5-CRYPT}": ("{MD5-CRYPT}$1$abcdefgh$L/t8iA0TyNmQOlLKIjqlA0", "grün"),
    "{MD5} of Dovecot": ("{MD5}$1$abcdefgh$L/t8iA0TyNmQOlLKIjqlA0", "grün"),
    "htpasswd -m": ("$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "secret"),
    "bcrypt": ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    "htpasswd -B": ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    "{BLF-CRYPT}": (
        "{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "U*U",
    ),
    "{BCRYPT}": ("{BCRYPT}$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    "{SHA}": ("{SHA}" + b64encode(hashlib.sha1(b"secret").digest()).decode(), "secret"),
    "{SSHA}": ("{SSHA}" + salted("sha1", b"secret", b"salt"), "secret"),
    "{ssha256}": ("{ssha256}" + salted("sha256", b"secret", b"saltsalt"), "secret"),
    "{SSHA512}": ("{SSHA512}" + salted("sha512", b"secret", b"salt"), "secret"),
    "{SSHA.HEX}": (
        "{SSHA.HEX}" + (hashlib.sha1(b"secretsalt").digest() + b"salt").hex(),
        "secret",
    ),
    "{SMD5}": ("{SMD5}" + salted("md5", b"secret", b"salt"), "secret"),
    "{SHA256}": ("{SHA256}" + b64encode(hashlib.sha256(b"secret").digest()).decode(), "secret"),
    "{SHA512.b64}": (
        "{SHA512.b64}" + b64encode(hashlib.sha512(b"secret").digest()).decode(),
        "secret",
    ),
    "{PLAIN-MD5}": ("{PLAIN-MD5}" + hashlib.md5(b"secret").hexdigest(), "secret"),
    "{LDAP-MD5}": ("{LDAP-MD5}" + b64encode(hashlib.md5(b"secret").digest()).decode(), "secret"),
    "{PBKDF2}": (  # RFC 6070, the third vector
        "{PBKDF2}$1$salt$4096$4b007901b765489abead49d926f721d065a429c1",
        "password",
    ),
    "{PBKDF2-SHA256}": (
        "{PBKDF2-SHA256}$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw"
        "$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",
        "password",
    ),
    "{PLAIN}": ("{PLAIN}grün {x}", "grün {x}"),
    "{CLEARTEXT}": ("{CLEARTEXT}secret", "secret"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_hash(name: str) -> None:
    stored, password = FOREIGN[name]
    check_scheme(stored)
    assert verify(password, stored)
    assert not verify(password + "!", stored)
    assert not verify(password.swapcase(), stored)
    assert not verify("", stored)
    assert not verify("a\0b", stored)
    assert needs_upgrade(stored, CHEAP)


def test_our_own_hash() -> None:
    stored = hash_password("secret", CHEAP)
    check_scheme(stored)
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert verify("secret", stored)
    assert verify("secret", "{ARGON2ID}" + stored)
    assert not verify("Secret", stored)
    assert hash_password("secret", CHEAP) != stored


def test_default_parameters() -> None:
    stored = hash_password("secret")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not needs_upgrade(stored)
    assert needs_upgrade(stored, Argon2Parameters(time_cost=3))
    assert not needs_upgrade("{ARGON2ID}" + stored)


def test_dummy_costs_the_same_and_fits_nothing() -> None:
    dummy, real = dummy_hash(), hash_password("secret")
    assert [len(part) for part in dummy.split("$")] == [len(part) for part in real.split("$")]
    assert dummy.split("$")[:4] == real.split("$")[:4]
    assert not needs_upgrade(dummy, DEFAULT_PARAMETERS)
    assert not verify("secret", dummy)
    assert dummy_hash() != dummy


def test_one_password_however_it_is_composed() -> None:
    stored = hash_password("gru\u0308n", CHEAP)
    assert verify("gr\u00fcn", stored)
    assert verify("gr\u00fcn", "{PLAIN}gr\u00fcn")
    assert verify("gru\u0308n", "{PLAIN}gr\u00fcn")


def test_bcrypt_looks_at_72_octets() -> None:
    import bcrypt

    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert verify("x" * 80, stored)
    assert not verify("x" * 71, stored)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("", "the hash names no scheme"),
        ("secret", "the hash names no scheme"),
        ("$y$j9T$abc$def", "the hash names no scheme"),
        ("{NTLM}0123456789abcdef0123456789abcdef", "{NTLM} is not known"),
        ("{SHA512-CRYPT}", "not a whole SHA512-CRYPT hash"),
        ("{SHA512-CRYPT}$6$saltsalt", "not a whole SHA512-CRYPT hash"),
        ("$6$saltstring$svn8UoSVapNtMuq1u", "not a whole SHA512-CRYPT hash"),
        ("$2b$10$abc", "not a whole BLF-CRYPT hash"),
        ("{SSHA}!!", "not a whole SSHA hash"),
        ("{SSHA}", "not a whole SSHA hash"),
        ("{PBKDF2}$1$salt$x$ab", "not a whole PBKDF2 hash"),
        ("{PBKDF2}$1$salt$0$" + "0" * 40, "not a whole PBKDF2 hash"),
        ("{PLAIN}", "not a whole PLAIN hash"),
        ("$argon2id$v=19$m=8,t=1,p=1$", "not a whole ARGON2ID hash"),
        ("{ARGON2I}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "not a whole ARGON2I"),
    ],
)
def test_hash_that_cannot_be_read(stored: str, words: str) -> None:
    for read in (check_scheme, lambda stored: verify("secret", stored)):
        with pytest.raises(UnknownScheme) as caught:
            read(stored)
        assert isinstance(caught.value, AccountError)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
        assert stored == "" or stored not in str(caught.value)


def test_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(UnknownScheme) as caught:
        check_scheme("{NTLM}abc")
    for name in ("{ARGON2ID}", "{BLF-CRYPT}", "{SHA512-CRYPT}", "{SSHA512}", "{PBKDF2}"):
        assert name in str(caught.value)
