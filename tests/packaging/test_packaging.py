"""Installed from a wheel, in place, or not at all: twistd finds pop3gw."""

from __future__ import annotations

import ast
import configparser
import re
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, Environment, copy_of_checkout
from tests.programs import run
from tests.test_imports import imports_of


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_checkout(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    run([*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, checkout])
    (found,) = folder.glob("pop3gw-*.whl")
    return found


def test_the_wheel_holds_what_it_must_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "gateway/py.typed" in names
    assert "twisted/plugins/pop3gw_plugin.py" in names
    assert sorted(name for name in names if name.startswith("twisted/")) == [
        "twisted/plugins/pop3gw_checkers.py",
        "twisted/plugins/pop3gw_plugin.py",
        "twisted/plugins/pop3gw_reactor.py",
    ]
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "gateway").rglob("*.py")}
    assert modules <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "gateway",
        "twisted",
    }


def test_the_wheel_in_a_new_environment(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", dependencies=True)
    environment.install("--no-index", "--no-deps", wheel)
    assert "pop3gw" in environment.plugins(tmp_path)
    done = run([tmp_path / "venv/bin/pop3gw", "--help"], cwd=tmp_path)
    assert b"send-test" in done.stdout


@pytest.mark.parametrize(
    "mode", [[], ["--config-settings", "editable_mode=compat"]], ids=["plain", "compat"]
)
def test_an_editable_install(mode: list[str], tmp_path: Path) -> None:
    sources = copy_of_checkout(tmp_path)
    environment = Environment(tmp_path / "venv", dependencies=True)
    environment.install("--no-index", "--no-deps", "--no-build-isolation", *mode, "-e", sources)
    assert "pop3gw" in environment.plugins(tmp_path)
    where = environment.execute("-c", "import gateway; print(gateway.__file__)", cwd=tmp_path)
    assert where.strip() == str(sources / "gateway" / "__init__.py")


def test_the_checkout_on_the_python_path(checkout: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", dependencies=True)
    assert "pop3gw" not in environment.plugins(tmp_path)
    assert "pop3gw" in environment.plugins(checkout, ".")


@pytest.mark.slow
def test_the_wheel_brings_all_it_needs(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", dependencies=False)
    environment.install(wheel, timeout=300)
    assert "pop3gw" in environment.plugins(tmp_path)
    run([tmp_path / "venv/bin/pop3gw", "--data", tmp_path / "data", "domain", "list"])


def _required(*extras: str) -> set[str]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = settings["options"]["install_requires"].split("\n")
    for extra in extras:
        lines += settings["options.extras_require"][extra].split("\n")
    return {_canonical(re.split(r"[\[<>=!~ ]", line)[0]) for line in lines if line}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _third_party() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for entry in imports_of(path.read_text(encoding="utf-8"), module):
            top = entry.name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in ("gateway", "__future__"):
                found.setdefault(".".join(entry.name.split(".")[:2]), f"{path}:{entry.line}")
    return found


def test_what_is_imported_is_required() -> None:
    known = packages_distributions()
    required = _required("acme", "ldap", "pam")
    for name, where in _third_party().items():
        top = "zope.interface" if name == "zope.interface" else name.split(".")[0]
        given = {_canonical(one) for one in known.get(top, [top])}
        assert given & required, f"{where} imports {name}, which setup.cfg does not require"


def test_what_is_required_is_imported() -> None:
    behind_twisted = {"service-identity", "pyopenssl"}
    known = packages_distributions()
    imported: set[str] = set()
    for name in _third_party():
        top = "zope.interface" if name == "zope.interface" else name.split(".")[0]
        imported |= {_canonical(one) for one in known.get(top, [top])}
    assert _required() - imported - behind_twisted == set()


def test_the_plugin_folders_are_no_packages() -> None:
    assert not list((ROOT / "twisted").rglob("__init__.py"))
    plugin = ast.parse((ROOT / "twisted/plugins/pop3gw_plugin.py").read_text(encoding="utf-8"))
    assert len([node for node in plugin.body if isinstance(node, ast.Assign)]) >= 1
