"""The schema of balances as a second witness: the text of migration m008."""

from __future__ import annotations

BALANCES = """
-- One asset of one address as it was last held against the chain, and as it last was equal.
-- Bookkeeping: what people are told of it stands, frozen, in alerts.
CREATE TABLE balance (
  subject TEXT NOT NULL REFERENCES scope(key),
  contract TEXT NOT NULL,            -- empty: the chain's own coin
  at INTEGER NOT NULL,               -- by our clock, as all of at, found, told and closed here
  state TEXT NOT NULL,               -- one of model.balance.State
  reason TEXT NOT NULL,
  symbol TEXT NOT NULL, decimals INTEGER, verified INTEGER NOT NULL,
  low INTEGER, high INTEGER,         -- blocks between which the source answered; NULL: none did
  time INTEGER,                      -- of the block high
  block_hash TEXT NOT NULL DEFAULT '',
  shares TEXT NOT NULL DEFAULT '',   -- the function that told them: amount counts shares
  amount TEXT,                       -- on the chain, base units
  recorded TEXT,                     -- by our record up to the same block
  source TEXT NOT NULL DEFAULT '', second TEXT NOT NULL DEFAULT '',
  from_height INTEGER, to_height INTEGER, -- between which a difference arose
  good_low INTEGER, good_high INTEGER, good_time INTEGER, good_hash TEXT NOT NULL DEFAULT '',
  good_amount TEXT, good_source TEXT NOT NULL DEFAULT '', good_second TEXT NOT NULL DEFAULT '',
  good_shares TEXT NOT NULL DEFAULT '',
  good_at INTEGER,                   -- the newest figure that the record was equal to
  figure TEXT,                       -- JSON: the figure that the verdict rests on; NULL: none
  base TEXT,                         -- JSON: the newest at which equality and findings make all
  due INTEGER NOT NULL DEFAULT 0,    -- when it is asked for again
  PRIMARY KEY (subject, contract)
) STRICT, WITHOUT ROWID;
CREATE INDEX balance_state ON balance(state);
CREATE TABLE finding (               -- what moved between two figures and no list says
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL REFERENCES scope(key),
  contract TEXT NOT NULL,
  before TEXT,                       -- JSON: the last figure without it; NULL: the beginning
  after TEXT NOT NULL,               -- JSON: the first figure with it
  amount TEXT NOT NULL,              -- base units, signed: below zero it left
  found INTEGER NOT NULL,
  told INTEGER,                      -- NULL: it is still looked for
  closed INTEGER,                    -- NULL: it lasts
  reason TEXT NOT NULL DEFAULT '',   -- what became of it
  looked TEXT NOT NULL DEFAULT '{}'  -- JSON: when and where it was looked for, and leads
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_open ON finding(subject, contract) WHERE closed IS NULL;
-- What sources were like, by day (UTC): they are asked in the order of it.
CREATE TABLE score (
  source TEXT NOT NULL, chain TEXT NOT NULL,
  day INTEGER NOT NULL,              -- Unix time / 86,400
  what TEXT NOT NULL,                -- asked | late | missing | wrong | down
  n INTEGER NOT NULL,
  worst INTEGER NOT NULL DEFAULT 0,  -- of late: seconds
  PRIMARY KEY (source, chain, day, what)
) STRICT, WITHOUT ROWID;
-- To where a source of another operator was asked for an address's lists, too.
CREATE TABLE second_word (
  subject TEXT NOT NULL REFERENCES scope(key),
  stream TEXT NOT NULL,
  source TEXT NOT NULL,
  axis TEXT NOT NULL,
  lo INTEGER NOT NULL, hi INTEGER NOT NULL, -- what it read in full
  at INTEGER NOT NULL,
  more INTEGER NOT NULL DEFAULT 0,   -- rows that only it had
  less INTEGER NOT NULL DEFAULT 0,   -- rows that it did not have
  PRIMARY KEY (subject, stream, source)
) STRICT, WITHOUT ROWID;
"""
