-- The ledger, format 1. Times are milliseconds since the epoch, hashes lowercase hexadecimal.

CREATE TABLE events (
    seq           INTEGER NOT NULL PRIMARY KEY,
    recorded_at   INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    kind          TEXT NOT NULL,
    body          TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash          TEXT NOT NULL
) STRICT;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event of the ledger is never changed'); END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event of the ledger is never deleted'); END;

-- Where the events end. An appender moves it only from where it left it, so two can never fork the chain.
CREATE TABLE ledger_head (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE registry (
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    seq         INTEGER NOT NULL REFERENCES events (seq),
    recorded_at INTEGER NOT NULL,
    current     INTEGER NOT NULL CHECK (current IN (0, 1)),
    PRIMARY KEY (kind, key, version)
) STRICT;

CREATE INDEX registry_by_event ON registry (seq);

CREATE TABLE tokens (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    gateway    TEXT,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- Beside the chain: a use is no act, and noting it must cost no event.
CREATE TABLE token_uses (
    id           TEXT NOT NULL PRIMARY KEY REFERENCES tokens (id),
    last_used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    name            TEXT NOT NULL PRIMARY KEY,
    role            TEXT NOT NULL,
    password_digest TEXT NOT NULL,
    one_time        INTEGER NOT NULL CHECK (one_time IN (0, 1)),
    created_at      INTEGER NOT NULL,
    password_hash   TEXT NOT NULL
) STRICT;

PRAGMA user_version = 1;
