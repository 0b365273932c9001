"""The schema of following money: the text of migration m009."""

from __future__ import annotations

TRACE = """
-- Which cases follow is asked every pass, of lists of any length.
CREATE INDEX entry_follow ON entry(case_id)
  WHERE retired IS NULL AND instr(terms, '"follow": {') > 0;
CREATE TABLE trace_word (            -- append-only: what a person said of a case's trace
  case_id TEXT NOT NULL,
  number INTEGER NOT NULL,           -- 1, 2, 3 ... of this case
  at INTEGER NOT NULL,
  say TEXT NOT NULL,                 -- one of model.trace.Say
  subject TEXT,                      -- chain/address; NULL: it is about the case
  value TEXT NOT NULL,
  name TEXT NOT NULL, why TEXT NOT NULL,
  PRIMARY KEY (case_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE trace_profile (         -- append-only: what sources said of an address on the way
  case_id TEXT NOT NULL,             -- for which it was asked
  subject TEXT NOT NULL,             -- chain/address
  at INTEGER NOT NULL,
  sha256 TEXT NOT NULL,              -- of the body
  body TEXT NOT NULL,                -- JSON of model.trace.Profile
  PRIMARY KEY (case_id, subject, at, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_profile_subject ON trace_profile(subject, at);
CREATE TABLE trace_anatomy (         -- append-only: what a whole transaction did
  case_id TEXT NOT NULL,
  chain TEXT NOT NULL, tx TEXT NOT NULL,
  at INTEGER NOT NULL,
  sha256 TEXT NOT NULL,              -- of the body
  body TEXT NOT NULL,                -- JSON of model.trace.Anatomy
  PRIMARY KEY (case_id, chain, tx, at, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_anatomy_tx ON trace_anatomy(chain, tx, at);
CREATE TABLE trace_state (           -- append-only: a case's trace as it stood
  case_id TEXT NOT NULL,
  number INTEGER NOT NULL,           -- 1, 2, 3 ... of this case
  at INTEGER NOT NULL,
  version TEXT NOT NULL,             -- of the program that worked it out
  sha256 TEXT NOT NULL,              -- of its whole text, see model/trace_json.py
  base INTEGER,                      -- the state that the body is a difference to; NULL: none
  body BLOB NOT NULL,                -- see store/trace_bodies.py; empty: erased
  PRIMARY KEY (case_id, number)
) STRICT;
CREATE TABLE erased_trace (          -- what went with a text of the log
  case_id TEXT NOT NULL,
  what TEXT NOT NULL,                -- word | state
  number INTEGER NOT NULL,
  seq INTEGER NOT NULL REFERENCES erasure(seq),
  PRIMARY KEY (case_id, what, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE trace_use (             -- calls of sources that following took. Bookkeeping
  case_id TEXT NOT NULL,
  since INTEGER NOT NULL,            -- when a person last said yes to more of them; 0: nobody did
  day INTEGER NOT NULL,              -- Unix time / 86,400
  finding INTEGER NOT NULL,          -- for finding new addresses
  watching INTEGER NOT NULL,         -- for watching where value rests
  PRIMARY KEY (case_id, since, day)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER trace_word_kept BEFORE UPDATE OF case_id, number, at, say, subject, value
    ON trace_word
  BEGIN SELECT RAISE(ABORT, 'what a person said is only added to'); END;
-- Name and reason go with the text of the log that holds them, and not otherwise.
CREATE TRIGGER trace_word_words BEFORE UPDATE OF name, why ON trace_word
  WHEN NEW.name <> '' OR NEW.why <> '' OR NOT EXISTS (SELECT 1 FROM erased_trace
    WHERE case_id = OLD.case_id AND what = 'word' AND number = OLD.number)
  BEGIN SELECT RAISE(ABORT, 'what a person said is only added to'); END;
CREATE TRIGGER trace_profile_kept BEFORE UPDATE ON trace_profile
  BEGIN SELECT RAISE(ABORT, 'what sources said is only added to'); END;
CREATE TRIGGER trace_anatomy_kept BEFORE UPDATE ON trace_anatomy
  BEGIN SELECT RAISE(ABORT, 'what sources said is only added to'); END;
CREATE TRIGGER trace_state_kept BEFORE UPDATE OF case_id, number, at, version, sha256
    ON trace_state
  BEGIN SELECT RAISE(ABORT, 'how a trace stood never changes'); END;
-- A body goes with the text of the log; what was a difference to it is written as a whole.
CREATE TRIGGER trace_state_body BEFORE UPDATE OF base, body ON trace_state
  WHEN NEW.base IS NOT NULL OR NOT (OLD.base IS NOT NULL AND length(NEW.body) > 0
    OR length(NEW.body) = 0 AND EXISTS (SELECT 1 FROM erased_trace
      WHERE case_id = OLD.case_id AND what = 'state' AND number = OLD.number))
  BEGIN SELECT RAISE(ABORT, 'how a trace stood never changes'); END;
CREATE TRIGGER erased_trace_kept BEFORE UPDATE ON erased_trace
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
""" + "".join(
    f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table}\n"
    "  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;\n"
    for table in ("trace_word", "trace_profile", "trace_anatomy", "trace_state", "erased_trace")
)
