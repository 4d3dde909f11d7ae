"""The Maildir store is a mail store."""

from __future__ import annotations

from tests.store.conformance import (
    AdministrationConformance,
    AttributesConformance,
    DeliveryConformance,
    HoldConformance,
    KeepingConformance,
    MaildropConformance,
    UsageConformance,
)


class TestDelivery(DeliveryConformance):
    pass


class TestUsage(UsageConformance):
    pass


class TestAttributes(AttributesConformance):
    pass


class TestMaildrop(MaildropConformance):
    pass


class TestHold(HoldConformance):
    pass


class TestKeeping(KeepingConformance):
    pass


class TestAdministration(AdministrationConformance):
    pass
