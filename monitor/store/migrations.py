"""The database schema, as numbered migrations that only go forward and are never edited.

Amounts are TEXT integers: uint256 does not fit SQLite's INTEGER and must never become a
float. Times are Unix seconds. Integer keys (`id` of transfer) are internal and never shown;
everything that people see has an id made by us.
"""

from __future__ import annotations

import time

from sqlite_utils import Database, Migrations

from monitor.model.acts import DAEMON
from monitor.store import (
    answers_schema,
    balances_schema,
    blocks_schema,
    desk_schema,
    digests,
    lists_schema,
    log,
    log_schema,
    requests_schema,
    said_schema,
    scale_schema,
    trace_schema,
)
from monitor.store.script import carry_out

migrations = Migrations("fundwatch")

# What a record is made of: name, kind and statement. Not the list of migrations, nor what SQLite
# makes for itself, which lets nobody else begin a name as it does.
STATEMENTS = (
    "SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL "
    "AND (type, name) <> ('table', '_sqlite_migrations') "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)


def as_made(version: int) -> dict[str, tuple[str, str]]:
    """Kind and statement of everything that a new record of this schema is made of, by name."""
    db = Database(memory=True)
    later = [made.name for made in migrations.pending(db)][version:]
    migrations.apply(db, stop_before=later[0] if later else None)
    made = {name: (kind, sql) for name, kind, sql in db.execute(STATEMENTS)}
    db.close()
    return made


