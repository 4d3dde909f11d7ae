"""The parameters of MAIL and RCPT (RFC 5321 section 4.1.2): which there are, what they may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from gateway.wire import smtp_replies
from gateway.wire.addresses import PATH_LIMIT, parse_mailbox
from gateway.wire.dsn import parse_envid, parse_notify, parse_orcpt, parse_ret
from gateway.wire.replies import SyntaxProblem
from gateway.wire.xtext import decode_xtext

Parameters = dict[str, str | None]
"""ESMTP parameters by keyword in upper case; None where there is no value."""
ParameterCheck = Callable[[str | None], object]
"""Takes the value of a parameter; raises `ValueError` where it is not valid."""

_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE = re.compile(r"[!-<>-~\u00a0-\U0010ffff]+")
_SIZE = re.compile(r"[0-9]{1,20}")


def parse_parameters(
    text: str, checks: Mapping[str, ParameterCheck], offered: Collection[str]
) -> Parameters:
    """Parse what follows the path.

    @param checks: each parameter with what checks its value.
    @param offered: the names of those that are supported now.
    @raise SyntaxProblem: a parameter is not valid, is not supported or is given twice.
    """
    parameters: Parameters = {}
    for word in filter(None, text.split(" ")):
        keyword, equals, value = word.partition("=")
        if not _KEYWORD.fullmatch(keyword) or (equals and not _VALUE.fullmatch(value)):
            raise _bad_parameter("Write parameters as KEYWORD or KEYWORD=value")
        keyword = keyword.upper()
        if keyword not in checks or keyword not in offered:
            raise SyntaxProblem(
                smtp_replies.UNKNOWN_PARAMETER.with_text(
                    f"The parameter {keyword[:40]} is not supported here"
                )
            )
        if keyword in parameters:
            raise _bad_parameter(f"The parameter {keyword} is given twice")
        parameters[keyword] = value if equals else None
        try:
            checks[keyword](parameters[keyword])
        except ValueError as error:
            raise _bad_parameter(f"{keyword}: {error}") from None
    return parameters


def parse_submitter(value: str) -> str:
    """Return the mailbox in AUTH= (RFC 4954 section 5), "" for `<>`. Raises `ValueError`."""
    if value == "<>":
        return ""
    return str(parse_mailbox(decode_xtext(value), local_part_limit=PATH_LIMIT))


def _bad_parameter(text: str) -> SyntaxProblem:
    return SyntaxProblem(smtp_replies.BAD_PARAMETER.with_text(text))


def _check_size(value: str | None) -> None:
    if value is None or not _SIZE.fullmatch(value):
        raise ValueError("give the size of the message in octets")


def _check_body(value: str | None) -> None:
    if value is None or value.upper() not in ("7BIT", "8BITMIME"):
        raise ValueError("7BIT and 8BITMIME are supported")


def _no_value(value: str | None) -> None:
    if value is not None:
        raise ValueError("it takes no value")


def _with_value(check: Callable[[str], object]) -> ParameterCheck:
    def checked(value: str | None) -> object:
        if value is None:
            raise ValueError("it needs a value")
        return check(value)

    return checked


MAIL_PARAMETERS: dict[str, ParameterCheck] = {
    "SIZE": _check_size,
    "BODY": _check_body,
    "SMTPUTF8": _no_value,
    "REQUIRETLS": _no_value,
    "AUTH": _with_value(parse_submitter),
    "RET": _with_value(parse_ret),
    "ENVID": _with_value(parse_envid),
}
"""The parameters of MAIL that can be parsed, with what checks their values."""

RCPT_PARAMETERS: dict[str, ParameterCheck] = {
    "NOTIFY": _with_value(parse_notify),
    "ORCPT": _with_value(parse_orcpt),
}
"""The parameters of RCPT that can be parsed."""
