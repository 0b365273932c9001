"""What holds for attribution whatever happened: by the rules over plain lists, to the unit, and
the properties that every method promises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from world import plain_attribution as world

from monitor.analysis.attribution.replay import EXACT, WHOLE, Numbers, Replay, Result
from monitor.model.flow import (
    CONSERVING,
    METHODS,
    Account,
    Flow,
    Ground,
    Moved,
    Number,
    Shares,
    Spent,
    Traced,
    Turned,
)

Sides = tuple[dict[str, dict[str, Number]], dict[Account, dict[str, dict[str, Number]]]]


def run(flows: Sequence[Flow], ground: Ground, numbers: Numbers = EXACT) -> Result:
    return Replay(numbers).run(flows, ground)


def amounts(traced: Traced) -> dict[str, dict[str, Number]]:
    return {
        method: {label: part.amount for label, part in traced[method].items()} for method in METHODS
    }


def amount(shares: Shares) -> Number:
    return sum(part.amount for part in shares.values())


def sides(result: Result, at: int) -> Sides:
    """(what left, what came by account) of a movement, by method and label."""
    outcome = result.outcomes[at]
    if outcome is None:
        return {method: {} for method in METHODS}, {}
    return amounts(outcome.taken), {a: amounts(traced) for a, traced in outcome.got.items()}


def all_openings(result: Result, ground: Ground) -> dict[Account, Number]:
    names = ground.openings.keys() | result.lacking.keys()
    return {a: ground.openings.get(a, 0) + result.lacking.get(a, 0) for a in names}


# --- beside the plain one ----------------------------------------------------------------------


@given(world.flows, world.grounds())
def test_is_what_the_rules_say(flows: list[Flow], ground: Ground) -> None:
    """Every movement and what is left, amounts and USD, by all conserving methods."""
    result = run(flows, ground)
    plain = world.plain(flows, ground, all_openings(result, ground))
    for method, other in plain.items():
        for outcome, (taken, got) in zip(result.outcomes, other.went, strict=True):
            mine = {} if outcome is None else outcome.taken[method]
            assert {label: tuple(part) for label, part in mine.items()} == taken
            came = {} if outcome is None else {a: t[method] for a, t in outcome.got.items()}
            assert {a: parts for a, parts in came.items() if parts} == {
                a: parts for a, parts in got.items() if parts
            }
        left = {a: traced[method] for a, traced in result.left.items() if traced[method]}
        assert left == {a: s for a, lots in other.lots.items() if (s := world.sums(lots))}


@given(world.flows, world.grounds())
def test_poison_is_reach_in_time(flows: list[Flow], ground: Ground) -> None:
    """Whatever an account gives after the first traced receipt, in full and for every label."""
    reached: dict[Account, set[str]] = defaultdict(set)
    result = run(flows, ground)

    def labels(account: Account) -> set[str]:
        if account in ground.sources:
            return {ground.sources[account]}
        return set() if account in ground.stops or account.holder == "@fee" else reached[account]

    for at, flow in enumerate(flows):
        taken, got = sides(result, at)
        out, into = (
            (flow.inputs, flow.outputs)
            if isinstance(flow, Spent)
            else (((flow.giver, flow.given),), ((flow.taker, flow.got),))
            if isinstance(flow, Turned)
            else (((flow.giver, flow.amount),), ((flow.taker, flow.amount),))
        )
        nothing = isinstance(flow, Moved) and flow.giver == flow.taker
        found = set().union(*(labels(a) for a, n in out if n and not nothing))
        paid = sum(n for _, n in out)
        assert taken["poison"] == dict.fromkeys(found, paid)
        for account, n in into:
            if n and found:
                assert got[account]["poison"] == dict.fromkeys(found, n)
                reached[account] |= found


# --- what every method promises ----------------------------------------------------------------


@given(world.flows, world.grounds(), st.sampled_from((EXACT, WHOLE)))
def test_nothing_is_lost(flows: list[Flow], ground: Ground, numbers: Numbers) -> None:
    """After every movement, of each source and asset: what it gave is what is there, less what
    came back to sources, and what was exchanged. Amounts and USD, to the unit."""
    replay = Replay(numbers, stretch=4)
    there: dict[tuple[str, str, str], Number] = defaultdict(int)
    for at in range(len(flows)):
        result = replay.run(flows[: at + 1], ground)
        there = balance(flows[: at + 1], result, ground)
        left: dict[tuple[str, str, str], Number] = defaultdict(int)
        for account, traced in result.left.items():
            for method in CONSERVING:
                for label, part in traced[method].items():
                    left[method, account.asset, label] += part.amount
        assert {k: n for k, n in left.items() if n} == {k: n for k, n in there.items() if n}


def balance(
    flows: Sequence[Flow], result: Result, ground: Ground
) -> dict[tuple[str, str, str], Number]:
    """What must be there by method, asset and label, as the movements tell it."""
    there: dict[tuple[str, str, str], Number] = defaultdict(int)
    for flow, outcome in zip(flows, result.outcomes, strict=True):
        if outcome is None:
            continue
        for method in CONSERVING:
            from_sources: dict[str, Number] = defaultdict(int)
            if isinstance(flow, Spent):
                for account, paid in flow.inputs:
                    if account in ground.sources:
                        from_sources[ground.sources[account]] += paid
                asset = flow.inputs[0][0].asset
            else:
                asset = flow.giver.asset
                if flow.giver in ground.sources:
                    from_sources = {k: p.amount for k, p in outcome.taken[method].items()}
            for label, paid in from_sources.items():
                there[method, asset, label] += paid
            for label, part in outcome.taken[method].items():
                there[method, asset, label] -= part.amount
            for account, traced in outcome.got.items():
                if account not in ground.sources:
                    for label, part in traced[method].items():
                        there[method, account.asset, label] += part.amount
    return there


@given(st.lists(world.keeping, max_size=25), world.grounds())
def test_no_dollar_is_lost(flows: list[Flow], ground: Ground) -> None:
    """Where all had a price when it left and no asset became another: in whole millionths."""
    priced = [replace(flow, usd=7 if flow.usd is None else flow.usd) for flow in flows]
    result = run(priced, ground, WHOLE)
    for method in CONSERVING:
        came = sum(
            part.usd or 0
            for outcome in result.outcomes
            if outcome is not None
            for account, traced in outcome.got.items()
            if account in ground.sources
            for part in traced[method].values()
        )
        left = [p.usd for traced in result.left.values() for p in traced[method].values()]
        assert None not in left
        assert came + sum(left) == sum(out_of_sources(flow, ground) for flow in priced)


def out_of_sources(flow: Flow, ground: Ground) -> Number:
    assert flow.usd is not None
    if isinstance(flow, Moved):
        moves = flow.amount and flow.giver in ground.sources and flow.giver != flow.taker
        return flow.usd if moves else 0
    assert isinstance(flow, Spent)
    weights = [paid for _, paid in flow.inputs]
    parts = WHOLE.spread(flow.usd, weights)
    return sum(part for (a, _), part in zip(flow.inputs, parts, strict=True) if a in ground.sources)


@given(st.lists(world.keeping, max_size=25), world.grounds())
def test_whole_units_stay_close(flows: list[Flow], ground: Ground) -> None:
    """At most one unit for each movement up to there, of every label."""
    whole, exact = run(flows, ground, WHOLE), run(flows, ground, EXACT)
    assert whole.lacking == exact.lacking
    assert whole.balances == exact.balances
    steps = 0
    for at, flow in enumerate(flows):
        steps += len(flow.outputs) + len(flow.inputs) if isinstance(flow, Spent) else 1
        mine, theirs = sides(whole, at)[1], sides(exact, at)[1]
        for account in mine.keys() | theirs.keys():
            for method in METHODS:
                one = mine.get(account, {}).get(method, {})
                other = theirs.get(account, {}).get(method, {})
                for label in one.keys() | other.keys():
                    assert abs(one.get(label, 0) - other.get(label, 0)) <= steps
                    assert isinstance(one.get(label, 0), int)


@given(world.flows, world.grounds())
def test_poison_is_never_less(flows: list[Flow], ground: Ground) -> None:
    result = run(flows, ground)
    for at in range(len(flows)):
        taken, got = sides(result, at)
        for each in (taken, *got.values()):
            for method in CONSERVING:
                for label, n in each[method].items():
                    assert n <= each["poison"][label]


@given(world.flows, world.grounds(), st.integers(2, 9))
def test_scaled(flows: list[Flow], ground: Ground, by: int) -> None:
    """All amounts times so much: all answers times so much."""
    one = run(flows, ground)
    openings = {a: n * by for a, n in ground.openings.items()}
    other = run([scaled(flow, by) for flow in flows], replace(ground, openings=openings))
    for at in range(len(flows)):
        for mine, theirs in zip(both(sides(one, at)), both(sides(other, at)), strict=True):
            assert {m: {k: n * by for k, n in of.items()} for m, of in mine.items()} == theirs


def both(of: Sides) -> list[dict[str, dict[str, Number]]]:
    return [of[0], *of[1].values()]


def scaled(flow: Flow, by: int) -> Flow:
    if isinstance(flow, Moved):
        return replace(flow, amount=flow.amount * by)
    if isinstance(flow, Turned):
        return replace(flow, given=flow.given * by, got=flow.got * by)
    return replace(
        flow,
        inputs=tuple((a, n * by) for a, n in flow.inputs),
        outputs=tuple((a, n * by) for a, n in flow.outputs),
    )


@given(world.flows, world.moved(), world.grounds(), st.integers(0, 40))
def test_in_two_parts(flows: list[Flow], last: Moved, ground: Ground, cut: int) -> None:
    """One transfer or two of its parts at once: the same totals (what comes later may differ)."""
    cut = min(cut, int(last.amount))
    parts = [replace(last, amount=cut, usd=None), replace(last, amount=last.amount - cut, usd=None)]
    one = run([*flows, replace(last, usd=None)], ground)
    other = run([*flows, *parts], ground)
    left_one = {a: amounts(traced) for a, traced in one.left.items()}
    assert {a: amounts(traced) for a, traced in other.left.items()} == left_one
    for method in METHODS:
        mine = [o for o in other.outcomes[len(flows) :] if o is not None]
        whole = one.outcomes[-1]
        assert sum(amount(o.taken[method]) for o in mine) == (
            0 if whole is None else amount(whole.taken[method])
        )


@given(world.flows, world.grounds(), st.data())
def test_strangers_change_places(flows: list[Flow], ground: Ground, data: st.DataObject) -> None:
    """Neighbours that share no account, in the other order: the same of each of them."""
    flows = [replace(flow, id=str(at)) for at, flow in enumerate(flows)]
    other = list(flows)
    for at in data.draw(st.lists(st.integers(0, max(0, len(flows) - 2)), max_size=10)):
        if at + 1 < len(other) and not met(other[at]) & met(other[at + 1]):
            other[at], other[at + 1] = other[at + 1], other[at]
    one, two = run(flows, ground), run(other, ground)
    assert by_id(flows, one) == by_id(other, two)
    assert dict(one.left) == dict(two.left)
    assert (one.balances, one.lacking) == (two.balances, two.lacking)


def met(flow: Flow) -> set[Account]:
    if isinstance(flow, Spent):
        fees = {flow.inputs[0][0]._replace(holder="@fee")}
        return {a for a, _ in (*flow.inputs, *flow.outputs)} | fees
    return {flow.giver, flow.taker}


def by_id(flows: Sequence[Flow], result: Result) -> dict[str, object]:
    return {flow.id: outcome for flow, outcome in zip(flows, result.outcomes, strict=True)}


@given(world.flows, world.grounds(), st.integers(0, 25), world.places, st.integers(1, 60))
def test_nothing_and_oneself(
    flows: list[Flow], ground: Ground, at: int, place: Account, size: int
) -> None:
    """A transfer of nothing, or to the giver: as if it were not there."""
    taker, at = place._replace(holder="A"), min(at, len(flows))
    nothing = [Moved("zero", place, taker, 0, 5), Moved("self", place, place, size, 5)]
    one, other = run(flows, ground), run([*flows[:at], *nothing, *flows[at:]], ground)
    assert list(other.outcomes[:at]) + list(other.outcomes[at + 2 :]) == list(one.outcomes)
    assert (dict(one.left), one.balances) == (dict(other.left), other.balances)


@given(world.flows, world.grounds())
def test_what_was_lacking_was_there(flows: list[Flow], ground: Ground) -> None:
    """As if the opening balance had been told; and with a unit less, that unit is lacking."""
    one = run(flows, ground)
    other = run(flows, replace(ground, openings=all_openings(one, ground)))
    assert not other.lacking
    assert list(one.outcomes) == list(other.outcomes)
    assert dict(one.left) == dict(other.left)


# --- one account -------------------------------------------------------------------------------

A, S, C = (Account("c", holder, "") for holder in "ASC")
deposits = st.lists(st.tuples(st.booleans(), st.integers(1, 40)), min_size=1, max_size=8)


def into_one(into: Sequence[tuple[bool, int]], out: Sequence[int]) -> tuple[list[Flow], Ground]:
    """Deposits, traced or clean, then withdrawals as far as there is anything."""
    flows: list[Flow] = [Moved("in", S if traced else C, A, n) for traced, n in into]
    there = sum(n for _, n in into)
    for n in out:
        flows.append(Moved("out", A, C, min(n, there)))
        there -= min(n, there)
    return flows, Ground({S: "s"}, frozenset({C}))


@given(deposits, st.lists(st.integers(0, 60), max_size=6))
def test_clean_first_leaves_most(into: list[tuple[bool, int]], out: list[int]) -> None:
    """libr >= haircut >= tainted_first of what is left, whatever was withdrawn."""
    flows, ground = into_one(into, out)
    left = run(flows, ground).left.get(A)
    found = [0 if left is None else amount(left[m]) for m in ("libr", "haircut", "tainted_first")]
    assert found == sorted(found, reverse=True)


@given(st.integers(0, 60), st.integers(1, 60), st.lists(st.integers(-60, 60), max_size=8))
def test_lowest_intermediate_balance(opening: int, claim: int, later: list[int]) -> None:
    """Of one deposit what is left is the claim or the lowest balance since, whichever is less."""
    flows: list[Flow] = [Moved("claim", S, A, claim)]
    there, lowest = opening + claim, opening + claim
    for n in later:
        move = max(n, -there)
        there += move
        lowest = min(lowest, there)
        flows.append(Moved("in", C, A, move) if move > 0 else Moved("out", A, C, -move))
    left = run(flows, Ground({S: "s"}, frozenset({C}), {A: opening})).left.get(A)
    assert (0 if left is None else amount(left["libr"])) == min(claim, lowest)


# --- going on ----------------------------------------------------------------------------------


@settings(max_examples=150)
@given(world.flows, world.flows, world.grounds(), world.grounds(), st.data())
def test_going_on(
    flows: list[Flow], more: list[Flow], ground: Ground, other: Ground, data: st.DataObject
) -> None:
    """Whatever the same object ran before: the result of a fresh one; and earlier results stand."""
    cut = data.draw(st.integers(0, len(flows)))
    skip = data.draw(st.integers(0, 3))
    runs = [
        (flows, ground),
        ([*flows, *more], ground),
        ([*flows[:cut], *more[:2], *flows[cut + skip :]], ground),
        (flows[:cut], ground),
        (flows, other),
        ([*flows, *more], replace(ground, stops=other.stops)),
        (flows, replace(ground, openings=other.openings)),
        (flows, ground),
    ]
    numbers = data.draw(st.sampled_from((EXACT, WHOLE)))
    replay = Replay(numbers, stretch=data.draw(st.integers(1, 6)))
    found = [replay.run(*each) for each in runs]
    for each, result in zip(runs, found, strict=True):
        assert_same(result, run(*each, numbers))


def assert_same(one: Result, other: Result) -> None:
    assert list(one.outcomes) == list(other.outcomes)
    assert dict(one.left) == dict(other.left)
    assert list(one.left) == list(other.left)
    assert (one.balances, one.lacking) == (other.balances, other.lacking)


@given(st.integers(0, 10**30), st.lists(st.integers(0, 10**20), min_size=1, max_size=9))
def test_sharing_out(total: int, weights: list[int]) -> None:
    """All of it, no share further than one unit from the exact one, what is over to the largest."""
    of = sum(weights)
    if not of:
        return
    shares = WHOLE.spread(total, weights)
    assert sum(shares) == total
    for share, exact, weight in zip(shares, EXACT.spread(total, weights), weights, strict=True):
        assert abs(share - exact) <= 1
        assert total > of or share <= weight
    over = total - sum(Fraction(total * w, of).__floor__() for w in weights)
    rounded = [share - total * w // of for share, w in zip(shares, weights, strict=True)]
    given_more = [w for more, w in zip(rounded, weights, strict=True) if more]
    rest = [w for more, w in zip(rounded, weights, strict=True) if not more]
    assert len(given_more) == over
    assert not given_more or not rest or min(given_more) >= max(rest)
