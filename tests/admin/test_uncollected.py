"""Work without a search for garbage."""

from __future__ import annotations

import gc

import pytest

from gateway.admin.uncollected import uncollected


def test_the_search_rests_meanwhile_and_goes_on_after_a_failure() -> None:
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled(), "the outer one still wants that"
        raise ZeroDivisionError
    assert gc.isenabled()
