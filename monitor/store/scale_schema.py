"""Indexes for records of a million entries: a part of schema 10."""

from __future__ import annotations

# How entries stand is counted every few seconds. Without these SQLite reads each entry with all of
# its text for it, of a million 700 MB.
INDEXES = """
CREATE INDEX entry_active ON entry(subject, base_height, history, added, id)
  WHERE retired IS NULL;
CREATE INDEX entry_absent ON entry(id) WHERE absent IS NOT NULL;
CREATE INDEX entry_own ON entry(added) WHERE list = '';
-- What few entries say, found by how their texts hold it. Such a text may stand in a label too: who
-- asks looks at the value itself.
CREATE INDEX entry_severe ON entry(subject)
  WHERE instr(terms, '"severity": "severe"') > 0;
CREATE INDEX entry_canary ON entry(subject) WHERE instr(terms, '"canary": ') > 0;
CREATE INDEX entry_sources ON entry(subject) WHERE instr(terms, '"sources": ') > 0;
-- Of published lists: who is not on them any more.
CREATE INDEX entry_removed ON entry(list, listed, id)
  WHERE list <> '' AND instr(terms, '"until": ""') = 0;
CREATE INDEX reading_tried ON reading(tried);
"""