_INITIAL = """
CREATE TABLE subject (
  key TEXT PRIMARY KEY,              -- chain/address
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  due INTEGER NOT NULL DEFAULT 0,    -- next poll
  in_flight INTEGER,                 -- since when a poll of it runs: a mark for the watchdog
  failures INTEGER NOT NULL DEFAULT 0,
  deep INTEGER NOT NULL DEFAULT 0    -- when the trailing window was last read again
) STRICT;
CREATE TABLE entry (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL REFERENCES subject(key),
  case_id TEXT NOT NULL,
  terms TEXT NOT NULL,               -- JSON of the entry as it stands
  added INTEGER NOT NULL,
  retired INTEGER,                   -- when the watch ended; history stays
  absent INTEGER,                    -- since when it is missing from the file, still watched
  base_height INTEGER, base_time INTEGER, base_head_time INTEGER,
  history TEXT NOT NULL DEFAULT 'due' -- due | told
) STRICT;
CREATE INDEX entry_subject ON entry(subject);
CREATE TABLE entry_version (         -- append-only: what an entry said, from when
  entry TEXT NOT NULL REFERENCES entry(id),
  at INTEGER NOT NULL,
  terms TEXT NOT NULL,
  list_sha256 TEXT NOT NULL,
  PRIMARY KEY (entry, at, terms)
) STRICT;
CREATE TABLE list_version (
  sha256 TEXT NOT NULL,
  at INTEGER NOT NULL,
  outcome TEXT NOT NULL,             -- JSON: taken, changed, refused, missing
  PRIMARY KEY (sha256, at)
) STRICT;
CREATE TABLE transfer (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL, tx TEXT NOT NULL, leg TEXT NOT NULL,
  kind TEXT NOT NULL, contract TEXT, token_id TEXT,
  sender TEXT, recipient TEXT, amount TEXT NOT NULL,
  block_height INTEGER, block_hash TEXT, time INTEGER,
  tx_index INTEGER, log_index INTEGER, trace_path TEXT, spends TEXT,
  status TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  late INTEGER NOT NULL DEFAULT 0,
  absences TEXT NOT NULL DEFAULT '[]',
  first_seen INTEGER NOT NULL,
  reason TEXT,                       -- why a final row was superseded
  UNIQUE (chain, tx, leg)
) STRICT;
CREATE INDEX transfer_sender ON transfer(chain, sender) WHERE sender IS NOT NULL;
CREATE INDEX transfer_recipient ON transfer(chain, recipient) WHERE recipient IS NOT NULL;
CREATE INDEX transfer_open ON transfer(chain, status)
  WHERE status IN ('pending', 'provisional', 'missing');
CREATE TABLE sighting (              -- append-only: who said it, in which block, and when
  transfer INTEGER NOT NULL REFERENCES transfer(id),
  source TEXT NOT NULL,
  block TEXT NOT NULL,
  at INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (transfer, source, block)
) STRICT, WITHOUT ROWID;
CREATE TABLE coverage (
  subject TEXT NOT NULL REFERENCES subject(key),
  stream TEXT NOT NULL, source TEXT NOT NULL, axis TEXT NOT NULL,
  lo INTEGER NOT NULL, hi INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (subject, stream, source, axis, lo),
  CHECK (lo <= hi)
) STRICT, WITHOUT ROWID;
CREATE TABLE gap (
  subject TEXT NOT NULL REFERENCES subject(key),
  stream TEXT NOT NULL, source TEXT NOT NULL, axis TEXT NOT NULL,
  lo INTEGER NOT NULL, hi INTEGER NOT NULL,
  reason TEXT NOT NULL, raw TEXT NOT NULL,
  opened INTEGER NOT NULL, next_try INTEGER NOT NULL, closed INTEGER,
  PRIMARY KEY (subject, stream, axis, lo, hi)
) STRICT, WITHOUT ROWID;
CREATE TABLE reading (               -- how the last read of a stream went
  subject TEXT NOT NULL REFERENCES subject(key),
  stream TEXT NOT NULL,
  tried INTEGER NOT NULL,
  ok INTEGER,                        -- last success
  source TEXT,                       -- that answered last
  axis TEXT,
  complete_to INTEGER,               -- place up to which the last read was complete
  complete_time INTEGER,             -- the head's chain time then
  error TEXT,                        -- why the last try failed, in plain words
  failing INTEGER,                   -- since when it fails
  cursors TEXT NOT NULL DEFAULT '{}', -- JSON: source -> [hi, cursor] of an unfinished history
  PRIMARY KEY (subject, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE token (                 -- what contracts say of themselves: hostile text
  chain TEXT NOT NULL, contract TEXT NOT NULL,
  symbol TEXT, name TEXT, decimals INTEGER,
  PRIMARY KEY (chain, contract)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL, lane TEXT NOT NULL, severity TEXT NOT NULL,
  created INTEGER NOT NULL,
  chain TEXT, tx TEXT, entry TEXT REFERENCES entry(id),
  direction TEXT, amends TEXT REFERENCES alert(id),
  lane_reason TEXT NOT NULL, title TEXT NOT NULL, facts TEXT NOT NULL, audience TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open'
) STRICT;
CREATE INDEX alert_tx ON alert(tx, entry) WHERE tx IS NOT NULL;
CREATE INDEX alert_created ON alert(created);
CREATE TABLE alert_transfer (
  alert TEXT NOT NULL REFERENCES alert(id),
  transfer INTEGER NOT NULL REFERENCES transfer(id),
  PRIMARY KEY (alert, transfer)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_transfer_by ON alert_transfer(transfer);
CREATE TABLE alert_log (             -- append-only: who acknowledged or closed, and why
  id TEXT PRIMARY KEY,
  alert TEXT NOT NULL REFERENCES alert(id),
  at INTEGER NOT NULL, state TEXT NOT NULL, name TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE route (                 -- that an alert is owed to a channel
  alert TEXT NOT NULL REFERENCES alert(id),
  channel TEXT NOT NULL,
  form TEXT NOT NULL,                -- alone | prompt | group | history | daily
  message TEXT REFERENCES message(id),
  PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX route_owed ON route(channel, form) WHERE message IS NULL;
CREATE TABLE message (
  id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  case_id TEXT NOT NULL,
  form TEXT NOT NULL,
  created INTEGER NOT NULL,
  rendered TEXT NOT NULL             -- JSON of Rendered: the bytes-to-be, frozen
) STRICT;
CREATE INDEX message_recent ON message(channel, case_id, created);
CREATE TABLE delivery (
  message TEXT NOT NULL REFERENCES message(id),
  recipient TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,               -- waiting | accepted | dead
  attempts INTEGER NOT NULL DEFAULT 0,
  due INTEGER NOT NULL,
  held INTEGER NOT NULL DEFAULT 0,   -- the receiver named a time (Retry-After): not before due
  claimed INTEGER,                   -- a send is under way since
  last_error TEXT NOT NULL DEFAULT '',
  answer TEXT NOT NULL DEFAULT '',
  accepted_at INTEGER,
  PRIMARY KEY (message, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery(state, due);
CREATE TABLE channel_state (
  channel TEXT PRIMARY KEY,
  disabled INTEGER,                  -- since when: the receiver said that it is gone
  why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE incident (
  key TEXT PRIMARY KEY,
  number INTEGER NOT NULL,           -- how often this key has opened: part of the alert's id
  since INTEGER NOT NULL,
  told INTEGER,                      -- when people were told; NULL while held
  reminded INTEGER,
  closed INTEGER,
  ended INTEGER,                     -- when people were told that it is over
  signal TEXT NOT NULL               -- JSON of the signal as it stands
) STRICT;
CREATE TABLE budget (                -- calls reserved before they are made
  key TEXT NOT NULL, starts INTEGER NOT NULL, seconds INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (key, starts, seconds)
) STRICT, WITHOUT ROWID;
CREATE TABLE note (                  -- small facts of the program: last pass, last backup ...
  key TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT;
"""


