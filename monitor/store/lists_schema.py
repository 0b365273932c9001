"""The schema of lists that others publish: the text of migration m007."""

from __future__ import annotations

LISTS = """
-- The list that an entry comes of, and the address of its row; empty: a person wrote it.
ALTER TABLE entry ADD COLUMN list TEXT NOT NULL
  GENERATED ALWAYS AS (CASE WHEN json_valid(terms)
    THEN coalesce(json_extract(terms, '$.origin.list'), '') ELSE '' END) VIRTUAL;
ALTER TABLE entry ADD COLUMN listed TEXT NOT NULL
  GENERATED ALWAYS AS (coalesce(CASE WHEN json_valid(terms)
    THEN nullif(json_extract(terms, '$.origin.address'), '') END,
    substr(subject, instr(subject, '/') + 1))) VIRTUAL;
CREATE INDEX entry_list ON entry(list, listed) WHERE list <> '';
CREATE TABLE publication (           -- append-only: a version of a list that was taken
  list TEXT NOT NULL,
  nr INTEGER NOT NULL,               -- 1, 2, 3 ... of this list; it may go back to an older content
  sha256 TEXT NOT NULL,              -- of the file as it was fetched, kept in lists/ of the folder
  published TEXT NOT NULL,           -- the day that it names, 2026-09-23; empty: none
  fetched INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  refused TEXT NOT NULL,             -- JSON: rule -> how many rows
  kind TEXT NOT NULL,                -- as what it was read, one of model.lists.KINDS
  remarks TEXT NOT NULL,             -- JSON: what people should know of its file
  taken INTEGER NOT NULL,            -- when all of it was taken
  PRIMARY KEY (list, nr)
) STRICT, WITHOUT ROWID;
-- What stood in a row of a list, from one version to another. A version that is being taken puts
-- its new rows down beforehand: they count with its row in publication, and not before.
CREATE TABLE listing (
  list TEXT NOT NULL,
  key TEXT NOT NULL,                 -- the row in its list: digest of ticker, address, entity
  from_nr INTEGER NOT NULL,          -- the first version that says so
  until_nr INTEGER,                  -- the first that does not; NULL: all since
  says TEXT NOT NULL,                -- digest of what it says: another one is a change
  since TEXT NOT NULL,               -- day of listing: by the publisher, else of the version
  at_least INTEGER NOT NULL,         -- 1: it stood there when the list was first read
  place TEXT NOT NULL,               -- where people find it: line 12, uid 42498
  published_as TEXT NOT NULL, ticker TEXT NOT NULL, network TEXT NOT NULL,
  entity TEXT NOT NULL, name TEXT NOT NULL,
  programs TEXT NOT NULL,            -- JSON
  label TEXT NOT NULL,               -- of an address of our own
  chain TEXT,                        -- NULL: not known
  chains TEXT NOT NULL,              -- JSON: on which it would be watched
  address TEXT,                      -- canonical; NULL: none
  rule TEXT NOT NULL,                -- why it is refused; empty: it is not
  reason TEXT NOT NULL, warning TEXT NOT NULL,
  twin TEXT,                         -- canonical on another of its chains; NULL: the same, or none
  PRIMARY KEY (list, key, from_nr),
  CHECK (until_nr IS NULL OR from_nr < until_nr)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_address ON listing(address, list) WHERE address IS NOT NULL;
CREATE INDEX listing_twin ON listing(twin, list) WHERE twin IS NOT NULL;
-- Whom a version is about that says something new, or something no more.
CREATE INDEX listing_from ON listing(list, from_nr, address, entity);
CREATE INDEX listing_until ON listing(list, until_nr, address, entity) WHERE until_nr IS NOT NULL;
CREATE TABLE staged (                -- rows of a version that is being read and taken, until it is
  list TEXT NOT NULL,
  key TEXT NOT NULL,
  says TEXT NOT NULL,                -- empty: it does not stand there any more
  rule TEXT NOT NULL,
  body TEXT,                         -- JSON: what listing holds of it, where that is new
  ends INTEGER NOT NULL DEFAULT 0,   -- 1: what the version in force says of it ends
  PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE list_word (             -- append-only: what a person said of a row or an entity
  list TEXT NOT NULL,
  number INTEGER NOT NULL,           -- 1, 2, 3 ... of this list
  target TEXT NOT NULL,              -- address:CANONICAL or entity:ID
  key TEXT NOT NULL,                 -- retired | insist | severity | busy | ...
  value TEXT NOT NULL,               -- JSON; null: it is taken back
  nr INTEGER NOT NULL,               -- of the version that was in force
  at INTEGER NOT NULL,
  name TEXT NOT NULL, why TEXT NOT NULL,
  PRIMARY KEY (list, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE erased_word (           -- whose name and reason went with a text of the log
  list TEXT NOT NULL, number INTEGER NOT NULL,
  seq INTEGER NOT NULL REFERENCES erasure(seq),
  PRIMARY KEY (list, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE list_state (            -- how asking for a list went, and how far its entries are made
  list TEXT PRIMARY KEY,
  due INTEGER NOT NULL DEFAULT 0,
  tried INTEGER,
  had INTEGER,                       -- when it was last had: a version, or that there is no new one
  failing INTEGER,                   -- since when it could not be had or read
  error TEXT NOT NULL DEFAULT '',
  etag TEXT NOT NULL DEFAULT '', modified TEXT NOT NULL DEFAULT '',
  known TEXT NOT NULL DEFAULT '',    -- of which question and which file these two are
  held TEXT NOT NULL DEFAULT '',     -- sha256 of a version that waits for a person's yes
  held_why TEXT NOT NULL DEFAULT '',
  grown INTEGER,                     -- since when the history of a grown list waits for a yes
  made INTEGER NOT NULL DEFAULT 0,   -- the version that its entries are of
  terms TEXT NOT NULL DEFAULT ''     -- digest of the settings that they are of
) STRICT, WITHOUT ROWID;
CREATE TRIGGER publication_kept BEFORE UPDATE ON publication
  BEGIN SELECT RAISE(ABORT, 'versions of a list are only added to'); END;
CREATE TRIGGER publication_stays BEFORE DELETE ON publication
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER listing_kept BEFORE UPDATE OF list, key, from_nr, says, since, at_least, place,
    published_as, ticker, network, entity, name, programs, label, chain, chains, address, rule,
    reason, warning, twin ON listing
  BEGIN SELECT RAISE(ABORT, 'what a version of a list said never changes'); END;
CREATE TRIGGER listing_until_kept BEFORE UPDATE OF until_nr ON listing
  WHEN OLD.until_nr IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'what a version of a list said never changes'); END;
CREATE TRIGGER listing_stays BEFORE DELETE ON listing
  WHEN EXISTS (SELECT 1 FROM publication p WHERE p.list = OLD.list AND p.nr = OLD.from_nr)
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER list_word_kept BEFORE UPDATE OF list, number, target, key, value, nr, at ON list_word
  BEGIN SELECT RAISE(ABORT, 'what a person said is only added to'); END;
-- Name and reason go with the text of the log that holds them, and not otherwise.
CREATE TRIGGER list_word_words BEFORE UPDATE OF name, why ON list_word
  WHEN NEW.name <> '' OR NEW.why <> '' OR NOT EXISTS
    (SELECT 1 FROM erased_word WHERE list = OLD.list AND number = OLD.number)
  BEGIN SELECT RAISE(ABORT, 'what a person said is only added to'); END;
CREATE TRIGGER list_word_stays BEFORE DELETE ON list_word
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER erased_word_kept BEFORE UPDATE ON erased_word
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER erased_word_stays BEFORE DELETE ON erased_word
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
-- Addresses that never lived on a chain, as nodes said of all their accounts at one block: instead
-- of list by list they are asked for in hundreds, see loops/dormant.py.
CREATE TABLE dormant (
  subject TEXT PRIMARY KEY REFERENCES scope(key),
  since INTEGER NOT NULL,            -- when it was first proven
  words TEXT NOT NULL,               -- JSON: the two words of then, each [source, height, hash]
  height INTEGER NOT NULL, hash TEXT NOT NULL, time INTEGER NOT NULL, -- block of the newest proof
  source TEXT NOT NULL,              -- who said so
  at INTEGER NOT NULL,               -- when
  failing INTEGER,                   -- since when no node says anything of it
  error TEXT NOT NULL DEFAULT '',
  asleep INTEGER NOT NULL,           -- 1: its lists are not read address by address
  woke INTEGER,                      -- when a sign of life was seen: its lists are read ever since
  sign TEXT NOT NULL DEFAULT ''      -- what was seen, where, by whom
) STRICT, WITHOUT ROWID;
CREATE INDEX dormant_asleep ON dormant(subject) WHERE asleep;
"""
