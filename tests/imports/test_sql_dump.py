"""Dumps of the SQL tables that mail servers keep their users in."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.imports.errors import DamagedLine, SourceError
from gateway.imports.old_users import OldUser
from gateway.imports.sql_dump import is_dump, parse

MYSQL = r"""-- MySQL dump 10.13
DROP TABLE IF EXISTS `alias`;
CREATE TABLE `alias` (
  `address` varchar(255) NOT NULL,
  `goto` text NOT NULL,
  PRIMARY KEY (`address`)
) ENGINE=InnoDB;
INSERT INTO `alias` VALUES ('info@example.org','anna@example.org');
CREATE TABLE `mailbox` (
  `username` varchar(255) NOT NULL DEFAULT 'a, b',
  `password` varchar(255) NOT NULL,
  `name` varchar(255) CHARACTER SET utf8 NOT NULL,
  `quota` bigint(20) NOT NULL DEFAULT 0,
  `created` datetime NOT NULL DEFAULT current_timestamp(),
  `active` tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`username`),
  KEY `domain` (`name`)
) ENGINE=InnoDB;
LOCK TABLES `mailbox` WRITE;
INSERT INTO `mailbox` VALUES ('anna@example.org','$1$salt$hash','O\'Brien, (A.)\n',0,'2020',1),
('ben@example.org','{SSHA}ab''c',NULL,-1,now(),0);
"""

POSTGRES = r"""-- PostgreSQL database dump
CREATE TABLE public.virtual_users (
    id integer NOT NULL,
    email character varying(100),
    password character varying(150)
);
COPY public.virtual_users (id, email, password) FROM stdin;
1	anna@example.org	{PLAIN}back\\slash\ttab
2	ben@example.org	\N
\.
"""


def test_mysql() -> None:
    assert parse(MYSQL) == [
        OldUser(20, "anna@example.org", "$1$salt$hash"),
        OldUser(21, "ben@example.org", "{SSHA}ab'c", enabled=False),
    ]


def test_postgres() -> None:
    assert parse(POSTGRES) == [
        OldUser(8, "anna@example.org", "{PLAIN}back\\slash\ttab"),
        OldUser(9, "ben@example.org", ""),
    ]


def test_what_sqlite_dumps() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE users (userid TEXT, domain TEXT, password TEXT, home TEXT)")
    rows = [
        ("anna", "example.org", "{PLAIN}it's \\ (a), b", "/home/anna"),
        ("ben", "b.org", "x", ""),
    ]
    database.executemany("INSERT INTO users VALUES (?, ?, ?, ?)", rows)
    assert parse("\n".join(database.iterdump())) == [
        OldUser(3, "anna@example.org", "{PLAIN}it's \\ (a), b", "/home/anna"),
        OldUser(4, "ben@b.org", "x"),
    ]


def test_columns_named_in_the_insert() -> None:
    text = "INSERT INTO users (crypt, id) VALUES ('$1$a$b', 'anna@example.org');\n"
    assert parse(text) == [OldUser(1, "anna@example.org", "$1$a$b")]


def test_several_tables() -> None:
    text = (
        "INSERT INTO admins (username, password) VALUES ('root', 'x');\n"
        "INSERT INTO mailbox (username, password) VALUES ('anna', 'y');\n"
    )
    with pytest.raises(SourceError, match="name one of admins, mailbox with --table"):
        parse(text)
    assert parse(text, "mailbox") == [OldUser(2, "anna", "y")]


def test_no_table() -> None:
    with pytest.raises(SourceError, match="no table with rows has a column"):
        parse("CREATE TABLE a (b TEXT);\nINSERT INTO a VALUES ('c');\n")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\nINSERT INTO u (user, password) VALUES ('anna', 'x'),\n('ben', 'y\n", 3),
        ("INSERT INTO u (user, password) VALUES ('anna');\n", 1),
        ("COPY u (email, password) FROM stdin;\na\tb\n", 2),
        ("COPY u (email, password) FROM stdin;\na\tb\nc\n\\.\n", 3),
    ],
)
def test_damage(text: str, number: int) -> None:
    with pytest.raises(DamagedLine) as caught:
        parse(text)
    assert caught.value.number == number


def test_what_is_a_dump() -> None:
    assert is_dump(MYSQL)
    assert is_dump(POSTGRES)
    assert not is_dump("anna@example.org:{PLAIN}INSERT INTO x VALUES\n")
