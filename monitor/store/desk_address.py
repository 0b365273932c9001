"""The movements of one address as the desk shows them: by filter and page, with what tells them,
and what they come to by counterparty and by day. A page reads as many as it shows, whatever the
number of all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.model import Kind, Status, Subject
from monitor.model.desk import Sight
from monitor.model.desk_address import (
    Counted,
    Days,
    Moved,
    Place,
    Seeing,
    Sum,
    Told,
    Wanted,
    Way,
)
from monitor.store.port import Fields, Reader
from monitor.store.sight import Clause, of_alert, of_subject, of_transfer

PAGE = 100  # rows
PART = 1000  # rows of a file held in memory at once
MOST = 10_000  # more are not counted
DAY = 86_400


def _named(kinds: Iterable[Kind]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in kinds)


_FEES = _named(kind for kind in Kind if kind.fee)
_FULL = _named(kind for kind in Kind if kind.act or kind.nft)  # an amount of 0 says nothing
_STILL = _named(kind for kind in Kind if kind.act and not kind.destroys)
_NFT = _named(kind for kind in Kind if kind.nft)
# Fees, and transfers of nothing, which strangers send to be seen.
_FOLDED = f"(t.kind IN ({_FEES}) OR (t.amount = '0' AND t.kind NOT IN ({_FULL})))"
_STANDS = "t.status IN ('provisional', 'final')"  # what sums are made of
_OTHER = "CASE WHEN t.sender = ?2 THEN t.recipient ELSE t.sender END"
_WAY = (
    f"CASE WHEN t.sender = t.recipient OR t.kind IN ({_STILL}) THEN 'self' "
    "WHEN t.sender = ?2 THEN 'out' ELSE 'in' END"
)
# The two sides on which an address may stand, each movement once. The first two parameters of
# every query here are its chain and itself.
_SENT = "transfer t INDEXED BY transfer_sent WHERE t.chain = ?1 AND t.sender = ?2"
_GOT = (
    "transfer t INDEXED BY transfer_got WHERE t.chain = ?1 AND t.recipient = ?2 "
    "AND t.sender IS NOT ?2"
)
_COLUMNS = (
    f"t.id, t.tx, t.kind, {_WAY} AS way, {_OTHER} AS other, t.contract, t.token_id, t.amount, "
    "t.block_height, t.time, t.status, t.late, t.first_seen"
)


@dataclass(frozen=True, slots=True)
class Movements:
    """Of one address, as somebody may see them."""

    store: Reader
    sight: Sight
    subject: Subject
    seeing: Seeing
    # Seen in part: the numbers of what may be seen, so that each is judged once for a page; None:
    # there are very many, and each query judges for itself.
    few: frozenset[int] | None = None

    # -- rows --------------------------------------------------------------------------

    def page(self, wanted: Wanted, after: Place | None = None, most: int = PAGE) -> list[Moved]:
        """The newest of them, one more than `most` where there are more; those in no block
        first. `after`: where the page before ended."""
        found: list[Fields] = []
        if after is None or after.time is None:
            undated = "t.time IS NULL" + (" AND t.id < ?" if after else "")
            found = self._part(wanted, (undated, [after.id] if after else []), most + 1)
        if len(found) <= most:
            dated: Clause = ("t.time IS NOT NULL", [])
            if after is not None and after.time is not None:
                dated = (
                    "t.time <= ? AND (t.time, t.id) < (?, ?)",
                    [after.time, after.time, after.id],
                )
            found += self._part(wanted, dated, most + 1 - len(found))
        return self._with_alerts([_moved(row) for row in found])

    def each(self, wanted: Wanted) -> Iterator[Moved]:
        """All of them in the same order, with only a part of them in memory, and who said so."""
        after = None
        while rows := self.page(wanted, after, PART - 1):
            yield from self._with_sources(rows)
            after = Place(rows[-1].time, rows[-1].id)

    def _part(self, wanted: Wanted, place: Clause, most: int) -> list[Fields]:
        said, params = self._where(wanted)
        where, given = f"{said} AND {place[0]}", [*self._me, *params, *place[1], most]
        rows = [
            row
            for side in (_SENT, _GOT)
            for row in self.store.read(
                f"SELECT {_COLUMNS} FROM {side} AND {where} "
                "ORDER BY t.time DESC, t.id DESC LIMIT ?",
                given,
            )
        ]
        rows.sort(key=lambda row: (row["time"] or 0, row["id"]), reverse=True)
        return rows[:most]

    @property
    def _me(self) -> list[object]:
        return [self.subject.chain, self.subject.address]

    def _where(self, wanted: Wanted) -> Clause:
        """What the filter says, and what may be seen."""
        parts = [*_of_filter(wanted), *self._of_lane(wanted.lane)]
        if self.few is not None:
            parts.append(("t.id IN (SELECT value FROM json_each(?))", [json.dumps([*self.few])]))
        elif self.seeing is not Seeing.ALL:
            parts.append(of_transfer(self.sight, "t"))
        said = " AND ".join(clause for clause, _ in parts) or "1"
        return said, [value for _, params in parts for value in params]

    def _of_lane(self, lane: str | None) -> Iterator[Clause]:
        if lane is None:
            return
        said, params = of_alert(self.sight, "a")
        tells = (
            "EXISTS (SELECT 1 FROM alert_transfer x JOIN alert a ON a.id = x.alert "
            f"WHERE x.transfer = t.id AND {said}"
        )
        yield (f"{tells} AND a.lane = ?)", [*params, lane]) if lane else (f"NOT {tells})", params)

    def _with_alerts(self, rows: Sequence[Moved]) -> list[Moved]:
        said, params = of_alert(self.sight, "a")
        told: dict[int, list[Told]] = {}
        for row in self.store.read_in(
            "SELECT x.transfer, a.id, a.lane, a.severity, a.state FROM alert_transfer x "
            f"JOIN alert a ON a.id = x.alert WHERE {said} AND x.transfer IN ({{}}) "
            "ORDER BY a.created, a.rowid",
            (row.id for row in rows),
            params,
        ):
            one = Told(row["id"], row["lane"], row["severity"], row["state"])
            told.setdefault(row["transfer"], []).append(one)
        return [replace(row, told=tuple(told[row.id])) if row.id in told else row for row in rows]

    def _with_sources(self, rows: Sequence[Moved]) -> list[Moved]:
        said: dict[int, dict[str, None]] = {}
        for row in self.store.read_in(
            "SELECT transfer, source FROM sighting WHERE transfer IN ({}) ORDER BY transfer, at",
            (row.id for row in rows),
        ):
            said.setdefault(row["transfer"], {})[row["source"]] = None
        return [replace(row, sources=tuple(said.get(row.id, ()))) for row in rows]

    # -- what they come to ---------------------------------------------------------------

    def counted(self, wanted: Wanted) -> Counted:
        """How many there are, up to MOST."""
        said, params = self._where(replace(wanted, every=True))
        one = f"SELECT {_FOLDED} AS folded FROM {{}} AND {said}"
        rows = self.store.read(
            "SELECT count(*) AS n, total(folded) AS folded FROM "
            f"(SELECT * FROM ({one.format(_SENT)}) UNION ALL SELECT * FROM ({one.format(_GOT)}) "
            f"LIMIT {MOST + 1})",
            [*self._me, *params, *params],
        )
        number, folded = rows[0]["n"], int(rows[0]["folded"])
        return Counted(min(number, MOST), folded, number > MOST)

    def sums(self) -> list[Sum]:
        """By counterparty, direction and asset, of what stands: what is unconfirmed, being checked
        again or did not happen is in none of them. Amounts are added up in parts of twelve digits:
        the database's own numbers do not hold them."""
        said, params = self._where(Wanted(every=True))
        one = (
            f"SELECT {_OTHER} AS other, {_WAY} AS way, coalesce(t.contract, '') AS asset, "
            f"t.kind IN ({_NFT}) AS nft, CASE WHEN {_OTHER} IS NULL THEN t.kind END AS kind, "
            f"t.time, t.amount FROM {{}} AND {said} AND {_STANDS}"
        )
        parts = ", ".join(f"sum({_digits(n)}) AS p{n}" for n in range(_PARTS))
        rows = self.store.read(
            f"SELECT other, way, asset, nft, kind, count(*) AS n, min(time) AS first, "
            f"max(time) AS last, {parts} FROM ({one.format(_SENT)} UNION ALL {one.format(_GOT)}) "
            "GROUP BY other, way, asset, nft, kind",
            [*self._me, *params, *params],
        )
        return [_sum(row) for row in rows]

    def nets(self) -> dict[str, list[tuple[int, int]]]:
        """What came less what went, by asset ("": the coin) and day, in the order of days (days
        since 1970), of what stands in `sums`. Single pieces of collections are left out."""
        said, params = self._where(Wanted(every=True))
        one = (
            f"SELECT coalesce(t.contract, '') AS asset, t.time / {DAY} AS day, {_WAY} AS way, "
            f"t.amount FROM {{}} AND {said} AND {_STANDS} AND t.kind NOT IN ({_NFT}) "
            "AND t.time IS NOT NULL"
        )
        parts = ", ".join(f"sum({_digits(n)}) AS p{n}" for n in range(_PARTS))
        rows = self.store.read(
            f"SELECT asset, day, way, {parts} FROM "
            f"({one.format(_SENT)} UNION ALL {one.format(_GOT)}) "
            "GROUP BY asset, day, way ORDER BY asset, day",
            [*self._me, *params, *params],
        )
        found: dict[str, dict[int, int]] = {}
        for row in rows:
            days = found.setdefault(row["asset"], {})
            sign = {"in": 1, "out": -1}.get(row["way"], 0)
            days[row["day"]] = days.get(row["day"], 0) + sign * _amount(row)
        return {asset: [*days.items()] for asset, days in found.items()}

    def days(self) -> Days:
        """When something moved, whatever it was."""
        said, params = self._where(Wanted(every=True))
        sides = (_SENT, _GOT.replace(" AND t.sender IS NOT ?2", ""))  # out of the index alone
        found = {
            row["day"]
            for side in sides
            for row in self.store.read(
                f"SELECT DISTINCT t.time / {DAY} AS day FROM {side} AND {said}",
                [*self._me, *params],
            )
        }
        dated = sorted(day for day in found if day is not None)
        undated = self._part(Wanted(every=True), ("t.time IS NULL", []), MOST)
        return Days(tuple(dated), len(undated) if None in found else 0)


