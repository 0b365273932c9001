"""Parts of an address's page: what it holds, when it moved, what its entries said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.model.balance import Held
from monitor.model.balance_words import differs, exact, sources_said
from monitor.model.desk import Sight
from monitor.model.desk_address import Days
from monitor.model.plain import tidy
from monitor.store import desk_names
from monitor.store.port import Reader
from monitor.web.desk.known import AssetShown
from monitor.web.desk.movements import Shower, Total

DAY = 86_400
MONTHS = 36  # of the timeline
VERSIONS = 20

# -- what it holds -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset of the address."""

    asset: str
    contract: str
    recorded: str  # up to the block at which the chain was asked; never asked: up to now
    now: str = ""  # up to now, where that is something else
    on_chain: str = ""  # empty: nobody was asked
    at: int | None = None
    height: int | None = None
    source: str = ""
    difference: str = ""
    reason: str = ""


def holdings(
    verdicts: Sequence[Held], sums: Sequence[Total], shower: Shower, *, summed: bool
) -> list[Holding]:
    """What our record and what the chain says. `summed`: else the sums were not worked out."""
    by_contract = {total.asset.contract: total for total in sums if not total.nft}
    shown = []
    for held in verdicts:
        total = by_contract.pop(held.contract, None)
        now = total.net if total else 0 if summed else None
        shown.append(_holding(held, now, shower))
    return [*shown, *(_never_asked(total) for total in by_contract.values())]


def _never_asked(total: Total) -> Holding:
    asset = total.asset
    short = "more went than came: part of what came is not recorded" if total.net < 0 else ""
    return Holding(asset.name, asset.contract, _said(asset, total.net), reason=short)


def _said(asset: AssetShown, units: int) -> str:
    return f"{asset.exact(units)} {asset.name}" if asset.verified else asset.exact(units)


def _holding(held: Held, now: int | None, shower: Shower) -> Holding:
    """`now`: what our record comes to at this moment, None: it was not added up."""
    asset = shower.assets([held.contract]).of(held.contract)
    told = held.recorded is not None and held.on_chain is not None
    later = ""
    if now is not None and now != held.recorded and not held.in_shares:
        later = _said(asset, now)
    recorded = later or "not worked out"
    if held.recorded is not None:
        recorded = exact(held, held.recorded)
    return Holding(
        asset.name,
        held.contract,
        recorded,
        later if held.recorded is not None else "",
        exact(held, held.on_chain) if held.on_chain is not None else "not known",
        held.time,
        held.height,
        sources_said(held) if held.on_chain is not None else "",
        differs(held) or ("equal" if told else ""),
        tidy(held.reason.splitlines()[0], 300) if held.reason else "",
    )


# -- when, and what its entries said -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timeline:
    """Days on which something moved, by month."""

    first: int | None  # Unix seconds of the day's beginning
    last: int | None
    active: int
    undated: int
    silence: tuple[int, int, int] | None  # from, to, days between
    quiet: int  # days since the last
    months: tuple[tuple[str, int], ...]  # "2026-11", active days


def timeline(days: Days, now: int) -> Timeline:
    gap = days.silence
    months: dict[str, int] = {}
    for day in days.days:
        month = _month(day)
        months[month] = months.get(month, 0) + 1
    return Timeline(
        days.days[0] * DAY if days.days else None,
        days.days[-1] * DAY if days.days else None,
        len(days.days),
        days.undated,
        (gap[0] * DAY, gap[1] * DAY, gap[1] - gap[0] - 1) if gap else None,
        max(0, now // DAY - days.days[-1]) if days.days else 0,
        tuple(_every_month(months)),
    )


def _month(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m")


def _every_month(active: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """From the first to the last, at most the newest of them."""
    if not active:
        return
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (min(active), max(active)))
    for month in range(max(first, last - MONTHS + 1), last + 1):
        name = f"{month // 12:04d}-{month % 12 + 1:02d}"
        yield name, active.get(name, 0)


@dataclass(frozen=True, slots=True)
class Version:
    """What an entry said from then on: what differs from before, or that it came."""

    entry: str
    at: int
    changes: tuple[str, ...]


def versions(store: Reader, sight: Sight, entries: Sequence[str]) -> list[Version]:
    """The newest first. What an entry said while it belonged to a case that may not be seen is
    left out."""
    rows = desk_names.versions(store, sight, entries, VERSIONS) if entries else []
    before: dict[str, Mapping[str, object]] = {}
    found = []
    for entry, at, text in reversed(rows):
        terms: Mapping[str, object] = json.loads(text)
        if not sight.sees(str(terms.get("case", ""))):
            continue
        old = before.get(entry)
        changes = _changes(old, terms) if old is not None else ("as it came",)
        found.append(Version(entry, at, changes))
        before[entry] = terms
    return found[::-1]


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[str, ...]:
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    return tuple(
        f"{name.replace('_', ' ')}: {_plain(old.get(name))} → {_plain(new.get(name))}"
        for name in names
    ) or ("nothing that is shown here",)


def _plain(value: object) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return tidy(text, 200)
