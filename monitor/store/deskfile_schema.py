"""The schema of desk.db: how people come in, and who looked at what."""

from __future__ import annotations

APPLICATION_ID = 0x4657444B  # "FWDK"
_FIRST = """
CREATE TABLE trail (                 -- the chain: what happened here, see deskfile.py
  seq INTEGER PRIMARY KEY,           -- 1, 2, 3 ... without a hole
  salt TEXT NOT NULL,
  digest TEXT NOT NULL,              -- SHA-256 of salt and text, as in store/log.py
  hash TEXT NOT NULL,                -- SHA-256 of seq, the hash before and the digest
  text TEXT NOT NULL,                -- canonical JSON
  at INTEGER NOT NULL,               -- what follows stands in the text too, for filters
  act TEXT NOT NULL,
  name TEXT NOT NULL,
  case_id TEXT NOT NULL,             -- '': of none
  restricted INTEGER NOT NULL        -- 1: of a confidential clock
) STRICT;
CREATE INDEX trail_name ON trail(name, seq);
CREATE INDEX trail_case ON trail(case_id, seq) WHERE case_id <> '';
CREATE TABLE looked (                -- one row a person, case and day
  day TEXT NOT NULL, name TEXT NOT NULL, case_id TEXT NOT NULL,
  PRIMARY KEY (day, name, case_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE credential (
  person TEXT PRIMARY KEY,
  password TEXT NOT NULL DEFAULT '', -- argon2id; '': none
  code TEXT NOT NULL DEFAULT '',     -- secret of the one-time code, base 32; '': none
  step INTEGER NOT NULL DEFAULT 0,   -- the last half minute whose code was used
  since INTEGER NOT NULL
) STRICT;
CREATE TABLE recovery (              -- codes that stand for a one-time code, once each
  person TEXT NOT NULL, hash TEXT NOT NULL, used INTEGER,
  PRIMARY KEY (person, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE passkey (
  id TEXT PRIMARY KEY,               -- as the device names it, base64url
  person TEXT NOT NULL,
  key TEXT NOT NULL,                 -- its public key, base64url
  uses INTEGER NOT NULL,             -- as the device counts
  title TEXT NOT NULL,
  added INTEGER NOT NULL,
  used INTEGER
) STRICT;
CREATE INDEX passkey_person ON passkey(person);
CREATE TABLE session (
  id TEXT PRIMARY KEY,               -- its name, which may be shown
  hash TEXT NOT NULL UNIQUE,         -- SHA-256 of its key, which only the browser has
  person TEXT NOT NULL,
  begun INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  proven TEXT NOT NULL,              -- how: "password and one-time code"
  again INTEGER NOT NULL,            -- when it was proven last
  address TEXT NOT NULL,             -- of the client
  agent TEXT NOT NULL,               -- its browser, as it calls itself
  token TEXT NOT NULL,               -- what its forms carry
  ended INTEGER, why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX session_person ON session(person);
CREATE TABLE device (                -- browsers in which somebody has signed in before
  hash TEXT PRIMARY KEY, person TEXT NOT NULL, seen INTEGER NOT NULL
) STRICT;
CREATE TABLE failure (
  key TEXT PRIMARY KEY,              -- a name, an address or a device
  count INTEGER NOT NULL,
  at INTEGER NOT NULL                -- of the last one
) STRICT;
CREATE TABLE invitation (            -- links that let somebody choose how they sign in
  hash TEXT PRIMARY KEY, person TEXT NOT NULL,
  made INTEGER NOT NULL, until INTEGER NOT NULL,
  used INTEGER, code TEXT NOT NULL   -- the secret that its page offers
) STRICT;
CREATE TABLE sso (                   -- who comes in by single sign-on: issuer and subject
  subject TEXT PRIMARY KEY, person TEXT NOT NULL UNIQUE, since INTEGER NOT NULL
) STRICT;
CREATE TABLE pending (               -- what a browser has begun: a passkey, single sign-on
  hash TEXT PRIMARY KEY, data TEXT NOT NULL, until INTEGER NOT NULL
) STRICT;
CREATE TABLE restricted_clock (      -- the confidential clocks; the others are in the record
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  rule TEXT NOT NULL, terms TEXT NOT NULL,
  started INTEGER NOT NULL, due TEXT NOT NULL,
  name TEXT NOT NULL, why TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'running', -- running | stopped | met
  ended INTEGER, ended_by TEXT NOT NULL DEFAULT '', said TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX restricted_clock_case ON restricted_clock(case_id);
CREATE TRIGGER trail_next BEFORE INSERT ON trail
  WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM trail)
  BEGIN SELECT RAISE(ABORT, 'the chain of the desk is only added to'); END;
CREATE TRIGGER trail_kept BEFORE UPDATE ON trail
  BEGIN SELECT RAISE(ABORT, 'the chain of the desk is only added to'); END;
CREATE TRIGGER trail_stays BEFORE DELETE ON trail
  BEGIN SELECT RAISE(ABORT, 'the chain of the desk is only added to'); END;
CREATE TRIGGER restricted_clock_stays BEFORE DELETE ON restricted_clock
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER restricted_clock_kept BEFORE UPDATE OF id, case_id, rule, terms, started, due, name,
    why ON restricted_clock
  BEGIN SELECT RAISE(ABORT, 'what was started never changes, only what became of it'); END;
"""

_TOKENS = """
CREATE TABLE api_token (             -- programs that use the API, see store/api_tokens.py
  id TEXT PRIMARY KEY,               -- its name, which may be shown
  hash TEXT NOT NULL UNIQUE,         -- SHA-256 of the token, which only the program has
  title TEXT NOT NULL,
  maker TEXT NOT NULL,               -- it may see and do nothing that they may not
  scopes TEXT NOT NULL,              -- JSON, a list
  cases TEXT,                        -- JSON, a list; NULL: all that its maker may see
  made INTEGER NOT NULL, until INTEGER NOT NULL,
  seal TEXT NOT NULL,                -- with it its cursors are sealed, 64 hex digits
  used INTEGER, used_from TEXT NOT NULL DEFAULT '',
  ended INTEGER, ended_by TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX api_token_maker ON api_token(maker);
CREATE TABLE api_used (              -- what was told of their use: once a day, token and kind
  day TEXT NOT NULL, token TEXT NOT NULL, kind TEXT NOT NULL,
  PRIMARY KEY (day, token, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE api_once (              -- answers to what was sent under an Idempotency-Key
  token TEXT NOT NULL, key TEXT NOT NULL,
  asked TEXT NOT NULL,               -- SHA-256 of address and body
  at INTEGER NOT NULL,
  status INTEGER,                    -- NULL: begun, and not known how it ended
  type TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (token, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_once_at ON api_once(at);
CREATE TRIGGER api_token_stays BEFORE DELETE ON api_token
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER api_token_kept BEFORE UPDATE OF id, hash, title, maker, scopes, cases, made, until
    ON api_token
  BEGIN SELECT RAISE(ABORT, 'what a token may is fixed when it is made'); END;
CREATE TRIGGER api_token_ends BEFORE UPDATE OF ended ON api_token
  WHEN OLD.ended IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'a token that has ended stays so'); END;
"""

# Each makes the next version of the file; none that was released is ever edited.
STEPS = (_FIRST, _TOKENS)
VERSION = len(STEPS)
