"""`trace explain`: each step from a watched address to another one, so that somebody else can work
it out again: transaction, amounts before and after, the rule of each method and what it comes to.

Amounts are exact. Where a rule gives a fraction of a unit, the fraction stands beside the whole
units that are counted on with.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from fractions import Fraction

from monitor.messages.trace import ways
from monitor.messages.trace.columns import table
from monitor.messages.trace.words import (
    METHOD,
    RULE,
    Page,
    asset_said,
    bare,
    by_rule,
    detail_said,
    exact,
    names_said,
    read_said,
    state_said,
)
from monitor.model import Kind, Subject
from monitor.model.flow import CONSERVING, METHODS
from monitor.model.plain import case_said, tidy, utc
from monitor.model.trace import Edge, Node, State, Sum, Trace, TracedAsset

# Of transactions that take outputs and make outputs.
_OUTPUTS = frozenset(kind.value for kind in Kind if kind.utxo)
_SHORT = 12  # signs of a leg like "out:1"
_MOST = 100  # columns of running text, also in a file


def lines(trace: Trace, subject: Subject, page: Page, head: Sequence[str] = ()) -> Iterator[str]:
    """`head`: which state of the trace it is. Raises KeyError where the address is not in it."""
    node = next((each for each in trace.nodes if each.subject == subject), None)
    if node is None:
        raise KeyError(subject.key)
    steps = ways.leading(trace, subject)
    sources = {each.subject for each in trace.nodes if each.state is State.SOURCE}
    yield f"Case {case_said(trace.case)}: how what is traced came to"
    yield page.place(subject)
    yield from (line for text in head for line in _text(text, page))
    yield ""
    yield from _methods(page)
    for number, edge in enumerate(steps, 1):
        yield ""
        yield from _step(edge, f"STEP {number} of {len(steps)}", sources, page)
    if not steps:
        yield ""
        yield from _text(_no_step(node), page)
    yield ""
    yield from _sum(node, page)


def _text(text: str, page: Page, indent: int = 0) -> list[str]:
    before = " " * indent
    return textwrap.wrap(
        text,
        max(min(page.columns, _MOST), 40),
        initial_indent=before,
        subsequent_indent=before,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _methods(page: Page) -> Iterator[str]:
    yield from _text(
        "Where an address holds funds of several origins, no record says which of them it paid "
        "on. Each method answers by a rule. All are worked out over the same recorded movements, "
        "in the order of the chain, in whole base units (a fraction of a unit goes to the largest "
        "part, so that sums stay whole):",
        page,
    )
    width = max(map(len, METHOD.values())) + 2
    for method in METHODS:
        said = _text(RULE[method], Page(max(min(page.columns, _MOST) - width - 2, 40)))
        for at, line in enumerate(said):
            yield f"  {'' if at else METHOD[method]:<{width}}{line}"


def _no_step(node: Node) -> str:
    if node.state is State.SOURCE:
        return "It is watched itself: what it pays counts as traced, so no step leads to it."
    return "No recorded movement leads to it: the event of a bridge names it as its receiver."


# --- one step ---------------------------------------------------------------------------------


def _step(edge: Edge, title: str, sources: set[Subject], page: Page) -> Iterator[str]:
    giver, taker = ways.payer(edge).subject, ways.taker(edge).subject
    block = f", block {edge.height:,}" if edge.height is not None else ""
    yield title
    yield f"  when         {utc(edge.time)}{block}"
    yield f"  transaction  {tidy(edge.tx, 200)}"
    yield f"  on           {page.chain(edge.chain)}, {_row(edge)}"
    yield f"  from         {page.address(giver)}"
    yield f"  to           {page.place(taker) if edge.to_chain else page.address(taker)}"
    yield f"  amount       {exact(edge.asset, edge.amount)}"
    if edge.asset.contract:
        yield f"  contract     {edge.asset.contract}"
    if edge.got is not None and edge.got_amount is not None:
        yield f"  came out     {exact(edge.got.asset, edge.got_amount)}"
    if edge.rule:
        yield from _text(f"Read so because: {tidy(edge.rule, 400)}", page, 2)
    if giver in sources:
        said = "It is paid by a watched address: by every method all of it is traced."
        yield from _text(said, page, 2)
    elif edge.held is not None and edge.before:
        yield from _shares(edge, edge.held, page)
    else:
        yield from _carried(edge, page)
    if edge.got is not None and edge.got_amount is not None:
        yield from _turned(edge, edge.got, edge.got_amount, page)


def _row(edge: Edge) -> str:
    """Which row of the record; a leg that repeats who paid whom how much is left out."""
    kind = tidy(edge.kind, 40)
    return f"{kind} {tidy(edge.leg, 40)}" if len(edge.leg) <= _SHORT else kind


def _carried(edge: Edge, page: Page) -> Iterator[str]:
    """Where it is not recorded what the payer held."""
    head = ("method", f"traced of it, {asset_said(edge.asset)}")
    yield from table(
        head,
        [(METHOD[m], by_rule(m, edge.asset, edge.traced.get(m, 0))) for m in METHODS],
        page.columns,
    )


def _shares(edge: Edge, held: int, page: Page) -> Iterator[str]:
    """Before, moved and after by every method, and how each comes to what it moves."""
    asset, outputs = edge.asset, edge.kind in _OUTPUTS
    said = (
        f"The inputs of the transaction hold {exact(asset, held)} in all. Of these are traced, and "
        "come to this output:"
        if outputs
        else f"Before it the payer held {exact(asset, held)} in all, as far as is recorded. Of "
        "these are traced, and go on with this movement:"
    )
    yield from _text(said, page, 2)
    names = ("in the inputs", "here", "elsewhere") if outputs else ("before", "goes on", "after")
    rows = []
    for method in METHODS:
        before, moved = edge.before.get(method, 0), edge.traced.get(method, 0)
        after = before if method == "poison" else before - moved
        figures = (by_rule(method, asset, units) for units in (before, moved, after))
        rows.append((METHOD[method], *figures))
    yield from table(("method", *names), rows, page.columns)
    for method in METHODS:
        said = _of_outputs(method) if outputs else _why(method, edge, held)
        yield from _text(f"{METHOD[method]}: {said}", page, 2)


def _why(method: str, edge: Edge, held: int) -> str:
    """The rule with the figures of this movement. Where the rule of one movement alone does not
    come to what is counted (several watched addresses share it), the figures are left out."""
    asset, paid = edge.asset, edge.amount
    before, moved = edge.before.get(method, 0), edge.traced.get(method, 0)
    if method == "poison":
        return "yes, the payer had received traced value before." if moved else "no."
    if method in ("fifo", "lifo"):
        which = "oldest" if method == "fifo" else "newest"
        return f"of the {which} {exact(asset, paid)}, {bare(asset, moved)} are traced."
    if method == "haircut":
        return _haircut(edge, held, before, moved)
    clean = held - before
    if method == "libr":
        due = max(0, paid - clean)
        said = f"{bare(asset, paid)} less the {bare(asset, clean)} that are not traced"
        said += f", not below 0, is {bare(asset, due)}."
    else:
        due = min(paid, before)
        said = (
            f"the smaller of {bare(asset, paid)} and {bare(asset, before)} is {bare(asset, due)}."
        )
    return said if abs(due - moved) <= 1 else f"{RULE[method]}."


def _haircut(edge: Edge, held: int, before: int, moved: int) -> str:
    if not held or abs(Fraction(edge.amount * before, held) - moved) > 1:
        return f"{RULE['haircut']}."
    asset, due = edge.asset, Fraction(edge.amount * before, held)
    said = f"{bare(asset, edge.amount)} x {bare(asset, before)} / {bare(asset, held)} is "
    return f"{said}{_units(due)}." if due.denominator > 1 else f"{said}{bare(asset, int(due))}."


def _units(due: Fraction) -> str:
    """ "exactly 53,333,333,333 1/3 base units"."""
    whole, rest = divmod(due.numerator, due.denominator)
    return f"exactly {whole:,} {rest:,}/{due.denominator:,} base units"


def _of_outputs(method: str) -> str:
    """Outputs of a transaction are filled from its inputs, the fee last."""
    return {
        "poison": "any traced input marks every output.",
        "tainted_first": "what is traced in the inputs fills the outputs first, in their order.",
        "haircut": "every output and the fee get the same share of what is traced.",
        "fifo": "the inputs, in their order, fill the outputs in theirs; the fee is last.",
        "lifo": "the inputs, the last one first, fill the outputs in their order; the fee is last.",
        "libr": "what is not traced in the inputs fills the outputs first, in their order.",
    }[method]


def _turned(edge: Edge, got: Sum, amount: int, page: Page) -> Iterator[str]:
    """Into what it was turned, by the same fraction."""
    yield from _text(
        f"What came out carries the fraction of what went in: of {exact(got.asset, amount)} are "
        "traced",
        page,
        2,
    )
    head = ("method", asset_said(got.asset))
    rows = [(METHOD[m], by_rule(m, got.asset, got.amount.get(m, 0))) for m in METHODS]
    yield from table(head, rows, page.columns)
    for method in METHODS:
        if edge.amount:
            due = Fraction(edge.traced.get(method, 0) * amount, edge.amount)
            if due.denominator > 1 and abs(due - got.amount.get(method, 0)) <= 1:
                yield from _text(f"{METHOD[method]}: {_units(due)}.", page, 2)


# --- what it comes to -------------------------------------------------------------------------


def _sum(node: Node, page: Page) -> Iterator[str]:
    yield f"AT {page.place(node.subject)}"
    for text in (state_said(node), names_said(node), read_said(node)):
        if text:
            yield from _text(f"{text}.", page, 2)
    if detail := detail_said(node):
        yield from _text(detail, page, 2)
    assets = list(dict.fromkeys(s.asset for s in (*node.received, *node.left, *node.holds)))
    for asset in assets:
        yield f"  {asset_said(asset)}{f' ({asset.contract})' if asset.contract else ''}"
        found = [
            next((s.amount for s in sums if s.asset == asset), {})
            for sums in (node.received, node.left, node.holds)
        ]
        rows = [
            (METHOD[m], *(by_rule(m, asset, each.get(m, 0)) for each in found)) for m in METHODS
        ]
        yield from table(("method", "came", "went on", "rests"), rows, page.columns)
        yield from _bounds(_unsure(node, asset), page)


def _unsure(node: Node, asset: TracedAsset) -> Sum | None:
    """What it holds of the asset, where that is known only between bounds."""
    held = (each for each in node.holds if each.asset == asset and each.bounds)
    return None if node.complete else next(held, None)


def _bounds(held: Sum | None, page: Page) -> Iterator[str]:
    if held is None or held.bounds is None:
        return
    yield from _text(
        "What it held before its first recorded movement is not known. What rests lies between",
        page,
        4,
    )
    rows = [
        (METHOD[m], *(bare(held.asset, units) for units in held.bounds[m]))
        for m in CONSERVING
        if m in held.bounds
    ]
    yield from table(("method", "at least", "at most"), rows, page.columns)
