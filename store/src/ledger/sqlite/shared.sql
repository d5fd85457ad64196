-- The ledger, what format 6 adds: evidence that many units share, which names no readings of one of them. The tables stay as
-- they are; programs that know only older formats would take such evidence for damage.

PRAGMA user_version = 6;
