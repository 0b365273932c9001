"""What is told beside a trace, put together when a state of it is taken: what the chain says, who
can freeze a token, what is held, who may learn of which addresses, who asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.decide.expected import There
from monitor.loops.health.held import Account, accounts
from monitor.model import Subject
from monitor.model.balance import Figure, Held
from monitor.model.plain import amount_short
from monitor.model.settings import Settings
from monitor.model.trace import Beside, HeldFunds, Node, OnChain, State, Told, Trace
from monitor.store import balances
from monitor.store import trace as kept
from monitor.store.coverage import stream_states
from monitor.store.port import Reader

HOUR = 3600  # seconds: so often the same balances make another state
Figures = Mapping[tuple[Subject, str], Figure]  # by contract


@dataclass(frozen=True, slots=True)
class Ground:
    """Where it comes from. `now`: by our clock."""

    store: Reader
    settings: Settings
    now: int


def beside(ground: Ground, trace: Trace, figures: Figures, before: Beside | None = None) -> Beside:
    """`figures`: what was said of balances of followed addresses, newest; `before`: what stood
    beside the state before, whose balances hold where nobody said another."""
    nodes = [node for node in trace.nodes if node.holds and node.state is not State.SOURCE]
    return Beside(
        desk=ground.settings.desk,
        balances=tuple(_balances(ground, nodes, figures, before)),
        issuers=tuple(_issuers(ground.settings, nodes)),
        held=tuple(_held(ground, trace.case)),
        operators=_operators(ground, trace.nodes),
    )


def _balances(
    ground: Ground, nodes: Iterable[Node], figures: Figures, before: Beside | None
) -> Iterator[OnChain]:
    """The newest word on each asset that an address holds; nothing where nobody was asked."""
    nodes = list(nodes)
    watched = balances.of_subjects(ground.store, [node.subject for node in nodes])
    old = {(each.subject, each.contract): each for each in before.balances} if before else {}
    for node in nodes:
        verdicts = {held.contract: held for held in watched.get(node.subject, ())}
        for held in node.holds:
            contract = held.asset.contract
            key = (node.subject, contract)
            found = [
                *([_by_figure(figures[key])] if key in figures else []),
                *([_by_verdict(verdicts[contract])] if contract in verdicts else []),
                *([old[key]] if key in old else []),
            ]
            if found:
                yield max(found, key=lambda each: (each.amount is not None, each.time or 0))


def _by_figure(figure: Figure) -> OnChain:
    said = OnChain(figure.subject, figure.contract, figure.amount, figure.time, figure.high)
    return _sourced(said, figure.source, "it counts shares" if figure.shares else "")


def _by_verdict(held: Held) -> OnChain:
    said = OnChain(held.subject, held.contract, held.on_chain, held.time, held.height)
    shares = "it counts shares" if held.in_shares else ""
    return _sourced(said, held.source, shares or ("" if held.on_chain is not None else held.reason))


def _sourced(said: OnChain, source: str, why: str) -> OnChain:
    """What cannot be compared with what is traced is not said as an amount."""
    amount = None if why else said.amount
    return OnChain(said.subject, said.contract, amount, said.time, said.height, source, why)


def _issuers(settings: Settings, nodes: Iterable[Node]) -> Iterator[tuple[str, str, str]]:
    assets = {(each.asset.chain, each.asset.contract) for node in nodes for each in node.holds}
    for chain, contract in sorted(assets):
        row = settings.chains.get(chain)
        issuer = row.issuer_of(contract) if row is not None else None
        if issuer is not None:
            yield chain, contract, issuer.name


def _held(ground: Ground, case: str) -> Iterator[HeldFunds]:
    for account in accounts(ground.store, ground.settings, ground.now):
        if account.entry.case == case:
            yield from (_there(account, each) for each in account.there)
            if not account.there:
                yield _funds(account, "", "", None)


def _there(account: Account, there: There) -> HeldFunds:
    decimals = there.asset.decimals if there.asset is not None else None
    found = None
    if there.units is not None:
        found = amount_short(there.units, decimals).replace(",", "")
    return _funds(account, there.name, account.entry.expected[there.name], found, there)


def _funds(
    account: Account, asset: str, wanted: str, found: str | None, there: There | None = None
) -> HeldFunds:
    entry = account.entry
    time, by, why = (there.time, there.by, there.why) if there is not None else (None, "", "")
    return HeldFunds(
        *(entry.subject, entry.label, entry.held, entry.holder, asset, wanted, found),
        *(time, by, why),
    )


def _operators(ground: Ground, nodes: Iterable[Node]) -> tuple[tuple[str, int], ...]:
    """Who answered for how many addresses that are not watched, most first."""
    mine = [node.subject for node in nodes if node.state is not State.SOURCE]
    profiles = kept.profiles(ground.store, mine)
    counted: Counter[str] = Counter()
    for subject in mine:
        asked = {s.source for s in stream_states(ground.store, subject, ground.now).values()}
        if subject in profiles:
            asked.add(profiles[subject].source)
        counted.update({_operator(ground.settings, name) for name in asked if name})
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _operator(settings: Settings, source: str) -> str:
    config = settings.sources.get(source)
    return config.operator if config is not None and config.operator else source


def is_news(before: Told, trace: Trace, now: int) -> bool:
    """Whether a trace is to be kept. That the same balances were said again is, once an hour."""
    if replace(before.trace, beside=None) != replace(trace, beside=None):
        return True
    return now - before.at >= HOUR or _amounts(before.trace) != _amounts(trace)


def _amounts(trace: Trace) -> object:
    told = trace.beside or Beside()
    amounts = {(each.subject, each.contract): each.amount for each in told.balances}
    return amounts, replace(told, balances=())
