-- The ledger, what format 3 adds: accounts that are closed or belong to an identity provider, sessions, and ways to
-- find events.

ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));

-- Who an identity provider says the person is: issuer, a space, subject.
ALTER TABLE users ADD COLUMN external TEXT;

-- Beside the chain: a session comes and goes. `hash` is the SHA-256 of its id, which is kept nowhere; `bound` is the
-- SHA-256 of the account's role and password as they were, and a session ends when they are others.
CREATE TABLE sessions (
    hash         TEXT NOT NULL PRIMARY KEY,
    account      TEXT NOT NULL REFERENCES users (name),
    csrf         TEXT NOT NULL,
    bound        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_account ON sessions (account, created_at);

-- Which events made a hold what it is.
CREATE TABLE hold_events (
    hold INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (hold, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO hold_events (hold, seq)
SELECT seq, seq FROM events WHERE kind = 'hold.placed'
UNION
SELECT CAST(substr(json_extract(body, '$.hold'), 2) AS INTEGER), seq FROM events WHERE kind = 'hold.evidence'
UNION
SELECT CAST(substr(json_extract(acted.value, '$.hold'), 2) AS INTEGER), events.seq
FROM events, json_each(events.body, '$.holds') AS acted
WHERE events.kind IN ('hold.under_review', 'hold.released', 'hold.rejected');

CREATE INDEX events_by_kind ON events (kind, seq);

CREATE INDEX events_by_actor ON events (actor, seq);

PRAGMA user_version = 3;
