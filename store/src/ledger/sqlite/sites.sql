-- The ledger, what format 5 adds: accounts and tokens that are limited to sites. A JSON array of places; NULL: no limit.

ALTER TABLE users ADD COLUMN sites TEXT;

ALTER TABLE tokens ADD COLUMN sites TEXT;

PRAGMA user_version = 5;
