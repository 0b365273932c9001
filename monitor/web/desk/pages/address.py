"""One address: what is watched of it, what was read, what it holds, what moved, with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from werkzeug import Response
from werkzeug.utils import redirect

from monitor.model import Known, Subject, Watched
from monitor.model.desk_address import Place, Wanted
from monitor.model.plain import tidy
from monitor.store import balances
from monitor.store.desk_address import MOST, PAGE
from monitor.store.not_covered import not_covered
from monitor.web.desk import files
from monitor.web.desk.address_found import Found, found
from monitor.web.desk.address_parts import Holding, Version, holdings, timeline, versions
from monitor.web.desk.ask import Ask
from monitor.web.desk.balance_line import (
    BalanceLine,
    balance_lines,
    days_said,
    unknown_said,
)
from monitor.web.desk.filtering import (
    COIN,
    LANES,
    STATUSES,
    WAYS,
    Filter,
    filter_of,
    next_of,
    place_of,
)
from monitor.web.desk.known import address_path, name_of
from monitor.web.desk.movements import (
    SORTS,
    Total,
    counterparties,
    csv_file,
    totals,
)
from monitor.web.desk.pages.address_acts import forms
from monitor.web.desk.read_of import ListRead, lists_read

FEW = 10  # counterparties on the page of the address
MOST_ASSETS = 40  # that its filter offers


def address(ask: Ask, chain: str, address: str) -> Response:
    """The page of one address."""
    it = found(ask, chain, address)
    if isinstance(it, Response):
        return it
    wanted = _filter(it)
    after = place_of(ask.request.args)
    rows = [] if wanted.wrong else it.moves.page(wanted.wanted, after)
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    everything = it.moves.counted(Wanted(every=True))
    # Where there are very many, only all of them together are counted.
    counted = it.moves.counted(wanted.wanted) if not everything.over else None
    if not wanted.narrows:
        counted = everything
    sums = [] if everything.over else it.moves.sums()
    assets = it.shower.assets(each.contract for each in sums)
    all_totals = totals(sums, assets)
    parties, number = counterparties(sums, it.shower, "last", FEW)
    last = Place(rows[-1].time, rows[-1].id) if rows else None
    lists = _lists(it)
    lines, undrawn = ([], 0) if everything.over else _balance_lines(it, all_totals, lists)
    return ask.page(
        "address.html.j2", f"{it.shown} on {it.chain.name}", "find",
        it=it, head=_head(it), lists=lists, not_looked=_not_looked(it),
        balances=_holds(it, all_totals, summed=not everything.over),
        balance_lines=lines, undrawn=undrawn, days_said=days_said, unknown_said=unknown_said,
        filter=wanted, rows=it.shower.lines(rows), counted=counted, everything=everything,
        folded_link=_link(it, {**wanted.given, "all": "1"}) if not wanted.wanted.every else "",
        next_link=_link(it, {**wanted.given, "after": next_of(last)}) if more and last else "",
        first_link=_link(it, wanted.given) if after else "",
        csv_link=_link(it, wanted.given, "/movements.csv"),
        choices=_choices(it, all_totals, wanted.given), totals=all_totals,
        parties=parties, party_number=number,
        days=timeline(it.moves.days(), ask.now), versions=_versions(it), most=MOST,
        since=_since(it.party.watched), read_to=_read_to(lists), **forms(it),
    )  # fmt: skip


def movements_csv(ask: Ask, chain: str, address: str) -> Response:
    """All movements of the filter, as a file."""
    it = found(ask, chain, address, "/movements.csv")
    if isinstance(it, Response):
        return it
    wanted = _filter(it)
    if wanted.wrong:
        return redirect(_link(it, wanted.given), 303)
    file = csv_file(it.moves, it.shower, wanted.wanted)
    name = f"{it.chain.key}-{it.subject.address.rpartition(':')[2]}.csv"
    return files.sent(file, name)


def others(ask: Ask, chain: str, address: str) -> Response:
    """All counterparties of an address."""
    it = found(ask, chain, address, "/counterparties")
    if isinstance(it, Response):
        return it
    sort = ask.request.args.get("sort", "last")
    sort = sort if sort in SORTS else "last"
    told = ask.request.args.get("after", "")
    skip = min(int(told), 10**9) if told.isascii() and told.isdecimal() and len(told) < 12 else 0
    sums = it.moves.sums()
    parties, number = counterparties(sums, it.shower, sort, PAGE, skip)
    more = skip + PAGE < number
    rest = {"sort": sort, "after": str(skip + PAGE)}
    return ask.page(
        "counterparties.html.j2", f"Counterparties of {it.shown}", "find",
        it=it, parties=parties, number=number, sort=sort, skip=skip,
        sorts=[(key, said, _link(it, {"sort": key}, "/counterparties"))
               for key, said in SORTS.items()],
        totals=totals(sums, it.shower.assets(each.contract for each in sums)),
        next_link=_link(it, rest, "/counterparties") if more else "",
    )  # fmt: skip


def _filter(it: Found) -> Filter:
    told = it.ask.request.args.get("asset", "")
    assets = it.shower.assets([told, told.lower()])
    made = filter_of(it.ask.request.args, it.chain, assets)
    other = made.wanted.other
    if other and it.shower.parties([other])[other].ours:  # nobody is told which address it is
        return Filter(Wanted(other=""), made.given)
    return made


def _link(it: Found, given: Mapping[str, str], more: str = "") -> str:
    query = urlencode(given)
    return f"{it.path}{more}?{query}" if query else f"{it.path}{more}"


# -- head --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """Who it is."""

    watched: tuple[Watched, ...]
    names: tuple[str, ...]
    claims: tuple[Known, ...]
    contradict: bool
    elsewhere: tuple[tuple[str, str, str], ...]  # chain, what is known there, its page
    unwatched: tuple[str, ...]  # names of chains on which nothing is watched
    explorer: str


def _head(it: Found) -> Head:
    known = [each for each in it.party.known if each.entry_id is None]
    lists = it.names.claims(it.subject)
    claims = [*(each for each in known if not each.list), *lists]
    said = {tidy(each.label, 80).casefold() for each in (*it.party.known, *lists) if each.label}
    elsewhere, unwatched = _elsewhere(it)
    link = it.chain.link_address.replace("{address}", it.shown) if it.chain.link_address else ""
    return Head(
        it.party.watched,
        tuple(map(name_of, claims)),
        tuple(claims),
        len(said) > 1,
        elsewhere,
        unwatched,
        link,
    )


def _elsewhere(it: Found) -> tuple[tuple[tuple[str, str, str], ...], tuple[str, ...]]:
    """The same key on other chains of Ethereum's kind: one person has it on all of them."""
    if it.chain.chain_id is None:
        return (), ()
    chains = [
        chain
        for key, chain in it.ask.settings.chains.items()
        if chain.chain_id is not None and key != it.chain.key
    ]
    subjects = [Subject(chain.key, it.subject.address) for chain in chains]
    on, followed = it.names.entries(subjects), it.names.followed(subjects)
    found, unwatched = [], []
    for chain, subject in zip(chains, subjects, strict=True):
        entries = [w.entry.id for w in on.get(subject, ()) if w.active]
        cases = [f.case for f in followed.get(subject, ())]
        said = ", ".join([*(f"watched by {e}" for e in entries),
                          *(f"followed for {tidy(c, 40)}" for c in cases)])  # fmt: skip
        if not said and subject in on:
            said = "watch ended"
        if not said:
            unwatched.append(chain.name)
        else:
            found.append((chain.name, said, address_path(chain.key, subject.address)))
    return tuple(found), tuple(unwatched)


