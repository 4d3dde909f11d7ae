"""`pop3gw domain`."""

from __future__ import annotations

import stat

from tests.admin.commands import Office


def test_a_domain_is_added_to_a_folder_that_is_not_there_yet(office: Office) -> None:
    done = office.run("domain", "add", "Example.ORG")
    assert "added the domain example.org" in done.out
    assert stat.S_IMODE(office.data.stat().st_mode) == 0o700
    assert office.run("domain", "list").out == "example.org\t0\t0\n"


def test_the_list_counts_users_and_aliases(org: Office) -> None:
    org("domain", "add", "b.example")
    org("alias", "add", "@b.example", "anna@example.org")
    assert org("domain", "list", "--json").json == [
        {"domain": "b.example", "users": 0, "aliases": 1},
        {"domain": "example.org", "users": 2, "aliases": 0},
    ]
    assert [item["domain"] for item in org("domain", "list", "b.example", "--json").json] == [
        "b.example"
    ]


def test_an_empty_list_is_an_empty_array(office: Office) -> None:
    assert office("domain", "list", "--json").json == []
    assert office("domain", "list").out == ""


def test_a_domain_in_unicode_is_kept_in_a_labels(office: Office) -> None:
    office("domain", "add", "bücher.example")
    assert office("domain", "list", "--json").json[0]["domain"] == "xn--bcher-kva.example"
    assert "xn--bcher-kva" in office("domain", "remove", "BÜCHER.example").out


def test_a_domain_with_users_is_not_removed(org: Office) -> None:
    done = org("domain", "remove", "example.org", status=1)
    assert "anna@example.org" in done.err
    assert done.out == ""
    org("user", "remove", "anna@example.org")
    org("user", "remove", "ben@example.org")
    org("domain", "remove", "example.org")
    assert org("domain", "list", "--json").json == []


def test_refusals(org: Office) -> None:
    assert "already" in org("domain", "add", "example.org", status=1).err
    assert "not served" in org("domain", "remove", "other.example", status=1).err
    assert "not served" in org("domain", "list", "other.example", status=1).err
    assert "not a domain" in org("domain", "add", "exa mple", status=1).err
