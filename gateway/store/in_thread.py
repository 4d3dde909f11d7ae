"""How a store has blocking work done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

InThread = Callable[..., Deferred[Any]]
"""Runs a blocking call with its arguments off the reactor thread."""
