"""What the tests let run in a `SideProcess`."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from gateway.store import side_work
from gateway.store.interfaces import StorageFull
from gateway.store.side_work import Answer, serve


def work(job: Any, answer: Answer) -> None:
    match job:
        case "full":
            answer(StorageFull("no room"))
        case "later":
            threading.Timer(0.2, answer, ["later"]).start()
        case "sleep":
            time.sleep(60)
        case "pid":
            answer(os.getpid())
        case "print":
            print("printed")
            answer(job)
        case _:
            answer(job)


if __name__ == "__main__":
    if "other-code" in sys.argv:
        side_work.code_stamp = lambda: "of another release"
    serve(work)