@migrations()
def m001_initial(db: Database) -> None:
    carry_out(db.conn, _INITIAL)


_DESK = """
CREATE TABLE route_by_form (         -- an alert may be owed to a channel twice: at first, and
  alert TEXT NOT NULL REFERENCES alert(id),  -- passed on because nobody acknowledged it
  channel TEXT NOT NULL,
  form TEXT NOT NULL,                -- alone | prompt | group | history | daily | escalated
  message TEXT REFERENCES message(id),
  PRIMARY KEY (alert, channel, form)
) STRICT, WITHOUT ROWID;
INSERT INTO route_by_form SELECT alert, channel, form, message FROM route;
DROP TABLE route;
ALTER TABLE route_by_form RENAME TO route;
CREATE INDEX route_owed ON route(channel, form) WHERE message IS NULL;
CREATE INDEX route_message ON route(message) WHERE message IS NOT NULL;
CREATE TABLE price (                 -- what one coin was worth, as a price source said
  chain TEXT NOT NULL,
  contract TEXT NOT NULL,            -- empty: the chain's own coin
  at INTEGER NOT NULL,               -- the time that the source gives for the price
  usd TEXT NOT NULL,                 -- decimal text, never a float
  source TEXT NOT NULL,
  asked INTEGER NOT NULL,            -- when we asked
  daily INTEGER NOT NULL DEFAULT 0,  -- a snapshot of midnight
  PRIMARY KEY (chain, contract, at, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE price_try (             -- moments for which no source had a price
  chain TEXT NOT NULL, contract TEXT NOT NULL,
  at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  next_try INTEGER,                  -- NULL: given up
  PRIMARY KEY (chain, contract, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_log_alert ON alert_log(alert);
CREATE INDEX alert_open ON alert(created) WHERE state = 'open';
"""


@migrations()
def m002_desk(db: Database) -> None:
    carry_out(db.conn, _DESK)


