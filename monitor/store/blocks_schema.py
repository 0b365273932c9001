"""Schema 10: chains of which each block is read once for all addresses."""

BLOCKS = """
-- Blocks that were read whole and do not count as proven yet: the next pass goes on above them, if
-- the chain still does. Bookkeeping.
CREATE TABLE block (
  scope TEXT NOT NULL REFERENCES scope(key),
  height INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (scope, height)
) STRICT, WITHOUT ROWID;
-- Members of such a chain of which something is to be read address by address, in the background:
-- their history (2: it was read, and is looked at once more), and (blind) all of it while the
-- chain's blocks cannot be read. Bookkeeping.
CREATE TABLE debt (
  subject TEXT PRIMARY KEY REFERENCES scope(key),
  chain TEXT NOT NULL,
  history INTEGER NOT NULL,          -- what lies below the block at which it joined is owed
  waits INTEGER NOT NULL DEFAULT 0,  -- what is left of it was read and is not final yet
  blind INTEGER NOT NULL DEFAULT 0,  -- its blocks cannot be read now
  rank INTEGER NOT NULL,             -- of its loudest entry: 0 severe, 3 low
  due INTEGER NOT NULL DEFAULT 0     -- when it is tried next
) STRICT, WITHOUT ROWID;
CREATE INDEX debt_next ON debt(chain, blind, rank, due);
-- Outputs that a member had not spent when it joined, where its history is not known and blocks do
-- not say what inputs spend. Bookkeeping.
CREATE TABLE unspent (
  chain TEXT NOT NULL,
  output TEXT NOT NULL,              -- txid:n
  address TEXT NOT NULL,
  PRIMARY KEY (chain, output)
) STRICT, WITHOUT ROWID;
-- Members that a row of the newest blocks touches, where blocks do not hold all that moves: their
-- balances are asked for soon. Bookkeeping.
CREATE TABLE touched (
  subject TEXT PRIMARY KEY REFERENCES scope(key),
  chain TEXT NOT NULL,
  due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX touched_due ON touched(due);
-- JSON: the figure of a coin from which on its record is counted, for its history is not complete.
ALTER TABLE balance ADD COLUMN opening TEXT;
CREATE INDEX balance_due ON balance(due, subject) WHERE contract = '';
CREATE INDEX scope_chain_due ON scope(chain, due);
CREATE INDEX transfer_spends ON transfer(chain, spends) WHERE spends IS NOT NULL;
-- A membership of all lists of a chain (stream '*') names the time of the block below it, for
-- lists that name no blocks.
ALTER TABLE joined ADD COLUMN below_time INTEGER;
-- That no source lists an address's own part of a list says nothing of what is read for its chain.
DROP VIEW list_read;
DROP VIEW list_coverage;
DROP VIEW list_gap;
CREATE VIEW list_read AS
  SELECT r.scope AS subject, r.stream, r.tried, coalesce(max(r.ok, o.ok), r.ok, o.ok) AS ok,
    r.source, r.axis, r.error,
    coalesce(max(r.complete_to, o.complete_to), r.complete_to, o.complete_to) AS complete_to,
    coalesce(max(r.complete_time, o.complete_time), r.complete_time, o.complete_time)
      AS complete_time,
    r.failing,                         -- since when this reading fails
    max(r.failing, coalesce(o.ok, 0)) AS unread -- since when neither reading brings anything
  FROM reading r
  LEFT JOIN reading o ON o.stream = r.stream AND o.scope = (SELECT j.scope FROM joined j
      WHERE j.subject = r.scope AND j.until_place IS NULL LIMIT 1)
    AND (o.error = 'no configured source lists it' OR EXISTS (SELECT 1 FROM joined j
      WHERE j.subject = r.scope AND j.stream IN (r.stream, '*') AND j.until_place IS NULL))
  WHERE r.scope NOT GLOB '*/[*]' AND (o.tried IS NULL OR (o.tried <= r.tried
    AND NOT (coalesce(r.error, '') = 'no configured source lists it' AND o.ok IS NOT NULL)))
  UNION ALL
  SELECT j.subject, r.stream, r.tried, coalesce(max(r.ok, o.ok), r.ok, o.ok),
    r.source, r.axis, r.error,
    coalesce(max(r.complete_to, o.complete_to), r.complete_to, o.complete_to),
    coalesce(max(r.complete_time, o.complete_time), r.complete_time, o.complete_time),
    r.failing, max(r.failing, coalesce(o.ok, 0))
  FROM reading r
  JOIN joined j ON j.scope = r.scope AND j.until_place IS NULL
    AND (j.stream = '*'
      OR j.stream = CASE r.error WHEN 'no configured source lists it' THEN (
        SELECT min(k.stream) FROM joined k
        WHERE k.subject = j.subject AND k.scope = j.scope AND k.until_place IS NULL)
      ELSE r.stream END)
  LEFT JOIN reading o ON o.scope = j.subject AND o.stream = r.stream
  WHERE o.tried IS NULL OR o.tried < r.tried
    OR (coalesce(o.error, '') = 'no configured source lists it' AND r.ok IS NOT NULL);
CREATE VIEW list_coverage AS
  SELECT scope AS subject, stream, axis, lo, hi FROM coverage
  WHERE scope NOT GLOB '*/[*]'
  UNION ALL
  SELECT j.subject, c.stream, c.axis, max(c.lo, j.from_place),
    min(c.hi, coalesce(j.until_place, c.hi))
  FROM joined j JOIN coverage c ON c.scope = j.scope AND j.stream IN (c.stream, '*')
    AND c.axis = j.axis AND c.hi >= j.from_place AND c.lo <= coalesce(j.until_place, c.lo);
CREATE VIEW list_gap AS
  SELECT scope AS subject, stream, axis, lo, hi, reason FROM gap
  WHERE closed IS NULL AND scope NOT GLOB '*/[*]'
  UNION ALL
  SELECT j.subject, g.stream, g.axis, max(g.lo, j.from_place),
    min(g.hi, coalesce(j.until_place, g.hi)), g.reason
  FROM joined j JOIN gap g ON g.scope = j.scope AND j.stream IN (g.stream, '*')
    AND g.axis = j.axis
    AND g.closed IS NULL AND g.hi >= j.from_place AND g.lo <= coalesce(j.until_place, g.lo)
  WHERE NOT EXISTS (                   -- what it has read by itself
    SELECT 1 FROM coverage c WHERE c.scope = j.subject AND c.stream = g.stream
      AND c.axis = g.axis AND c.lo <= g.lo AND c.hi >= g.hi);
"""
