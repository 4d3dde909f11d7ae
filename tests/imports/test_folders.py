"""`pop3gw import dovecot|courier|maildir`, from the file system to our store."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from gateway.imports import target
from gateway.imports.journal import Journal
from gateway.imports.target import TargetMailbox
from gateway.store.interfaces import StorageFull
from gateway.store.kinds import KINDS
from gateway.store.maildir.incoming import IncomingMessage
from tests.admin.commands import Office
from tests.admin.terminal import at_terminal
from tests.imports.maildirs import SECONDS, OldMaildir, held, ours, put, remove

ANNA = "anna@example.org"

every_kind = pytest.mark.parametrize("office", sorted(KINDS), indirect=True)


class FastClock(Clock):
    """A clock that shortens the wait."""

    def advance(self, rightNow: float) -> None:
        super().advance(rightNow * 100)


def report(office: Office, *words: object, status: int = 0) -> dict[str, Any]:
    """Import, and return what is told of the one mailbox."""
    (mailbox,) = office("import", *words, "--json", status=status).json["mailboxes"]
    return dict(mailbox)


def dovecot_mailbox(maildir: OldMaildir) -> list[str]:
    """Three messages, two of them in dovecot-uidlist."""
    bases = [maildir.add() for _ in range(3)]
    maildir.write("dovecot-uidlist", f"3 V16 N9\n4 :{bases[0]}\n5 PX-7 :{bases[1]}\n".encode())
    return bases


@every_kind
def test_uidls_order_and_time(office: Office, maildir: OldMaildir) -> None:
    dovecot_mailbox(maildir)
    told = report(office, "dovecot", maildir.folder, ANNA)
    assert (told["messages"], told["kept"]) == (3, 2)
    assert told["new"] == {"the old server has shown it to no client yet": 1}
    messages = ours(office)
    assert [message.uidl for message in messages[:2]] == ["0000000400000010", "X-7"]
    assert messages[2].uidl not in ("", "0000000500000010")
    assert [message.octets for message in messages] == [
        b"Subject: %d\r\n\r\ntext\r\n" % number for number in (1, 2, 3)
    ]
    assert [message.arrived for message in messages] == [
        SECONDS + 60 * number for number in (1, 2, 3)
    ]


@every_kind
def test_dovecots_order_wins_over_times(office: Office, maildir: OldMaildir) -> None:
    late = maildir.add(b"late\n", modified=SECONDS + 9000)
    early = maildir.add(b"early\n", modified=SECONDS)
    first = maildir.add(b"first\n", modified=SECONDS + 5)
    maildir.write("dovecot-uidlist", f"3 V1 N9\n1 :{late}\n2 :{early}\n3 O1 :{first}\n".encode())
    office("import", "dovecot", maildir.folder, ANNA)
    messages = ours(office)
    assert [message.octets for message in messages] == [b"first\r\n", b"late\r\n", b"early\r\n"]
    # None seems older than it is: it would expire early.
    assert [message.arrived - SECONDS for message in messages] == pytest.approx([5, 9000, 9000])


def test_a_dry_run_changes_nothing(office: Office, maildir: OldMaildir) -> None:
    dovecot_mailbox(maildir)
    told = report(office, "dovecot", maildir.folder, ANNA, "--dry-run")
    assert (told["kept"], sum(told["new"].values())) == (2, 1)
    assert ours(office) == []
    assert not (office.data / "imports").exists()


@every_kind
def test_a_second_run_imports_nothing_twice(office: Office, maildir: OldMaildir) -> None:
    dovecot_mailbox(maildir)
    office("import", "dovecot", maildir.folder, ANNA)
    assert report(office, "dovecot", maildir.folder, ANNA)["here"] == 3
    maildir.add(b"one more\n")
    assert report(office, "dovecot", maildir.folder, ANNA, "--dry-run")["here"] == 3
    told = report(office, "dovecot", maildir.folder, ANNA)
    assert (told["here"], sum(told["new"].values())) == (3, 1)
    assert [message.octets for message in ours(office)][3:] == [b"one more\r\n"]


@every_kind
def test_what_was_deleted_here_does_not_come_back(office: Office, maildir: OldMaildir) -> None:
    dovecot_mailbox(maildir)
    office("import", "dovecot", maildir.folder, ANNA)
    remove(office, [0])
    assert report(office, "dovecot", maildir.folder, ANNA)["here"] == 3
    assert len(ours(office)) == 2


def test_what_was_deleted_here_comes_back_when_asked_for(
    office: Office, maildir: OldMaildir
) -> None:
    dovecot_mailbox(maildir)
    office("import", "dovecot", maildir.folder, ANNA)
    before = ours(office)
    remove(office, [0, 1])
    told = report(office, "dovecot", maildir.folder, ANNA, "--again")
    assert (told["here"], told["kept"]) == (1, 2)
    assert [message.uidl for message in ours(office)] == [message.uidl for message in before]
    assert report(office, "dovecot", maildir.folder, ANNA, "--again")["here"] == 3


@every_kind
def test_after_a_purge_all_is_imported_anew(office: Office, maildir: OldMaildir) -> None:
    dovecot_mailbox(maildir)
    office("import", "dovecot", maildir.folder, ANNA)
    office("user", "remove", "--purge", ANNA)
    office.add(ANNA)
    assert report(office, "dovecot", maildir.folder, ANNA)["kept"] == 2
    assert len(ours(office)) == 3


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_run_after_a_crash_goes_on(office: Office, maildir: OldMaildir, lost: int) -> None:
    """The last lines of the journal were not written, and the next one was torn."""
    dovecot_mailbox(maildir)
    office("import", "dovecot", maildir.folder, ANNA)
    journal = office.data / "imports" / ANNA
    lines = journal.read_bytes().split(b"\n\n")
    journal.write_bytes(b"\n\n".join(lines[: 3 - lost]) + b'\n{"key": "16')
    maildir.add(b"next\n")
    before = ours(office)
    told = report(office, "dovecot", maildir.folder, ANNA)
    assert (told["here"], told["kept"]) == (3, 0)
    assert ours(office)[:3] == before
    assert len(ours(office)) == 4
    assert report(office, "dovecot", maildir.folder, ANNA)["here"] == 4


@every_kind
def test_a_message_here_already_gets_its_old_uidl(office: Office, maildir: OldMaildir) -> None:
    """Somebody had copied the mail, without its unique-ids."""
    bases = [maildir.add(b"Subject: one\n\nx\n"), maildir.add(b"Subject: three\n\nx\n")]
    maildir.write("dovecot-uidlist", f"3 V1 N9\n1 :{bases[0]}\n2 :{bases[1]}\n".encode())
    put(office, b"Subject: one\r\n\r\nx\r\n")
    put(office, b"Subject: other\r\n\r\nx\r\n")
    for dry in (["--dry-run"], []):
        told = report(office, "dovecot", maildir.folder, ANNA, *dry)
        assert (told["kept"], told["renamed"], told["here"]) == (2, 1, 0)
    assert {message.octets.split()[1]: message.uidl[:8] for message in ours(office)} == {
        b"one": "00000001",
        b"three": "00000002",
        b"other": ours(office)[0].uidl[:8],
    }


def test_of_two_equal_messages_both_stay(office: Office, maildir: OldMaildir) -> None:
    """One of them was imported, and the journal of that is lost."""
    first, second = maildir.add(b"the same\n"), maildir.add(b"the same\n")
    (maildir.folder / "new" / first).rename(maildir.folder / first)
    office("import", "maildir", maildir.folder, ANNA)
    (maildir.folder / first).rename(maildir.folder / "new" / first)
    (office.data / "imports" / ANNA).unlink()
    told = report(office, "maildir", maildir.folder, ANNA)
    assert (told["here"], told["kept"], told["renamed"]) == (1, 1, 0)
    assert sorted(message.uidl for message in ours(office)) == [first, second]


def test_nothing_is_given_up_for_what_cannot_be_stored(
    office: Office, maildir: OldMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(office, b"Subject: one\r\n")
    maildir.add(b"Subject: one\n")
    maildir.add(b"Subject: two\n")

    def sync(self: object) -> None:
        raise StorageFull("no room is left")

    with monkeypatch.context() as patched:
        patched.setattr(IncomingMessage, "sync", sync)
        done = office("import", "maildir", maildir.folder, ANNA, status=1)
    assert "no room is left" in done.out
    assert [message.octets for message in ours(office)] == [b"Subject: one\r\n"]


def test_a_uidl_that_another_message_has(office: Office, maildir: OldMaildir) -> None:
    first, second = maildir.add(b"from the first server\n"), maildir.add(b"and the second\n")
    maildir.write("dovecot-uidlist", f"3 V1 N9\n1 :{first}\n2 P00000001 :{second}\n".encode())
    told = report(office, "dovecot", maildir.folder, ANNA, "--uidl-format", "%08Xu")
    assert told["new"] == {"the old server has another message with the same unique-id": 1}
    other = OldMaildir(maildir.folder.parent / "other")
    other.write("dovecot-uidlist", f"3 V1 N9\n1 :{other.add(b'other', 'other-1')}\n".encode())
    told = report(office, "dovecot", other.folder, ANNA, "--uidl-format", "%08Xu")
    assert told["new"] == {"another message here has that unique-id already": 1}
    assert len({message.uidl for message in ours(office)}) == 3


def test_a_uidl_that_no_server_may_give(office: Office, maildir: OldMaildir) -> None:
    long = maildir.add(name="1600000000.M1P1." + "x" * 60)
    maildir.write("dovecot-uidlist", f"3 V1 N9\n1 :{long}\n".encode())
    told = report(office, "dovecot", maildir.folder, ANNA, "--uidl-format", "%f")
    ((because, number),) = told["new"].items()
    assert number == 1
    assert "RFC 1939" in because


def test_md5_is_taken_where_it_was_saved(office: Office, maildir: OldMaildir) -> None:
    saved, not_saved = maildir.add(), maildir.add()
    maildir.write("dovecot-uidlist", f"3 V1 N9\n1 Pabcd :{saved}\n2 :{not_saved}\n".encode())
    told = report(office, "dovecot", maildir.folder, ANNA, "--uidl-format", "%m")
    assert told["kept"] == 1
    ((because, _),) = told["new"].items()
    assert "mbox" in because
    assert ours(office)[0].uidl == "abcd"


def test_uidlist_in_another_folder(office: Office, maildir: OldMaildir, tmp_path: Path) -> None:
    base = maildir.add()
    control = tmp_path / "control" / "anna"
    control.mkdir(parents=True)
    (control / "dovecot-uidlist").write_text(f"3 V1 N9\n1 :{base}\n")
    template = tmp_path / "control" / "%n"
    assert report(office, "dovecot", maildir.folder, ANNA, "--control", template)["kept"] == 1


def test_courier(office: Office, maildir: OldMaildir) -> None:
    bases = [maildir.add(), maildir.add()]
    maildir.write("courierpop3dsizelist", f"/3 3 77\n{bases[0]}:2,S 18 1:77:0\n".encode())
    told = report(office, "courier", maildir.folder, ANNA)
    assert told["kept"] == 1
    assert told["new"] == {"the old server has shown it to no client yet": 1}
    assert ours(office)[0].uidl == "UID1-77"


def test_any_maildir(office: Office, maildir: OldMaildir) -> None:
    base = maildir.add()
    (maildir.folder / "new" / base).rename(maildir.folder / "cur" / f"{base}:2,RS")
    maildir.add(b"a\r\nb\0\rc")
    assert report(office, "maildir", maildir.folder, ANNA)["kept"] == 2
    assert ours(office)[0].uidl == base
    assert ours(office)[1].octets == b"a\r\nb\0\rc\r\n"


def test_a_maildir_of_our_own(office: Office, maildir: OldMaildir, tmp_path: Path) -> None:
    dovecot_mailbox(maildir)
    other = Office(tmp_path / "other")
    other.folder.mkdir()
    other("--store", "maildir", "domain", "add", "example.org")
    other.add(ANNA)
    other("import", "dovecot", maildir.folder, ANNA)
    office("import", "maildir", other.data / "mail/example.org/anna", ANNA)
    there = [(message.uidl, message.octets) for message in ours(other)]
    assert there == [(message.uidl, message.octets) for message in ours(office)]


@pytest.mark.parametrize(
    ("kind", "file", "octets", "what"),
    [
        ("dovecot", "dovecot-uidlist", b"3 V1 N9\nx\n", "dovecot-uidlist, line 2: 'x' is not"),
        ("dovecot", "nothing", b"", "has no dovecot-uidlist: name the folder"),
        ("courier", "courierpop3dsizelist", b"/9 1 1\n", "courierpop3dsizelist, line 1: '/9 1 1'"),
        ("courier", "nothing", b"", "has no courierpop3dsizelist"),
        ("maildir", "new/1600.gz", b"\x1f\x8b\x08\0", "new/1600.gz is compressed (gzip)"),
    ],
)
def test_damage_is_named_and_nothing_imported(
    office: Office, maildir: OldMaildir, kind: str, file: str, octets: bytes, what: str
) -> None:
    maildir.add()
    maildir.write(file, octets)
    done = office("import", kind, maildir.folder, ANNA, status=1)
    assert what in done.err
    assert done.err.endswith("nothing was imported\n")
    assert ours(office) == []


def test_no_maildir(office: Office, tmp_path: Path) -> None:
    (tmp_path / "mbox").mkdir()
    done = office("import", "maildir", tmp_path / "mbox", ANNA, status=1)
    assert "is not a Maildir" in done.err
    assert "pop3gw import pop3" in done.err
    done = office("import", "maildir", tmp_path / "absent", ANNA, status=1)
    assert f"there is no folder {tmp_path / 'absent'}" in done.err


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_many_messages_are_one_commit_of_the_database(office: Office, maildir: OldMaildir) -> None:
    bases = [maildir.add() for _ in range(300)]
    office("import", "maildir", maildir.folder, ANNA)
    assert [message.uidl for message in ours(office)] == bases
    with closing(sqlite3.connect(office.data / "sqlite" / "mail.sqlite")) as database:
        assert database.execute("SELECT change FROM store").fetchone() == (1,)


@every_kind
def test_when_the_disk_is_full_a_later_run_goes_on(
    office: Office, maildir: OldMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        maildir.add()
    store = TargetMailbox.store
    calls: list[TargetMailbox] = []

    def full(box: TargetMailbox, *arguments: Any) -> None:
        if calls:
            raise StorageFull("no room is left")
        calls.append(box)
        store(box, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(TargetMailbox, "store", full)
        done = office("import", "maildir", maildir.folder, ANNA, status=1)
    assert "not all of it: no room is left" in done.out
    told = report(office, "maildir", maildir.folder, ANNA)
    assert (told["here"], told["kept"]) == (1, 2)
    assert len(ours(office)) == 3


def test_a_message_that_cannot_be_read_holds_up_no_other(
    office: Office, maildir: OldMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = [maildir.add() for _ in range(3)]
    real_open = os.open

    def failing(path: Any, *arguments: Any, **named: Any) -> int:
        if str(path).endswith(bases[1]):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return real_open(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", failing)
        done = office("import", "maildir", maildir.folder, ANNA, status=1)
    bad = maildir.folder / "new" / bases[1]
    assert f"not imported: {bad}: input/output error" in done.out
    assert f"not imported whole: {ANNA}" in done.err
    assert [message.uidl for message in ours(office)] == [bases[0], bases[2]]
    office("import", "maildir", maildir.folder, ANNA)
    assert [message.uidl for message in ours(office)] == bases


def test_a_message_that_the_old_server_deletes_meanwhile(
    office: Office, maildir: OldMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = [maildir.add() for _ in range(2)]
    writing = Journal.writing

    def instead(journal: Journal) -> Any:
        (maildir.folder / "new" / bases[0]).unlink()
        return writing(journal)

    monkeypatch.setattr(Journal, "writing", instead)
    assert report(office, "maildir", maildir.folder, ANNA)["vanished"] == 1
    assert [message.uidl for message in ours(office)] == bases[1:]


def test_a_message_that_is_read_there_meanwhile(
    office: Office, maildir: OldMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = maildir.add()
    writing = Journal.writing

    def instead(journal: Journal) -> Any:
        (maildir.folder / "new" / base).rename(maildir.folder / "cur" / f"{base}:2,S")
        return writing(journal)

    monkeypatch.setattr(Journal, "writing", instead)
    assert report(office, "maildir", maildir.folder, ANNA)["kept"] == 1


@every_kind
def test_a_mailbox_in_use(
    office: Office, maildir: OldMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    maildir.add()
    put(office, b"here\r\n")
    with held(office, ANNA):
        monkeypatch.setattr(target, "Clock", FastClock)
        done = office("import", "maildir", maildir.folder, ANNA, status=1)
    assert "in use" in done.out
    assert f"not imported whole: {ANNA}" in done.err
    assert len(ours(office)) == 1


def test_two_imports_at_once(office: Office, maildir: OldMaildir) -> None:
    maildir.add()
    with Journal(office.data / "imports", ANNA).writing():
        done = office("import", "maildir", maildir.folder, ANNA, status=1)
    assert f"another import into {ANNA} is at work" in done.out
    assert ours(office) == []


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (["dovecot", "X"], 2, "name one user as USER@DOMAIN, or many with --users"),
        (["dovecot", "X", "ben@example.org"], 1, "there is no user ben@example.org"),
        (["dovecot", "X", "ben"], 1, "is not an address"),
        (["dovecot", "X", ANNA, "--uidl-format", "%q"], 2, "%q is not known"),
        (["maildir", "/x/%t", ANNA], 1, "%t is none of the variables"),
        (["maildir", "%h", ANNA], 1, "names no home folder"),
        (["cyrus", "X"], 2, "No such command"),
    ],
)
def test_wrong_usage(office: Office, words: list[str], status: int, what: str) -> None:
    assert what in office("import", *words, status=status).err


def test_the_report(office: Office, maildir: OldMaildir) -> None:
    dovecot_mailbox(maildir)
    out = office("import", "dovecot", maildir.folder, ANNA, "--dry-run").out
    assert out.splitlines() == [
        f"{ANNA}: 3 messages in {maildir.folder}",
        "        2  with the unique-id that mail programs know: not fetched again",
        "        1  new to mail programs: the old server has shown it to no client yet",
        "this was a dry run: nothing was changed",
    ]


def test_a_person_sees_a_bar(office: Office, maildir: OldMaildir) -> None:
    maildir.add()
    words = ["--data", office.data, "import", "maildir", maildir.folder, ANNA]
    shown = at_terminal(words, office.folder, [])
    assert shown.status == 0
    assert "importing" in shown.text
    assert "1/1" in shown.text
    assert json.dumps(ANNA) not in shown.text
