"""What somebody looks for at the desk, within what they may see: whatever else is in the record is
not read, so that its answer is the same as of nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from monitor.model import Subject
from monitor.model.desk import Sight
from monitor.store.cases import KNOWN
from monitor.store.port import Fields, Reader
from monitor.store.sight import of_alert, of_case, of_transfer

MOST = 50  # of each kind


@dataclass(frozen=True, slots=True)
class EntryHit:
    """An entry, by its label."""

    id: str
    subject: Subject
    label: str
    case: str
    active: bool


def is_alert(store: Reader, sight: Sight, name: str) -> bool:
    said, params = of_alert(sight, "a")
    sql = f"SELECT 1 FROM alert a WHERE a.id = ? AND {said}"
    return bool(store.read(sql, [name, *params]))


def is_message(store: Reader, sight: Sight, name: str) -> bool:
    """Whether a message tells an alert that may be seen."""
    said, params = of_alert(sight, "a")
    sql = f"SELECT 1 FROM route r JOIN alert a ON a.id = r.alert WHERE r.message = ? AND {said}"
    return bool(store.read(sql, [name, *params]))


def is_proposal(store: Reader, sight: Sight, name: str) -> bool:
    said, params = of_case(sight)
    return bool(store.read(f"SELECT 1 FROM proposal WHERE id = ? AND {said}", [name, *params]))


def cases(store: Reader, sight: Sight) -> list[str]:
    """Every case that may be seen."""
    said, params = of_case(sight, "k.case_id")
    rows = store.read(
        f"SELECT DISTINCT k.case_id FROM ({KNOWN}) k WHERE k.case_id <> '' AND {said} ORDER BY 1",
        params,
    )
    return [row["case_id"] for row in rows]


def entry(store: Reader, sight: Sight, name: str) -> EntryHit | None:
    """By its id."""
    said, params = of_case(sight, "e.case_id")
    rows = store.read(f"{_ENTRY} WHERE e.id = ? AND {said}", [name, *params])
    return _entry(rows[0]) if rows else None


def labelled(store: Reader, sight: Sight) -> Iterable[EntryHit]:
    """Entries that people wrote, with a label."""
    said, params = of_case(sight, "e.case_id")
    return map(_entry, store.read(f"{_ENTRY} WHERE e.list = '' AND {said} ORDER BY e.id", params))


_ENTRY = (
    "SELECT e.id, s.chain, s.address, json_extract(e.terms, '$.label') AS label, e.case_id, "
    "e.retired FROM entry e JOIN scope s ON s.key = e.subject"
)


def _entry(row: Fields) -> EntryHit:
    subject = Subject(row["chain"], row["address"])
    return EntryHit(row["id"], subject, row["label"] or "", row["case_id"], row["retired"] is None)


def listed(store: Reader, lists: Collection[str], name: str) -> list[tuple[str, str, str]]:
    """Rows of published lists that hold this name, as they stand now: list, name, address."""
    marks = ",".join("?" * len(lists))
    rows = store.read(
        "SELECT DISTINCT list, name, address FROM listing WHERE until_nr IS NULL "
        f"AND address IS NOT NULL AND list IN ({marks}) AND instr(lower(name), lower(?)) LIMIT ?",
        [*lists, name, MOST],
    )
    return [(row["list"], row["name"], row["address"]) for row in rows]


def chains(store: Reader) -> list[str]:
    """Every chain of which movements are recorded, also one that is configured no more; each is
    found by a step in an index."""
    rows = store.read(
        "WITH RECURSIVE found(key) AS (SELECT min(chain) FROM transfer UNION ALL "
        "SELECT (SELECT min(chain) FROM transfer WHERE chain > key) FROM found "
        "WHERE key IS NOT NULL) SELECT key FROM found WHERE key IS NOT NULL"
    )
    return [row["key"] for row in rows]


def transactions(
    store: Reader, sight: Sight, chains: Sequence[str], forms: Sequence[str]
) -> list[tuple[str, str]]:
    """Chain and hash of the transactions with one of these spellings."""
    said, params = of_transfer(sight, "t")
    marks = ",".join("?" * len(forms))
    return [
        (chain, row["tx"])
        for chain in chains
        for row in store.read(
            f"SELECT DISTINCT t.tx FROM transfer t WHERE t.chain = ? AND t.tx IN ({marks}) "
            f"AND {said}",
            [chain, *forms, *params],
        )
    ]
