"""What goes out of the record with one case, and nothing that is another case's. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.model import Kind, Subject, Watched
from monitor.store.answers import Answer, answer_of
from monitor.store.port import Fields, Reader
from monitor.store.rows import to_watched

# As the index on cases has it, which else is not used.
_ENTRIES = "entry e WHERE e.case_id = ?1 AND e.case_id <> ''"
_SUBJECTS = (
    f"SELECT e.subject FROM {_ENTRIES} UNION SELECT f.subject FROM followed f WHERE f.case_id = ?1"
)
_WHOLE = ", ".join(f"'{kind.value}'" for kind in Kind if kind.utxo)


def entries(store: Reader, case: str) -> list[Watched]:
    """All that the case watches or ever watched, in the order of adding."""
    rows = store.read(f"SELECT e.* FROM {_ENTRIES} ORDER BY e.added, e.rowid", [case])
    return [to_watched(row) for row in rows]


def number_of_entries(store: Reader, case: str) -> int:
    return int(store.read(f"SELECT count(*) AS n FROM {_ENTRIES}", [case])[0]["n"])


def versions(store: Reader, case: str) -> Iterator[dict[str, object]]:
    """How its entries stood, one after the other: entry, time, terms, and the SHA-256 of the
    watchlist file that brought it, where one did. Terms of when an entry was another case's are
    left out."""
    for row in store.read(
        "SELECT v.entry, v.at, v.nr, v.terms, v.list_sha256 FROM entry_version v "
        f"WHERE v.entry IN (SELECT e.id FROM {_ENTRIES}) ORDER BY v.entry, v.nr",
        [case],
    ):
        terms = json.loads(row["terms"])
        if terms.get("case", "") == case:
            kept = ("entry", "at", "nr")
            yield {**{k: row[k] for k in kept}, "terms": terms, "file": row["list_sha256"]}


def subjects(store: Reader, case: str) -> list[Subject]:
    """The addresses that it watches or follows, or ever did."""
    rows = store.read(f"SELECT subject FROM ({_SUBJECTS}) ORDER BY subject", [case])
    return [Subject(*row["subject"].split("/", 1)) for row in rows]


def row_ids(store: Reader, case: str) -> list[int]:
    """Every recorded movement of these addresses, whatever its status; of transactions with
    inputs and outputs all of them. By time; what is in no block yet comes last."""
    rows = store.read(
        "WITH mine AS (SELECT s.chain, s.address FROM scope s "
        f"WHERE s.key IN ({_SUBJECTS})), "
        "touched AS (SELECT t.id, t.chain, t.tx, t.kind FROM mine m CROSS JOIN transfer t "
        "ON t.chain = m.chain AND t.sender = m.address UNION "
        "SELECT t.id, t.chain, t.tx, t.kind FROM mine m CROSS JOIN transfer t "
        "ON t.chain = m.chain AND t.recipient = m.address), "
        "every AS (SELECT id FROM touched UNION SELECT l.id FROM touched i CROSS JOIN transfer l "
        f"ON l.chain = i.chain AND l.tx = i.tx WHERE i.kind IN ({_WHOLE})) "
        "SELECT t.id FROM every CROSS JOIN transfer t ON t.id = every.id "
        "ORDER BY coalesce(t.time, 9e18), t.chain, t.block_height, t.tx_index, t.log_index, t.id",
        [case],
    )
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Said:
    """Who said a movement, and the digest of the reading that did."""

    source: str
    sha256: str


def said(store: Reader, ids: Iterable[int]) -> dict[int, list[Said]]:
    """By movement, each source once, in the order in which they said so."""
    found: dict[int, dict[str, Said]] = {}
    for row in store.read_in(
        "SELECT transfer, source, sha256 FROM sighting WHERE transfer IN ({}) "
        "ORDER BY transfer, at, source, block",
        ids,
    ):
        by_source = found.setdefault(row["transfer"], {})
        by_source.setdefault(row["source"], Said(row["source"], row["sha256"]))
    return {number: [*by_source.values()] for number, by_source in found.items()}


@dataclass(frozen=True, slots=True)
class Alerted:
    """An alert of the case about a movement, and what became of it. Times: Unix seconds."""

    id: str
    lane: str  # news | quiet
    state: str
    delivered: int | None  # when the first receiver had it
    channel: str
    taken_by: str
    taken_at: int | None
    outcome: str
    why: str  # the last words with which it was closed


def alerted(store: Reader, case: str, ids: Sequence[int]) -> dict[int, list[Alerted]]:
    """By movement, the oldest first."""
    links = store.read_in(
        "SELECT x.transfer, x.alert FROM alert_transfer x JOIN alert a ON a.id = x.alert "
        "JOIN entry e ON e.id = a.entry WHERE e.case_id = ? AND x.transfer IN ({}) "
        "ORDER BY x.transfer, a.created, a.rowid",
        ids,
        [case],
    )
    told = _alerted(store, {row["alert"] for row in links})
    found: dict[int, list[Alerted]] = {}
    for row in links:
        found.setdefault(row["transfer"], []).append(told[row["alert"]])
    return found


def _alerted(store: Reader, names: Iterable[str]) -> dict[str, Alerted]:
    wanted = sorted(names)
    first = {
        row["alert"]: row
        for row in store.read_in(
            "SELECT r.alert, min(d.accepted_at) AS at, r.channel FROM route r JOIN delivery d "
            "ON d.message = r.message WHERE d.accepted_at IS NOT NULL AND r.alert IN ({}) "
            "GROUP BY r.alert",
            wanted,
        )
    }
    taken = _last_words(store, wanted, "acknowledged")
    closed = _last_words(store, wanted, "closed")
    rows = store.read_in("SELECT id, lane, state, outcome FROM alert WHERE id IN ({})", wanted)
    found = {}
    for row in rows:
        name = row["id"]
        by, at, _ = taken.get(name, ("", None, ""))
        found[name] = Alerted(
            id=name,
            lane=row["lane"],
            state=row["state"],
            delivered=first[name]["at"] if name in first else None,
            channel=first[name]["channel"] if name in first else "",
            taken_by=by,
            taken_at=at,
            outcome=row["outcome"],
            why=closed.get(name, ("", None, ""))[2],
        )
    return found


def _last_words(
    store: Reader, alerts: Iterable[str], state: str
) -> dict[str, tuple[str, int | None, str]]:
    """By alert: who brought it into a state last, when, with which note."""
    rows = store.read_in(
        "SELECT alert, name, at, note FROM alert_log WHERE state = ? AND alert IN ({}) "
        "ORDER BY at, rowid",
        alerts,
        [state],
    )
    return {row["alert"]: (row["name"], row["at"], row["note"]) for row in rows}


def alert_ids(store: Reader, case: str) -> list[str]:
    """All of its alerts, quiet ones and those that were taken back too, oldest first."""
    rows = store.read(
        f"SELECT a.id FROM alert a WHERE a.entry IN (SELECT e.id FROM {_ENTRIES}) "
        "ORDER BY a.created, a.rowid",
        [case],
    )
    return [row["id"] for row in rows]


def alert_words(store: Reader, case: str) -> list[dict[str, object]]:
    """Who took, handed over or closed its alerts, when, with which words; '' was erased."""
    rows = store.read(
        "SELECT l.alert, l.at, l.state, l.name, l.note, l.door FROM alert_log l "
        "JOIN alert a ON a.id = l.alert "
        f"WHERE a.entry IN (SELECT e.id FROM {_ENTRIES}) ORDER BY l.at, l.rowid",
        [case],
    )
    return [{key: row[key] for key in row.keys()} for row in rows]  # noqa: SIM118 - no mapping


def last_act(store: Reader, case: str) -> int | None:
    """When something was last done that is about the case, as far as its text is there."""
    rows = store.read(
        "SELECT t.text FROM log_case c JOIN log_text t ON t.seq = c.seq "
        "WHERE c.case_id = ? AND t.text IS NOT NULL ORDER BY c.seq DESC LIMIT 1",
        [case],
    )
    return int(json.loads(rows[0]["text"])["at"]) if rows else None


def erased_since(store: Reader, case: str, number: int) -> bool:
    """Whether a text of the case was erased by an act behind this row of the log."""
    rows = store.read(
        "SELECT 1 FROM erasure e JOIN log_case c ON c.seq = e.seq "
        "WHERE c.case_id = ? AND e.by_seq > ? LIMIT 1",
        [case, number],
    )
    return bool(rows)


# -- what was read ------------------------------------------------------------------------------


def coverage(store: Reader, case: str) -> list[Fields]:
    """What was proven read of its addresses: subject, stream, source, axis, lo, hi. What was read
    of a chain as a whole counts from the block at which an address joined."""
    return store.read(
        f"WITH mine AS ({_SUBJECTS}) "
        "SELECT c.scope AS subject, c.stream, c.source, c.axis, c.lo, c.hi FROM coverage c "
        "WHERE c.scope IN (SELECT subject FROM mine) UNION ALL "
        "SELECT j.subject, c.stream, c.source, c.axis, max(c.lo, j.from_place), "
        "min(c.hi, coalesce(j.until_place, c.hi)) FROM joined j "
        "JOIN coverage c ON c.scope = j.scope AND j.stream IN (c.stream, '*') AND c.axis = j.axis "
        "AND c.hi >= j.from_place AND c.lo <= coalesce(j.until_place, c.lo) "
        "WHERE j.subject IN (SELECT subject FROM mine) ORDER BY 1, 2, 3, 4, 5",
        [case],
    )


def gaps(store: Reader, case: str) -> list[Fields]:
    """What could not be read: subject, stream, axis, lo, hi, reason."""
    return store.read(
        "SELECT subject, stream, axis, lo, hi, reason FROM list_gap "
        f"WHERE subject IN ({_SUBJECTS}) ORDER BY 1, 2, 3, 4",
        [case],
    )


def lists(store: Reader, case: str) -> list[Fields]:
    """How each list of each address stands: subject, stream, source, axis, tried, ok, complete_to,
    complete_time, failing, error."""
    return store.read(
        "SELECT subject, stream, source, axis, tried, ok, complete_to, complete_time, failing, "
        f"error FROM list_read WHERE subject IN ({_SUBJECTS}) ORDER BY 1, 2",
        [case],
    )


def newest_of(rows: Iterable[Fields], column: str) -> int | None:
    """The highest figure of a column; None: there is none."""
    return max((row[column] for row in rows if row[column] is not None), default=None)


# -- what its entries rest on --------------------------------------------------------------------


def publications(store: Reader, names: Iterable[str]) -> list[dict[str, object]]:
    """The versions of these published lists that were taken."""
    rows = store.read_in(
        "SELECT list, nr, sha256, published, fetched, taken, bytes, rows, refused, kind "
        "FROM publication WHERE list IN ({}) ORDER BY list, nr",
        names,
    )
    return [{key: row[key] for key in row.keys()} for row in rows]  # noqa: SIM118 - no mapping


# -- kept answers --------------------------------------------------------------------------------


def answers(store: Reader, ids: Iterable[int]) -> list[tuple[str, Answer]]:
    """What sources answered about these movements, with the chain, oldest first."""
    chains = {
        row["id"]: row["chain"]
        for row in store.read_in(
            "SELECT DISTINCT a.id, a.chain FROM answer_transfer x JOIN answer a ON a.id = x.answer "
            "WHERE x.transfer IN ({})",
            ids,
        )
    }
    return [(chains[each.id], each) for each in answer_of(store, chains)]


def transfers_of(store: Reader, answer: int) -> set[int]:
    """The movements that an answer is evidence of."""
    rows = store.read("SELECT transfer FROM answer_transfer WHERE answer = ?", [answer])
    return {row["transfer"] for row in rows}


def watched(store: Reader, keys: Iterable[str]) -> set[str]:
    """Those of these addresses, by their keys, that any case watches or follows, or ever did."""
    wanted = [*keys]
    return {
        row["subject"]
        for table in ("entry", "followed")
        for row in store.read_in(f"SELECT subject FROM {table} WHERE subject IN ({{}})", wanted)
    }
