"""The log: the reader of events that writes it, and how Twisted's files get its lines."""

from gateway.log.prefix import quicken
from gateway.log.writer import LogWriter

__all__ = ["LogWriter", "quicken"]
