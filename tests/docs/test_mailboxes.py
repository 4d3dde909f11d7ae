"""What docs/mailboxes.md says of policies is what there is."""

from __future__ import annotations

import re
from dataclasses import fields

from gateway.accounts.policies import POLICY_SETTINGS, MailboxPolicy
from gateway.settings import POP3
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "mailboxes.md").read_text(encoding="utf-8")


def test_the_table_names_each_policy_and_what_it_takes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .* \|$", PAGE, re.MULTILINE)
    plain = {key: takes.replace("`", "").replace('"', "") for key, takes in rows}
    assert plain == {key: row.takes.replace('"', "") for key, row in POLICY_SETTINGS.items()}


def test_each_policy_can_be_set_for_everybody() -> None:
    assert [field.name for field in fields(MailboxPolicy)] == list(POLICY_SETTINGS)
    assert POLICY_SETTINGS.keys() <= POP3.model_fields.keys()
    for name in POLICY_SETTINGS:
        assert POP3.model_fields[name].default == getattr(MailboxPolicy(), name)
