-- The ledger, what format 2 adds: holds, acceptances of reviews, alarms, locked accounts, the evaluator's position.

CREATE TABLE holds (
    id       INTEGER NOT NULL PRIMARY KEY REFERENCES events (seq),
    unit     TEXT,
    gtin     TEXT,
    lot      TEXT,
    place    TEXT,
    code     TEXT NOT NULL,
    rule     TEXT,
    state    TEXT NOT NULL,
    incident TEXT NOT NULL,
    body     TEXT NOT NULL,
    seq      INTEGER NOT NULL REFERENCES events (seq)
) STRICT;

CREATE INDEX holds_by_event ON holds (seq);

CREATE TABLE review_acceptances (
    unit TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    seq  INTEGER NOT NULL REFERENCES events (seq)
) STRICT;

CREATE INDEX review_acceptances_by_event ON review_acceptances (seq);

CREATE TABLE alarms (
    id   INTEGER NOT NULL PRIMARY KEY REFERENCES events (seq),
    code TEXT NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    body TEXT NOT NULL,
    seq  INTEGER NOT NULL REFERENCES events (seq)
) STRICT;

CREATE INDEX alarms_by_event ON alarms (seq);

CREATE TABLE user_locks (
    name         TEXT NOT NULL PRIMARY KEY REFERENCES users (name),
    locked_until INTEGER NOT NULL
) STRICT;

-- Beside the chain: how far the evaluator has looked, moved in the transaction that places what it found.
CREATE TABLE evaluator (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 2;
