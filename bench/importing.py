"""What the import of a Maildir costs, and a conversion, beside reading its files.

Run: python -m bench importing [--messages N] [--octets N] [--cold]. Prints the CPU of whole
processes, in user and kernel, and the seconds: of one that reads every file, of `pop3gw import
maildir` into the embedded store, and of `pop3gw store convert sqlite`. With --cold (as root) the
system has forgotten the files before each, as after a move to another machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.interop.gateway import Gateway

_READ = """
import os, sys
for name in ("new", "cur"):
    with os.scandir(os.path.join(sys.argv[1], name)) as entries:
        for entry in entries:
            file = os.open(entry.path, os.O_RDONLY)
            while os.read(file, 65536):
                pass
            os.close(file)
"""
_LINE = b"The quick brown fox jumps over the lazy dog, and every line is another one.\n"
_NEWLINE = b"\n"
FIRST = 1_700_000_000
"""When the first message arrived."""
SECONDS = 600.0


class Maildir:
    """A Maildir whose names tell the sizes, as those of Dovecot and of pop3gw do.

    @param octets: of each message.
    @param cold: whether its files are forgotten before they are read.
    """

    def __init__(self, folder: Path, messages: int, octets: int, cold: bool) -> None:
        self.folder = folder
        self.messages = messages
        self._cold = cold
        for name in ("new", "cur", "tmp"):
            (folder / name).mkdir(parents=True)
        for number in range(messages):
            head = b"Subject: %d\nMessage-ID: <%d@example.org>\n\n" % (number, number)
            text = head + _LINE * (octets // len(_LINE) + 1)
            text = text[: octets - 1] + b"\n"
            sizes = f"S={octets},W={octets + text.count(_NEWLINE)}"
            path = folder / "cur" / f"{FIRST + number}.M{number}P1.example.org,{sizes}:2,S"
            path.write_bytes(text)

    def measure(self, what: str, command: Sequence[str | Path], gateway: Gateway) -> float:
        """Run a command that reads it, print what that takes; return its microseconds of CPU."""
        os.sync()
        if self._cold:
            Path("/proc/sys/vm/drop_caches").write_text("3")
        before, began = _cpu_seconds(), time.perf_counter()
        subprocess.run(
            command,
            check=True,
            env=gateway.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=SECONDS,
        )
        seconds = time.perf_counter() - began
        each = (_cpu_seconds() - before) / self.messages * 1e6
        print(f"{what:28} {each:8.1f} us of CPU a message {seconds:8.1f} s", flush=True)
        return each


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path, maildir: Maildir) -> None:
    """Print what an import takes, what a conversion, and how that compares with reading."""
    folders = [folder / store for store in ("sqlite", "maildir")]
    imports, converts = [_office(folder, folder.name) for folder in folders]
    # The mailbox of a Maildir store: one import less to wait for, which is mostly fsync.
    mailbox = converts.mailbox(converts.add_accounts(1)[0])
    shutil.copytree(maildir.folder, mailbox, copy_function=os.link, dirs_exist_ok=True)
    address = imports.add_accounts(1)[0].address
    read = [sys.executable, "-c", _READ, maildir.folder]
    commands = {
        "import into sqlite": (imports, ["import", "maildir", maildir.folder, address]),
        "convert to sqlite": (converts, ["store", "convert", "sqlite"]),
    }
    for what, (gateway, words) in commands.items():
        floor = maildir.measure("reading the files", read, gateway)
        command = [sys.executable, "-m", "gateway.admin", "--data", gateway.data, *words]
        used = maildir.measure(what, command, gateway)
        print(f"{'':28} {used / floor:8.1f} times")


def _office(folder: Path, store: str) -> Gateway:
    folder.mkdir()
    gateway = Gateway(folder, store=store)
    gateway.start()
    gateway.stop()
    return gateway


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench importing", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--octets", type=int, default=4_000, help="of each message")
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maildir = Maildir(folder / "old", options.messages, options.octets, options.cold)
        measure(folder, maildir)


if __name__ == "__main__":
    main(sys.argv[1:])
