"""How following a case's money stands, as a page shows it: what is asked of people with what
speaks for and against, who is next, where it ended and why, leads, and every place by every method.
Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.messages.trace.adding_up import Figure, figures, ours_said
from monitor.messages.trace.frontier import WAITS, open_nodes
from monitor.messages.trace.sums import Hop, hops
from monitor.messages.trace.words import (
    METHOD,
    Page,
    asset_said,
    bare,
    detail_said,
    is_any,
    minute,
    names_said,
    reason_said,
    span,
    state_said,
    worth_said,
)
from monitor.model import OURS, Subject
from monitor.model.flow import CONSERVING
from monitor.model.plain import tidy
from monitor.model.trace import Need, Node, Question, State, Sum, Total, Trace, TracedAsset

MOST = 50  # addresses of one table
# Of a stop: many people's funds are one there.
MIXED = ("exchange", "deposit_address", "mixer", "dex", "service", "bridge", "contract", "issuer")
GONE = ("burn", "nft")  # of a stop: nothing is there that could be followed


@dataclass(frozen=True, slots=True)
class Amount:
    """What came to an address, or is there, of one asset."""

    said: str  # by the chosen method, else the range; to the last unit
    worth: str


@dataclass(frozen=True, slots=True)
class Row:
    """An address of the trace. `pro` and `con`: what speaks for following it, and against."""

    subject: Subject
    address: str
    chain: str
    linked: bool
    hop: int
    state: str
    names: str
    amounts: tuple[Amount, ...]
    since: str
    waits: str = ""
    reason: str = ""
    detail: str = ""
    pro: tuple[str, ...] = ()
    con: tuple[str, ...] = ()
    lead: bool = False
    may_go_on: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. `open`: it is asked now; others wait behind it."""

    kind: str
    words: str
    rows: tuple[Row, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class Guess:
    """A lead: never in a sum until two people say yes."""

    row: Row
    words: str
    tx: str
    chain: str


@dataclass(frozen=True, slots=True)
class Beside:
    """One asset of one place by all methods; `lowest` and `highest` name them where they differ."""

    row: Row
    asset: str
    figures: tuple[Figure, ...]
    lowest: int
    highest: int
    reached: bool  # by poison


@dataclass(frozen=True, slots=True)
class Balance:
    """The hops of one asset by one method, and what is nobody's: fees."""

    asset: TracedAsset
    name: str
    method: str
    words: str
    hops: tuple[Hop, ...]
    fees: str
    out: str
    apart: str  # what differs where the order inside a moment is not known

    def said(self, units: int) -> str:
        return bare(self.asset, units)


@dataclass(frozen=True, slots=True)
class Following:
    """All of it."""

    sources: tuple[tuple[Row, str], ...]  # with what left
    questions: tuple[Asked, ...]
    frontier: tuple[Row, ...]
    stops: tuple[Row, ...]
    leads: tuple[Guess, ...]
    beside: tuple[Beside, ...]
    balances: tuple[Balance, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)  # by table, rows that are not shown


def following(trace: Trace, page: Page) -> Following:
    by = {node.subject: node for node in trace.nodes}
    needs = {each.subject: each.need for each in reversed(trace.wanted)}
    leads = {each.subject: each.words for each in trace.leads}
    rows = {s: _row(node, needs, leads, page) for s, node in by.items()}
    opened = [rows[node.subject] for node in open_nodes(trace)]
    stopped = sorted((n for n in trace.nodes if n.stop is not None), key=lambda n: -_most(n))
    stops = [rows[node.subject] for node in stopped]
    beside = list(_beside(trace, rows, page))
    many = {"frontier": len(opened), "stops": len(stops), "beside": len(beside)}
    return Following(
        tuple((rows[n.subject], _left(n, page)) for n in trace.nodes if n.state is State.SOURCE),
        tuple(_asked(q, k == 0, rows, leads, page) for k, q in enumerate(trace.questions)),
        tuple(opened[:MOST]),
        tuple(stops[:MOST]),
        tuple(_guesses(trace, rows, page)),
        tuple(beside[:MOST]),
        tuple(_balances(trace, page)),
        {name: number - MOST for name, number in many.items() if number > MOST},
    )


def _most(node: Node) -> int:
    return max((sum((s.usd or {}).get(m, 0) for s in node.holds) for m in CONSERVING), default=0)


def _left(node: Node, page: Page) -> str:
    said = [ours_said(each.amount, each.asset, page) for each in node.left if is_any(each)]
    return "; ".join(said) or "nothing left"


# --- one address --------------------------------------------------------------------------------


def _row(
    node: Node, needs: Mapping[Subject, Need], leads: Mapping[Subject, str], page: Page
) -> Row:
    stop = node.stop
    open_ = node.state in (State.QUEUED, State.WAITING)
    held = node.received if open_ else node.holds
    return Row(
        *(node.subject, page.address(node.subject), page.chain(node.subject.chain)),
        linked=is_linked(node.subject),
        hop=node.hop,
        state=state_said(node),
        names=names_said(node),
        amounts=tuple(_amount(each, page) for each in held if is_any(each)),
        since=minute(node.last_moved if node.last_moved is not None else node.first_traced),
        waits=_waits(node, needs) if open_ else "",
        reason=reason_said(stop, node.exchange) if stop else "",
        detail=detail_said(node),
        pro=tuple(_pro(node)),
        con=tuple(_con(node, leads)),
        lead=node.subject in leads,
        may_go_on=node.state is State.WAITING or (stop is not None and stop.reason not in GONE),
    )


def is_linked(subject: Subject) -> bool:
    """Whether it has a page of its own: our own addresses stand by their labels, and outputs that
    name nobody by their place."""
    return not subject.address.startswith(OURS) and ":" not in subject.address


def _amount(each: Sum, page: Page) -> Amount:
    return Amount(ours_said(each.amount, each.asset, page), worth_said(each, page))


def _waits(node: Node, needs: Mapping[Subject, Need]) -> str:
    if node.state is State.WAITING:
        detail = f": {tidy(node.stop.detail, 200)}" if node.stop and node.stop.detail else ""
        return f"a person's yes{detail}"
    need = needs.get(node.subject)
    return WAITS[need] if need else "its turn has not come"


def _pro(node: Node) -> Iterator[str]:
    """For following it."""
    if node.received and all(span(each.amount)[0] > 0 for each in node.received if is_any(each)):
        yield "by every method something of it came there"
    if not node.names:
        yield "nobody names it: it may be a person's wallet"
    if node.wallet:
        yield f"it is a wallet: {tidy(node.wallet, 60)}"
    if node.stop is not None and not node.stop.confirmed:
        yield "nobody confirmed the name by which it ends"


def _con(node: Node, leads: Mapping[Subject, str]) -> Iterator[str]:
    """Against it."""
    if node.subject in leads:
        yield f"that it came there is a guess: {tidy(leads[node.subject], 300)}"
    if node.received and any(span(each.amount)[0] == 0 for each in node.received if is_any(each)):
        yield "by one method at least nothing of it came there"
    if node.stop is not None and node.stop.reason in MIXED:
        yield "many people's funds may be one there: what leaves it need not be this money"
    if not node.complete:
        why = "; ".join(tidy(each, 200) for each in node.unread)
        yield f"not completely read{f' ({why})' if why else ''}"
    if any(each.usd is None for each in node.received):
        yield "nobody says what some of it is worth"


def _asked(
    question: Question,
    is_open: bool,
    rows: Mapping[Subject, Row],
    leads: Mapping[Subject, str],
    page: Page,
) -> Asked:
    about = tuple(rows.get(s) or unknown(s, leads.get(s, ""), page) for s in question.about)
    return Asked(question.kind, tidy(question.words, 600), about, is_open)


def unknown(subject: Subject, guess: str, page: Page) -> Row:
    """An address that nothing is traced to yet: where value may have gone on."""
    con = (f"that it came there is a guess: {tidy(guess, 300)}",) if guess else ()
    return Row(
        *(subject, page.address(subject), page.chain(subject.chain), is_linked(subject)),
        hop=0,
        state="a lead",
        names="",
        amounts=(),
        since="",
        con=con,
        lead=bool(guess),
        may_go_on=True,
    )


def _guesses(trace: Trace, rows: Mapping[Subject, Row], page: Page) -> Iterator[Guess]:
    chains = {edge.tx: edge.chain for edge in trace.edges}
    for lead in trace.leads:
        row = rows.get(lead.subject) or unknown(lead.subject, lead.words, page)
        yield Guess(row, tidy(lead.words, 400), lead.tx, chains.get(lead.tx, ""))


# --- figures ------------------------------------------------------------------------------------


def _beside(trace: Trace, rows: Mapping[Subject, Row], page: Page) -> Iterator[Beside]:
    for node in sorted(trace.nodes, key=lambda node: (-_most(node), node.hop, node.subject)):
        for each in node.holds if node.state is not State.SOURCE else ():
            if is_any(each) or each.amount.get("poison"):
                low, high = span(each.amount)
                shown = figures(each.amount, each.asset, page)
                reached = bool(each.amount.get("poison"))
                name = asset_said(each.asset)
                yield Beside(rows[node.subject], name, shown, low, high, reached)


def _balances(trace: Trace, page: Page) -> Iterator[Balance]:
    """By the chosen method first, else by LIBR."""
    first = page.method if page.method in CONSERVING else "libr"
    for method in sorted(CONSERVING, key=lambda each: each != first):
        for total in trace.totals:
            if total.method == method and total.asset is not None:
                found = hops(trace.nodes, total.asset, method)
                if found or total.out_of_sources:
                    yield _balance(total, total.asset, found, page)


def _balance(total: Total, asset: TracedAsset, found: list[Hop], page: Page) -> Balance:
    name = f"{asset_said(asset)} on {page.chain(asset.chain)}"
    apart = ", ".join(
        f"{bare(asset, units)} ({order.replace('_', ' ')})"
        for order, units in sorted((total.ties or {}).items())
    )
    return Balance(
        *(asset, name, total.method, METHOD[total.method], tuple(found)),
        *(bare(asset, total.fees), bare(asset, total.out_of_sources), apart),
    )
