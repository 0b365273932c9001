"""What was worked out before makes a trace quicker and nothing else: whatever changed in between,
a tracer that goes on says what a new one says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracing_world import at
from world.trail import BTC, DAI, JUNK, USD, USDC, Trail

from monitor.analysis.trace.again import Again
from monitor.analysis.trace.evaluate import Tracer
from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.known import Known
from monitor.model import Kind, Transfer
from monitor.model.trace import Anatomy, Name, Terms

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
WHO = S, T, A, B, C, X = [at(name) for name in ("S", "T", "A", "B", "C", "X")]
TERMS = Terms(min_usd="0", min_share="0", ask_after=None)


@dataclass(frozen=True)
class Moment:
    """What is known beside the rows, and which rows stand."""

    followed: Sequence[str]
    sources: Sequence[str]
    since: int
    gone: frozenset[int]  # rows that were taken back
    names: Mapping[str, str]
    contracts: Sequence[str]
    prices: Mapping[str, Decimal]
    junk: str  # how the unverified token calls itself
    whole: frozenset[str]  # transactions of which all is known


moments = st.builds(
    Moment,
    followed=st.lists(st.sampled_from([A, B, C]), unique=True),
    sources=st.sampled_from([[S], [S, T]]),
    since=st.sampled_from([0, 0, 1045]),
    gone=st.frozensets(st.integers(0, 20), max_size=2),
    names=st.dictionaries(st.sampled_from(WHO), st.sampled_from(["dex", "exchange"]), max_size=2),
    contracts=st.lists(st.sampled_from([B, C, X]), unique=True, max_size=2),
    prices=st.sampled_from([USD, {}, {**USD, "": Decimal(3000)}]),
    junk=st.sampled_from(["", "USDC", "COIN"]),
    whole=st.frozensets(st.sampled_from(["t0", "t1", "t2", "t3"])),
)
moves = st.tuples(
    st.integers(0, 6),
    st.sampled_from(WHO),
    st.sampled_from(WHO),
    st.integers(0, 9),
    st.sampled_from([None, None, USDC, DAI, JUNK]),
)


def known_at(trail: Trail, moment: Moment) -> Known:
    rows = [row for row in trail.rows if row.id not in moment.gone]
    now = replace(
        trail,
        rows=rows,
        followed=moment.followed,
        sources=moment.sources,
        since=moment.since,
        names={a: Name(a, kind, "labels", "2024-05-01") for a, kind in moment.names.items()},
        contracts=moment.contracts,
        prices=dict(moment.prices),
        tokens={("ethereum", JUNK): (moment.junk, 6)},
        anatomies={("ethereum", tx): whole(trail, tx) for tx in moment.whole},
    )
    return replace(now.known(), terms=TERMS, now=2000)


def whole(trail: Trail, tx: str) -> Anatomy:
    """Its recorded movements, and X, who passes all USDC on to C."""
    legs = [row.transfer for row in trail.rows if row.transfer.tx == tx]
    onward = Transfer("ethereum", tx, "on", Kind.ERC20, X, C, 9, USDC, None)
    return Anatomy("ethereum", tx, (*legs, onward))


def the_same_as_new(trail: Trail, seen: Sequence[Moment]) -> None:
    again, warm = Again(), Tracer()
    for moment in seen:
        known = known_at(trail, moment)
        now, fresh = flows_of(known, again), flows_of(known)
        assert now == fresh
        assert [list(now.owner), list(now.sources)] == [list(fresh.owner), list(fresh.sources)]
        if trail.chain is not BTC:  # whose addresses are none here
            assert warm.trace(known) == Tracer().trace(known)


@quick
@given(st.lists(moves, max_size=14), st.lists(moments, min_size=2, max_size=5))
def test_a_tracer_that_goes_on_says_what_a_new_one_says(
    drawn: list[Any], seen: list[Moment]
) -> None:
    trail = Trail()
    for tx, giver, taker, amount, contract in sorted(drawn, key=lambda each: each[0]):
        told = {"time": 1000 + 10 * tx, "block_height": 100 + tx, "contract": contract}
        trail.move(f"t{tx}", giver, taker, amount * 10**6, **told)
        trail.fee(f"t{tx}", giver, time=1000 + 10 * tx, block_height=100 + tx)
    the_same_as_new(trail, seen)


@quick
@given(st.lists(moments, min_size=2, max_size=5))
def test_what_came_out_of_a_mix_stays_nobodys(seen: list[Moment]) -> None:
    trail = Trail(chain=BTC)
    pool = 100_000
    trail.spend("t0", [("old:0", S, pool * 3)], [(A, pool + 400), (B, pool * 2 - 400)])
    parties = [A, C, "m1", "m2", "m3"]
    inputs = [("t0:0" if p == A else f"{p}:0", p, pool) for p in parties]
    inputs[0] = ("t0:0", A, pool + 400)
    trail.spend("t1", inputs, [(f"out{n}" if n else B, pool) for n in range(5)])
    trail.spend("t2", [("t1:0", B, pool), ("t0:1", B, pool * 2 - 400)], [(X, pool * 3 - 500)])
    trail.spend("t3", [("t2:0", X, pool * 3 - 500)], [(C, pool * 3 - 600)])
    the_same_as_new(trail, seen)
    assert flows_of(known_at(trail, replace(seen[0], followed=[A, B, C], gone=frozenset()))).mixed


BEFORE = Moment((B,), [S], 0, frozenset(), {}, (), USD, "", frozenset())


@pytest.mark.parametrize(
    "learned",
    [
        {"names": {X: "dex"}},
        {"contracts": (X,)},
        {"whole": frozenset({"t0"})},
        {"followed": (A, B)},
        {"prices": {}},
        {"junk": "USDC"},
        {"since": 1500},
        {"gone": frozenset({0})},
    ],
    ids=lambda learned: next(iter(learned)),
)
def test_what_is_learned_changes_how_a_transaction_is_read(learned: dict[str, Any]) -> None:
    trail, again = Trail(), Again()
    for tx, giver, taker, contract in (
        *(("t0", S, X, USDC), ("t1", S, A, JUNK), ("t2", A, B, USDC), ("t2", B, A, DAI)),
    ):
        trail.move(tx, giver, taker, 9, contract=contract)
    trail.fee("t1", S)
    first = flows_of(known_at(trail, BEFORE), again)
    moment = replace(BEFORE, **learned)
    now = flows_of(known_at(trail, moment), again)
    assert now == flows_of(known_at(trail, moment))
    assert now != first
