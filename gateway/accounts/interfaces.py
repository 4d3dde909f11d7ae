"""What the protocols and the delivery ask about addresses, and who answers.

Proof of identity is not here: that is `twisted.cred`, its checkers and the Portal.
"""

from __future__ import annotations

from dataclasses import dataclass

from zope.interface import Attribute, Interface


class DirectoryUnavailable(Exception):
    """The source cannot answer now; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class User:
    """An address that has a mailbox."""

    mailbox: str
    """The mailbox: the address in lower case."""
    enabled: bool = True
    quota_octets: int | None = None
    quota_messages: int | None = None
    domain_quota_octets: int | None = None
    """What all mailboxes of the domain may hold together; None: no limit."""
    domain_quota_messages: int | None = None

    @property
    def has_quota(self) -> bool:
        """Whether anything limits what the mailbox may hold."""
        limits = self.quota_octets, self.quota_messages
        return (*limits, self.domain_quota_octets, self.domain_quota_messages) != _NO_LIMITS


_NO_LIMITS = (None,) * 4


@dataclass(frozen=True, slots=True)
class Alias:
    """An address that stands for others."""

    targets: tuple[str, ...]
    """Addresses: users or other aliases."""


class IDirectory(Interface):
    """What an address is. Each method returns its answer or a Deferred of it; where the source
    cannot be asked it raises (or fails with) `DirectoryUnavailable`, never a wrong answer."""

    def has_domain(domain):
        """@param domain: in lower case, IDNA A-labels: str.
        @return: whether mail for it is received here: bool."""

    def find(local_part, domain):
        """@param local_part: in lower case; "" asks for the catch-all of the domain: str.
        @return: a `User`, an `Alias`, or None where there is neither. Nothing is tried beyond
        exactly this address."""

    def find_login(name):
        """@param name: what a person typed as user name: an address in any case, a bare local
        part, an alias of one user: str.
        @return: the `User` it means, or None where it means none or several."""


class IVersionedDirectory(IDirectory):
    """A directory that answers at once, and can tell whether its answers may have changed."""

    def version():
        """@return: a value that is another whenever an answer may be another.
        @raise DirectoryUnavailable: nobody can say now.
        """


class IUserSource(Interface):
    """A source outside the embedded list that can say who exists. Each method returns its answer
    or a Deferred of it, and raises (or fails with) `DirectoryUnavailable`."""

    def has_user(local_part, domain, home):
        """@param local_part: in lower case: str.
        @param domain: in lower case, IDNA A-labels: str.
        @param home: the domain to which a name without one belongs, None where there is none.
        @return: whether this address has a mailbox: bool."""

    def has_domain(domain):
        """@return: whether mail for this domain is received here: bool. One that was added with
        `pop3gw domain add`, and the home domain, need not be known to the source."""


class IMailUser(Interface):
    """The avatar of a user that has proved who they are, where no maildrop is asked for."""

    address = Attribute("The user's address: str.")


class ISASLMechanism(Interface):
    """The server's side of one authentication exchange (RFC 4422). Serves one exchange only."""

    name = Attribute("As registered with IANA, in upper case: str.")

    def respond(response):
        """Take the client's next response.

        @param response: decoded octets; None at the start, where the client sent no initial
            response.
        @return: the next challenge as bytes (b"" is an empty challenge), or, when the exchange is
            complete, an object that provides a `twisted.cred.credentials` interface and is to be
            given to a portal.
        @raise InvalidResponse: the response is not of this mechanism's form.
        """


class IScramChecker(Interface):
    """What a checker of `IScramCredentials` can do beside checking them. None of it may wait."""

    def verifier_of(username, mechanism):
        """@param username: as the client gave it: str.
        @param mechanism: "SCRAM-SHA-256" or "SCRAM-SHA-1".
        @return: a `gateway.accounts.scram.ScramVerifier`; for nobody, and for a user that has
        none, one that no password has, the same salt each time.
        @raise DirectoryUnavailable: nobody can say now.
        """

    def everybody():
        """@return: whether every user could log in by SCRAM: bool. Only then is it announced."""


class IExplainsRefusal(ISASLMechanism):
    """A mechanism that tells its client why it was refused, before the exchange fails."""

    refusal = Attribute("The challenge with the reason; the client's response to it says nothing.")


class InvalidResponse(Exception):
    """A response that the mechanism cannot read. The text is for the client and holds no secret."""
