"""What it costs to move a Maildir in, beside reading its files.

Run: python -m bench importing [--messages N] [--octets N] [--rounds N]. Prints the CPU, in user and
kernel, of a program that reads all files of the Maildir, of `pop3gw import maildir` into a new
store of each kind, and of `pop3gw store convert sqlite` for the same Maildir: microseconds for each
message, and how many times the reading that is. Before each the files are synced, and taken out of
memory as far as the system does that: mail that moves in was not read for a while.

Reading is what Python takes for it: list the folder, sort, open, read and close each file. The
start of the interpreter is part of none: an empty command is measured, too, and taken off.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POP3GW = "import sys; from gateway.admin.main import main; sys.argv[0] = 'pop3gw'; sys.exit(main())"
READ = """
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    descriptor = os.open(f"{sys.argv[1]}/{name}", os.O_RDONLY)
    while os.read(descriptor, 65536):
        pass
    os.close(descriptor)
"""
LINE = b"All work and no play makes Jack a dull boy.\n"
USER = "anna@example.org"


def fill(folder: Path, messages: int, octets: int) -> None:
    """Make a Maildir as another server leaves it, and have it written to the disk."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True)
    body = LINE * (octets // len(LINE))
    for number in range(messages):
        name = f"{1_600_000_000 + number * 60}.M{number % 1_000_000}P1.old:2,S"
        text = b"Subject: message %d\n\n%s" % (number, body)
        (folder / "cur" / name).write_bytes(text)
    os.sync()


def forget(folder: Path) -> None:
    """Take the contents of files out of memory."""
    os.sync()
    for entry in os.scandir(folder):
        descriptor = os.open(entry.path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def cpu_of(*command: str) -> float:
    """Run a program to its end; return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", *command],
        check=True,
        input=b"a password of no importance",
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def pop3gw(data: Path, *words: str) -> float:
    """Run the `pop3gw` command; return its CPU seconds."""
    return cpu_of(POP3GW, "--data", str(data), *words)


def new_data(data: Path, kind: str) -> None:
    """Make a data folder with a user."""
    pop3gw(data, "--store", kind, "domain", "add", "example.org")
    pop3gw(data, "user", "add", USER, "--password-stdin")


def measured(base: Path, source: Path) -> dict[str, float]:
    """Return the CPU seconds of each thing."""
    files = source / "cur"
    found: dict[str, float] = {}
    forget(files)
    found["reading"] = cpu_of(READ, str(files)) - cpu_of("pass")
    for kind in ("sqlite", "maildir"):
        data = base / kind
        new_data(data, kind)
        forget(files)
        start = pop3gw(data, "user", "list")
        taken = pop3gw(data, "import", "maildir", str(source), USER)
        found[f"import into {kind}"] = taken - start
    forget(base / "maildir" / "mail" / "example.org" / "anna" / "new")
    found["convert to sqlite"] = pop3gw(base / "maildir", "store", "convert", "sqlite") - start
    return found


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench importing", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--octets", type=int, default=4000, help="of each message")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        fill(source, options.messages, options.octets)
        for number in range(options.rounds):
            rounds.append(measured(Path(name) / str(number), source))
    print(f"{options.messages:,} messages of {options.octets:,} octets")
    medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    for key, seconds in medians.items():
        each = seconds / options.messages * 1e6
        print(f"{key:20} {each:7.1f} us   {seconds / medians['reading']:5.2f} x", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
