"""Fresh virtual environments, and what Twisted finds from inside them."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from tests.programs import run

ROOT = Path(__file__).resolve().parent.parent.parent
LIST_PLUGINS = "from twisted.scripts.twistd import run; run()"


def copy_of_checkout(folder: Path) -> Path:
    """Copy the sources into `folder`, without what tools and gateways left in the tree."""
    return Path(
        shutil.copytree(
            ROOT,
            folder / "checkout",
            ignore=shutil.ignore_patterns(
                ".*", "__pycache__", "build", "dist", "*.egg-info", "dropin.cache", "*-data"
            ),
        )
    )


class Environment:
    """A virtual environment without pip, driven from outside.

    @param dependencies: whether the packages that the tests run with can be imported, pop3gw
        itself excepted: then nothing has to come over the network.
    """

    def __init__(self, folder: Path, *, dependencies: bool) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        run([sys.executable, "-m", "venv", "--without-pip", folder])
        if dependencies:
            self._site_packages().joinpath("dependencies.pth").write_text(
                f"{sysconfig.get_path('purelib')}\n", encoding="utf-8"
            )

    def _site_packages(self) -> Path:
        (found,) = (self.folder / "lib").glob("python3*/site-packages")
        return found

    def install(self, *arguments: str | Path, timeout: float = 120) -> None:
        """Install with the pip of the environment the tests run in."""
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            self.python,
            "--disable-pip-version-check",
        ]
        run([*pip, "install", "--quiet", *arguments], timeout=timeout, cwd=self.folder)

    def execute(self, *arguments: str | Path, cwd: Path, python_path: str = "") -> str:
        """Run Python in the environment and return what it prints."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        env["PYTHONPATH"] = python_path
        return run([self.python, *arguments], cwd=cwd, env=env).stdout.decode("utf-8")

    def plugins(self, cwd: Path, python_path: str = "") -> list[str]:
        """List the names of the services that `twistd --help` offers."""
        text = self.execute("-c", LIST_PLUGINS, "--help", cwd=cwd, python_path=python_path)
        lines = text.partition("Commands:")[2].splitlines()
        return [line.split()[0] for line in lines if line.startswith("    ") and line.split()]
