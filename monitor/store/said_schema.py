"""Words of people at the desk can be erased, and not changed otherwise: text of migration m012."""

from __future__ import annotations

# Notes were erased before: which row of the log said so stands in the act that erased them.
SAID = """
CREATE TABLE erased_said (           -- whose words went with a text of the log
  what TEXT NOT NULL,                -- remark | proposal | proposal ended | clock | clock ended
  id TEXT NOT NULL,                  -- of the note, the proposal, the clock
  seq INTEGER NOT NULL REFERENCES erasure(seq),
  PRIMARY KEY (what, id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO erased_said SELECT 'remark', json_extract(row.value, '$.keys.id'), e.seq
  FROM erasure e JOIN log_text t ON t.seq = e.by_seq,
    json_each(CASE WHEN json_valid(t.text) THEN t.text ELSE '{}' END, '$.body.rows') row
  WHERE json_extract(row.value, '$.number') = e.seq
    AND json_extract(row.value, '$.what') = 'remark';
CREATE TRIGGER erased_said_kept BEFORE UPDATE ON erased_said
  BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER erased_said_stays BEFORE DELETE ON erased_said
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER remark_kept BEFORE UPDATE OF id, at, case_id, alert, door, corrects ON remark
  BEGIN SELECT RAISE(ABORT, 'what a person wrote never changes'); END;
DROP TRIGGER proposal_kept;
CREATE TRIGGER proposal_kept BEFORE UPDATE OF id, at, kind, case_id, door ON proposal
  BEGIN SELECT RAISE(ABORT, 'what was proposed never changes, only what became of it'); END;
DROP TRIGGER clock_kept;
CREATE TRIGGER clock_kept BEFORE UPDATE OF id, case_id, rule, terms, started, due, door ON clock
  BEGIN SELECT RAISE(ABORT, 'what was started never changes, only what became of it'); END;
-- Names and words go with the text of the log that holds them, and not otherwise.
CREATE TRIGGER remark_words BEFORE UPDATE OF name, text ON remark
  WHEN NEW.name <> '' OR NEW.text <> ''
    OR NOT EXISTS (SELECT 1 FROM erased_said WHERE what = 'remark' AND id = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'what a person wrote never changes'); END;
CREATE TRIGGER proposal_words BEFORE UPDATE OF args, text, digest, why, name ON proposal
  WHEN NEW.args <> '{}' OR NEW.text <> '' OR NEW.digest <> '' OR NEW.why <> '' OR NEW.name <> ''
    OR NOT EXISTS (SELECT 1 FROM erased_said WHERE what = 'proposal' AND id = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'what was proposed never changes, only what became of it'); END;
CREATE TRIGGER clock_words BEFORE UPDATE OF name, why ON clock
  WHEN NEW.name <> '' OR NEW.why <> ''
    OR NOT EXISTS (SELECT 1 FROM erased_said WHERE what = 'clock' AND id = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'what was started never changes, only what became of it'); END;
"""
