-- The outbox, format 1. Times are milliseconds since the epoch. What is told, to whom, and every attempt only grow;
-- `pending`, `unanswered` and `cursor` are what is still to do, and follow from them and from the ledger.

CREATE TABLE notifications (
    id         TEXT NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    incident   TEXT,
    alarms     TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    body       TEXT NOT NULL,
    quiet      INTEGER NOT NULL CHECK (quiet IN (0, 1))
) STRICT;

CREATE INDEX notifications_by_incident ON notifications (incident);

CREATE TRIGGER notifications_are_never_changed BEFORE UPDATE ON notifications
BEGIN SELECT RAISE(ABORT, 'a notification is never changed'); END;

CREATE TRIGGER notifications_are_never_deleted BEFORE DELETE ON notifications
BEGIN SELECT RAISE(ABORT, 'a notification is never deleted'); END;

CREATE TABLE deliveries (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    notification TEXT NOT NULL REFERENCES notifications (id),
    channel      TEXT NOT NULL,
    recipient    TEXT NOT NULL,
    level        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (notification, channel, recipient)
) STRICT;

CREATE TRIGGER deliveries_are_never_changed BEFORE UPDATE ON deliveries
BEGIN SELECT RAISE(ABORT, 'a delivery is never changed'); END;

CREATE TRIGGER deliveries_are_never_deleted BEFORE DELETE ON deliveries
BEGIN SELECT RAISE(ABORT, 'a delivery is never deleted'); END;

CREATE TABLE attempts (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    delivery INTEGER NOT NULL REFERENCES deliveries (id),
    at       INTEGER NOT NULL,
    outcome  TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'withdrawn')),
    detail   TEXT
) STRICT;

CREATE INDEX attempts_by_delivery ON attempts (delivery, id);

CREATE TRIGGER attempts_are_never_changed BEFORE UPDATE ON attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never changed'); END;

CREATE TRIGGER attempts_are_never_deleted BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;

-- Deliveries that are neither made nor withdrawn. `quiet` marks those that tell that another channel does not deliver.
CREATE TABLE pending (
    delivery   INTEGER NOT NULL PRIMARY KEY REFERENCES deliveries (id),
    channel    TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    quiet      INTEGER NOT NULL CHECK (quiet IN (0, 1)),
    attempts   INTEGER NOT NULL,
    retry_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX pending_by_turn ON pending (channel, attempts, delivery);

-- Notifications that nobody has acknowledged, and the level told last.
CREATE TABLE unanswered (
    notification TEXT NOT NULL PRIMARY KEY REFERENCES notifications (id),
    level        INTEGER NOT NULL
) STRICT;

-- The last event of the ledger that notifications were made of.
CREATE TABLE cursor (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 1;
