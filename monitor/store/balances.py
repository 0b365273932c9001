"""Balances held against the record: figures of the chain, verdicts, and what no list explains."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from monitor.model import Row, Subject
from monitor.model.balance import REBASING, Between, Figure, Held, State
from monitor.model.facts import Lead
from monitor.model.finding import Finding, Shown
from monitor.store.port import Connection, Fields, Reader, Store
from monitor.store.rows import to_row

PART = 2000  # rows of an address held in memory at once
KEPT = 90 * 86_400  # seconds
NEWEST = 20_000  # recorded rows that are looked at


# -- what is recorded ----------------------------------------------------------------------


def rows_of(store: Reader, subject: Subject, contract: str | None = None) -> Iterable[Row]:
    """Rows of an address in one asset (the empty contract: the coin), or in all."""
    of_asset = "" if contract is None else "AND coalesce(contract, '') = ?5"
    for party, others in (("sender", ""), ("recipient", "AND sender IS NOT ?2")):
        last = 0
        while part := store.read(
            f"SELECT * FROM transfer WHERE chain = ?1 AND {party} = ?2 {others} "
            f"AND id > ?3 {of_asset} ORDER BY id LIMIT ?4",
            [subject.chain, subject.address, last, PART, *([] if contract is None else [contract])],
        ):
            yield from map(to_row, part)
            last = part[-1]["id"]


# -- verdicts ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is kept of one asset of an address: the newest verdict, the figure that it rests on,
    the newest figure at which all was equal or in findings, and the newest that was equal."""

    held: Held
    figure: Figure | None
    base: Figure | None
    good: Figure | None
    opening: Figure | None = None  # of a coin whose history is not complete: counted from there


@dataclass(frozen=True, slots=True)
class Kept:
    """What is to be kept of one address: its verdicts with the figures that they rest on, and when
    they are looked at again. `opening`: of the coin, from which on it is counted from now on."""

    found: Sequence[tuple[Held, Figure | None]]
    due: int
    opening: Figure | None = None


def keep(store: Store, of: Iterable[Kept]) -> None:
    """Write what is to be kept of some addresses. Of an asset whose record is equal to the chain
    the figure is kept as its newest good one, and one that was decided on as its base. Unverified
    tokens of an address that are not among its verdicts were not held this time: they go."""
    with store.write() as conn:
        for each in of:
            _keep_all(conn, each)


def _keep_all(conn: Connection, each: Kept) -> None:
    mine: dict[str, list[str]] = {}
    for held, figure in each.found:
        mine.setdefault(held.subject.key, []).append(held.contract)
        _keep(conn, held, figure, each.due)
    if each.opening is not None:
        conn.execute(
            "UPDATE balance SET opening = ? WHERE subject = ? AND contract = ?",
            (_as_json(each.opening), each.opening.subject.key, each.opening.contract),
        )
    conn.executemany(
        "DELETE FROM balance WHERE subject = ? AND verified = 0 "
        "AND contract NOT IN (SELECT value FROM json_each(?))",
        [(subject, json.dumps(contracts)) for subject, contracts in mine.items()],
    )


def _keep(conn: Connection, held: Held, figure: Figure | None, due: int) -> None:
    between = held.between
    conn.execute(
        "INSERT INTO balance (subject, contract, at, state, reason, symbol, decimals, verified, "
        "low, high, time, block_hash, shares, amount, recorded, source, second, from_height, "
        "to_height, due, figure) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT (subject, contract) DO UPDATE SET at = excluded.at, "
        "state = excluded.state, reason = excluded.reason, "
        "symbol = excluded.symbol, decimals = excluded.decimals, verified = excluded.verified, "
        "low = excluded.low, high = excluded.high, time = excluded.time, "
        "block_hash = excluded.block_hash, shares = excluded.shares, amount = excluded.amount, "
        "recorded = excluded.recorded, source = excluded.source, second = excluded.second, "
        "from_height = excluded.from_height, to_height = excluded.to_height, due = excluded.due, "
        "figure = excluded.figure",
        (
            *(held.subject.key, held.contract, held.at, held.state.value, held.reason),
            *(held.symbol, held.decimals, int(held.verified)),
            *((figure.low, figure.high, figure.time) if figure else (None, held.height, held.time)),
            *((figure.block_hash, figure.shares) if figure else ("", "")),
            *(_text(held.on_chain), _text(held.recorded), held.source, held.second),
            *((between.lo, between.hi) if between else (None, None)),
            *(due, figure and _as_json(figure)),
        ),
    )
    if held.state is not State.CANNOT_CHECK and figure is not None:
        conn.execute(
            "UPDATE balance SET base = figure WHERE subject = ? AND contract = ?",
            (held.subject.key, held.contract),
        )
    if figure is not None and _is_base(held, figure):
        conn.execute(
            "UPDATE balance SET good_low = ?, good_high = ?, good_time = ?, good_hash = ?, "
            "good_amount = ?, good_source = ?, good_second = ?, good_shares = ?, good_at = ? "
            "WHERE subject = ? AND contract = ?",
            (
                *(figure.low, figure.high, figure.time, figure.block_hash, str(figure.amount)),
                *(figure.source, figure.second, figure.shares, held.at),
                *(held.subject.key, held.contract),
            ),
        )