_REAL_LIFE = """
-- Whether anything is due is asked every two seconds, of lists of any length.
CREATE INDEX subject_due ON subject(due);
-- Health is asked often, of records of any size.
CREATE INDEX reading_failing ON reading(failing) WHERE failing IS NOT NULL;
CREATE TABLE way (                   -- a channel and one recipient of it
  channel TEXT NOT NULL,
  recipient TEXT NOT NULL,
  accepted INTEGER,                  -- its newest yes
  refusing INTEGER,                  -- since when it takes nothing; NULL: the last try was a yes
  PRIMARY KEY (channel, recipient)
) STRICT, WITHOUT ROWID;
ALTER TABLE delivery ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;  -- of its tries
ALTER TABLE delivery ADD COLUMN revive INTEGER NOT NULL DEFAULT 0;
                                     -- 1: given up because of its way, 2: sent again since
CREATE TABLE head (                  -- newest blocks that sources named: what stands on which
  chain TEXT NOT NULL, source TEXT NOT NULL,
  number INTEGER NOT NULL,           -- in the order told
  height INTEGER NOT NULL, time INTEGER NOT NULL, hash TEXT,
  final_height INTEGER, final_time INTEGER,
  at INTEGER NOT NULL,               -- when it was told, by our clock
  doubt TEXT NOT NULL,               -- why nothing is booked on it; empty: believed
  mark_height INTEGER, mark_hash TEXT, -- the block that it made final, as shown then
  PRIMARY KEY (chain, source, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE block_word (            -- what sources said of blocks that can never change
  chain TEXT NOT NULL, source TEXT NOT NULL, height INTEGER NOT NULL, hash TEXT NOT NULL,
  since INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (chain, source, height, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE doubt (                 -- a question by hash that nobody has answered yet
  chain TEXT NOT NULL, tx TEXT NOT NULL,
  why TEXT NOT NULL,                 -- success | final | missing | again, see plan.Doubt
  subject TEXT NOT NULL,             -- whose polls ask
  source TEXT NOT NULL,              -- whose list it is about
  state TEXT NOT NULL,               -- what the last answer said: '' none | silent | kept | lost
  rows INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (chain, tx, why)
) STRICT, WITHOUT ROWID;
CREATE INDEX doubt_subject ON doubt(subject, since);
"""


@migrations()
def m003_real_life(db: Database) -> None:
    carry_out(db.conn, _REAL_LIFE)


