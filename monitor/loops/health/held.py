"""Held funds of which less is there than expected: an incident for the desk, from the first unit
on. And a line for each held entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.decide import expected
from monitor.decide.expected import There
from monitor.loops.health.snapshot import EntryStatus, HeldStatus
from monitor.model import Entry, Row
from monitor.model.plain import case_said, tidy
from monitor.model.plan import Signal
from monitor.model.settings import Settings
from monitor.store import balances, held, incidents, planned
from monitor.store.coverage import stream_states
from monitor.store.port import Reader

KEY = "heldfunds:"
SINGLY = 12  # entries that have a line each where nothing is missing


@dataclass(frozen=True, slots=True)
class Account:
    """A held entry, and what is there of what is expected."""

    entry: Entry
    there: Sequence[There]
    planned: tuple[str, ...] = ()  # transactions that were told as its announced outflow

    @property
    def missing(self) -> list[There]:
        return [each for each in self.there if each.missing]

    @property
    def unknown(self) -> list[There]:
        return [each for each in self.there if each.units is None]

    def status(self) -> HeldStatus:
        return HeldStatus(
            state=self.entry.held,
            holder=self.entry.holder,
            missing=bool(self.missing),
            unknown=bool(self.unknown),
            assets=tuple(map(expected.said, self.there)),
        )


def accounts(store: Reader, settings: Settings, now: int) -> list[Account]:
    """Of every held entry whose history is being read, or was."""
    return [_account(store, settings, each.entry, now) for each in held.entries(store)]


def of_entries(
    store: Reader, settings: Settings, entries: Iterable[Entry], now: int
) -> list[Account]:
    """Of these entries those that are held."""
    return [_account(store, settings, entry, now) for entry in entries if entry.held]


def _account(store: Reader, settings: Settings, entry: Entry, now: int) -> Account:
    chain, assets = settings.chains.get(entry.subject.chain), settings.assets
    if chain is None or not entry.expected:
        return Account(entry, ())
    wanted = expected.contracts(chain, [entry], assets)
    rows: dict[str, list[Row]] = {}
    for contract in wanted:
        rows[contract] = list(balances.rows_of(store, entry.subject, contract))
    known = expected.Known(
        chain,
        assets,
        stream_states(store, entry.subject, now),
        rows,
        held.figures(store, entry.subject),
    )
    paid = planned.told(store, [entry]).get(entry.id, frozenset())
    return Account(entry, expected.there(entry, known), tuple(sorted(paid)))


def signals(store: Reader, settings: Settings, now: int) -> Iterable[Signal]:
    """Of every held entry, good or bad; what cannot be checked changes nothing. What was said of
    entries that expect nothing any more is over."""
    found = [each for each in accounts(store, settings, now) if each.there]
    for each in found:
        if each.missing or not each.unknown:
            yield _signal(each)
    known = {_key(each.entry) for each in found}
    for incident in incidents.incident_list(store, open_only=True):
        key = incident.signal.key
        if key.startswith(KEY) and key not in known:
            yield Signal(key, bad=False, audience="desk")


def _signal(account: Account) -> Signal:
    entry, missing = account.entry, account.missing
    said = "; ".join(map(expected.said, missing))
    return Signal(
        key=_key(entry),
        bad=bool(missing),
        audience="desk",
        severity="severe",
        what=f"HELD FUNDS ARE MISSING: {_who(entry)}: {said}.{_as_planned(account)}"
        if missing
        else "",
        cure="Look for a message that held funds moved, and at the address on an explorer; call "
        "whoever holds them. If less is right from now on, as after a planned outflow, correct  "
        "expected:  in the watchlist.",
        chain=entry.subject.chain,
        who=(entry.id,),
        cases=(entry.case,) if entry.case else (),
        number=1,
    )


def _who(entry: Entry) -> str:
    """ "Safe 7 (case NK-07), seized, held by the court"."""
    case = f" (case {case_said(entry.case)})" if entry.case else ""
    holder = f", held by {tidy(entry.holder, 60)}" if entry.holder else ""
    return f"{tidy(entry.label, 40) or entry.subject.address}{case}, {entry.held}{holder}"


def _as_planned(account: Account) -> str:
    """That some of it may be what was announced; how much of it a person is to judge."""
    if not account.planned:
        return ""
    return f" An outflow left as planned since it was announced: {', '.join(account.planned)}."


def _key(entry: Entry) -> str:
    return f"{KEY}{entry.id}"


def lines(entries: Iterable[EntryStatus]) -> list[str]:
    """A line for each held entry, for `status` and daily mails: what is missing first, then what
    nobody knows; of very many that are as expected only their number."""
    found = [each for each in entries if each.held is not None]
    found.sort(key=lambda e: e.held is not None and (not e.held.missing, not e.held.unknown))
    apart = [e for e in found if e.held and (e.held.missing or e.held.unknown)]
    calm = found[len(apart) :]
    shown = [*apart, *(calm if len(calm) <= SINGLY else ())]
    told = [_line(each) for each in shown]
    if len(shown) < len(found):
        more = "more " if told else ""
        told.append(f"{len(calm):,} {more}held entries: nothing is missing of what is expected")
    return told


def _line(each: EntryStatus) -> str:
    assert each.held is not None
    case = f" ({case_said(each.case)})" if each.case else ""
    who = f"{tidy(each.label, 40) or each.address}{case} on {each.chain}"
    holder = f", held by {tidy(each.held.holder, 60)}" if each.held.holder else ""
    there = "; ".join(each.held.assets) or "nothing is expected by the watchlist"
    return f"{'MISSING  ' if each.held.missing else ''}{who}: {each.held.state}{holder}. {there}"
