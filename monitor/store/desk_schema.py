"""The schema of the desk: who works at it, and what they decide. The text of migration m011.

Who looked at what, and how they signed in, stands in a file of its own (store/deskfile.py).
"""

from __future__ import annotations

# What is work: it is taken, and closed by a person. The rest is told, and needs nobody.
# Of notices only what is about funds: our own addresses were touched, held ones are missing.
WORK = (
    "audience = 'desk' AND lane = 'news' AND kind <> 'history' "
    "AND (kind <> 'notice' OR instr(facts, '\"ours\"') > 0 OR instr(facts, '\"heldfunds:') > 0) "
    "AND (severity <> 'low' OR kind IN ('correction', 'trace_question'))"
)

# Who had an alert in hand before there was a desk, by its history.
HELD = """
UPDATE alert SET
  (holder, holder_door, closed) = (SELECT replace(l.name, ' (claimed, by link)', ''),
    CASE WHEN l.name LIKE '% (claimed, by link)' THEN 'link' ELSE '' END,
    CASE l.state WHEN 'closed' THEN l.at END
    FROM alert_log l WHERE l.alert = alert.id ORDER BY l.rowid DESC LIMIT 1)
  WHERE state <> 'open' AND EXISTS (SELECT 1 FROM alert_log l WHERE l.alert = alert.id);
"""

DESK = f"""
CREATE TABLE person (                -- who may use the desk; never deleted
  name TEXT PRIMARY KEY,             -- as acts show it
  role TEXT NOT NULL,                -- reader | analyst | lead | auditor | admin
  reports INTEGER NOT NULL DEFAULT 0, -- 1: may see confidential clocks
  added INTEGER NOT NULL,
  enrolled INTEGER,                  -- since when they have a way to sign in
  disabled INTEGER                   -- since when they may not; NULL: they may
) STRICT;
CREATE TABLE member (                -- who may see a case
  case_id TEXT NOT NULL,
  person TEXT NOT NULL REFERENCES person(name),
  since INTEGER NOT NULL,
  until INTEGER,                     -- NULL: still
  PRIMARY KEY (case_id, person, since)
) STRICT;
CREATE INDEX member_person ON member(person) WHERE until IS NULL;
CREATE TABLE remark (                -- append-only: what people write about a case or an alert
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  case_id TEXT NOT NULL,             -- '': of an alert that belongs to none
  alert TEXT REFERENCES alert(id),   -- NULL: of the case itself
  name TEXT NOT NULL,
  door TEXT NOT NULL,                -- by which they came: person | link | token | daemon | cli
  text TEXT NOT NULL,                -- '' with name '': its text was erased
  corrects TEXT REFERENCES remark(id)
) STRICT;
CREATE INDEX remark_case ON remark(case_id, at);
CREATE INDEX remark_alert ON remark(alert) WHERE alert IS NOT NULL;
CREATE TABLE proposal (              -- what needs a second person, or the program's hand
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,                -- close | retire | retire_of_list | insist_of_list | ...
  case_id TEXT NOT NULL,             -- '': of none in particular
  args TEXT NOT NULL,                -- JSON: what is to be done
  text TEXT NOT NULL,                -- frozen: what whoever agrees agrees to
  digest TEXT NOT NULL,              -- SHA-256 of the text
  why TEXT NOT NULL,
  name TEXT NOT NULL,                -- who proposes
  door TEXT NOT NULL,
  eyes TEXT NOT NULL,                -- second: waits for another person; one: no second existed;
                                     -- none: needs nobody else
  state TEXT NOT NULL DEFAULT 'waiting', -- waiting | agreed | done | failed | declined |
                                     -- withdrawn | lapsed
  ended INTEGER,                     -- when it was agreed to, declined, withdrawn, lapsed
  ended_by TEXT NOT NULL DEFAULT '',
  said TEXT NOT NULL DEFAULT '',     -- why it ended, or what came of it
  escalated INTEGER                  -- when it was passed on because nobody answered
) STRICT;
CREATE INDEX proposal_open ON proposal(at) WHERE state IN ('waiting', 'agreed');
CREATE INDEX proposal_case ON proposal(case_id, at);
CREATE TABLE proposal_alert (
  proposal TEXT NOT NULL REFERENCES proposal(id),
  alert TEXT NOT NULL REFERENCES alert(id),
  PRIMARY KEY (proposal, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX proposal_alert_of ON proposal_alert(alert);
CREATE TABLE clock (                 -- clocks that a person started; confidential ones are not here
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  rule TEXT NOT NULL,                -- its name in config/clocks.yaml
  terms TEXT NOT NULL,               -- JSON of the rule as it stood, with the calendar's version
  started INTEGER NOT NULL,
  due TEXT NOT NULL,                 -- the last day, YYYY-MM-DD of the rule's zone
  name TEXT NOT NULL, door TEXT NOT NULL,
  why TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'running', -- running | stopped | met
  ended INTEGER,
  ended_by TEXT NOT NULL DEFAULT '',
  said TEXT NOT NULL DEFAULT '',     -- why it was stopped, or the reference
  told TEXT NOT NULL DEFAULT ''      -- the last step that was told: '' | soon | due | over
) STRICT;
CREATE INDEX clock_case ON clock(case_id);
CREATE INDEX clock_running ON clock(due) WHERE state = 'running';
ALTER TABLE alert ADD COLUMN holder TEXT NOT NULL DEFAULT ''; -- who has it; '': nobody
ALTER TABLE alert ADD COLUMN holder_door TEXT NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN outcome TEXT NOT NULL DEFAULT ''; -- closed: which of the reasons
ALTER TABLE alert ADD COLUMN closed INTEGER;                   -- when; NULL: it is not
ALTER TABLE alert_log ADD COLUMN door TEXT NOT NULL DEFAULT '';
ALTER TABLE alert_log ADD COLUMN holder TEXT NOT NULL DEFAULT ''; -- handed over: to whom
CREATE INDEX alert_work ON alert(created) WHERE state <> 'closed' AND {WORK};
CREATE INDEX alert_told ON alert(created) WHERE state <> 'closed' AND NOT ({WORK});
CREATE INDEX alert_of_entry ON alert(entry, created) WHERE entry IS NOT NULL;
CREATE INDEX alert_held ON alert(holder, created) WHERE state = 'acknowledged' AND holder <> '';
CREATE INDEX alert_closed ON alert(closed) WHERE closed IS NOT NULL;
CREATE INDEX entry_case ON entry(case_id) WHERE case_id <> '';
{HELD}
-- The newest movements of one address, however many it has; the older pair goes by number.
CREATE INDEX transfer_sent ON transfer(chain, sender, time) WHERE sender IS NOT NULL;
CREATE INDEX transfer_got ON transfer(chain, recipient, time) WHERE recipient IS NOT NULL;
CREATE TRIGGER person_stays BEFORE DELETE ON person
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER member_stays BEFORE DELETE ON member
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER remark_stays BEFORE DELETE ON remark
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER proposal_stays BEFORE DELETE ON proposal
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER clock_stays BEFORE DELETE ON clock
  BEGIN SELECT RAISE(ABORT, 'nothing of this is ever deleted'); END;
CREATE TRIGGER proposal_kept BEFORE UPDATE OF id, at, kind, case_id, args, text, digest, why, name,
    door ON proposal
  BEGIN SELECT RAISE(ABORT, 'what was proposed never changes, only what became of it'); END;
CREATE TRIGGER clock_kept BEFORE UPDATE OF id, case_id, rule, terms, started, due, name, door, why
    ON clock
  BEGIN SELECT RAISE(ABORT, 'what was started never changes, only what became of it'); END;
"""
