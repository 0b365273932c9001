"""The filter of an address's movements, as it stands in the address bar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from monitor.chains.address import AddressError, canonical
from monitor.chains.table import family_of
from monitor.model import Chain, Status
from monitor.model.desk_address import Place, Wanted, Way
from monitor.model.plain import tidy
from monitor.web.desk.known import Assets

WAYS = {"in": "in", "out": "out", "self": "to itself"}
LANES = {"news": "told at once", "quiet": "told quietly", "none": "told by no alert"}
STATUSES = {
    Status.PENDING: "unconfirmed",
    Status.PROVISIONAL: "can be reversed",
    Status.FINAL: "final",
    Status.MISSING: "being re-checked",
    Status.ORPHANED: "did not happen",
    Status.SUPERSEDED: "replaced",
}
COIN = "coin"  # stands for the chain's own coin
# In the order of the form. `after` is no part of the filter but of the page.
FIELDS = (
    "way",
    "asset",
    "with",
    "least",
    "most",
    "since",
    "until",
    "status",
    "lane",
    "late",
    "all",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What was asked for. `wrong`: what of it could not be understood, a sentence each: nothing is
    shown then, so that no list looks shorter than it is."""

    wanted: Wanted
    given: Mapping[str, str]  # the fields as they were written, those that say something
    wrong: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        return bool(self.given.keys() - {"all"})


def filter_of(args: MultiDict[str, str], chain: Chain, assets: Assets) -> Filter:
    """The filter of a request."""
    given = {name: tidy(args.get(name, "")) for name in FIELDS}
    given = {name: value for name, value in given.items() if value}
    wrong: list[str] = []
    wanted = Wanted(
        way=_one_of(Way, given, "way", wrong),
        asset=_asset(chain, given, wrong),
        other=_other(chain, given, wrong),
        since=_day(given, "since", 0, wrong),
        until=_day(given, "until", 1, wrong),
        status=_one_of(Status, given, "status", wrong),
        lane=_lane(given, wrong),
        late="late" in given,
        every="all" in given,
    )
    least, most = (_amount(given, name, wanted.asset, assets, wrong) for name in ("least", "most"))
    found = Wanted(
        *(wanted.way, wanted.asset, wanted.other, least, most, wanted.since, wanted.until),
        *(wanted.status, wanted.lane, wanted.late, wanted.every),
    )
    return Filter(found, given, tuple(wrong))


def place_of(args: MultiDict[str, str]) -> Place | None:
    """Where the page before ended, as `next_of` wrote it; None: at the beginning, also for what
    we did not write."""
    time, _, number = args.get("after", "")[:50].partition(".")
    digits = (time.removeprefix("-") + number).isascii() and number.isdecimal()
    if not digits or not (time.isdecimal() or time == "-"):
        return None
    found = Place(None if time == "-" else int(time), int(number))
    return found if max(found.id, found.time or 0) < 2**62 else None


def next_of(place: Place) -> str:
    return f"{'-' if place.time is None else place.time}.{place.id}"


_AMOUNT = re.compile(r"[0-9]{1,78}(\.[0-9]{0,36})?|\.[0-9]{1,36}")
_Kind = TypeVar("_Kind", Way, Status)


def _one_of(
    kind: type[_Kind], given: Mapping[str, str], name: str, wrong: list[str]
) -> _Kind | None:
    if name not in given:
        return None
    try:
        return kind(given[name])
    except ValueError:
        wrong.append(f'"{given[name]}" is none that a movement can have (field "{name}").')
        return None


def _lane(given: Mapping[str, str], wrong: list[str]) -> str | None:
    lane = given.get("lane")
    if lane is not None and lane not in LANES:
        wrong.append(f'"{lane}" is no way in which movements are told.')
        return None
    return "" if lane == "none" else lane


def _asset(chain: Chain, given: Mapping[str, str], wrong: list[str]) -> str | None:
    """By its contract, or the coin."""
    told = given.get("asset")
    if told is None:
        return None
    if told.casefold() in (COIN, chain.symbol.casefold()):
        return ""
    if told.isdecimal():
        return told  # a token by its number
    return _canonical(chain, told, "contract", wrong)


def _other(chain: Chain, given: Mapping[str, str], wrong: list[str]) -> str | None:
    told = given.get("with")
    return None if told is None else _canonical(chain, told, "counterparty", wrong)


def _canonical(chain: Chain, told: str, what: str, wrong: list[str]) -> str | None:
    try:
        return canonical(chain, family_of(chain).forgiving(told))
    except AddressError as error:
        wrong.append(f'The {what} "{told}" {error.reason}.')
        return None


def _day(given: Mapping[str, str], name: str, more: int, wrong: list[str]) -> int | None:
    """The first second (UTC) of a day, or of so many days later."""
    if name not in given:
        return None
    try:
        day = date.fromisoformat(given[name]) + timedelta(days=more)
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        wrong.append(f'"{given[name]}" is no day; days are written as 2026-11-22.')
        return None


def _amount(
    given: Mapping[str, str], name: str, asset: str | None, assets: Assets, wrong: list[str]
) -> int | None:
    """In base units. An amount is one of an asset: without it 5 would be 5 of everything."""
    if name not in given:
        return None
    if asset is None:
        wrong.append("An amount needs an asset: choose one.")
        return None
    told, decimals = given[name].replace(",", ""), assets.of(asset).decimals
    if not _AMOUNT.fullmatch(told):
        wrong.append(f'"{given[name]}" is no amount.')
        return None
    with localcontext(prec=200):
        units = Decimal(told).scaleb(decimals or 0)
        return int(units.to_integral_value(ROUND_CEILING if name == "least" else ROUND_FLOOR))
