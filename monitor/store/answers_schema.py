"""The schema of what is kept of answers: the text of migration m006."""

from __future__ import annotations

ANSWERS = """
CREATE TABLE answer_body (           -- a body that several answers have stands once
  sha256 TEXT PRIMARY KEY,           -- of the body as it is kept
  at INTEGER NOT NULL,               -- when it was answered last
  bytes INTEGER NOT NULL,            -- that it takes in the file
  pruned INTEGER,                    -- since when the body is gone
  packed BLOB                        -- zlib; NULL: pruned
) STRICT;
CREATE INDEX answer_body_at ON answer_body(at, sha256, bytes, pruned);
CREATE TABLE answer (                -- append-only: what a source answered, and to what
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL,              -- of the body as it came
  chain TEXT NOT NULL, source TEXT NOT NULL,
  request TEXT NOT NULL,             -- JSON: method, path, params or payload; without secrets
  at INTEGER NOT NULL,
  status INTEGER NOT NULL,           -- HTTP
  body_sha256 TEXT NOT NULL REFERENCES answer_body(sha256),
                                     -- without secrets, of a whole block only what matched
  size INTEGER NOT NULL,             -- of the body as it is kept, in bytes
  extract INTEGER NOT NULL,          -- 1: only what matched
  why TEXT NOT NULL,                 -- news | head | lookup | silence
  UNIQUE (sha256, chain, source, at, request, why)
) STRICT;
CREATE INDEX answer_body_of ON answer(body_sha256);
CREATE TABLE answer_transfer (       -- which rows an answer is evidence of
  transfer INTEGER NOT NULL REFERENCES transfer(id),
  answer INTEGER NOT NULL REFERENCES answer(id),
  PRIMARY KEY (transfer, answer)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_transfer_of ON answer_transfer(answer);
CREATE TABLE answered (              -- of which answers a batch was made
  batch TEXT PRIMARY KEY,            -- sighting.sha256: that of the text `digests`
  source TEXT NOT NULL,
  at INTEGER NOT NULL,
  digests TEXT NOT NULL,             -- answer.sha256 of each, in order, with a space between
  heads TEXT NOT NULL                -- of those that gave the head that it was read under
) STRICT, WITHOUT ROWID;
CREATE TABLE silence (               -- that a list brought nothing new: once a day, where severe
  scope TEXT NOT NULL,               -- as its address was written then
  stream TEXT NOT NULL,
  day INTEGER NOT NULL,              -- days since 1970, UTC
  source TEXT NOT NULL,
  lo INTEGER NOT NULL, hi INTEGER NOT NULL,  -- what was booked as read on these answers
  batch TEXT NOT NULL REFERENCES answered(batch),
  PRIMARY KEY (scope, stream, day, source, lo)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER answer_body_kept BEFORE UPDATE OF sha256, packed ON answer_body
  WHEN NEW.sha256 <> OLD.sha256
    OR (OLD.packed IS NOT NULL AND NEW.packed IS NOT NULL AND NEW.packed <> OLD.packed)
  BEGIN SELECT RAISE(ABORT, 'what was answered never changes; it may be pruned'); END;
CREATE TRIGGER answer_body_stays BEFORE DELETE ON answer_body
  BEGIN SELECT RAISE(ABORT, 'what was answered never changes; it may be pruned'); END;
""" + "".join(
    f"CREATE TRIGGER {table}_{name} BEFORE {how} ON {table}\n"
    "  BEGIN SELECT RAISE(ABORT, 'what was answered is only added to'); END;\n"
    for table in ("answer", "answer_transfer", "answered", "silence")
    for name, how in (("kept", "UPDATE"), ("stays", "DELETE"))
)
