"""The account database: what it keeps, what it refuses and in which words."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.accounts.database import KEEP_SECRET, AccountDatabase, AccountError


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    made = AccountDatabase(tmp_path / "accounts.sqlite")
    made.add_domain("example.org")
    return made


def refusal(call: object, *args: object, **kwargs: object) -> str:
    with pytest.raises(AccountError) as caught:
        call(*args, **kwargs)  # type: ignore[operator]
    text = str(caught.value)
    assert "\n" not in text
    return text


class TestDomains:
    def test_are_kept_in_canonical_form(self, database: AccountDatabase) -> None:
        assert database.add_domain("BÜCHER.example") == "xn--bcher-kva.example"
        assert database.domains() == ["example.org", "xn--bcher-kva.example"]
        assert database.has_domain("xn--bcher-kva.example")
        assert not database.has_domain("example.com")

    def test_twice(self, database: AccountDatabase) -> None:
        assert "example.org is served here already" in refusal(database.add_domain, "Example.ORG")

    @pytest.mark.parametrize("text", ["", " ", "a@b", "two words"])
    def test_that_are_none(self, database: AccountDatabase, text: str) -> None:
        assert "is not a domain" in refusal(database.add_domain, text)
        assert database.domains() == ["example.org"]

    def test_remove(self, database: AccountDatabase) -> None:
        database.remove_domain("EXAMPLE.org")
        assert database.domains() == []

    def test_remove_one_that_is_not_there(self, database: AccountDatabase) -> None:
        text = refusal(database.remove_domain, "example.com")
        assert "example.com" in text

    def test_with_users_stays(self, database: AccountDatabase) -> None:
        database.add_user("anna@example.org", "h")
        database.add_alias("info@example.org", ["anna@example.org"])
        text = refusal(database.remove_domain, "example.org")
        assert "the user anna@example.org" in text
        assert "the alias info@example.org" in text
        assert database.domains() == ["example.org"]


class TestUsers:
    def test_add(self, database: AccountDatabase) -> None:
        added = database.add_user("Anna@Example.ORG", "h", secret="s")
        assert added.address == "anna@example.org"
        assert database.user("ANNA@example.org") == added
        assert (added.password_hash, added.secret, added.enabled) == ("h", "s", True)
        assert added.quota_octets is None
        assert added.quota_messages is None
        assert added.created > 0
        assert database.has_users()

    def test_nobody_there_yet(self, database: AccountDatabase) -> None:
        assert not database.has_users()
        assert database.user("anna@example.org") is None

    def test_no_secret_is_shown(self, database: AccountDatabase) -> None:
        shown = repr(database.add_user("anna@example.org", "THE-HASH", secret="THE-SECRET"))
        assert "THE-HASH" not in shown
        assert "THE-SECRET" not in shown

    def test_in_unknown_domain(self, database: AccountDatabase) -> None:
        assert refusal(database.add_user, "anna@example.com", "h") == (
            "the domain example.com is not served here: add it with 'pop3gw domain add example.com'"
        )

    def test_twice(self, database: AccountDatabase) -> None:
        database.add_user("anna@example.org", "h")
        text = refusal(database.add_user, "ANNA@example.org", "h")
        assert text == "there is a user anna@example.org already"

    def test_where_an_alias_is(self, database: AccountDatabase) -> None:
        database.add_user("anna@example.org", "h")
        database.add_alias("info@example.org", ["anna@example.org"])
        text = refusal(database.add_user, "info@example.org", "h")
        assert "cannot be user and alias at once" in text
        assert "pop3gw alias remove info@example.org" in text

    def test_that_is_no_address(self, database: AccountDatabase) -> None:
        assert "'anna' is not an address" in refusal(database.add_user, "anna", "h")

    def test_listed_by_domain(self, database: AccountDatabase) -> None:
        database.add_domain("example.com")
        for address in ("zoe@example.com", "bob@example.org", "anna@example.org"):
            database.add_user(address, "h")
        everybody = [user.address for user in database.users()]
        assert everybody == ["zoe@example.com", "anna@example.org", "bob@example.org"]
        assert [user.address for user in database.users("EXAMPLE.com")] == ["zoe@example.com"]
        assert "example.net is not served" in refusal(database.users, "example.net")

    def test_remove(self, database: AccountDatabase) -> None:
        database.add_user("anna@example.org", "h")
        assert database.remove_user("Anna@example.org") == []
        assert database.user("anna@example.org") is None

    def test_remove_nobody(self, database: AccountDatabase) -> None:
        text = refusal(database.remove_user, "anna@example.org")
        assert "there is no user anna@example.org" in text

    def test_remove_takes_it_out_of_aliases(self, database: AccountDatabase) -> None:
        for name in ("anna", "bob"):
            database.add_user(f"{name}@example.org", "h")
        database.add_alias("both@example.org", ["anna@example.org", "bob@example.org"])
        database.add_alias("info@example.org", ["anna@example.org"])
        database.add_alias("sales@example.org", ["info@example.org"])
        changed = database.remove_user("anna@example.org")
        assert changed == ["both@example.org", "info@example.org", "sales@example.org"]
        assert [(alias.address, alias.targets) for alias in database.aliases()] == [
            ("both@example.org", ("bob@example.org",))
        ]


class TestManyUsers:
    def test_all(self, database: AccountDatabase) -> None:
        database.add_users((f"user{n}@example.org", f"h{n}") for n in range(3000))
        assert len(database.users()) == 3000
        last = database.user("user2999@example.org")
        assert last is not None
        assert last.password_hash == "h2999"

    @pytest.mark.parametrize(
        ("bad", "named"),
        [
            ("anna@example.com", "example.com"),
            ("user7@example.org", "user7@example.org"),
            ("nonsense", "nonsense"),
            ("taken@example.org", "taken@example.org"),
        ],
    )
    def test_or_none(self, database: AccountDatabase, bad: str, named: str) -> None:
        database.add_user("taken@example.org", "h")
        many = [(f"user{n}@example.org", "h") for n in range(20)]
        assert named in refusal(database.add_users, [*many, (bad, "h")])
        assert [user.address for user in database.users()] == ["taken@example.org"]


class TestPasswords:
    @pytest.mark.parametrize(
        ("secret", "kept"), [("new", "new"), (None, None), (KEEP_SECRET, "old")]
    )
    def test_secret_is_replaced_forgotten_or_kept(
        self, database: AccountDatabase, secret: object, kept: str | None
    ) -> None:
        database.add_user("anna@example.org", "h", secret="old")
        database.set_password("ANNA@example.org", "h2", secret=secret)  # type: ignore[arg-type]
        user = database.user("anna@example.org")
        assert user is not None
        assert (user.password_hash, user.secret) == ("h2", kept)

    def test_of_nobody(self, database: AccountDatabase) -> None:
        text = refusal(database.set_password, "anna@example.org", "h", secret=None)
        assert "there is no user anna@example.org" in text

    def test_of_an_alias(self, database: AccountDatabase) -> None:
        database.add_user("anna@example.org", "h")
        database.add_alias("info@example.org", ["anna@example.org"])
        text = refusal(database.set_password, "info@example.org", "h", secret=None)
        assert "info@example.org is an alias, not a user" in text

    def test_replacing_a_hash_does_not_undo_a_change(self, database: AccountDatabase) -> None:
        database.add_user("anna@example.org", "old", secret="s")
        assert database.replace_hash("anna@example.org", "old", "better")
        assert not database.replace_hash("anna@example.org", "old", "late")
        user = database.user("anna@example.org")
        assert user is not None
        assert (user.password_hash, user.secret) == ("better", "s")


class TestSettings:
    @pytest.mark.parametrize(
        ("key", "value", "stored"),
        [
            ("enabled", "no", False),
            ("enabled", "Yes", True),
            ("enabled", "off", False),
            ("quota_octets", "2G", 2 << 30),
            ("quota_octets", "500 MiB", 500 << 20),
            ("quota_octets", "1234", 1234),
            ("quota_octets", "none", None),
            ("quota_messages", "100", 100),
            ("quota_messages", "none", None),
        ],
    )
    def test_set(self, database: AccountDatabase, key: str, value: str, stored: object) -> None:
        database.add_user("anna@example.org", "h")
        changed = database.set_user("Anna@example.org", key, value)
        assert getattr(changed, key) == stored
        assert database.user("anna@example.org") == changed

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("enabled", "maybe"),
            ("quota_octets", "-1"),
            ("quota_octets", "2X"),
            ("quota_octets", "99999999T"),
            ("quota_octets", "\u0661"),
            ("quota_messages", "1.5"),
            ("quota_messages", "2k"),
        ],
    )
    def test_wrong_value(self, database: AccountDatabase, key: str, value: str) -> None:
        before = database.add_user("anna@example.org", "h")
        text = refusal(database.set_user, "anna@example.org", key, value)
        assert text.startswith(f"{key} takes ")
        assert database.user("anna@example.org") == before

    @pytest.mark.parametrize("key", ["quota", "password_hash", "enabled = 0, secret"])
    def test_unknown_key(self, database: AccountDatabase, key: str) -> None:
        database.add_user("anna@example.org", "h")
        text = refusal(database.set_user, "anna@example.org", key, "1")
        for known in ("enabled", "quota_octets", "quota_messages"):
            assert known in text

    def test_of_nobody(self, database: AccountDatabase) -> None:
        text = refusal(database.set_user, "anna@example.org", "enabled", "no")
        assert "there is no user anna@example.org" in text


class TestAliases:
    @pytest.fixture(autouse=True)
    def _people(self, database: AccountDatabase) -> None:
        for name in ("anna", "bob"):
            database.add_user(f"{name}@example.org", "h")

    def test_add(self, database: AccountDatabase) -> None:
        added = database.add_alias("Info@Example.org", ["Bob@example.org", "anna@example.org"])
        assert added.address == "info@example.org"
        assert added.targets == ("bob@example.org", "anna@example.org")
        assert database.aliases() == [added]

    def test_add_to_one_that_is_there(self, database: AccountDatabase) -> None:
        database.add_alias("info@example.org", ["bob@example.org"])
        database.add_alias("info@example.org", ["bob@example.org", "anna@example.org"])
        [alias] = database.aliases()
        assert alias.targets == ("bob@example.org", "anna@example.org")

    def test_catch_all(self, database: AccountDatabase) -> None:
        assert database.add_alias("@EXAMPLE.org", ["anna@example.org"]).address == "@example.org"
        found = database.find_alias("", "example.org")
        assert found is not None
        assert found.targets == ("anna@example.org",)
        database.remove_alias("@Example.org")
        assert database.aliases() == []

    @pytest.mark.parametrize(
        ("alias", "target", "words"),
        [
            ("info@example.com", "anna@example.org", "pop3gw domain add example.com"),
            ("@example.com", "anna@example.org", "pop3gw domain add example.com"),
            ("info@example.org", "anna@example.com", "example.com is not served here"),
            ("info@example.org", "info@example.org", "cannot lead to itself"),
            ("info@example.org", "@example.org", "name the addresses one by one"),
            ("info@example.org", "anna", "is not an address"),
            ("anna@example.org", "bob@example.org", "cannot be user and alias at once"),
        ],
    )
    def test_refused(self, database: AccountDatabase, alias: str, target: str, words: str) -> None:
        assert words in refusal(database.add_alias, alias, ["bob@example.org", target])
        assert database.aliases() == []

    def test_without_target(self, database: AccountDatabase) -> None:
        assert "at least one target" in refusal(database.add_alias, "info@example.org", [])

    def test_loops(self, database: AccountDatabase) -> None:
        database.add_alias("a@example.org", ["anna@example.org"])
        database.add_alias("b@example.org", ["a@example.org"])
        database.add_alias("c@example.org", ["b@example.org"])
        for target in ("b@example.org", "c@example.org"):
            text = refusal(database.add_alias, "a@example.org", [target])
            assert "would be a loop" in text
            assert target in text
        assert database.aliases()[0].targets == ("anna@example.org",)

    def test_a_target_that_is_not_there_yet(self, database: AccountDatabase) -> None:
        database.add_alias("a@example.org", ["b@example.org"])
        assert "would be a loop" in refusal(database.add_alias, "b@example.org", ["a@example.org"])
        database.add_user("b@example.org", "h")
        assert [user.address for user in database.users_behind("a@example.org")] == [
            "b@example.org"
        ]

    def test_loops_through_the_catch_all(self, database: AccountDatabase) -> None:
        text = refusal(database.add_alias, "@example.org", ["nobody@example.org"])
        assert "would be a loop" in text
        database.add_alias("a@example.org", ["nobody@example.org"])
        text = refusal(database.add_alias, "@example.org", ["a@example.org"])
        assert "would be a loop" in text
        database.add_alias("@example.org", ["anna@example.org"])

    def test_remove(self, database: AccountDatabase) -> None:
        database.add_alias("a@example.org", ["anna@example.org"])
        database.add_alias("b@example.org", ["a@example.org", "bob@example.org"])
        database.add_alias("c@example.org", ["a@example.org"])
        assert database.remove_alias("A@example.org") == ["b@example.org", "c@example.org"]
        assert [alias.address for alias in database.aliases()] == ["b@example.org"]

    def test_remove_none(self, database: AccountDatabase) -> None:
        assert "there is no alias x@example.org" in refusal(database.remove_alias, "x@example.org")

    def test_users_behind(self, database: AccountDatabase) -> None:
        database.add_alias("a@example.org", ["anna@example.org"])
        database.add_alias("b@example.org", ["a@example.org", "bob@example.org"])

        def behind(address: str) -> list[str]:
            return sorted(user.address for user in database.users_behind(address))

        assert behind("anna@example.org") == ["anna@example.org"]
        assert behind("a@example.org") == ["anna@example.org"]
        assert behind("b@example.org") == ["anna@example.org", "bob@example.org"]
        assert behind("nobody@example.org") == []


def test_file_is_for_its_owner_only(tmp_path: Path) -> None:
    database = AccountDatabase(tmp_path / "new" / "accounts.sqlite")
    database.add_domain("example.org")
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
