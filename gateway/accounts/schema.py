"""The tables of the account database, as the steps that made them.

The number of steps taken is kept in SQLite's `user_version`. A step that was ever released is
never edited: a change of the tables is one more step.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE domains (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE users (
    address TEXT PRIMARY KEY,
    local_part TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domains (name),
    password_hash TEXT NOT NULL,
    secret TEXT,
    enabled INTEGER NOT NULL DEFAULT 1,
    quota_octets INTEGER,
    quota_messages INTEGER,
    created REAL NOT NULL
);
CREATE UNIQUE INDEX users_by_name ON users (local_part, domain);
CREATE INDEX users_by_domain ON users (domain);

CREATE TABLE aliases (
    address TEXT PRIMARY KEY,
    local_part TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domains (name)
);
CREATE UNIQUE INDEX aliases_by_name ON aliases (local_part, domain);
CREATE INDEX aliases_by_domain ON aliases (domain);

CREATE TABLE alias_targets (
    id INTEGER PRIMARY KEY,
    alias TEXT NOT NULL REFERENCES aliases (address) ON DELETE CASCADE,
    target TEXT NOT NULL,
    UNIQUE (alias, target)
);
CREATE INDEX alias_targets_by_target ON alias_targets (target);
"""

_SECOND = """
ALTER TABLE users ADD COLUMN scram TEXT;
CREATE INDEX users_without_scram ON users (address) WHERE scram IS NULL OR scram = '';

CREATE TABLE app_passwords (
    digest BLOB PRIMARY KEY,
    address TEXT NOT NULL REFERENCES users (address) ON DELETE CASCADE,
    name TEXT NOT NULL,
    protocol TEXT,
    created REAL NOT NULL,
    UNIQUE (address, name)
);

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    octets BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO secrets VALUES ('scram', randomblob(32));
"""

_DOMAIN_QUOTAS = """
ALTER TABLE domains ADD COLUMN quota_octets INTEGER;
ALTER TABLE domains ADD COLUMN quota_messages INTEGER;
"""

_POLICIES = """
CREATE TABLE policies (
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (subject, key)
) WITHOUT ROWID;
CREATE TRIGGER policies_of_users AFTER DELETE ON users
BEGIN
    DELETE FROM policies WHERE subject = old.address;
END;
CREATE TRIGGER policies_of_domains AFTER DELETE ON domains
BEGIN
    DELETE FROM policies WHERE subject = old.name;
END;
"""

STEPS: tuple[str, ...] = (_FIRST, _SECOND, _DOMAIN_QUOTAS, _POLICIES)
