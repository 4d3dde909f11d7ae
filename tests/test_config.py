"""The configuration: what is read, and what a mistake is told."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.config import ConfigError, Overrides, load
from gateway.config_errors import line_of, one_line
from gateway.settings import DEFAULT_LISTEN

CONF = Path(__file__).resolve().parent.parent / "conf" / "pop3gw.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pop3gw.toml"


def refusal(file: Path, text: str | bytes, overrides: Overrides | None = None) -> str:
    """What a configuration is refused with, without the name of the file."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(file, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(file), "FILE")


def test_the_embedded_default_takes_passwords_from_loopback(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.embedded
    assert settings.auth.plaintext == "loopback"
    assert settings.listen == DEFAULT_LISTEN
    assert settings.listen.lmtp == ()
    assert settings.data == tmp_path / "pop3gw-data"


def test_an_empty_file_takes_no_password_in_clear(file: Path) -> None:
    file.write_text("")
    settings = load(file)
    assert not settings.embedded
    assert settings.auth.plaintext == "never"
    assert settings.listen == DEFAULT_LISTEN
    assert settings.data == file.parent / "pop3gw-data"


def test_what_the_file_says_is_taken(file: Path) -> None:
    file.write_text(
        'data = "mail"\n'
        '[listen]\npop3 = ["tcp:110"]\n'
        '[tls]\ncertificates = ["a.pem", "/etc/b.pem"]\n'
        '[smtp]\nlenient_networks = ["10.0.0.0/8", "::1"]\nbare_newlines = "normalise"\n'
        '[auth]\nannounce = ["APOP"]\nplaintext = "always"\n'
        "[limits]\nrecipients = 7\nsmtp_idle_seconds = 1.5\n"
    )
    settings = load(file)
    assert settings.data == file.parent / "mail"
    assert settings.listen.pop3 == ("tcp:110",)
    assert settings.listen.smtp == ()
    assert settings.tls.certificates == (file.parent / "a.pem", Path("/etc/b.pem"))
    assert settings.smtp.lenient_networks == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.auth.announce == ("APOP",)
    assert settings.limits.recipients == 7
    assert settings.limits.smtp_idle_seconds == 1.5


def test_settings_cannot_be_changed(file: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().limits.recipients = 3  # type: ignore[misc]


def test_one_listener_option_replaces_all_listeners_of_the_file(file: Path) -> None:
    file.write_text('[listen]\nsmtp = ["tcp:25"]\npop3 = ["tcp:110"]\n')
    listen = load(file, Overrides(pop3s=("tcp:0", "tcp:995"))).listen
    assert listen.pop3s == ("tcp:0", "tcp:995")
    assert listen.smtp == listen.pop3 == listen.lmtp == ()


def test_data_on_the_command_line_is_relative_to_the_working_directory(
    file: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file.write_text('data = "mail"\n')
    assert load(file, Overrides(data="here")).data == tmp_path / "elsewhere" / "here"


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[limits]\r\nrecipients = 5\r\n")
    assert load(file).limits.recipients == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lsten = 1", "FILE, line 1: lsten: there is no such setting; did you mean listen?"),
        (
            "[listen]\n# a\npop4 = []",
            "FILE, line 3: [listen] pop4: there is no such setting; did you mean pop3?",
        ),
        ("recipients = 3", "FILE, line 1: recipients: there is no such setting; it belongs below"),
        ('[listen]\npop3 = "tcp:1"', "FILE, line 2: [listen] pop3: must be a list in brackets"),
        ("[listen]\nsmtp = [3]", "FILE, line 2: [listen] smtp: must be text in quotes"),
        ('[listen]\nsmtp = [""]', "FILE, line 2: [listen] smtp: must not be empty"),
        ("listen = 3", "FILE, line 1: listen: must be a table, not 3; write [listen] on a line"),
        ('[limits]\nerrors = "x"', 'line 2: [limits] errors: must be a whole number, not "x"'),
        ("[limits]\nerrors = 1.5", "line 2: [limits] errors: must be a whole number, not 1.5"),
        ("limits = {errors = true}", "line 1: [limits] errors: must be a whole number, not true"),
        ("[limits]\nerrors = 0", "line 2: [limits] errors: must be at least 1, not 0"),
        ("[limits]\npop3_idle_seconds = 0", "[limits] pop3_idle_seconds: must be more than 0"),
        ('[smtp]\nbare_newlines = "x"', "[smtp] bare_newlines: must be 'refuse' or 'normalise'"),
        (
            '[smtp]\nlenient_networks = ["10.0.0.0/8",\n "home"]',
            'line 2: [smtp] lenient_networks: must be a network, for instance "192.168.1.0/24"',
        ),
        ('[smtp]\nrecipient_delimiter = "+-=/_"', "must be at most 4 character(s)"),
        ('[auth]\nannounce = ["SCRAM"]', "[auth] announce: must be 'APOP', 'CRAM-MD5', "),
        ("data = 3", 'FILE, line 1: data: must be a path in quotes, for instance "/etc/pop3gw"'),
        ("[tls]\ncertificates = 3", "line 2: [tls] certificates: must be a path in quotes"),
        (
            '[store]\nkind = "mbox"',
            "line 2: [store] kind: must be 'maildir' or 'sqlite', not \"mbox\"",
        ),
        ("a", "FILE, line 1: is not TOML: Expected '='"),
        ("[x]\n\n[x]\n", "FILE, line 3: is not TOML: Cannot declare"),
        ('a = "', "FILE, line 1: is not TOML: Unterminated string"),
        (b"\n# \xe9\n", "FILE, line 2: is not UTF-8 text (octet 0xE9); save the file in"),
        ('[tls]\nprofile = "legacy"', "line 2: [tls] profile: old TLS is not offered to everybody"),
        (
            '[tls]\nlegacy_listeners = ["tcp:1"]',
            'line 2: [tls] legacy_listeners: there is no listener "tcp:1"; write it as in [listen]',
        ),
        (
            '[tls]\ncertificates = "x"\nacme_names = ["a.example"]',
            "line 3: [tls] acme_names: certificates are taken from [tls] certificates",
        ),
        ('[tls]\nacme_directory = "http://a/"', "acme_directory: must be a URL with https://, not"),
        ('[tls]\nacme_names = ["a b"]', "line 2: [tls] acme_names: must be a host name, for inst"),
        ("[service]\nworkers = 0", "line 2: [service] workers: must be at least 1, not 0"),
    ],
)
def test_a_mistake_names_line_key_and_remedy(file: Path, text: str | bytes, expected: str) -> None:
    assert expected in refusal(file, text)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (Overrides(store="mbox"), "--store: must be 'maildir'"),
        (Overrides(workers=257), "--workers: must be at most 256, not 257"),
        (Overrides(workers=0), "--workers: must be at least 1, not 0"),
        (Overrides(smtp=("",)), "--smtp: must not be empty"),
        (Overrides(data=""), "--data: must not be empty"),
    ],
)
def test_a_mistake_on_the_command_line_names_the_option(
    file: Path, overrides: Overrides, expected: str
) -> None:
    assert refusal(file, "", overrides).startswith(expected)


