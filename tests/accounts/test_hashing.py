"""Hashing off the reactor: its bounds, and the passwords that need none."""

from __future__ import annotations

from twisted.internet.task import Clock

from gateway.accounts.hashing import HashingOverloaded
from gateway.accounts.proven import ProvenPasswords
from gateway.accounts.schemes import UnknownScheme, verify
from tests.accounts.parts import Threads, cheap_hash, make_hashing, outcome, pending


def test_hash_and_verify() -> None:
    hashing = make_hashing(Threads())
    stored = outcome(hashing.hash("secret"))
    assert verify("secret", stored)
    assert outcome(hashing.verify("secret", stored)) is True
    assert outcome(hashing.verify("wrong", stored)) is False


def test_proven_password_costs_nothing() -> None:
    threads, stored = Threads(), cheap_hash("secret")
    hashing = make_hashing(threads)
    for _ in range(3):
        assert outcome(hashing.verify("secret", stored)) is True
    assert threads.called == ["verify"]


def test_wrong_password_is_hashed_each_time() -> None:
    threads, stored = Threads(), cheap_hash("secret")
    hashing = make_hashing(threads)
    assert outcome(hashing.verify("secret", stored)) is True
    for _ in range(2):
        assert outcome(hashing.verify("wrong", stored)) is False
    assert threads.called == ["verify"] * 3


def test_changed_hash_is_not_proven() -> None:
    threads = Threads()
    hashing = make_hashing(threads)
    assert outcome(hashing.verify("secret", cheap_hash("secret"))) is True
    assert outcome(hashing.verify("secret", cheap_hash("other"))) is False
    assert threads.called == ["verify"] * 2


def test_proof_ends() -> None:
    clock, threads, stored = Clock(), Threads(), cheap_hash("secret")
    hashing = make_hashing(threads, clock, proven_seconds=300)
    assert outcome(hashing.verify("secret", stored)) is True
    clock.advance(299)
    assert outcome(hashing.verify("secret", stored)) is True
    assert len(threads.called) == 1
    clock.advance(1)
    assert outcome(hashing.verify("secret", stored)) is True
    assert len(threads.called) == 2


def test_nothing_is_proven_for_ever_with_zero_seconds() -> None:
    threads, stored = Threads(), cheap_hash("secret")
    hashing = make_hashing(threads, proven_seconds=0)
    for _ in range(2):
        assert outcome(hashing.verify("secret", stored)) is True
    assert len(threads.called) == 2


def test_nobody_costs_a_hash() -> None:
    threads = Threads()
    hashing = make_hashing(threads)
    for _ in range(2):
        assert outcome(hashing.verify_nobody("secret")) is False
    assert threads.called == ["verify"] * 2


def test_unreadable_hash() -> None:
    hashing = make_hashing(Threads())
    assert isinstance(outcome(hashing.verify("secret", "{NTLM}x")), UnknownScheme)


def test_bounds() -> None:
    threads, stored = Threads(at_once=False), cheap_hash("secret")
    hashing = make_hashing(threads, parallel=2, queue=3)
    waiting = [hashing.verify("secret", stored) for _ in range(5)]
    assert len(threads.called) == 2
    assert isinstance(outcome(hashing.verify("secret", stored)), HashingOverloaded)
    assert isinstance(outcome(hashing.verify_nobody("secret")), HashingOverloaded)
    assert isinstance(outcome(hashing.hash("secret")), HashingOverloaded)
    for done in range(5):
        assert pending(waiting[done])
        threads.finish_one()
        assert outcome(waiting[done]) is True
    assert len(threads.called) == 5
    again = hashing.hash("secret")
    threads.finish_one()
    assert verify("secret", outcome(again))


def test_no_queue_at_all() -> None:
    threads = Threads(at_once=False)
    hashing = make_hashing(threads, parallel=1, queue=0)
    first = hashing.hash("secret")
    assert isinstance(outcome(hashing.hash("secret")), HashingOverloaded)
    threads.finish_one()
    assert verify("secret", outcome(first))


def test_proven_passwords_are_bounded() -> None:
    clock = Clock()
    proven = ProvenPasswords(clock.seconds, 60, most=3)
    for n in range(5):
        proven.add("hash", str(n))
    assert [proven.holds("hash", str(n)) for n in range(5)] == [False, False, True, True, True]
    assert len(proven) == 3
    clock.advance(60)
    proven.add("hash", "5")
    assert len(proven) == 1


def test_proven_passwords_keep_hash_and_password_apart() -> None:
    proven = ProvenPasswords(Clock().seconds, 60)
    proven.add("ab", "c")
    assert proven.holds("ab", "c")
    assert not proven.holds("a", "bc")
    assert not proven.holds("abc", "")


def test_proven_passwords_hold_no_password() -> None:
    proven = ProvenPasswords(Clock().seconds, 60)
    proven.add("THE-HASH", "THE-PASSWORD")
    kept = repr(vars(proven))
    assert "THE-PASSWORD" not in kept
    assert "THE-HASH" not in kept
