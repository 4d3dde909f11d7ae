"""`pop3gw domain`."""

from __future__ import annotations

import stat

from tests.admin.commands import Office

NO_QUOTA = {"quota_octets": None, "quota_messages": None}


def test_a_domain_is_added_to_a_folder_that_is_not_there_yet(office: Office) -> None:
    done = office.run("domain", "add", "Example.ORG")
    assert "added the domain example.org" in done.out
    assert stat.S_IMODE(office.data.stat().st_mode) == 0o700
    assert office.run("domain", "list").out == "example.org\t0\t0\n"


def test_the_list_counts_users_and_aliases(org: Office) -> None:
    org("domain", "add", "b.example")
    org("alias", "add", "@b.example", "anna@example.org")
    assert org("domain", "list", "--json").json == [
        {"domain": "b.example", "users": 0, "aliases": 1, **NO_QUOTA, "policies": {}},
        {"domain": "example.org", "users": 2, "aliases": 0, **NO_QUOTA, "policies": {}},
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


def test_a_quota_is_set_and_taken_away(org: Office) -> None:
    assert org("domain", "set", "Example.org", "quota_octets", "2k").out == (
        "example.org: quota_octets is 2048 now\n"
    )
    org("domain", "set", "example.org", "quota_messages", "7")
    (item,) = org("domain", "list", "--json").json
    assert (item["quota_octets"], item["quota_messages"]) == (2048, 7)
    assert "none now" in org("domain", "set", "example.org", "quota_octets", "none").out
    (item,) = org("domain", "list", "--json").json
    assert (item["quota_octets"], item["quota_messages"]) == (None, 7)


def test_quotas_that_are_none(org: Office) -> None:
    assert "octets, as in" in org("domain", "set", "example.org", "quota_octets", "x", status=1).err
    assert "quota_octets (" in org("domain", "set", "example.org", "quota", "1", status=1).err
    assert "not served" in org("domain", "set", "o.example", "quota_octets", "1", status=1).err
