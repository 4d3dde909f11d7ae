"""Runs the benchmarks. `python -m bench --list` names them, `python -m bench NAME ...` runs one.

Without a name all are run, one after another, and docs/benchmarks.md is written; with `--quick`
alone, those that compare servers, in little time and without writing anything. Options after the
name go to the benchmark. `--rounds N` alone runs all, with so many rounds where servers are
compared, and writes nothing either.
"""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = frozenset(
    {
        "__main__",
        "bare_smtp",
        "dovecot_lmtp",
        "growth_results",
        "many_rows",
        "plots",
        "ports",
        "processes",
        "report",
        "results",
        "smtp_aiosmtpd",
        "smtp_client",
        "smtp_load",
        "smtp_opensmtpd",
        "smtp_servers",
        "smtp_storing",
        "system_calls",
    }
)
COMPARING = frozenset({"pop3_serving", "smtp_delivery"})
"""Servers beside servers: those that `--quick` runs."""
SAVING = COMPARING | {"growth", "start", "workers"}
"""Those whose results are kept in docs/benchmarks."""


def benchmarks() -> dict[str, str]:
    """The name of each benchmark, and the first line of what it says of itself."""
    files = sorted(file for file in HERE.glob("*.py") if file.stem not in HELPERS)
    docs = {file.stem: ast.get_docstring(ast.parse(file.read_text())) or "" for file in files}
    return {name: text.splitlines()[0] if text else "" for name, text in docs.items()}


def main(arguments: list[str]) -> int:
    """Run what is asked for; return the exit status."""
    found = benchmarks()
    if arguments[:1] in (["--list"], ["-h"], ["--help"]):
        print(__doc__)
        for name, text in found.items():
            print(f"  {name:16} {text}")
        return 0
    is_all = arguments[:1] in ([], ["--quick"], ["--rounds"])
    if not is_all and arguments[0] not in found:
        print(f"there is no benchmark {arguments[0]!r}; there are {', '.join(found)}")
        return 2
    # A shell has what runs in the background ignore it, and so would the servers that it stops.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if is_all:
        names = sorted(COMPARING) if "--quick" in arguments else list(found)
        options, takers = (arguments, COMPARING) if arguments else (["--save"], SAVING)
    else:
        names, options, takers = [arguments[0]], arguments[1:], frozenset(found)
    status = 0
    for name in names:
        print(f"-- {name}: {found[name]}", flush=True)
        given = options if name in takers else []
        command = [sys.executable, HERE / f"{name}.py", *given]
        status = subprocess.run(command, cwd=HERE.parent).returncode or status
    if "--save" in options:
        subprocess.run([sys.executable, HERE / "report.py"], cwd=HERE.parent, check=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
