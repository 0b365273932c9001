"""What stands in the report of a case, as values for its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.loops.health.snapshot import ListStatus
from monitor.loops.report import cover, held, traced
from monitor.loops.report.mine import Mine
from monitor.loops.report.state import Standing
from monitor.messages.trace.drawn import names_of, picture_of
from monitor.messages.trace.seized import Known as Beside
from monitor.messages.trace.seized import Seized, seized
from monitor.messages.trace.seizure import expected, state_line
from monitor.messages.trace.tree import doubts
from monitor.messages.trace.words import Page, exact, span
from monitor.model import Subject
from monitor.model.desk import Sight
from monitor.model.plain import case_said, clean, count, tidy, utc
from monitor.model.trace import Beside as TraceBeside
from monitor.model.trace import Edge, HeldFunds, State, Told, Trace
from monitor.picture import draw, png
from monitor.picture.parts import Picture
from monitor.picture.words import alt
from monitor.store import case_file, requests

MOST_PAYMENTS = 500  # of the trace, one by one
MOST_DECISIONS = 500
_NAMED = 20  # addresses that wait, by name
_EVERY = 10**6  # places, one by one
# Pages that a picture may stand on, in millimetres: A4 and A3, then one as large as it needs.
_PAGES = ((297, 210), (210, 297), (420, 297), (297, 420))
_BESIDE, _AROUND = 24, 56  # that margins and head take of its width and height
_PX = 25.4 / 96  # millimetres
_LEAST, _OWN = 0.68, 0.75  # of its size: below which letters are too small; on a page of its own


@dataclass(frozen=True, slots=True)
class Flow:
    """The picture, on a page of its own: how large that is, and how wide the picture on it, in
    millimetres."""

    svg: str
    alt: str
    page: tuple[int, int]
    width: int
    picture: Picture


@dataclass(frozen=True, slots=True)
class Payment:
    when: str
    hop: int
    chain: str
    sender: str
    recipient: str
    amount: str
    traced: str
    tx: str
    how: str


@dataclass(frozen=True, slots=True)
class Read:
    """How one list of an address is read."""

    what: str
    stands: str
    span: str
    by: str


@dataclass(frozen=True, slots=True)
class Watched:
    label: str
    address: str
    chain: str
    reads: Sequence[Read]


@dataclass(frozen=True, slots=True)
class Decision:
    when: str
    who: str
    what: str
    why: str
    eyes: str


@dataclass(frozen=True, slots=True)
class Money:
    """What the trace says."""

    state: str
    seized: Seized
    flow: Flow
    payments: Sequence[Payment]
    more_payments: int
    held: Sequence[tuple[str, str, str]]  # place, state, expected and found
    doubts: Sequence[str]
    open: Sequence[str]


@dataclass(frozen=True, slots=True)
class Report:
    case: str
    title: str
    standing: Standing
    sections: Sequence[cover.Section]
    must_not: Sequence[str]
    left_out: Sequence[str]
    movements: int
    alerts: int
    watched: Sequence[Watched]
    decisions: Sequence[Decision]
    more_decisions: int
    method: Sequence[str]
    money: Money | None = None
    people: Sequence[str] = field(default_factory=tuple)


def report(mine: Mine, going: traced.Going | None, facts: cover.Known) -> Report:
    standing = facts.standing
    title = next((w.entry.title for w in mine.entries if w.entry.title), "")
    decided = [*_decisions(mine)]
    return Report(
        case=case_said(mine.case),
        title=tidy(title, 120),
        standing=standing,
        sections=[*cover.known(facts)],
        must_not=cover.MUST_NOT,
        left_out=[*_left_out(standing, len(decided))],
        movements=len(case_file.row_ids(mine.store, mine.case)),
        alerts=len(case_file.alert_ids(mine.store, mine.case)),
        watched=[*_watched(mine, standing)],
        decisions=decided[:MOST_DECISIONS],
        more_decisions=max(0, len(decided) - MOST_DECISIONS),
        method=[line.strip() for line in "".join(held.method()).split("\n") if line.strip()],
        money=_money(mine, going.told, standing) if going is not None else None,
        people=sorted({each.who for each in decided if each.who}),
    )


def _left_out(standing: Standing, decided: int) -> Iterator[str]:
    yield f"{count(standing.notes, 'note', 'notes')} of people, which a report never holds."
    yield "Single movements, alerts, kept answers and the log: the export for evidence has them."
    yield "Confidential clocks, other cases, and addresses of the house but for their labels."
    if decided > MOST_DECISIONS:
        yield f"{decided - MOST_DECISIONS:,} decisions beyond the first {MOST_DECISIONS:,}."


# -- the money -----------------------------------------------------------------------------------


def _money(mine: Mine, told: Told, standing: Standing) -> Money:
    trace = told.trace
    page = Page(110, mine.settings.chains, trace.method)
    beside = (trace.beside or TraceBeside()).held
    asked = requests.requests(mine.store, Sight(frozenset({mine.case})), mine.case)
    known = Beside(
        standing.moment, asked, held={each.subject: tidy(each.held, 60) for each in beside}
    )
    return Money(
        state=state_line(told),
        seized=seized(told, page, known, _EVERY),
        flow=_flow(told, names_of(mine.settings.chains)),
        payments=[_payment(each, page) for each in trace.edges[:MOST_PAYMENTS]],
        more_payments=max(0, len(trace.edges) - MOST_PAYMENTS),
        held=[_held(each, page) for each in beside],
        doubts=[*doubts(trace, told.at)],
        open=[*_open(trace, page)],
    )


def _flow(told: Told, names: Mapping[str, str]) -> Flow:
    drawn = picture_of(told, names)
    svg = draw.svg(drawn)
    page, width = _page(png.size(svg))
    return Flow(svg, alt(drawn, 8_000), page, width, drawn)


def _page(size: tuple[float, float]) -> tuple[tuple[int, int], int]:
    """The smallest page on which it can be read, and its width there."""
    wide, high = (each * _PX for each in size)
    for page in _PAGES:
        scale = min(1.0, (page[0] - _BESIDE) / wide, (page[1] - _AROUND) / high)
        if scale >= _LEAST:
            return page, int(wide * scale)
    own = (int(wide * _OWN) + _BESIDE + 1, int(high * _OWN) + _AROUND + 1)
    return own, int(wide * _OWN)


def _payment(edge: Edge, page: Page) -> Payment:
    """What it carried: by the method that was chosen, else from the lowest to the highest."""
    method = page.method
    low, high = (edge.traced.get(method, 0),) * 2 if method else span(edge.traced)
    carried = exact(edge.asset, low)
    if low != high:
        carried = f"{exact(edge.asset, low)} to {exact(edge.asset, high)}"
    chain = page.chain(edge.chain)
    to = f"{chain} to {page.chain(edge.to_chain)}" if edge.to_chain else chain
    return Payment(
        when=utc(edge.time),
        hop=edge.hop,
        chain=to,
        sender=page.address(Subject(edge.chain, edge.sender)),
        recipient=page.address(Subject(edge.to_chain or edge.chain, edge.recipient)),
        amount=exact(edge.asset, edge.amount),
        traced=carried,
        tx=clean(edge.tx, 120),
        how=_how(edge),
    )


def _how(edge: Edge) -> str:
    """What happened to the asset on the way."""
    if edge.via is None:
        return ""
    if edge.got is None or edge.got_amount is None:
        return edge.via
    return f"{edge.via}, came out as {exact(edge.got.asset, edge.got_amount)}"


def _held(each: HeldFunds, page: Page) -> tuple[str, str, str]:
    holder = f", by {tidy(each.holder, 60)}" if each.holder else ""
    return page.place(each.subject), f"{each.held}{holder}", expected(each)


def _open(trace: Trace, page: Page) -> Iterator[str]:
    """What waits for a person, what a limit ended, what is only a guess."""
    yield from (f"Asked of a person: {tidy(each.words, 600)}" for each in trace.questions)
    for state, words in ((State.WAITING, "waiting for a person"), (State.QUEUED, "to be read")):
        mine = [node for node in trace.nodes if node.state is state]
        if mine:
            named = "; ".join(page.place(node.subject) for node in mine[:_NAMED])
            more = f" and {len(mine) - _NAMED:,} more" if len(mine) > _NAMED else ""
            yield f"{count(len(mine), 'address', 'addresses')} {words}: {named}{more}"
    if trace.ended:
        yield f"It stopped before its end: {tidy(trace.ended, 400)}"
    for lead in trace.leads:
        yield f"A guess, in no sum: {page.place(lead.subject)}: {tidy(lead.words, 300)}"
    if trace.touched:
        yield "It touches addresses of the house, which stand by their labels."


# -- what was read, who decided ------------------------------------------------------------------


def _watched(mine: Mine, standing: Standing) -> Iterator[Watched]:
    chains = mine.settings.chains
    for entry in standing.status:
        chain = chains.get(entry.chain)
        yield Watched(
            tidy(entry.label, 80),
            entry.address,
            chain.name if chain is not None else entry.chain,
            [
                Read(
                    each.stream,
                    f"{each.state.value}{f': {tidy(each.reason, 300)}' if each.reason else ''}",
                    _span(each),
                    tidy(each.by, 60),
                )
                for each in entry.streams
            ],
        )


def _span(read: ListStatus) -> str:
    """From where to where, without a hole."""
    to = read.covered_to
    if to is None:
        return "nothing"
    place = f"{to.axis.value} {to.place:,}, " if to.place is not None else ""
    return f"{read.covered_from or 'not known'} to {place}{utc(to.time)}"


_STATES = {"acknowledged": "took", "closed": "closed", "open": "opened again"}
_EYES = {"second": "two", "one": "one: no second existed", "none": "one is enough"}


def _decisions(mine: Mine) -> Iterator[Decision]:
    safe = held.Safe(mine)
    for each in map(safe.of, held.decisions(mine)):
        told = {key: tidy(str(value or ""), 600) for key, value in each.items()}
        who = told.get("name") or "(erased)"
        kind = told["type"]
        if kind == "alert":
            what = f"{_STATES.get(told['state'], told['state'])} alert {told['alert']}"
            yield Decision(told["at"], who, what, told["note"], "")
        elif kind == "proposal":
            ended = f", {told['state']} by {told['ended_by']}" if told["ended_by"] else ""
            what = f"proposed: {told['kind'].replace('_', ' ')}{ended or ', ' + told['state']}"
            yield Decision(told["at"], who, what, told["why"], _EYES.get(told["eyes"], ""))
        elif kind == "clock":
            what = f"started the clock {told['title']}, last day {told['due']}: {told['state']}"
            yield Decision(told["started"], who, what, told["why"], "")
        elif kind == "request":
            what = f"prepared a request to {told['to']} about {told['address']}"
            yield Decision(told["at"], who, what, "", "")
        else:
            what = f"recorded of a request: {told['stage']} {told['happened']}"
            yield Decision(told["at"], who, f"{what} {told['reference']}".strip(), told["text"], "")