def test_the_command_line_wins_about_workers(file: Path) -> None:
    file.write_text("[service]\nworkers = 3")
    assert load(file).service.workers == 3
    assert load(file, Overrides(workers=2)).service.workers == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; correct --config"):
        load(tmp_path / "nowhere.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder; name the file in it"):
        load(tmp_path)


def documented() -> set[str]:
    """Every setting that the example names, commented out or not, as "table.name"."""
    found, table = set(), ""
    for line in CONF.read_text("utf-8").splitlines():
        if header := re.match(r"\[(\w+)\]", line):
            table = f"{header[1]}."
        elif setting := re.match(r"#? ?(\w+) = ", line):
            found.add(table + setting[1])
    return found


def test_the_documented_file_holds_every_setting_and_no_other() -> None:
    expected = set()
    for table, value in load().model_dump().items():
        expected |= {f"{table}.{name}" for name in value} if isinstance(value, dict) else {table}
    assert documented() == expected


def test_the_documented_file_is_the_default_but_for_the_listeners(file: Path) -> None:
    text = CONF.read_text("utf-8")
    lines = [
        line[1:] if line[:1] == "#" and line[1:2] not in ("", " ") else line
        for line in text.splitlines()
    ]
    file.write_text("\n".join(lines))
    settings = load(file)
    file.write_text("")
    default = load(file)
    assert settings.model_dump(exclude={"listen"}) == default.model_dump(exclude={"listen"})


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a = 1\nb = 2", "b", 2),
        ("[t]\nb = 1\n[u]\nb = 2", "u.b", 4),
        ("t.b = 1", "t.b", 1),
        ("t = { b = 1 }", "t.b", 1),
        ('[ "t" ]\n"b" = 1', "t.b", 2),
        ("a = 1", "b", None),
        ("[t]\n", "t.b", 1),
    ],
)
def test_the_line_of_a_key_is_found(text: str, key: str, line: int | None) -> None:
    assert line_of(text, key) == line


def test_a_message_cannot_move_the_cursor() -> None:
    assert one_line("a\nb\x1b[2Jc") == "a b [2Jc"
