-- The ledger, what format 4 adds: holds placed together and alarms raised together. What they share is one row; those
-- that something was done to alone since have rows of their own.

CREATE TABLE joint_holds (
    id        INTEGER NOT NULL PRIMARY KEY REFERENCES events (seq),
    listed_in INTEGER NOT NULL REFERENCES events (seq),
    body      TEXT NOT NULL,
    seq       INTEGER NOT NULL REFERENCES events (seq)
) STRICT;

CREATE INDEX joint_holds_by_event ON joint_holds (seq);

CREATE TABLE joint_members (
    id       INTEGER NOT NULL REFERENCES joint_holds (id),
    member   INTEGER NOT NULL CHECK (member > 0),
    unit     TEXT,
    code     TEXT NOT NULL,
    rule     TEXT,
    state    TEXT NOT NULL,
    incident TEXT NOT NULL,
    body     TEXT NOT NULL,
    seq      INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (id, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX joint_members_by_event ON joint_members (seq);

-- Which events made a hold what it is that was placed together with others and stands apart now, from the first on
-- that was about it alone; those before are in `hold_events` under the event that placed them all.
CREATE TABLE joint_member_events (
    hold   INTEGER NOT NULL,
    member INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (hold, member, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE joint_alarms (
    id        INTEGER NOT NULL PRIMARY KEY REFERENCES events (seq),
    listed_in INTEGER NOT NULL REFERENCES events (seq),
    body      TEXT NOT NULL,
    seq       INTEGER NOT NULL REFERENCES events (seq)
) STRICT;

CREATE INDEX joint_alarms_by_event ON joint_alarms (seq);

CREATE TABLE joint_alarm_members (
    id     INTEGER NOT NULL REFERENCES joint_alarms (id),
    member INTEGER NOT NULL CHECK (member > 0),
    code   TEXT NOT NULL,
    open   INTEGER NOT NULL CHECK (open IN (0, 1)),
    body   TEXT NOT NULL,
    seq    INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (id, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX joint_alarm_members_by_event ON joint_alarm_members (seq);

PRAGMA user_version = 4;
