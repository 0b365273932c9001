"""One address: who it is said to be, what moved, what it holds, what of it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from werkzeug.datastructures import MultiDict

from monitor.chains.address import AddressError, canonical, display
from monitor.chains.table import family_of
from monitor.messages import balances as said_balances
from monitor.model import Chain, Known, Subject
from monitor.model.api import Scope
from monitor.model.desk_address import Place, Seeing, Wanted
from monitor.model.plain import rfc3339, tidy
from monitor.store import balances
from monitor.store.desk_address import Movements
from monitor.store.desk_names import Names, Party
from monitor.web.api import movements as moved
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Param, Route, Rows
from monitor.web.api.problems import Error, Wrong, gone
from monitor.web.api.shapes import Amount, Asset, Reading, Shape, Time
from monitor.web.desk.address_found import seen
from monitor.web.desk.filtering import FIELDS, filter_of, next_of, place_of
from monitor.web.desk.known import AssetShown, names_for
from monitor.web.desk.movements import Shower, Total, counterparties
from monitor.web.desk.read_of import lists_read

UNWATCHED = "Nobody watches it: only what it did with watched addresses is known"


class On(Shape, frozen=True, kw_only=True):
    """An entry on an address."""

    id: str
    label: str
    case: str
    active: bool


class FollowedFor(Shape, frozen=True, kw_only=True):
    """That it is followed for a case, and since when."""

    case: str
    since: Time | None


class Address(Shape, frozen=True, kw_only=True):
    """`seen`: all of it, or (part) only its movements with addresses of cases that may be seen."""

    chain: str
    address: str
    seen: str
    entries: list[On]
    followed: list[FollowedFor]
    movements: int
    movements_more: bool
    days: int
    first_day: str | None
    last_day: str | None


class NameSaid(Shape, frozen=True, kw_only=True):
    """What somebody calls it: a claim of its source, never a fact. `entry`: the name is the label
    of an entry."""

    name: str
    category: str | None
    source: str | None
    date: str | None
    confidence: str | None
    list: str | None
    shipped: bool
    entry: str | None


class Passed(Shape, frozen=True, kw_only=True):
    """What came from a counterparty and went to it, of one asset. Of NFTs `pieces` are counted."""

    came: Amount
    went: Amount
    pieces: bool
    count: int


class Counterparty(Shape, frozen=True, kw_only=True):
    """`address` is what stands at the other end in words where that is no address."""

    address: str
    names: list[str]
    mark: str
    count: int
    first: Time | None
    last: Time | None
    assets: list[Passed]


class ReadBy(Shape, frozen=True, kw_only=True):
    """What one source read of a list."""

    source: str
    operator: str
    span: str


class ListCoverage(Shape, frozen=True, kw_only=True):
    """One list of the address. `blind`: why it is not read now; empty: it is."""

    name: str = msgspec.field(name="list")
    start: str
    end: str
    read_to: Time | None
    by: list[ReadBy]
    holes: list[str]
    blind: str


@dataclass(frozen=True, slots=True)
class Found:
    """An address that may be seen, if only in part."""

    call: Call
    chain: Chain
    subject: Subject
    party: Party
    moves: Movements
    names: Names

    @property
    def shower(self) -> Shower:
        return Shower(self.call.store, self.call.settings, self.names, self.chain)

    def reading(self) -> Reading:
        ids = [each.entry.id for each in self.party.watched if each.active]
        return self.call.readings.entries(self.call, ids, UNWATCHED)


def _found(call: Call, chain: str, address: str) -> Found:
    """Raises Wrong for what is not in the record, and for what may not be seen."""
    known = call.settings.chains.get(chain)
    if known is None:
        raise gone()
    try:
        subject = Subject(chain, canonical(known, family_of(known).forgiving(address)))
    except AddressError:
        raise gone() from None
    names = names_for(call.store, call.settings, call.sight)
    found = seen(call.ask, names, subject)
    if found is None:
        raise gone()
    party, moves = found
    cases = [*(w.entry.case for w in party.watched), *(f.case for f in party.followed)]
    for case in dict.fromkeys(cases):
        call.looked(case)
    return Found(call, known, subject, party, moves, names)


def address(call: Call, chain: str, address: str) -> Answer:
    """GET /addresses/{chain}/{address}"""
    it = _found(call, chain, address)
    counted = it.moves.counted(Wanted(every=True))
    days = it.moves.days()
    return Answer(
        Address(
            chain=chain,
            address=display(it.chain, it.subject.address),
            seen="all" if it.moves.seeing is Seeing.ALL else "part",
            entries=[
                On(id=w.entry.id, label=tidy(w.entry.label, 200), case=w.entry.case,
                   active=w.active)
                for w in it.party.watched
            ],
            followed=[
                FollowedFor(case=f.case, since=rfc3339(f.since)) for f in it.party.followed
            ],
            movements=counted.number,
            movements_more=counted.over,
            days=len(days.days),
            first_day=_day(days.days[0]) if days.days else None,
            last_day=_day(days.days[-1]) if days.days else None,
        )
    )  # fmt: skip


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()


def movements(call: Call, chain: str, address: str) -> Rows:
    """GET /addresses/{chain}/{address}/movements, as the filter of its page has them"""
    it = _found(call, chain, address)
    asset = call.args.get("asset", "")
    assets = it.shower.assets([asset, asset.lower()])
    wanted = filter_of(MultiDict(dict(call.args)), it.chain, assets)
    if wanted.wrong:
        raise Wrong(
            "not_understood", " ".join(wanted.wrong), [Error("?", each) for each in wanted.wrong]
        )
    other = wanted.wanted.other
    hidden = bool(other and it.shower.parties([other])[other].ours)  # which of ours, is told nobody

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        after = place_of(MultiDict({"after": place})) if place else None
        # It gives one more than is asked for where there are more.
        found = [] if hidden else it.moves.page(wanted.wanted, after, most - 1)
        made = moved.objects(call, [each.id for each in found])
        places = (next_of(Place(each.time, each.id)) for each in found)
        return [*zip(places, made, strict=True)]

    return Rows(page, it.reading, moved.COLUMNS)


def held(call: Call, chain: str, address: str) -> Rows:
    """GET /addresses/{chain}/{address}/balances: by the record, and on the chain"""
    it = _found(call, chain, address)
    mine = it.party.watched or it.party.followed
    verdicts = balances.of_subjects(call.store, [it.subject]).get(it.subject, ()) if mine else ()
    found = [said_balances.to_object(each) for each in verdicts]
    columns = ("asset.contract", "asset.symbol", "recorded", "on_chain", "difference", "state")
    return Rows(params.in_memory(found), it.reading, columns)


def others(call: Call, chain: str, address: str) -> Rows:
    """GET /addresses/{chain}/{address}/counterparties"""
    it = _found(call, chain, address)
    sums = it.moves.sums()

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        skip = int(place or 0)
        sort = call.args.get("sort", "last")
        found, _ = counterparties(sums, it.shower, sort, most, skip)
        return [
            (
                str(skip + number),
                Counterparty(
                    address=each.other.text, names=[*each.other.names], mark=each.other.mark,
                    count=each.count, first=rfc3339(each.first), last=rfc3339(each.last),
                    assets=[_passed(total) for total in each.totals],
                ),
            )
            for number, each in enumerate(found, 1)
        ]  # fmt: skip

    columns = ("address", "names", "mark", "count", "first", "last")
    return Rows(page, it.reading, columns)


def _passed(total: Total) -> Passed:
    return Passed(
        came=_amount(total.came, total.asset),
        went=_amount(total.went, total.asset),
        pieces=total.nft,
        count=total.count,
    )


def _amount(units: int, asset: AssetShown) -> Amount:
    return Amount(
        raw=str(units),
        decimals=asset.decimals,
        shown=asset.coins(units) or None,
        asset=Asset(
            contract=asset.contract or None, symbol=asset.symbol or None, verified=asset.verified
        ),
    )


def coverage(call: Call, chain: str, address: str) -> Rows:
    """GET /addresses/{chain}/{address}/coverage: what of it was read, list by list"""
    it = _found(call, chain, address)
    mine = it.party.watched or it.party.followed
    sources, now = call.settings.sources, call.now
    found = lists_read(call.store, it.chain, sources, it.subject, now) if mine else []
    made = [
        ListCoverage(
            name=each.name, start=each.start, end=each.end, read_to=rfc3339(each.at),
            by=[ReadBy(source=b.source, operator=b.operator, span=b.said) for b in each.by],
            holes=[*each.holes], blind=each.blind,
        )
        for each in found
    ]  # fmt: skip
    return Rows(params.in_memory(made), it.reading, ("list", "start", "end", "read_to", "blind"))


def names(call: Call, chain: str, address: str) -> Rows:
    """GET /addresses/{chain}/{address}/names: what everybody says of it, side by side"""
    it = _found(call, chain, address)
    known = [each for each in it.party.known if each.entry_id is not None or not each.list]
    found = [_name(each) for each in (*known, *it.names.claims(it.subject))]
    return Rows(
        params.in_memory(found), it.reading,
        ("name", "category", "source", "date", "confidence", "list", "shipped", "entry"),
    )  # fmt: skip


def _name(known: Known) -> NameSaid:
    return NameSaid(
        name=tidy(known.label, 200),
        category=known.category or None,
        source=tidy(known.source, 200) or None,
        date=tidy(known.date, 20) or None,
        confidence=known.confidence or None,
        list=tidy(known.list, 80) or None,
        shipped=known.shipped,
        entry=known.entry_id,
    )


_SAID = {
    "way": "in, out or self.", "asset": "Contract of the asset, or coin.",
    "with": "The counterparty.", "least": "At least so many coins; takes an asset.",
    "most": "At most so many coins; takes an asset.", "since": "A day, UTC.",
    "until": "A day, UTC; it is included.", "status": "How it stands.",
    "lane": "Told how: news, quiet, none.", "late": "Only what came late: 1.",
    "all": "Fees and empty transfers too: 1.",
}  # fmt: skip
_FILTER: tuple[Param, ...] = tuple(params.text(name, _SAID[name]) for name in FIELDS)
_ONE, _READ = "/addresses/{chain}/{address}", Scope.CASES_READ

ROUTES = (
    Route("GET", _ONE, address, _READ, "An address that is recorded", Address),
    Route("GET", f"{_ONE}/movements", movements, _READ, "What moved, the newest first",
          moved.Movement, params=_FILTER, listing=True),
    Route("GET", f"{_ONE}/balances", held, _READ, "What it holds, by the record and on the chain",
          "balance", listing=True),
    Route("GET", f"{_ONE}/counterparties", others, _READ, "With whom, how much", Counterparty,
          params=(params.one_of("sort", "In which order.", ("last", "first", "count", "name")),),
          listing=True),
    Route("GET", f"{_ONE}/coverage", coverage, _READ, "What of it was read", ListCoverage,
          listing=True),
    Route("GET", f"{_ONE}/names", names, _READ, "What others call it", NameSaid, listing=True),
)  # fmt: skip
