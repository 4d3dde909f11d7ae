"""Run in a process of its own: Twisted's tests of its TLS protocol, failures as JSON.

Arguments: the module and class that takes the place of that protocol, or nothing for Twisted's own.
"""

import sys

from twisted.protocols import tls
from twisted.python.reflect import namedAny

from tests.net.trial_run import report


def main(protocol: str | None) -> None:
    """Print the number of tests that ran, and the names of those that failed."""
    if protocol is not None:
        # The tests take it from the module by its name.
        setattr(tls, "TLSMemoryBIOProtocol", namedAny(protocol))  # noqa: B010
    # Without the layer that joins small writes, which ours replaces.
    setattr(tls.TLSMemoryBIOFactory, "protocol", tls.TLSMemoryBIOProtocol)  # noqa: B010
    report(["twisted.protocols.test.test_tls"])


main(*(sys.argv[1:] or [None]))