def _is_base(held: Held, figure: Figure) -> bool:
    """Whether later figures are held against this one."""
    if figure.shares and held.state is State.CANNOT_CHECK:
        return held.reason.startswith(REBASING)
    return held.state is State.RECONCILED


def of_subjects(store: Reader, subjects: Iterable[Subject]) -> dict[Subject, tuple[Held, ...]]:
    """The newest verdicts on these addresses, the coin first."""
    by_key = {subject.key: subject for subject in subjects}
    rows = store.read_in(
        "SELECT * FROM balance WHERE subject IN ({}) ORDER BY subject, contract", by_key
    )
    found: dict[Subject, list[Held]] = {}
    for row in rows:
        subject = by_key[row["subject"]]
        found.setdefault(subject, []).append(to_held(row, subject))
    return {subject: tuple(held) for subject, held in found.items()}


def verdicts(store: Reader, subjects: Iterable[Subject]) -> dict[Subject, dict[str, Verdict]]:
    """What is kept of these addresses, by contract."""
    by_key = {subject.key: subject for subject in subjects}
    found: dict[Subject, dict[str, Verdict]] = {subject: {} for subject in by_key.values()}
    for row in store.read_in("SELECT * FROM balance WHERE subject IN ({})", by_key):
        subject, contract = by_key[row["subject"]], row["contract"]
        found[subject][contract] = Verdict(
            to_held(row, subject),
            row["figure"] and _figure(row["figure"], subject, contract),
            row["base"] and _figure(row["base"], subject, contract),
            _good(row, subject),
            row["opening"] and _figure(row["opening"], subject, contract),
        )
    return found


def _good(row: Fields, subject: Subject) -> Figure | None:
    if row["good_at"] is None:
        return None
    return Figure(
        *(subject, row["contract"], row["good_low"], row["good_high"], row["good_time"]),
        *(int(row["good_amount"]), row["good_source"], row["good_at"], row["good_hash"]),
        *(row["good_second"], row["good_shares"]),
    )


def to_held(row: Fields, subject: Subject) -> Held:
    ends = (row["from_height"], row["to_height"])
    return Held(
        *(subject, row["contract"], row["symbol"], row["decimals"], bool(row["verified"])),
        State(row["state"]),
        row["reason"],
        row["high"],
        row["time"],
        _number(row["recorded"]),
        _number(row["amount"]),
        None if None in ends else Between(*ends),
        *(row["source"], row["second"], row["at"], bool(row["shares"])),
    )


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


# -- what no list explains -----------------------------------------------------------------


_OPEN = (
    "SELECT f.*, s.chain, s.address FROM finding f JOIN scope s ON s.key = f.subject "
    "WHERE f.closed IS NULL "
)


def open_findings(store: Reader, subject: Subject | None = None) -> list[Finding]:
    """Those that last, oldest first; of one address, or all."""
    only = "" if subject is None else "AND f.subject = ? "
    params = [] if subject is None else [subject.key]
    rows = store.read(f"{_OPEN}{only}ORDER BY f.found, f.id", params)
    return [_to_finding(row) for row in rows]