_SCOPE = """
-- What is polled and what coverage belongs to: one address, or a chain as a whole (address '*').
ALTER TABLE subject RENAME TO scope;
ALTER TABLE coverage RENAME COLUMN subject TO scope;
ALTER TABLE gap RENAME COLUMN subject TO scope;
ALTER TABLE reading RENAME COLUMN subject TO scope;
ALTER TABLE doubt RENAME COLUMN subject TO scope;
DROP INDEX subject_due;
CREATE INDEX scope_due ON scope(due);
DROP INDEX doubt_subject;
CREATE INDEX doubt_scope ON doubt(scope, since);
CREATE TABLE joined (                -- where a chain-wide list was read for an address too
  subject TEXT NOT NULL REFERENCES scope(key),
  scope TEXT NOT NULL REFERENCES scope(key),
  stream TEXT NOT NULL,
  axis TEXT NOT NULL,
  from_place INTEGER NOT NULL,
  until_place INTEGER,               -- NULL: still a member
  PRIMARY KEY (subject, scope, stream, axis, from_place),
  CHECK (until_place IS NULL OR from_place <= until_place)
) STRICT, WITHOUT ROWID;
CREATE INDEX joined_scope ON joined(scope);
CREATE TABLE followed (              -- addresses that are read without an entry, and for what
  subject TEXT NOT NULL REFERENCES scope(key),
  case_id TEXT NOT NULL,
  why TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,                     -- NULL: still followed
  every INTEGER NOT NULL,            -- seconds from poll to poll
  calls INTEGER,                     -- calls of sources that it may use; NULL: not bounded
  used INTEGER NOT NULL DEFAULT 0,   -- of them
  PRIMARY KEY (subject, case_id)
) STRICT, WITHOUT ROWID;
-- What is read and not read of an address: by its own readings, and by the chain-wide one where it
-- is or was a member. Of two readings of a list the one that was tried later tells how it stands.
-- That no source serves a list ("no configured source lists it") is noted of the chain alone.
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
      WHERE j.subject = r.scope AND j.stream = r.stream AND j.until_place IS NULL))
  WHERE r.scope NOT GLOB '*/[*]' AND (o.tried IS NULL OR o.tried <= r.tried)
  UNION ALL
  SELECT j.subject, r.stream, r.tried, coalesce(max(r.ok, o.ok), r.ok, o.ok),
    r.source, r.axis, r.error,
    coalesce(max(r.complete_to, o.complete_to), r.complete_to, o.complete_to),
    coalesce(max(r.complete_time, o.complete_time), r.complete_time, o.complete_time),
    r.failing, max(r.failing, coalesce(o.ok, 0))
  FROM reading r
  JOIN joined j ON j.scope = r.scope AND j.until_place IS NULL
    AND j.stream = CASE r.error WHEN 'no configured source lists it' THEN (
        SELECT min(k.stream) FROM joined k
        WHERE k.subject = j.subject AND k.scope = j.scope AND k.until_place IS NULL)
      ELSE r.stream END
  LEFT JOIN reading o ON o.scope = j.subject AND o.stream = r.stream
  WHERE o.tried IS NULL OR o.tried < r.tried;
CREATE VIEW list_coverage AS
  SELECT scope AS subject, stream, axis, lo, hi FROM coverage
  WHERE scope NOT GLOB '*/[*]'
  UNION ALL
  SELECT j.subject, c.stream, c.axis, max(c.lo, j.from_place),
    min(c.hi, coalesce(j.until_place, c.hi))
  FROM joined j JOIN coverage c ON c.scope = j.scope AND c.stream = j.stream AND c.axis = j.axis
    AND c.hi >= j.from_place AND c.lo <= coalesce(j.until_place, c.lo);
CREATE VIEW list_gap AS
  SELECT scope AS subject, stream, axis, lo, hi, reason FROM gap
  WHERE closed IS NULL AND scope NOT GLOB '*/[*]'
  UNION ALL
  SELECT j.subject, g.stream, g.axis, max(g.lo, j.from_place),
    min(g.hi, coalesce(j.until_place, g.hi)), g.reason
  FROM joined j JOIN gap g ON g.scope = j.scope AND g.stream = j.stream AND g.axis = j.axis
    AND g.closed IS NULL AND g.hi >= j.from_place AND g.lo <= coalesce(j.until_place, g.lo)
  WHERE NOT EXISTS (                   -- what it has read by itself
    SELECT 1 FROM coverage c WHERE c.scope = j.subject AND c.stream = g.stream
      AND c.axis = g.axis AND c.lo <= g.lo AND c.hi >= g.hi);
-- A chain-wide reading asks what is recorded in a range of blocks, whoever's it is.
CREATE INDEX transfer_height ON transfer(chain, block_height) WHERE block_height IS NOT NULL;
"""


@migrations()
def m004_scope(db: Database) -> None:
    carry_out(db.conn, _SCOPE)


@migrations()
def m005_log(db: Database) -> None:
    """Also the first act of the log: what the record held until then."""
    (schema,) = db.execute("PRAGMA user_version").fetchone()
    carry_out(db.conn, log_schema.LOG + log_schema.KEPT + log_schema.VERSIONS_KEPT)
    log.append(db.conn, DAEMON, int(time.time()), "begin", digests.begin(db.conn, schema))


@migrations()
def m006_answers(db: Database) -> None:
    carry_out(db.conn, answers_schema.ANSWERS)


@migrations()
def m007_lists(db: Database) -> None:
    carry_out(db.conn, lists_schema.LISTS)


@migrations()
def m008_balances(db: Database) -> None:
    carry_out(db.conn, balances_schema.BALANCES)


@migrations()
def m009_trace(db: Database) -> None:
    carry_out(db.conn, trace_schema.TRACE)


@migrations()
def m010_blocks(db: Database) -> None:
    carry_out(db.conn, blocks_schema.BLOCKS + scale_schema.STAGING + scale_schema.VERSIONS)
    carry_out(db.conn, scale_schema.BEGINNING + scale_schema.INDEXES)


@migrations()
def m011_desk(db: Database) -> None:
    carry_out(db.conn, desk_schema.DESK)


@migrations()
def m012_said(db: Database) -> None:
    carry_out(db.conn, said_schema.SAID)


@migrations()
def m013_requests(db: Database) -> None:
    carry_out(db.conn, requests_schema.REQUESTS)
