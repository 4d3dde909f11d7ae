"""What settings may not say together."""

from __future__ import annotations

from gateway.settings import Settings


def refuse_contradictions(settings: Settings) -> None:
    """Raise `ConfigError` where one setting makes no sense beside another."""
    tls = settings.tls
    if tls.profile == "legacy":
        raise settings.error(
            "tls.profile",
            "old TLS is not offered to everybody",
            "leave it out, and name listeners in legacy_listeners or networks in legacy_networks",
        )
    listen = settings.listen
    endpoints = {*listen.pop3, *listen.pop3s, *listen.smtp, *listen.lmtp}
    for endpoint in tls.legacy_listeners:
        if endpoint not in endpoints:
            raise settings.error(
                "tls.legacy_listeners",
                f'there is no listener "{endpoint}"',
                "write it as in [listen]",
            )
    if tls.acme_names and tls.certificates is not None:
        raise settings.error(
            "tls.acme_names",
            "certificates are taken from [tls] certificates, not from an ACME server",
            "leave out one of the two",
        )
