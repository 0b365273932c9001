"""To where sources of another operator were asked for addresses' lists, too."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict

from monitor.model import Axis, Interval, Severity, Subject, intervals
from monitor.model.scope import ChainWide
from monitor.model.second import Counted, Listed, ProvenLists, SecondSaid, SecondWord, Waiting
from monitor.store import joined
from monitor.store.notes import get_note, put_note
from monitor.store.port import Fields, Reader, Store
from monitor.store.rows import to_row

PART = 1000  # rows of an address held in memory at once
_Covered = dict[tuple[str, Axis], dict[str, tuple[Interval, ...]]]
_TOLD = "(SELECT json_group_array(s.source) FROM sighting s WHERE s.transfer = t.id) AS told"
NOTE = "second"  # the note in which stands what gets no second word, and why
_BY_RANK = (Severity.SEVERE, Severity.HIGH, Severity.MEDIUM)


def waiting(store: Reader) -> list[Waiting]:
    """Watched addresses whose first contact is over: the severe first, then the high, and of each
    those that are longest without a second word."""
    rows = store.read(
        "SELECT s.chain, s.address, min(e.base_height) AS floor, "
        "min(CASE json_extract(e.terms, '$.severity') WHEN 'severe' THEN 0 WHEN 'high' THEN 1 "
        "ELSE 2 END) AS rank, "
        "(SELECT coalesce(max(w.at), 0) FROM second_word w WHERE w.subject = s.key) AS asked "
        "FROM entry e JOIN scope s ON s.key = e.subject "
        "WHERE e.retired IS NULL AND e.base_height IS NOT NULL GROUP BY s.key"
    )
    rows.sort(key=lambda row: (row["rank"], row["asked"], row["chain"], row["address"]))
    return [
        Waiting(Subject(r["chain"], r["address"]), _BY_RANK[r["rank"]], r["floor"], r["asked"])
        for r in rows
    ]


def proven(store: Reader, subject: Subject) -> ProvenLists:
    """What each source proved of an address's lists; of those that are read for the chain as a
    whole what was read while they were read for it."""
    found = _covered(store, subject.key)
    parts = joined.memberships(store, subject)
    if parts:
        for (stream, axis), by_source in _covered(store, ChainWide(subject.chain).key).items():
            within = [joined.span(p) for p in parts if (p.stream, p.axis) == (stream, axis)]
            mine = found.setdefault((stream, axis), {})
            for source, read in by_source.items():
                clipped = intervals.clip(read, within)
                if clipped:
                    mine[source] = intervals.union([*mine.get(source, ()), *clipped])
    return found


def _covered(store: Reader, scope: str) -> _Covered:
    found: _Covered = {}
    rows = store.read(
        "SELECT stream, axis, source, lo, hi FROM coverage WHERE scope = ? ORDER BY lo", [scope]
    )
    for row in rows:
        by_source = found.setdefault((row["stream"], Axis(row["axis"])), {})
        parts = by_source.get(row["source"], ())
        by_source[row["source"]] = (*parts, Interval(row["lo"], row["hi"]))
    return found


def listed(store: Reader, subject: Subject) -> Iterator[Listed]:
    """Every recorded movement of an address with the sources that ever listed it."""
    for party, others in (("sender", ""), ("recipient", "AND sender IS NOT ?2")):
        last = 0
        while part := store.read(
            f"SELECT t.*, {_TOLD} FROM transfer t "
            f"WHERE chain = ?1 AND {party} = ?2 {others} AND id > ?3 ORDER BY id LIMIT ?4",
            [subject.chain, subject.address, last, PART],
        ):
            for row in part:
                yield _to_listed(row)
            last = part[-1]["id"]


def told_of(store: Reader, chain: str, txs: Collection[str]) -> list[Listed]:
    """The recorded movements of these transactions."""
    sql = f"SELECT t.*, {_TOLD} FROM transfer t WHERE chain = ? AND tx IN ({{}})"
    return [_to_listed(row) for row in store.read_in(sql, txs, [chain])]


def _to_listed(row: Fields) -> Listed:
    return Listed(to_row(row), frozenset(json.loads(row["told"])))


def put(store: Store, words: Sequence[SecondWord]) -> None:
    """Keep to where sources were asked."""
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO second_word (subject, stream, source, axis, lo, hi, at, more, less) "
            "VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (subject, stream, source) DO UPDATE SET "
            "axis = excluded.axis, lo = excluded.lo, hi = excluded.hi, at = excluded.at, "
            "more = excluded.more, less = excluded.less",
            [
                (
                    *(w.subject.key, w.stream, w.source, w.axis.value),
                    *(w.read.lo, w.read.hi, w.at, w.more, w.less),
                )
                for w in words
            ],
        )


def counted(store: Reader) -> Counted:
    """How many watched addresses have a second word, of those whose first contact is over."""
    (row,) = store.read(
        "SELECT count(*) AS addresses, count(w.at) AS with_word, min(w.at) AS oldest, "
        "coalesce(sum(w.more), 0) AS more, coalesce(sum(w.less), 0) AS less FROM (SELECT DISTINCT "
        "subject FROM entry WHERE retired IS NULL AND base_height IS NOT NULL) e LEFT JOIN "
        "(SELECT subject, max(at) AS at, sum(more) AS more, sum(less) AS less FROM second_word "
        "GROUP BY subject) w ON w.subject = e.subject"
    )
    return Counted(row[0], row[1], row[2], row[3], row[4])


def say(store: Store, said: SecondSaid) -> None:
    """Keep what gets no second word, and the order of sources."""
    put_note(store, NOTE, json.dumps(asdict(said), sort_keys=True))


def said(store: Reader) -> SecondSaid:
    """What was last kept of that."""
    return SecondSaid(**json.loads(get_note(store, NOTE) or "{}"))
