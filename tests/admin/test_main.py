"""The `pop3gw` command as a whole: its options, its exit status, what it says of mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.admin.main import NOUNS, pop3gw
from tests.admin.commands import ROOT, Office, real

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root works in others' folders")
NOBODY = 65534


def test_help_names_every_noun_with_a_whole_sentence() -> None:
    done = CliRunner().invoke(pop3gw, ["--help"])
    assert done.exit_code == 0
    for noun in NOUNS:
        (line,) = [line for line in done.output.splitlines() if line.startswith(f"  {noun} ")]
        assert line.endswith("."), line
        assert not line.endswith("..."), line


@pytest.mark.parametrize(
    "words",
    [
        *([noun] for noun in NOUNS),
        *(["domain", verb] for verb in ("add", "list", "remove")),
        *(["user", verb] for verb in ("add", "passwd", "remove", "show", "list", "set")),
        *(["alias", verb] for verb in ("add", "remove", "list")),
    ],
    ids=" ".join,
)
def test_each_help_has_an_example(words: list[str]) -> None:
    done = CliRunner().invoke(pop3gw, [*words, "--help"])
    assert done.exit_code == 0
    assert "Example: pop3gw " in done.output
    assert f"Example: pop3gw {words[0]}" in done.output or words[0] == "check"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["--nonsense"],
        ["user", "nonsense"],
        ["user", "show"],
        ["user", "list", "a", "b"],
        ["user", "list", "--nonsense"],
        ["domain", "add"],
        ["check", "this"],
        ["send-test"],
        ["--data"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(words: list[str], tmp_path: Path) -> None:
    done = real(words, tmp_path)
    assert done.status == 2
    assert done.out == ""
    assert done.err
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_in_the_working_directory_by_default(tmp_path: Path) -> None:
    assert real(["domain", "add", "example.org"], tmp_path).status == 0
    assert (tmp_path / "pop3gw-data" / "accounts.sqlite").exists()


def test_the_configuration_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "pop3gw.toml"
    file.write_text('data = "mine"\n')
    assert real(["--config", file, "domain", "add", "example.org"], tmp_path).status == 0
    assert (tmp_path / "etc" / "mine" / "accounts.sqlite").exists()
    assert real(["--data", "etc/mine", "domain", "list"], tmp_path).out.startswith("example.org")
    assert real(["--config", file, "--data", "other", "domain", "list"], tmp_path).out == ""
    assert (tmp_path / "other").is_dir()


def test_the_kind_of_store_must_agree(tmp_path: Path) -> None:
    assert real(["--store", "maildir", "domain", "list"], tmp_path).status == 0
    assert real(["--store", "maildir", "domain", "list"], tmp_path).status == 0
    done = real(["--store", "shoebox", "domain", "list"], tmp_path)
    assert done.status == 1
    assert "--store" in done.err
    assert "maildir" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[listen\n", ["line 1", "TOML"]),
        ("\n[limits]\nrecipents = 3\n", ["line 3", "recipents", "recipients"]),
        ('[limits]\nrecipients = "3"\n', ["line 2", "recipients", "number"]),
        ('data = "\xe9"\n', ["line 1", "UTF-8"]),
    ],
)
@pytest.mark.parametrize("words", [["user", "list"], ["check"]], ids=" ".join)
def test_a_broken_configuration(
    text: str, said: list[str], words: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "pop3gw.toml"
    file.write_text(text, encoding="latin-1")
    done = real(["--config", file, *words], tmp_path)
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    for part in (str(file), *said):
        assert part in done.err
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("words", [["user", "list"], ["domain", "add", "x.example"], ["check"]])
def test_a_folder_that_cannot_be(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        done = real(["--data", data, *words], tmp_path)
        assert done.status == 1
        assert str(tmp_path / "file") in done.err.splitlines()[0]


@pytest.mark.parametrize("words", [["user", "list"], ["domain", "add", "x.example"], ["check"]])
def test_a_damaged_database(words: list[str], org: Office) -> None:
    for file in org.data.glob("accounts.sqlite*"):
        file.unlink()
    (org.data / "accounts.sqlite").write_bytes(b"not a database\n" * 1000)
    done = org.run(*words, status=1)
    assert str(org.data / "accounts.sqlite") in done.err


def test_a_reader_that_goes_away_is_no_mistake(org: Office) -> None:
    lines = "".join(f"u{n:04}@example.org,{{PLAIN}}x\n" for n in range(3))
    (org.folder / "users.csv").write_text(lines)
    org("user", "add", "--from", org.folder / "users.csv")
    command = f"{sys.executable} -m gateway.admin --data {org.data} user list --json | head -c 1"
    done = subprocess.run(
        ["sh", "-c", command],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == b"["
    assert b"Traceback" not in done.stderr


def test_a_terminal_that_lacks_a_letter(org: Office) -> None:
    org("user", "add", "łukasz@example.org", "--password-stdin", stdin="x\n")
    done = subprocess.run(
        [sys.executable, "-m", "gateway.admin", "--data", str(org.data), "user", "list"],
        env={
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "latin-1",
            "PYTHONUTF8": "0",
        },
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert b"\\u0142ukasz@example.org" in done.stdout


@needs_root
def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)  # so that the owner gets there
    os.chown(data, NOBODY, NOBODY)
    data.chmod(0o700)
    office = Office(tmp_path)
    office.run("domain", "add", "example.org")
    office.run("user", "add", "anna@example.org", "--password-stdin", stdin="x\n")
    office.run("alias", "add", "info@example.org", "anna@example.org")
    office.run("user", "show", "anna@example.org")
    config = tmp_path / "pop3gw.toml"
    config.write_text('data = "data"\n[listen]\nsmtp = ["tcp:0"]\n')
    assert real(["--config", config, "check"], tmp_path).status == 0
    strangers = [path for path in data.rglob("*") if path.stat().st_uid != NOBODY]
    assert strangers == []
    assert (data / "accounts.sqlite").exists()


@needs_root
def test_a_file_of_users_that_only_root_can_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    os.chown(data, NOBODY, NOBODY)
    office = Office(tmp_path)
    office.run("domain", "add", "example.org")
    file = tmp_path / "users.csv"
    file.write_text("anna@example.org,secret\n")
    file.chmod(0o600)
    office.run("user", "add", "--from", file)


AS_NOBODY = f"""
import os, sys
from gateway import config
from gateway.admin import checks, domain, user, main
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
main.main()
"""


@needs_root
@pytest.mark.parametrize("words", [["user", "list"], ["domain", "add", "x.example"]], ids=" ".join)
def test_a_folder_of_somebody_else(words: list[str], org: Office) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "--data", str(org.data), *words],
        env={"PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done
    assert b"Traceback" not in done.stderr
    assert str(org.data).encode() in done.stderr
