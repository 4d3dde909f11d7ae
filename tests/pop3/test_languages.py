"""The texts of each language are whole, and fit the protocol."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from gateway.pop3.languages import LANGUAGES, find_language, language_listing
from gateway.pop3.texts import ENGLISH, Texts
from gateway.settings import POP3

NAMES = [field.name for field in fields(Texts) if field.name not in ("tag", "name")]


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_each_text(tag: str, name: str) -> None:
    text = getattr(LANGUAGES[tag], name)
    assert 0 < len(text) < 300  # a reply has up to 512 octets (RFC 2449 section 4)
    assert text.decode("utf-8").isprintable()
    assert not text.startswith(b"[")  # that begins a response code (RFC 2449 section 8)
    assert not text.endswith(b"_")  # that is MULTI-LINE-IND's
    places = re.findall(rb"%(.)", text)
    assert places == re.findall(rb"%(.)", getattr(ENGLISH, name))


def test_languages_differ() -> None:
    for name in NAMES:
        if name not in ("listing_follows", "octets_follow"):
            assert len({getattr(texts, name) for texts in LANGUAGES.values()}) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("fr", "fr"),
        ("FR", "fr"),
        ("fr-CA", "fr"),
        ("en-GB-oed", "en"),
        ("de", None),
        ("", None),
        ("-", None),
        ("*", None),
    ],
)
def test_ranges(asked: str, given: str | None) -> None:
    found = find_language(asked)
    assert (found.tag if found else None) == given


def test_the_listing() -> None:
    assert language_listing() == [b"en English", "fr Français".encode()]


def test_settings_know_the_same_languages() -> None:
    for tag in LANGUAGES:
        assert POP3(language=tag).language == tag  # type: ignore[arg-type]