def of(store: Reader, sight: Sight, subject: Subject) -> Movements:
    """How much of an address somebody may see, and its movements: all of them where they may see
    who watches or follows it, else those that addresses of theirs have a part in."""
    mine, params = of_subject(sight, "s.key")
    sql = f"SELECT 1 FROM scope s WHERE s.key = ? AND {mine}"
    if store.read(sql, [subject.key, *params]):
        return Movements(store, sight, subject, Seeing.ALL)
    if sight.cases is None:
        everything = Movements(store, sight, subject, Seeing.ALL)
        some = everything.page(Wanted(every=True), None, 0)
        return everything if some else replace(everything, seeing=Seeing.NOTHING)
    return _part_of(store, sight, subject)


def _part_of(store: Reader, sight: Sight, subject: Subject) -> Movements:
    said, params = of_transfer(sight, "t")
    found: set[int] = set()
    for side in (_SENT, _GOT):
        rows = store.read(
            f"SELECT t.id FROM {side} AND {said} LIMIT ?",
            [subject.chain, subject.address, *params, MOST + 1],
        )
        found.update(row["id"] for row in rows)
    if not found:
        return Movements(store, sight, subject, Seeing.NOTHING, frozenset())
    few = frozenset(found) if len(found) <= MOST else None
    return Movements(store, sight, subject, Seeing.PART, few)


