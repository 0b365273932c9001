"""What came to each address, left it and is there, by asset and method. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.analysis.attribution.result import Kept
from monitor.analysis.trace.ledger import Pot, pot_of
from monitor.analysis.trace.run import Run, pots_by_sources
from monitor.model import Subject
from monitor.model.flow import Account, Flow, Spent
from monitor.model.trace import TracedAsset

Pots = dict[TracedAsset, Pot]
_Pots = list[tuple[Account, Pot]]


@dataclass(slots=True)
class Books:
    """Of one address. received = left + holds, but for poison; a source's `received` is what came
    back to it, and it holds nothing. What an address pays to itself as change is in neither."""

    received: Pots = field(default_factory=dict)
    left: Pots = field(default_factory=dict)
    holds: Pots = field(default_factory=dict)
    first_out: int | None = None  # times
    last_out: int | None = None


def books_of(run: Run) -> dict[Subject, Books]:
    """By address, sources too."""
    found = what_is_held(run)
    outputs: dict[Account, Pot] = {}  # what came to accounts, for those that are spent whole
    ledger = run.ledger
    for flow, steps, outcome in zip(
        ledger.flows, ledger.steps, run.result.outcomes.kept, strict=True
    ):
        if outcome is not None:
            gone = list(_gone(run, flow, outcome, outputs))
            got = [(account, pot_of(figures)) for account, figures in outcome.got]
            outputs.update(got)
            if isinstance(flow, Spent):
                gone, got = _less_change(run, gone, got)
            for account, pot in gone:
                _leave(run, found, account, pot, steps[0].time)
            for account, pot in got:
                _enter(run, found, account, pot)
    return found


def _less_change(run: Run, gone: _Pots, got: _Pots) -> tuple[_Pots, _Pots]:
    """Of one transaction, each owner's accounts as one, without what stays with the owner."""
    left, came = _by_owner(run, gone), _by_owner(run, got)
    for owner in left.keys() & came.keys():
        (_, one), (_, other) = left[owner], came[owner]
        stays = one.common(other)
        one.merge(stays, -1)
        other.merge(stays, -1)
    return [*left.values()], [*came.values()]


def _by_owner(run: Run, pots: _Pots) -> dict[Subject, tuple[Account, Pot]]:
    found: dict[Subject, tuple[Account, Pot]] = {}
    for account, pot in pots:
        owner = run.ledger.owner(account)
        if owner is not None:
            found.setdefault(owner, (account, Pot()))[1].merge(pot)
    return found


def what_is_held(run: Run) -> dict[Subject, Books]:
    """The same without what came and left."""
    found: dict[Subject, Books] = {}
    for account, figures in run.result.left.kept.items():
        owner = run.ledger.owner(account)
        if owner is not None:
            asset = run.ledger.assets[account.chain, account.asset]
            _add(found.setdefault(owner, Books()).holds, asset, pot_of(figures))
    return found


def _leave(run: Run, found: dict[Subject, Books], account: Account, pot: Pot, time: int) -> None:
    owner = run.ledger.owner(account)
    if owner is None or pot.empty:
        return
    books = found.setdefault(owner, Books())
    _add(books.left, run.ledger.assets[account.chain, account.asset], pot)
    books.first_out = time if books.first_out is None else min(time, books.first_out)
    books.last_out = time if books.last_out is None else max(time, books.last_out)


def _enter(run: Run, found: dict[Subject, Books], account: Account, pot: Pot) -> None:
    owner = run.ledger.owner(account)
    if owner is not None and not pot.empty:
        asset = run.ledger.assets[account.chain, account.asset]
        _add(found.setdefault(owner, Books()).received, asset, pot)


def _gone(
    run: Run, flow: Flow, outcome: Kept, outputs: Mapping[Account, Pot]
) -> Iterator[tuple[Account, Pot]]:
    """What left which account. An output is spent whole, with all that came to it."""
    if not isinstance(flow, Spent):
        yield flow.giver, pot_of(outcome.taken)
        return
    yield from pots_by_sources(flow, run.ledger.sources)
    for account, _ in flow.inputs:
        clean = account in run.ground.stops or account in run.ledger.sources
        if account in outputs and not clean:
            yield account, outputs[account]


def _add(pots: Pots, asset: TracedAsset, pot: Pot) -> None:
    pots.setdefault(asset, Pot()).merge(pot)
