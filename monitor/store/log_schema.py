"""The schema of the log, and what keeps what acts made as it is: the text of migration m005."""

from __future__ import annotations

LOG = """
CREATE TABLE log (                   -- the chain: what was done, as salted hashes
  seq INTEGER PRIMARY KEY,           -- 1, 2, 3 ... without a hole
  digest TEXT NOT NULL,              -- SHA-256 of salt and text, see store/log.py
  hash TEXT NOT NULL                 -- SHA-256 of seq, the hash before and the digest
) STRICT;
CREATE TABLE log_text (              -- what the digests are of
  seq INTEGER PRIMARY KEY REFERENCES log(seq),
  salt TEXT,                         -- hex; NULL with the text: erased
  text TEXT                          -- canonical JSON
) STRICT;
CREATE TABLE log_case (              -- which cases a row is about
  case_id TEXT NOT NULL,
  seq INTEGER NOT NULL REFERENCES log(seq),
  PRIMARY KEY (case_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_case_seq ON log_case(seq);
CREATE TABLE erasure (               -- which row of the log allows that a text is gone
  seq INTEGER PRIMARY KEY REFERENCES log(seq),
  by_seq INTEGER NOT NULL REFERENCES log(seq) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE TABLE erased_line (           -- whose name and note in alert_log went with a text
  line TEXT PRIMARY KEY REFERENCES alert_log(id),
  seq INTEGER NOT NULL REFERENCES erasure(seq)
) STRICT;
CREATE TABLE respelt (               -- keys of addresses and entries that got another form
  old TEXT NOT NULL, new TEXT NOT NULL,
  seq INTEGER NOT NULL REFERENCES log(seq) DEFERRABLE INITIALLY DEFERRED, -- by which act
  PRIMARY KEY (old, new)
) STRICT;
CREATE TABLE case_state (            -- of cases that were closed or are under a legal hold
  case_id TEXT PRIMARY KEY,
  closed INTEGER,                    -- since when; NULL: open
  held INTEGER                       -- legal hold since; NULL: none
) STRICT;
-- INSERT OR REPLACE would delete without a trigger of its own.
CREATE TRIGGER log_next BEFORE INSERT ON log
  WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM log)
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_text_next BEFORE INSERT ON log_text
  WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM log_text)
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_kept BEFORE UPDATE ON log
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_stays BEFORE DELETE ON log
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_case_kept BEFORE UPDATE ON log_case
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_case_stays BEFORE DELETE ON log_case
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_text_kept BEFORE UPDATE ON log_text
  WHEN NEW.seq <> OLD.seq OR NEW.text IS NOT NULL OR NEW.salt IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM erasure WHERE seq = OLD.seq)
  BEGIN SELECT RAISE(ABORT, 'a text of the log is erased by an act, or kept'); END;
CREATE TRIGGER log_text_stays BEFORE DELETE ON log_text
  BEGIN SELECT RAISE(ABORT, 'a text of the log is erased by an act, or kept'); END;
CREATE TRIGGER erasure_kept BEFORE UPDATE ON erasure
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER erasure_stays BEFORE DELETE ON erasure
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
"""

# What the acts made: only the columns that later acts change can be changed.
KEPT = """
CREATE TRIGGER respelt_kept BEFORE UPDATE ON respelt
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER erased_line_kept BEFORE UPDATE ON erased_line
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER sighting_kept BEFORE UPDATE ON sighting
  BEGIN SELECT RAISE(ABORT, 'who reported a row is only added to'); END;
CREATE TRIGGER list_version_kept BEFORE UPDATE ON list_version
  BEGIN SELECT RAISE(ABORT, 'the lists that were taken are only added to'); END;
CREATE TRIGGER alert_transfer_kept BEFORE UPDATE ON alert_transfer
  BEGIN SELECT RAISE(ABORT, 'what an alert tells of never changes'); END;
CREATE TRIGGER transfer_kept BEFORE UPDATE OF id, chain, tx, leg, kind, contract, token_id, amount,
    late, first_seen, reason ON transfer
  BEGIN SELECT RAISE(ABORT, 'what a row says never changes, only where it is and its status'); END;
CREATE TRIGGER alert_kept BEFORE UPDATE OF id, kind, lane, severity, created, chain, tx, direction,
    amends, lane_reason, title, facts, audience ON alert
  BEGIN SELECT RAISE(ABORT, 'what was told never changes, only its state'); END;
CREATE TRIGGER alert_log_kept BEFORE UPDATE OF id, alert, at, state ON alert_log
  BEGIN SELECT RAISE(ABORT, 'who took an alert in hand is only added to'); END;
-- An address that got another form (store/respell.py) takes its rows and entries along.
CREATE TRIGGER transfer_sender BEFORE UPDATE OF sender ON transfer
  WHEN NOT EXISTS (SELECT 1 FROM respelt
    WHERE old = OLD.chain || '/' || OLD.sender AND new = OLD.chain || '/' || NEW.sender)
  BEGIN SELECT RAISE(ABORT, 'who paid never changes'); END;
CREATE TRIGGER transfer_recipient BEFORE UPDATE OF recipient ON transfer
  WHEN NOT EXISTS (SELECT 1 FROM respelt
    WHERE old = OLD.chain || '/' || OLD.recipient AND new = OLD.chain || '/' || NEW.recipient)
  BEGIN SELECT RAISE(ABORT, 'who was paid never changes'); END;
CREATE TRIGGER alert_entry BEFORE UPDATE OF entry ON alert
  WHEN NOT EXISTS (SELECT 1 FROM respelt WHERE old = OLD.entry AND new = NEW.entry)
  BEGIN SELECT RAISE(ABORT, 'what was told never changes, only its state'); END;
-- Names and notes go with the text of the log that holds them, and not otherwise.
CREATE TRIGGER alert_log_words BEFORE UPDATE OF name, note ON alert_log
  WHEN NEW.name <> '' OR NEW.note <> ''
    OR NOT EXISTS (SELECT 1 FROM erased_line WHERE line = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'who took an alert in hand is only added to'); END;
""" + "".join(
    f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table}\n"
    "  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;\n"
    for table in (
        *("respelt", "erased_line", "transfer", "sighting", "alert", "alert_transfer"),
        *("alert_log", "entry", "list_version", "case_state"),
    )
)
VERSIONS_KEPT = """
CREATE TRIGGER entry_version_kept BEFORE UPDATE OF at, terms, list_sha256 ON entry_version
  BEGIN SELECT RAISE(ABORT, 'the versions of an entry are only added to'); END;
CREATE TRIGGER entry_version_entry BEFORE UPDATE OF entry ON entry_version
  WHEN NOT EXISTS (SELECT 1 FROM respelt WHERE old = OLD.entry AND new = NEW.entry)
  BEGIN SELECT RAISE(ABORT, 'the versions of an entry are only added to'); END;
CREATE TRIGGER entry_version_stays BEFORE DELETE ON entry_version
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
"""
