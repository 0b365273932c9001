"""The movements of one address as they stand on its page and in its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from monitor.messages.spreadsheet import csv_line
from monitor.model import Chain
from monitor.model.desk_address import Moved, Sum, Told, Wanted, Way
from monitor.model.plain import rfc3339, status_said, tidy
from monitor.model.settings import Settings
from monitor.store import desk_address
from monitor.store.desk_address import Movements
from monitor.store.desk_names import Names, Party
from monitor.store.port import Reader
from monitor.web.desk import files
from monitor.web.desk.known import (
    Assets,
    AssetShown,
    Shown,
    assets_of,
    name_of,
    shown,
    tx_path,
)

COLUMNS = (
    *("chain", "address", "tx", "time", "block_height", "status", "kind", "direction"),
    *("counterparty", "counterparty_names", "counterparty_watched", "contract", "symbol"),
    *("verified", "decimals", "token_id", "amount", "amount_decimal", "alerts", "lanes", "late"),
    *("first_seen", "sources"),
)
WAY_WORDS = {Way.IN: "in", Way.OUT: "out", Way.SELF: "to itself"}


@dataclass(frozen=True, slots=True)
class Line:
    """A movement as it stands on the page."""

    moved: Moved
    href: str  # of its transaction
    way: str
    other: Shown
    amount: str
    asset: AssetShown
    status: str
    told: tuple[Told, ...]
    what: str  # where it is no plain transfer


@dataclass(frozen=True, slots=True)
class Shower:
    """Shows movements of one chain. `store`: at one moment, as everything of a page."""

    store: Reader
    settings: Settings
    names: Names
    chain: Chain

    def parties(self, addresses: Iterable[str | None]) -> dict[str, Party]:
        return self.names.of(self.chain.key, {each for each in addresses if each})

    def assets(self, contracts: Iterable[str | None]) -> Assets:
        return assets_of(self.store, self.settings, self.chain.key, contracts)

    def lines(self, rows: Sequence[Moved]) -> list[Line]:
        parties = self.parties(row.other for row in rows)
        assets = self.assets(row.contract for row in rows)
        return [self._line(row, parties, assets) for row in rows]

    def _line(self, row: Moved, parties: dict[str, Party], assets: Assets) -> Line:
        asset = assets.of(row.contract, nft=row.kind.nft)
        amount = asset.exact(row.amount)
        if row.kind.nft:
            amount = f"{amount} of id {tidy(row.token_id or '?', 80)}"
        return Line(
            row,
            tx_path(self.chain.key, row.tx),
            WAY_WORDS[row.way],
            shown(self.chain, row.other, row.kind, parties.get(row.other or "")),
            "" if row.kind.act and not row.kind.destroys else amount,
            asset,
            status_said(row.status, pending=row.height is None and row.time is None),
            row.told,
            what_of(row),
        )


def what_of(row: Moved) -> str:
    """What a movement is where it is no plain transfer of an asset."""
    if row.kind.fee:
        return "fee"
    if row.kind.act:
        return row.kind.value  # frozen, released, destroyed
    return "moves nothing" if row.amount == 0 and not row.kind.nft else ""


# -- the file ----------------------------------------------------------------------------------


def csv_file(found: Movements, shower: Shower, wanted: Wanted) -> IO[bytes]:
    """All movements of a filter, the newest first."""
    return files.csv_file(_lines(found, shower, wanted))


def _lines(found: Movements, shower: Shower, wanted: Wanted) -> Iterator[str]:
    yield csv_line(COLUMNS)
    for rows in _parts(found.each(wanted)):
        parties = shower.parties(row.other for row in rows)
        assets = shower.assets(row.contract for row in rows)
        for row in rows:
            party = parties.get(row.other or "") or Party()
            yield csv_line(_cells(found, row, party, assets.of(row.contract, nft=row.kind.nft)))


def _parts(rows: Iterator[Moved]) -> Iterator[list[Moved]]:
    part: list[Moved] = []
    for row in rows:
        part.append(row)
        if len(part) == desk_address.PART:
            yield part
            part = []
    if part:
        yield part


def _cells(found: Movements, row: Moved, party: Party, asset: AssetShown) -> list[object]:
    subject = found.subject
    other = party.ours or row.other
    names = "; ".join(dict.fromkeys(map(name_of, party.known)))
    watched = any(each.active for each in party.watched)
    decimals = asset.decimals
    return [
        *(subject.chain, subject.address, row.tx, rfc3339(row.time), row.height),
        *(row.status.value, row.kind.value, row.way.value, other, names, watched),
        *(row.contract, asset.symbol, asset.verified, decimals, row.token_id, row.amount),
        *(asset.coins(row.amount), "; ".join(each.alert for each in row.told)),
        *("; ".join(dict.fromkeys(each.lane for each in row.told)), row.late),
        *(rfc3339(row.first_seen), "; ".join(row.sources)),
    ]


# -- sums --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Total:
    """What came and went of one asset. Of NFTs pieces are counted."""

    asset: AssetShown
    nft: bool
    came: int
    went: int
    itself: int  # to itself
    count: int

    @property
    def net(self) -> int:
        return self.came - self.went


def totals(sums: Sequence[Sum], assets: Assets) -> list[Total]:
    """Of each asset, the coin first, then verified tokens, then what most movements are of."""
    found: dict[tuple[str, bool], dict[Way, int]] = {}
    counts: dict[tuple[str, bool], int] = {}
    for each in sums:
        key = (each.contract, each.nft)
        amounts = found.setdefault(key, dict.fromkeys(Way, 0))
        amounts[each.way] += each.count if each.nft else each.amount
        counts[key] = counts.get(key, 0) + each.count
    made = [
        Total(
            *(assets.of(contract, nft=nft), nft, amounts[Way.IN], amounts[Way.OUT]),
            *(amounts[Way.SELF], counts[contract, nft]),
        )
        for (contract, nft), amounts in found.items()
    ]
    made.sort(key=lambda t: (t.asset.contract != "", not t.asset.verified, -t.count))
    return made


@dataclass(frozen=True, slots=True)
class Counterparty:
    """What passed between the address and one other, by asset."""

    other: Shown
    totals: tuple[Total, ...]
    count: int
    first: int | None
    last: int | None


SORTS = {"last": "last seen", "first": "first seen", "count": "movements", "name": "names first"}


def counterparties(
    sums: Sequence[Sum], shower: Shower, sort: str, most: int, skip: int = 0
) -> tuple[list[Counterparty], int]:
    """One part of them, so sorted; and how many there are. Only those of the part are named."""
    by_end: dict[tuple[str | None, str], list[Sum]] = {}
    for each in sums:
        by_end.setdefault((each.other, each.kind.value if each.kind else ""), []).append(each)
    known = shower.parties(each.other for each in sums) if sort == "name" else {}
    order = sorted(by_end, key=lambda end: _rank(by_end[end], sort, known))
    part = order[skip : skip + most]
    parties = shower.parties(other for other, _ in part)
    assets = shower.assets(each.contract for end in part for each in by_end[end])
    return [_counterparty(by_end[end], shower.chain, parties, assets) for end in part], len(order)


def _rank(sums: Sequence[Sum], sort: str, known: dict[str, Party]) -> tuple[object, ...]:
    last = max((each.last or 0 for each in sums), default=0)
    name = sums[0].other or ""
    if sort == "count":
        return -sum(each.count for each in sums), -last, name
    if sort == "first":
        return min(each.first or 0 for each in sums), name
    named = known.get(name)
    unnamed = sort == "name" and not (named and (named.known or named.followed or named.ours))
    return unnamed, -last, name


def _counterparty(
    sums: Sequence[Sum], chain: Chain, parties: dict[str, Party], assets: Assets
) -> Counterparty:
    one = sums[0]
    firsts = [each.first for each in sums if each.first is not None]
    lasts = [each.last for each in sums if each.last is not None]
    return Counterparty(
        shown(chain, one.other, one.kind, parties.get(one.other or "")),
        tuple(totals(sums, assets)),
        sum(each.count for each in sums),
        min(firsts, default=None),
        max(lasts, default=None),
    )
