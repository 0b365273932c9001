"""Indexes for records of a million entries: a part of schema 10."""

from __future__ import annotations

# Rows of lists are staged in parts of their keys, each row behind the one before it in its part: by
# their keys alone, which are digests, each would be written into a page of its own. What a version
# ends stands by itself. Of a version that was being taken it stays known that it was.
STAGING = """
ALTER TABLE staged RENAME TO staged_before;
CREATE TABLE staged (                -- rows of a version that is being read and taken, until it is
  list TEXT NOT NULL,
  part INTEGER NOT NULL,             -- the first digits of its key; -1: that one is being taken
  number INTEGER NOT NULL,           -- in the order of reading
  key TEXT NOT NULL, says TEXT NOT NULL,
  since TEXT NOT NULL, place TEXT NOT NULL, -- the others as in listing; since may be empty
  published_as TEXT NOT NULL, ticker TEXT NOT NULL, network TEXT NOT NULL,
  entity TEXT NOT NULL, name TEXT NOT NULL, programs TEXT NOT NULL, label TEXT NOT NULL,
  chain TEXT, chains TEXT NOT NULL, address TEXT,
  rule TEXT NOT NULL, reason TEXT NOT NULL, warning TEXT NOT NULL, twin TEXT,
  PRIMARY KEY (list, part, number)
) STRICT, WITHOUT ROWID;
INSERT INTO staged SELECT DISTINCT
  list, -1, 0, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''
  FROM staged_before;
DROP TABLE staged_before;
CREATE TABLE ending (                -- rows in force that the version does not say so any more
  list TEXT NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;
"""

# What a list brought an entry with stands in the entry, until it says something else: beside it, it
# was half of a record of a million entries. What entries said stands without its text in the key,
# which was as large as the table. That none stands there twice is held by who writes them
# (carry_entries.py) and by `verify`.
VERSIONS = """
ALTER TABLE entry ADD COLUMN brought TEXT; -- digest of the list that it is as it came with
ALTER TABLE entry_version RENAME TO entry_version_before;
CREATE TABLE entry_change (          -- append-only: what an entry said, from when
  entry TEXT NOT NULL REFERENCES entry(id),
  at INTEGER NOT NULL,
  nr INTEGER NOT NULL,               -- 1, 2, 3 ... of those of one time
  terms TEXT NOT NULL,
  list_sha256 TEXT NOT NULL,
  PRIMARY KEY (entry, at, nr)
) STRICT;
INSERT INTO entry_change (entry, at, nr, terms, list_sha256)
  SELECT entry, at, row_number() OVER (PARTITION BY entry, at ORDER BY rowid), terms, list_sha256
  FROM entry_version_before ORDER BY rowid;
DROP TABLE entry_version_before;
-- A bare 1 has no affinity: SQLite would put all rows together before it looks for one of them
-- (sqlite.org/optoverview.html#flattening: of both halves every column must have the same).
CREATE VIEW entry_version AS
  SELECT entry, at, nr, terms, list_sha256 FROM entry_change
  UNION ALL SELECT id, added, CAST(1 AS INTEGER), terms, brought FROM entry
  WHERE brought IS NOT NULL;
-- Recursive triggers are off: the second statement does not call this again.
CREATE TRIGGER entry_came AFTER UPDATE OF id, terms, added ON entry
  WHEN OLD.brought IS NOT NULL
    AND (OLD.id, OLD.terms, OLD.added) IS NOT (NEW.id, NEW.terms, NEW.added)
  BEGIN
    INSERT INTO entry_change VALUES (NEW.id, OLD.added, 1, OLD.terms, OLD.brought);
    UPDATE entry SET brought = NULL WHERE id = NEW.id;
  END;
-- Taken away without that, the first version of an entry would be lost.
CREATE TRIGGER entry_brought BEFORE UPDATE OF brought ON entry
  WHEN NEW.brought IS NOT OLD.brought AND (NEW.brought IS NOT NULL OR NOT EXISTS
    (SELECT 1 FROM entry_change WHERE entry = OLD.id AND nr = 1 AND list_sha256 = OLD.brought))
  BEGIN SELECT RAISE(ABORT, 'the versions of an entry are only added to'); END;
CREATE TRIGGER entry_change_kept BEFORE UPDATE OF at, nr, terms, list_sha256 ON entry_change
  BEGIN SELECT RAISE(ABORT, 'the versions of an entry are only added to'); END;
CREATE TRIGGER entry_change_entry BEFORE UPDATE OF entry ON entry_change
  WHEN NOT EXISTS (SELECT 1 FROM respelt WHERE old = OLD.entry AND new = NEW.entry)
  BEGIN SELECT RAISE(ABORT, 'the versions of an entry are only added to'); END;
CREATE TRIGGER entry_change_stays BEFORE DELETE ON entry_change
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
"""

# Rows that begin with a version are found by it from the second on. Of the first all are new, and
# found by address or by key: indexed by version too, each of a million was written into one more
# page of its own.
BEGINNING = """
DROP INDEX listing_from;
CREATE INDEX listing_from ON listing(list, from_nr, address, entity) WHERE from_nr > 1;
"""

# How entries stand is counted every few seconds. Without these SQLite reads each entry with all of
# its text for it, of a million 700 MB.
INDEXES = """
CREATE INDEX entry_active ON entry(subject, base_height, history, added, id)
  WHERE retired IS NULL;
CREATE INDEX entry_retired ON entry(subject) WHERE retired IS NOT NULL;
CREATE INDEX entry_absent ON entry(id) WHERE absent IS NOT NULL;
CREATE INDEX entry_own ON entry(added) WHERE list = '';
-- What few entries say, found by how their texts hold it. Such a text may stand in a label too: who
-- asks looks at the value itself. Some of it only entries of the watchlist say: the texts of a
-- million others are not searched for it.
CREATE INDEX entry_severe ON entry(subject)
  WHERE instr(terms, '"severity": "severe"') > 0;
CREATE INDEX entry_canary ON entry(subject) WHERE list = '' AND instr(terms, '"canary": ') > 0;
CREATE INDEX entry_sources ON entry(subject) WHERE list = '' AND instr(terms, '"sources": ') > 0;
DROP INDEX entry_follow;
CREATE INDEX entry_follow ON entry(case_id)
  WHERE retired IS NULL AND list = '' AND instr(terms, '"follow": {') > 0;
-- Of published lists: who is not on them any more.
CREATE INDEX entry_removed ON entry(list, listed, id)
  WHERE list <> '' AND instr(terms, '"until": ""') = 0;
CREATE INDEX reading_tried ON reading(tried);
"""
