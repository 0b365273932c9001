"""What bridges did with the movements of a case: deposits that came out on another chain become
one conversion, others are sent and not found. Pure.

Between the two sides value is on its way: it has left its sender, and nobody has it yet. So both
sides keep their places in time, and what the recipient paid before it came is not traced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.analysis.trace.account import Placed
from monitor.analysis.trace.crossings import Key, Match, lead, other_side
from monitor.analysis.trace.reading import Reading, Tx
from monitor.analysis.trace.steps import Sent, Step
from monitor.chains.table import family_of
from monitor.model import Subject
from monitor.model.flow import Account, Flow, Moved, Spent, Turned
from monitor.model.trace import Crossing, Lead

ON_ITS_WAY = "@bridge"  # begins the holder of what has left one chain and not come to the other

_LAST = (9, None)  # place of what comes after all else in its transaction

Read = list[tuple[Tx, list[Placed]]]
Spot = tuple[int, int]  # number of the transaction, of the step in it


@dataclass
class Bridged:
    """`pairs`: numbers of the transactions of both sides."""

    sent: list[Sent] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)


def bridged(read: Read, book: Reading) -> tuple[Read, tuple[Sent, ...], tuple[Lead, ...]]:
    """The same with what bridges did; transactions may come later than they say, where the other
    side of theirs does."""
    found, taken = Bridged(), set[Key]()
    deposits = list(_deposits(read, book))
    arrivals = _arrivals(read, book) if deposits else {}
    read = [(tx, list(steps)) for tx, steps in read] if deposits else read
    for spot, crossing in deposits:
        step = read[spot[0]][1][spot[1]][0]
        to = Subject(crossing.chain, crossing.recipient) if _named(crossing) else None
        sent = Sent(step, crossing, to)
        answer = other_side(sent, book, taken)
        match = answer.match
        if match is not None and match.key in arrivals:
            taken.add(match.key)
            _join(read, spot, arrivals[match.key], match, found)
        else:
            read[spot[0]][1][spot[1]] = _burnt(read[spot[0]][1][spot[1]], crossing, book)
            step = read[spot[0]][1][spot[1]][0]
            found.sent.append(replace(sent, step=step, ask=answer.ask))
    found.leads += _leads(read, book)
    return _in_order(read, found.pairs), tuple(found.sent), tuple(found.leads)


def _named(crossing: Crossing) -> bool:
    return bool(crossing.chain and crossing.recipient)


def _arrivals(read: Read, book: Reading) -> dict[Key, Spot]:
    """What came from strangers to addresses of the case, and was exchanged for nothing."""
    return {
        (step.chain, step.tx, step.leg): (n, m)
        for n, (_, steps) in enumerate(read)
        for m, (step, _) in enumerate(steps)
        if not isinstance(step.flow, Turned)
        and not step.fee
        and step.recipient in book.tracked
        and not any(book.owner.get(a) in book.tracked for a in _givers(step.flow))
    }


def _givers(flow: Flow) -> Sequence[Account]:
    return [a for a, _ in flow.inputs] if isinstance(flow, Spent) else [flow.giver]


def _deposits(read: Read, book: Reading) -> Iterator[tuple[Spot, Crossing]]:
    """In order; each step is one deposit at most."""
    for n, (tx, steps) in enumerate(read):
        anatomy = book.known.anatomies.get((tx.chain.key, tx.tx))
        if anatomy is None or not anatomy.crossings:
            continue
        open_ = [m for m, (step, _) in enumerate(steps) if _may_be(step, book)]
        for crossing in anatomy.crossings:
            if crossing.deposit and (m := _which(crossing, open_, steps, tx)) is not None:
                open_.remove(m)
                yield (n, m), crossing


def _may_be(step: Step, book: Reading) -> bool:
    """Whether value leaves an address of the case by it, to somebody else."""
    flow = step.flow
    if step.fee or not isinstance(flow, Moved | Turned) or step.via == "nft":
        return False
    return book.owner.get(flow.giver) in book.tracked and step.recipient not in book.tracked


def _which(crossing: Crossing, open_: Sequence[int], steps: Sequence[Placed], tx: Tx) -> int | None:
    """Which step is the deposit: what the event says, else to whom it went, else the only one."""

    def rank(m: int) -> tuple[int, int]:
        step = steps[m][0]
        asset, amount = _out(step)
        same = asset in _spelled(crossing, tx)
        if same and amount == crossing.amount:
            return (0, m)
        if same and (crossing.amount is None or amount >= crossing.amount):
            return (1, m)
        to = step.recipient.address if step.recipient else ""
        return (2 if to == crossing.contract else 3, m)

    ranked = sorted(rank(m) for m in open_)
    if not ranked or (ranked[0][0] == 3 and len(ranked) > 1):
        return None
    return ranked[0][1]


def _out(step: Step) -> tuple[str, int]:
    """What went into the bridge: of something exchanged before, what came of that."""
    if step.got is not None and step.got_amount is not None:
        return step.got.contract, step.got_amount
    return step.asset.contract, step.amount


def _spelled(crossing: Crossing, tx: Tx) -> frozenset[str]:
    """Assets that the event may mean: its token, the token that wrote it; the wrapped coin is
    the coin, as bridges wrap it themselves."""
    told = {crossing.token, crossing.contract}
    if crossing.token == tx.chain.wrapped or not crossing.token:
        told |= {"", tx.chain.wrapped}
    return frozenset(told)


def _join(read: Read, spot: Spot, arrival: Spot, match: Match, found: Bridged) -> None:
    """Both sides as one conversion at the time of the second, and before it what is on its way."""
    (step, place), (came, there) = read[spot[0]][1][spot[1]], read[arrival[0]][1][arrival[1]]
    flow = step.flow
    assert isinstance(flow, Moved | Turned)
    transit = Account(step.chain, f"{ON_ITS_WAY} {step.tx}/{step.leg}", flow.taker.asset)
    amount = flow.got if isinstance(flow, Turned) else flow.amount
    leaves = replace(step, flow=replace(flow, id=f"{flow.id}#sent", taker=transit), recipient=None)
    arrives = replace(
        step,
        flow=Turned(flow.id, transit, amount, _taker(came), came.amount),
        time=came.time,
        recipient=came.recipient,
        asset=step.got or step.asset,
        amount=int(amount),
        via="bridge",
        got=came.asset,
        got_amount=came.amount,
        rule=f"{step.rule} {match.rule}".strip(),
    )
    if isinstance(came.flow, Spent):
        there = _LAST
        _take_out(read[arrival[0]][1], came.flow, _taker(came))
    read[spot[0]][1][spot[1]] = (leaves, place)
    read[arrival[0]][1][arrival[1]] = (arrives, there)
    found.pairs.append((spot[0], arrival[0]))


def _taker(came: Step) -> Account:
    flow = came.flow
    return flow.outputs[came.part or 0][0] if isinstance(flow, Spent) else flow.taker


def _take_out(steps: list[Placed], flow: Spent, taker: Account) -> None:
    """The output that came over the bridge is filled by that alone, and not by the inputs."""
    rest = replace(flow, outputs=tuple((a, 0 if a == taker else n) for a, n in flow.outputs))
    for n, (step, place) in enumerate(steps):
        if step.flow is flow:
            steps[n] = (replace(step, flow=rest), place)


def _burnt(placed: Placed, crossing: Crossing, book: Reading) -> Placed:
    """What was burnt for a bridge is not gone: it ended at the contract that said so."""
    step, place = placed
    to, flow = step.recipient, step.flow
    zero = family_of(book.known.chains[step.chain]).zero
    if to is None or to.address != zero or not isinstance(flow, Moved):
        return placed
    taker = book.account(step.chain, crossing.contract, flow.taker.asset)
    rule = f"The token was burnt for {crossing.bridge}: {crossing.contract} wrote the event."
    step = replace(
        step,
        flow=replace(flow, taker=taker),
        recipient=Subject(step.chain, crossing.contract),
        rule=f"{step.rule} {rule}".strip(),
    )
    return step, place


def _leads(read: Read, book: Reading) -> Iterator[Lead]:
    """For what went to a bridge in a transaction of which no event is known."""
    for tx, steps in read:
        anatomy = book.known.anatomies.get((tx.chain.key, tx.tx))
        if anatomy is None or any(crossing.deposit for crossing in anatomy.crossings):
            continue
        for step, _ in steps:
            to = step.recipient
            if to is not None and _may_be(step, book) and _bridge(to, book):
                found = lead(step, book)
                if found is not None:
                    yield found


def _bridge(subject: Subject, book: Reading) -> bool:
    return any(name.category == "bridge" for name in book.names(subject))


def _in_order(read: Read, pairs: Sequence[tuple[int, int]]) -> Read:
    """Clocks of chains differ: what came out came after what went in, and what followed on that
    chain after that."""
    if not pairs:
        return read
    moments = [tx.moment for tx, _ in read]
    for _ in range(len(pairs) + 1):
        behind = [(went, came) for went, came in pairs if moments[came] <= moments[went]]
        for went, came in behind:
            for n in _from(read, came):
                moments[n] = max(moments[n], moments[went] + 1)
        if not behind:
            break
    moved = [(replace(tx, moment=w), steps) for (tx, steps), w in zip(read, moments, strict=True)]
    return sorted(moved, key=lambda each: each[0].moment)


def _from(read: Read, first: int) -> Iterator[int]:
    """Numbers of the transactions of that chain from this one on."""
    tx = read[first][0]
    for n, (other, _) in enumerate(read):
        if other.chain.key != tx.chain.key:
            continue
        if other.height is not None and tx.height is not None:
            later = other.height >= tx.height
        else:
            later = other.moment >= tx.moment
        if later:
            yield n
