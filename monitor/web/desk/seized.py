"""What could be seized in a case, and whom to ask, as pages show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from monitor.chains.address import display
from monitor.decide.expected import There
from monitor.loops.health import held as accounts
from monitor.loops.health.held import Account
from monitor.messages.trace.seized import MOST, UNASKED, Known, Line, Seized, seized
from monitor.model import Entry, Subject
from monitor.model.desk import Right
from monitor.model.desk_requests import Request
from monitor.model.plain import amount_short, duration, tidy, utc
from monitor.model.trace import Beside, HeldFunds, Told
from monitor.store import desk_cases, frozen, requests
from monitor.web.desk.ask import Ask
from monitor.web.desk.traced import Traced, page_of, places_of

_EVERY = 10**6  # places, one by one
_ADVICE = "Whether they are asked is for your counsel or the authority to say."
STALE = 3600  # seconds after which it is said how long ago held funds were looked at


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a page. `past`: of an earlier day, on which nothing can be done."""

    case: str
    of: Seized
    past: bool
    may: bool  # whoever looks may record requests

    @property
    def unasked(self) -> int:
        """At how many places somebody could act whom nobody has asked."""
        return sum(line.rank == UNASKED for line in self.of.lines)

    @property
    def could(self) -> list[str]:
        """Who that is, those of the first line first."""
        lines = (line for line in self.of.lines if line.rank == UNASKED)
        names = (each.name for line in lines for each in line.whom if each.asked)
        return list(dict.fromkeys(names))

    @property
    def advice(self) -> str:
        """Who says whether they are asked, where that is not for whoever looks."""
        return _ADVICE if self.of.desk in ("bank", "exchange") else ""

    @property
    def pairs(self) -> list[tuple[Section, Line]]:
        return [(self, line) for line in self.of.lines]


@dataclass(frozen=True, slots=True)
class Held:
    """Funds that must not move. `wrong`: less is there than expected, or nobody knows."""

    subject: Subject
    address: str
    chain: str
    label: str
    state: str
    expected: str
    found: str = ""
    checked: str = ""
    wrong: bool = False


def section(ask: Ask, traced: Traced) -> Section | None:
    """None: there is no state of the trace to show."""
    if traced.told is None:
        return None
    told, moment = traced.told, traced.moment(ask.now)
    past = moment < ask.now
    most = _EVERY if ask.request.args.get("seized") == "all" else MOST
    page = page_of(ask, traced)
    known = known_of(ask, told, moment)
    found = seized(told, page, known, most, places_of(told, page))
    return Section(traced.case, found, past, ask.signed.may(Right.WORK) and not past)


def known_of(ask: Ask, told: Told, now: int) -> Known:
    """As it was known at a moment."""
    asked = requests.requests(ask.store, ask.sight, told.trace.case)
    held = (told.trace.beside or Beside()).held
    found = frozen.frozen(ask.store, (node.subject for node in told.trace.nodes), now)
    return Known(
        now,
        frozen={key: (each.at, each.tx) for key, each in found.items()},
        requests=_until(asked, now),
        held={each.subject: _held_said(each) for each in held},
    )


def _until(asked: Iterable[Request], at: int) -> list[Request]:
    """As they stood then."""
    return [
        replace(each, steps=[step for step in each.steps if step.at <= at])
        for each in asked
        if each.at <= at
    ]


def _held_said(each: HeldFunds) -> str:
    return f"{each.held}{f', by {tidy(each.holder, 60)}' if each.holder else ''}"


def held_now(ask: Ask, entries: Iterable[Entry]) -> list[Held]:
    """Of what must not move, as the record and the chain have it now."""
    found = accounts.of_entries(ask.store, ask.settings, entries, ask.now)
    return [shown for each in found for shown in _held(ask, each)]


def _held(ask: Ask, account: Account) -> Iterator[Held]:
    entry = account.entry
    chain = ask.settings.chains.get(entry.subject.chain)
    holder = f", by {tidy(entry.holder, 60)}" if entry.holder else ""
    shown = Held(
        subject=entry.subject,
        address=display(chain, entry.subject.address) if chain else entry.subject.address,
        chain=chain.name if chain else entry.subject.chain,
        label=tidy(entry.label, 60),
        state=f"{entry.held}{holder}",
        expected="no amount is expected",
    )
    if not account.there:
        yield shown
    for there in account.there:
        name, decimals = tidy(there.name, 60), there.asset.decimals if there.asset else None
        found = "" if there.units is None else f"{amount_short(there.units, decimals)} {name}"
        yield replace(
            shown,
            expected=f"{tidy(entry.expected[there.name], 60)} {name}",
            found=found or "not known",
            checked=_checked(there, ask.now),
            wrong=bool(there.missing) or there.units is None,
        )


def _checked(there: There, now: int) -> str:
    if there.units is None:
        return tidy(there.why, 200) or "nobody could say"
    by = f" by {tidy(there.by, 60)}" if there.by else ""
    if there.time is None:
        return f"said{by}"
    age = now - there.time
    when = f"at {utc(there.time)}{by}"
    return f"not checked for {duration(age)}: last {when}" if age > STALE else f"checked {when}"


FOLLOWING = "/following"


def following_path(ask: Ask, case: str) -> str:
    """Where a case's following stands, also where another case's name ends so."""
    name = quote(case, safe="")
    if desk_cases.is_known(ask.store, ask.sight, case + FOLLOWING):
        return f"{FOLLOWING}/{name}"
    return f"/c/{name}{FOLLOWING}"


def ask_path(case: str, line: Line, to: str = "") -> str:
    """Where a request about a place is prepared."""
    assert line.subject is not None
    about = {
        **{"case": case, "chain": line.subject.chain, "address": line.subject.address},
        **{"contract": line.asset.contract, "to": to},
    }
    return f"/request/new?{urlencode({key: value for key, value in about.items() if value})}"


def over_all(sections: Sequence[Section]) -> list[tuple[Section, Line]]:
    """Lines of several cases, what can be done now first."""
    found = [(each, line) for each in sections for line in each.of.lines]
    return sorted(found, key=lambda pair: (pair[1].rank, pair[0].case))
