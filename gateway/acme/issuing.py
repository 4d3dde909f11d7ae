"""Asks an ACME server for a certificate. All of this blocks: it runs in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import josepy
import requests
from acme import challenges, client, crypto_util, errors, messages

from gateway.acme.responder import Challenges
from gateway.config_errors import ConfigError

_ANSWER_SECONDS = 90
"""How long an order may take."""
_HTTP_SECONDS = 20


_UNUSABLE = (
    requests.exceptions.RequestException,
    errors.Error,
    josepy.errors.Error,
    KeyError,  # a directory without what we need
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Server:
    """An ACME server, and how to talk to it.

    @ivar directory: the https URL of its directory (RFC 8555 section 7.1.1).
    @ivar email: where it may write to the administrator.
    @ivar ca: a file of authorities for its own certificate; None: the public ones.
    """

    directory: str
    email: str | None = None
    ca: str | None = None


def obtain(
    server: Server, account_key: Any, key_pem: bytes, names: tuple[str, ...], answers: Challenges
) -> bytes:
    """Return a new chain in PEM form, the certificate first.

    @param account_key: the private key that says who we are.
    @param key_pem: the private key of the certificate.
    @param answers: what the server finds at HTTP port 80 of each name.
    @raise ConfigError: the server did not give one; the text says why.
    """
    with _explaining(server):
        acme = _log_in(server, account_key)
        order = acme.new_order(crypto_util.make_csr(key_pem, list(names)))
        tokens = []
        try:
            for body in _open_challenges(order):
                response, answer = body.response_and_validation(acme.net.key)
                tokens.append(body.chall.encode("token"))
                answers.put(tokens[-1], answer)
                acme.answer_challenge(body, response)
            deadline = datetime.now() + timedelta(seconds=_ANSWER_SECONDS)  # as the library has it
            return bytes(acme.poll_and_finalize(order, deadline).fullchain_pem.encode("ascii"))
        finally:
            for token in tokens:
                answers.remove(token)


def _log_in(server: Server, account_key: Any) -> client.ClientV2:
    key: Any = josepy.JWKEC(key=account_key)
    trust: Any = server.ca or True  # requests takes a file, too
    net = client.ClientNetwork(
        key,
        alg=josepy.ES256,
        verify_ssl=trust,
        user_agent=f"pop3gw acme/{version('acme')}",
        timeout=_HTTP_SECONDS,
    )
    directory = client.ClientV2.get_directory(server.directory, net)
    for needed in ("newNonce", "newAccount", "newOrder"):
        directory[needed]
    acme = client.ClientV2(directory, net)
    try:
        # Naming names in the configuration is agreeing to the terms: it says so there.
        acme.new_account(
            messages.NewRegistration.from_data(email=server.email, terms_of_service_agreed=True)
        )
    except errors.ConflictError as known:
        body: Any = messages.RegistrationResource(uri=known.location, body=messages.Registration())
        net.account = body
    return acme


def _open_challenges(order: Any) -> Iterator[Any]:
    for authorization in order.authorizations:
        if authorization.body.status == messages.STATUS_VALID:
            continue  # the server remembers an earlier proof
        found = [b for b in authorization.body.challenges if isinstance(b.chall, challenges.HTTP01)]
        if not found:
            name = authorization.body.identifier.value
            raise ConfigError(f"the ACME server offers no HTTP-01 challenge for {name}")
        yield found[0]


@contextmanager
def _explaining(server: Server) -> Iterator[None]:
    try:
        yield
    except errors.ValidationError as error:
        reasons = "; ".join(_failed(error)) or "no reason given"
        raise ConfigError(
            f"the ACME server could not verify that we have the names: {reasons}",
            "let port 80 of each name lead to [tls] acme_listen",
        ) from error
    except errors.TimeoutError as error:
        raise ConfigError(f"the ACME server did not answer in {_ANSWER_SECONDS} seconds") from error
    except (messages.Error, errors.IssuanceError) as error:
        problem: Any = getattr(error, "error", error)
        raise ConfigError(f"the ACME server refuses: {_reason(problem)}") from error
    except requests.exceptions.SSLError as error:
        raise ConfigError(
            f"the ACME server {server.directory} is not who it should be: {error}",
            "name its authorities in [tls] acme_ca, if it is one of your own",
        ) from error
    except _UNUSABLE as error:
        raise ConfigError(f"the ACME server {server.directory} cannot be used: {error}") from error


def _failed(error: errors.ValidationError) -> Iterator[str]:
    for authorization in error.failed_authzrs:
        for body in authorization.body.challenges:
            if body.error is not None:
                yield f"{authorization.body.identifier.value}: {_reason(body.error)}"


def _reason(error: Any) -> str:
    parts = [_reason(problem) for problem in error.subproblems or ()]
    reason = error.detail or error.typ
    return "; ".join(["no reason given" if reason == "about:blank" else str(reason), *parts])
