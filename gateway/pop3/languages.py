"""The languages that LANG offers (RFC 6856 section 3)."""

from __future__ import annotations

from gateway.pop3.texts import ENGLISH, Texts
from gateway.pop3.texts_fr import FRENCH

LANGUAGES: dict[str, Texts] = {texts.tag: texts for texts in (ENGLISH, FRENCH)}
"""By tag, in lower case. A new language is a module with its texts and a name here."""


def find_language(language_range: str) -> Texts | None:
    """Return the texts that a language range asks for, None where there are none.

    The last subtags are left off one by one until something fits (RFC 4647 section 3.4): "fr-CA"
    is served French.
    """
    subtags = language_range.lower().split("-")
    while subtags:
        texts = LANGUAGES.get("-".join(subtags))
        if texts is not None:
            return texts
        subtags.pop()
    return None


def language_listing() -> list[bytes]:
    """Return the lines of the answer to LANG without an argument."""
    return [f"{texts.tag} {texts.name}".encode() for texts in LANGUAGES.values()]
