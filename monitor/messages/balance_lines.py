"""The table of `fundwatch reconcile`: by address, what differs first, in 80 columns.

Addresses are never cut. Tokens that nobody verified answer what they like: they are counted in a
line, unless one address is asked for.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.chains.address import display
from monitor.messages.lines import laid_out
from monitor.messages.sheets.parts import shown_address
from monitor.messages.sheets.say import owner
from monitor.model import Chain, Entry, Subject
from monitor.model.balance import Held, State
from monitor.model.balance_words import (
    asset_said,
    block_said,
    differs,
    exact,
    kind,
    sources_said,
)
from monitor.model.plain import plural, tidy

PROSE = 100  # columns of running text, also in a file
_QUIET = {
    State.RECONCILED: "equal",
    State.UNEXPLAINED: "not equal",
    State.CANNOT_CHECK: "not checked",
}
_FIRST = (State.UNEXPLAINED, State.CANNOT_CHECK, State.RECONCILED)


def table(
    found: Sequence[Held],
    owners: Mapping[Subject, Sequence[Entry]],
    chains: Mapping[str, Chain],
    columns: int,
    *,
    every: bool,
) -> Iterator[str]:
    """Lines for people. `owners`: the entries on each address; `every`: with each token that
    nobody verified."""
    by_subject: dict[Subject, list[Held]] = {}
    for held in found:
        by_subject.setdefault(held.subject, []).append(held)
    for subject in sorted(by_subject, key=lambda s: (_grave(by_subject[s]), s.key)):
        mine = by_subject[subject]
        yield from _head(subject, owners.get(subject, ()), chains.get(subject.chain), columns)
        for held in sorted(mine, key=lambda h: (not h.verified, _FIRST.index(h.state))):
            if held.verified or every:
                yield from _asset(held, chains.get(subject.chain), columns)
        quiet = [held for held in mine if not held.verified]
        if quiet and not every:
            yield _indented([_folded(quiet, subject)], columns)
        yield ""
    yield laid_out([summary(found)], columns)


def _grave(held: Iterable[Held]) -> int:
    """Where the worst of what can be told stands."""
    return min((_FIRST.index(each.state) for each in held if each.verified), default=len(_FIRST))


def _head(
    subject: Subject, entries: Sequence[Entry], chain: Chain | None, columns: int
) -> Iterator[str]:
    for entry in entries:
        yield laid_out([owner(entry)], columns)
    shown = display(chain, subject.address) if chain else subject.address
    yield laid_out([f"{shown} on {tidy(chain.name if chain else subject.chain, 40)}"], columns)


def _indented(parts: Sequence[str], columns: int) -> str:
    text = laid_out(parts, columns - 2)
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _asset(held: Held, chain: Chain | None, columns: int) -> Iterator[str]:
    """Its state, how much, and on what that rests."""
    if not held.verified:
        yield _indented(_claimed(held, chain), columns)
    elif held.state is State.RECONCILED and held.on_chain is not None:
        yield _indented([f"equal        {exact(held, held.on_chain)}", _rests(held)], columns)
    elif held.state is State.UNEXPLAINED:
        yield from _unexplained(held, min(columns, PROSE))
    else:
        why = f"not checked  {asset_said(held)}: {tidy(held.reason, 400)}"
        more = [_both(held), _rests(held)] if held.on_chain is not None else []
        yield _indented([why, *more], columns)


def _unexplained(held: Held, columns: int) -> Iterator[str]:
    """How much and which way, since when, how sure, how it stands; then what was looked through,
    one a line. In a file it is wrapped as well: the whole is a paragraph, not a row."""
    yield _indented([f"UNEXPLAINED  {differs(held)}"], columns)
    how, *looked = held.reason.splitlines() or [""]
    by = " ".join(filter(None, (_at(held), sources_said(held))))
    for part in (_arose(held), _both(held), by, tidy(how, 400)):
        if part:
            yield textwrap.indent(laid_out([part], columns - 4), "    ")
    if looked:
        yield "    Looked through:"
    for each in looked:
        yield textwrap.indent(laid_out([tidy(each, 200)], columns - 6), "      ")


def _claimed(held: Held, chain: Chain | None) -> list[str]:
    """A token that nobody verified: by its contract, in raw units, in no words of news."""
    name = f"{_QUIET[held.state]:<12} {asset_said(held)}"
    figures = ""
    if held.recorded is not None and held.on_chain is not None:
        figures = f"recorded {held.recorded:,}, on the chain {held.on_chain:,} raw units"
    reason = tidy(held.reason, 400)
    return [name, shown_address(chain, held.contract), figures, _rests(held), reason]


def _arose(held: Held) -> str:
    between = held.between
    if between is None:
        return ""
    start = f"block {between.lo:,}" if between.lo else "the beginning"
    return f"arose between {start} and block {between.hi:,}"


def _both(held: Held) -> str:
    if held.recorded is None or held.on_chain is None:
        return ""
    return f"recorded {exact(held, held.recorded)}, on the chain {exact(held, held.on_chain)}"


def _at(held: Held) -> str:
    return f"at {block_said(held.height, held.time)}" if held.height is not None else ""


def _rests(held: Held) -> str:
    return f"{_at(held)} by {tidy(held.source, 40)}" if held.source else _at(held)


def _folded(quiet: Sequence[Held], subject: Subject) -> str:
    """Tokens that nobody verified, in one line."""
    counts = Counter(held.state for held in quiet)
    told = ", ".join(f"{counts[state]:,} {word}" for state, word in _QUIET.items() if counts[state])
    tokens = plural(len(quiet), "unverified token")
    return f"and {tokens} ({told}), of which nobody is told: --address {subject.address}"


def summary(found: Sequence[Held]) -> str:
    """All of it in a sentence: "3 equal, 1 UNEXPLAINED, 2 cannot be checked (no source 2)."""
    mine = [held for held in found if held.verified]
    counts = Counter(held.state for held in mine)
    addresses = len({held.subject for held in found})
    if not found:
        return "No watched address was held against its chain."
    unchecked = counts[State.CANNOT_CHECK]
    why = f" ({reasons(mine)})" if unchecked else ""
    quiet = len(found) - len(mine)
    more = f" Unverified tokens beside them: {quiet:,}." if quiet else ""
    where = "1 address" if addresses == 1 else f"{addresses:,} addresses"
    return (
        f"{where}: {plural(counts[State.RECONCILED], 'balance')} equal to the chain, "
        f"{counts[State.UNEXPLAINED]:,} unexplained, {unchecked:,} cannot be checked{why}.{more}"
    )


def reasons(found: Iterable[Held]) -> str:
    """Why some cannot be checked, the most frequent first: "list not read 3, no source 1"."""
    counts = Counter(kind(held.reason) for held in found if held.state is State.CANNOT_CHECK)
    return ", ".join(f"{why} {number:,}" for why, number in counts.most_common())
