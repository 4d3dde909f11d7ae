"""`pop3gw alias`."""

from __future__ import annotations

from tests.admin.commands import Office


def test_an_alias_leads_to_several(org: Office) -> None:
    org("alias", "add", "Info@example.org", "anna@example.org", "ben@example.org")
    org("alias", "add", "@example.org", "info@example.org")
    assert org("alias", "list", "--json").json == [
        {"address": "@example.org", "targets": ["info@example.org"]},
        {"address": "info@example.org", "targets": ["anna@example.org", "ben@example.org"]},
    ]
    assert org("alias", "list").out == (
        "@example.org\tinfo@example.org\ninfo@example.org\tanna@example.org, ben@example.org\n"
    )


def test_a_loop_is_refused(org: Office) -> None:
    org("alias", "add", "a@example.org", "anna@example.org")
    org("alias", "add", "b@example.org", "a@example.org")
    done = org("alias", "add", "a@example.org", "b@example.org", status=1)
    assert "loop" in done.err
    assert org("alias", "list", "--json").json[0]["targets"] == ["anna@example.org"]


def test_a_target_may_be_added_later(org: Office) -> None:
    done = org("alias", "add", "a@example.org", "anna@example.org", "later@example.org")
    assert "warning" in done.err
    assert "pop3gw user add later@example.org" in done.err
    assert "anna" not in done.err
    assert "loop" in org("alias", "add", "later@example.org", "a@example.org", status=1).err


def test_a_foreign_domain_is_refused(org: Office) -> None:
    done = org("alias", "add", "a@example.org", "x@elsewhere.example", status=1)
    assert "elsewhere.example" in done.err
    assert org("alias", "list", "--json").json == []


def test_removing_an_alias_says_what_went_with_it(org: Office) -> None:
    org("alias", "add", "a@example.org", "anna@example.org")
    org("alias", "add", "b@example.org", "a@example.org")
    done = org("alias", "remove", "A@example.org")
    assert "removed the alias a@example.org" in done.out
    assert "b@example.org" in done.out
    assert org("alias", "list", "--json").json == []
    assert "no alias" in org("alias", "remove", "a@example.org", status=1).err


def test_an_alias_needs_a_target(org: Office) -> None:
    org("alias", "add", "a@example.org", status=2)
