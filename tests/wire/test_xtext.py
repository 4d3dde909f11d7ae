"""xtext of RFC 3461 section 4."""

from __future__ import annotations

import pytest

from gateway.wire.xtext import decode_xtext


def test_decodes() -> None:
    assert decode_xtext("") == ""
    assert decode_xtext("a+2Bb+3Dc") == "a+b=c"
    assert decode_xtext("j+C3+B6rg") == "j\u00f6rg"


@pytest.mark.parametrize("text", ["+", "+2", "+2b", "a=b", "a b", "\u00f6", "+FF"])
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="value is not valid"):
        decode_xtext(text)