def _lists(it: Found) -> list[ListRead]:
    """Nothing, where nobody whose entries may be seen has it read."""
    if not it.party.watched and not it.party.followed:
        return []
    settings = it.ask.settings
    return lists_read(it.ask.store, it.chain, settings.sources, it.subject, it.ask.now)


def _not_looked(it: Found) -> tuple[str, ...]:
    if not it.party.watched:
        return ()
    return not_covered(it.ask.store, it.party.watched[0].entry, it.ask.settings.chains)


def _since(watched: Sequence[Watched]) -> str:
    """From when on it is to be read, as its entries say."""
    said = [w.entry.since for w in watched if w.active]
    return "" if not said or "first" in said else min(said)


def _read_to(lists: Sequence[ListRead]) -> int | None:
    """Up to when all of its lists were read; None: one of them was not."""
    times = [each.at for each in lists if not each.blind]
    known = [at for at in times if at is not None]
    return min(known) if lists and len(known) == len(lists) else None


def _holds(it: Found, sums: Sequence[Total], *, summed: bool) -> list[Holding]:
    if not it.party.watched and not it.party.followed:
        return []
    verdicts = balances.of_subjects(it.ask.store, [it.subject]).get(it.subject, ())
    return holdings(verdicts, sums, it.shower, summed=summed)


def _balance_lines(
    it: Found, sums: Sequence[Total], lists: Sequence[ListRead]
) -> tuple[list[BalanceLine], int]:
    """Of an address that is read; of a token that is counted in shares movements are not all."""
    if not lists or not it.whole:
        return [], 0
    verdicts = balances.of_subjects(it.ask.store, [it.subject]).get(it.subject, ())
    shares = {held.contract for held in verdicts if held.in_shares}
    drawn = [total for total in sums if total.asset.contract not in shares]
    about = (it.ask.store, it.subject, it.moves.nets(), drawn, lists, it.ask.now)
    return balance_lines(*about)


def _versions(it: Found) -> list[Version]:
    return versions(it.ask.store, it.ask.sight, [w.entry.id for w in it.party.watched])


def _choices(
    it: Found, sums: Sequence[Total], given: Mapping[str, str]
) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen in the form: (value, words)."""
    assets = [(total.asset.contract or COIN, total.asset.name) for total in sums][:MOST_ASSETS]
    told = given.get("asset", "")
    if told and told not in dict(assets):
        assets.append((told, tidy(told, 60)))
    if not sums:
        assets.insert(0, (COIN, it.chain.symbol))
    return {
        "way": list(WAYS.items()),
        "asset": assets,
        "status": [(status.value, said) for status, said in STATUSES.items()],
        "lane": list(LANES.items()),
    }
