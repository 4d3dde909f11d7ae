"""What deliveries that never ended have left in tmp/ of a mailbox. Blocks."""

from __future__ import annotations

import os
import time
from pathlib import Path

_OLD_SECONDS = 36 * 3600
"""As the Maildir specification has it: until then another program may still be at it."""


def tidy_tmp(folder: Path) -> None:
    """Remove files in tmp/ that nobody read or wrote for 36 hours."""
    horizon = time.time() - _OLD_SECONDS
    try:
        with os.scandir(folder / "tmp") as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if max(status.st_atime, status.st_mtime) < horizon:
                    Path(entry.path).unlink()
    except OSError:
        # What cannot be removed now harms nobody.
        return