# -- of a query ------------------------------------------------------------------------------


def _of_filter(wanted: Wanted) -> Iterator[Clause]:
    if not wanted.every:
        yield f"NOT {_FOLDED}", []
    plain: Mapping[str, object] = {
        f"{_WAY} = ?": wanted.way and wanted.way.value,
        "coalesce(t.contract, '') = ?": wanted.asset,
        f"{_OTHER} = ?": wanted.other,
        "t.time >= ?": wanted.since,
        "t.time < ?": wanted.until,
        "t.status = ?": wanted.status and wanted.status.value,
    }
    yield from ((clause, [value]) for clause, value in plain.items() if value is not None)
    if wanted.late:
        yield "t.late = 1", []
    for sign, amount in ((">=", wanted.least), ("<=", wanted.most)):
        if amount is not None:  # digits of any length, in their order
            text = str(amount)
            yield f"(length(t.amount), t.amount) {sign} (?, ?)", [len(text), text]


_SIZE, _PARTS = 12, 7  # digits of a part; as many parts as the largest amount has


def _digits(part: int) -> str:
    return f"CAST(substr(amount, -{_SIZE * (part + 1)}, {_SIZE}) AS INTEGER)"


def _amount(row: Fields) -> int:
    return sum(int(row[f"p{n}"]) * 10 ** (_SIZE * n) for n in range(_PARTS))


def _sum(row: Fields) -> Sum:
    amount = _amount(row)
    kind = Kind(row["kind"]) if row["kind"] else None
    return Sum(
        *(row["other"], kind, Way(row["way"]), row["asset"], bool(row["nft"])),
        *(row["n"], amount, row["first"], row["last"]),
    )


def _moved(row: Fields) -> Moved:
    return Moved(
        *(row["id"], row["tx"], Kind(row["kind"]), Way(row["way"]), row["other"]),
        *(row["contract"], row["token_id"], int(row["amount"]), row["block_height"], row["time"]),
        *(Status(row["status"]), bool(row["late"]), row["first_seen"]),
    )
