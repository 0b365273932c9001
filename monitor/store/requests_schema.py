"""Requests to hold funds, and what became of them: text of migration m013."""

from __future__ import annotations

REQUESTS = """
CREATE TABLE request (               -- append-only: whom somebody may ask; nothing is sent by us
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  chain TEXT NOT NULL, address TEXT NOT NULL, -- where the funds are ...
  contract TEXT NOT NULL,            -- ... and of which asset; '': the coin
  role TEXT NOT NULL,                -- issuer | exchange | other
  recipient TEXT NOT NULL,           -- who is asked; '' with the words below: erased
  named_by TEXT NOT NULL,            -- which table or name says that they could act
  trace_number INTEGER NOT NULL,     -- the state of the trace on which it rests
  trace_sha256 TEXT NOT NULL,
  figures TEXT NOT NULL,             -- JSON: the asset, what is traced of it, what the chain had
  text TEXT NOT NULL,                -- the draft, as a person left it
  digest TEXT NOT NULL,              -- SHA-256 of the text
  name TEXT NOT NULL,                -- who prepared it
  door TEXT NOT NULL
) STRICT;
CREATE INDEX request_case ON request(case_id, at);
CREATE TABLE request_step (          -- append-only: what became of a request
  id TEXT PRIMARY KEY,
  request TEXT NOT NULL REFERENCES request(id),
  case_id TEXT NOT NULL,             -- of the request
  number INTEGER NOT NULL,           -- 1, 2 ... of its request
  at INTEGER NOT NULL,               -- when it was recorded
  happened INTEGER NOT NULL,         -- when it happened, as whoever recorded it says
  stage TEXT NOT NULL,               -- sent | answered | refused | withdrawn
  reference TEXT NOT NULL,
  text TEXT NOT NULL,                -- what was said; '' with name '': erased
  corrects TEXT REFERENCES request_step(id),
  name TEXT NOT NULL,
  door TEXT NOT NULL,
  UNIQUE (request, number)
) STRICT;
CREATE TRIGGER request_stays BEFORE DELETE ON request
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER request_step_stays BEFORE DELETE ON request_step
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER request_kept BEFORE UPDATE OF id, at, case_id, chain, address, contract, role,
    trace_number, trace_sha256, figures, door ON request
  BEGIN SELECT RAISE(ABORT, 'what was prepared never changes, only what became of it'); END;
CREATE TRIGGER request_step_kept BEFORE UPDATE OF id, request, case_id, number, at, happened, stage,
    corrects, door ON request_step
  BEGIN SELECT RAISE(ABORT, 'what was recorded never changes'); END;
-- Names and words go with the text of the log that holds them, and not otherwise.
CREATE TRIGGER request_words BEFORE UPDATE OF recipient, named_by, text, digest, name ON request
  WHEN NEW.recipient <> '' OR NEW.named_by <> '' OR NEW.text <> '' OR NEW.digest <> ''
    OR NEW.name <> ''
    OR NOT EXISTS (SELECT 1 FROM erased_said WHERE what = 'request' AND id = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'what was prepared never changes, only what became of it'); END;
CREATE TRIGGER request_step_words BEFORE UPDATE OF reference, text, name ON request_step
  WHEN NEW.reference <> '' OR NEW.text <> '' OR NEW.name <> ''
    OR NOT EXISTS (SELECT 1 FROM erased_said WHERE what = 'request step' AND id = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'what was recorded never changes'); END;
"""