def put_findings(store: Store, found: Sequence[Finding]) -> None:
    """Write findings as they are now; one that is there already is changed in what became of
    it, and in its amount, which rows explain in part. Long closed ones that nobody was told of
    go."""
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO finding (id, subject, contract, before, after, amount, found, told, "
            "closed, reason, looked) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE "
            "SET amount = excluded.amount, told = excluded.told, closed = excluded.closed, "
            "reason = excluded.reason, before = excluded.before, after = excluded.after, "
            "looked = excluded.looked",
            [
                (
                    *(each.id, each.subject.key, each.contract),
                    *(each.before and _as_json(each.before), _as_json(each.after)),
                    *(str(each.amount), each.found, each.told, each.closed, each.reason),
                    _looked(each),
                )
                for each in found
            ],
        )
        # What lists explained before anybody was told is no news to anybody later.
        oldest = max((each.closed or 0 for each in found), default=0) - KEPT
        conn.execute("DELETE FROM finding WHERE told IS NULL AND closed < ?", (oldest,))


def _looked(finding: Finding) -> str:
    blocks = finding.narrowed
    told = {
        "at": finding.looked,
        "early": finding.early,
        "listed": [list(each) for each in finding.listed],
        "equal": finding.equal,
        "left": finding.left,
        "shown": [asdict(each) for each in finding.shown],
        "probed": finding.probed,
        "ready": finding.ready,
        "asked": finding.asked,
        "leads": [asdict(lead) for lead in finding.leads],
        "blocks": [blocks.lo, blocks.hi] if blocks else None,
    }
    return json.dumps(told, sort_keys=True)


def _as_json(figure: Figure) -> str:
    told: dict[str, object] = asdict(figure) | {"amount": str(figure.amount)}
    del told["subject"], told["contract"]
    return json.dumps(told, sort_keys=True)


def _figure(text: str, subject: Subject, contract: str) -> Figure:
    told = json.loads(text)
    return Figure(subject=subject, contract=contract, **{**told, "amount": int(told["amount"])})


def _to_finding(row: Fields) -> Finding:
    subject, contract = Subject(row["chain"], row["address"]), row["contract"]
    looked = json.loads(row["looked"])
    return Finding(
        *(row["id"], subject, contract),
        row["before"] and _figure(row["before"], subject, contract),
        _figure(row["after"], subject, contract),
        *(int(row["amount"]), row["found"], row["told"], row["closed"], row["reason"]),
        narrowed=Between(*looked["blocks"]) if looked.get("blocks") else None,
        asked=tuple(looked.get("asked", ())),
        leads=tuple(Lead(**lead) for lead in looked.get("leads", ())),
        looked=looked.get("at"),
        early=looked.get("early", False),
        listed=tuple((stream, source) for stream, source in looked.get("listed", ())),
        equal=looked.get("equal"),
        left=looked.get("left", 0),
        shown=tuple(Shown(**each) for each in looked.get("shown", ())),
        probed=looked.get("probed"),
        ready=looked.get("ready"),
    )


def shows_later(
    store: Reader, chain: str, source: str, kinds: Iterable[str], figure: Figure
) -> bool:
    """Whether a source has shown a movement of one of these kinds above a figure's block, of
    whichever address: its list is not behind that. Looks at what was recorded last."""
    rows = store.read_in(
        "SELECT 1 FROM (SELECT * FROM transfer ORDER BY id DESC LIMIT ?) t "
        "WHERE t.chain = ? AND (t.block_height > ? OR (t.block_height IS NULL AND t.time > ?)) "
        "AND EXISTS (SELECT 1 FROM sighting s WHERE s.transfer = t.id AND s.source = ?) "
        "AND t.kind IN ({}) LIMIT 1",
        kinds,
        [NEWEST, chain, figure.high, figure.time, source],
    )
    return bool(rows)


def differing(store: Reader, chain: str, since: int) -> tuple[int, int]:
    """Of the addresses of a chain that were held against it since a time: how many have a
    difference that nobody was told of yet, and how many there are."""
    (row,) = store.read(
        "SELECT count(DISTINCT b.subject) AS n, count(DISTINCT f.subject) AS bad "
        "FROM balance b JOIN scope s ON s.key = b.subject LEFT JOIN finding f "
        "ON f.subject = b.subject AND f.closed IS NULL AND f.told IS NULL "
        "WHERE s.chain = ? AND b.at >= ? AND b.figure IS NOT NULL",
        [chain, since],
    )
    return row["bad"], row["n"]
