"""How watched addresses stand to their chains, in words: for `fundwatch status` and daily mails.
Pure.

That all lists are read and that the sum equals the balance are two statements; neither is said for
the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.loops.health.snapshot import Alike, BalancesStatus, EntryBalances, EntryStatus
from monitor.model.plain import case_said, duration, plural, tidy, utc

SINGLY = 10  # addresses that differ and are told by name


def status_lines(found: BalancesStatus, entries: Sequence[EntryStatus]) -> list[str]:
    """Of all addresses; those that differ first, one by one."""
    if not found.addresses:
        return []
    apart = [each for each in entries if each.balances and each.balances.unexplained]
    lines = [_all(found)]
    for each in apart[:SINGLY]:
        assert each.balances is not None
        case = f" ({case_said(each.case)})" if each.case else ""
        who = f"{tidy(each.label, 40) or each.address}{case} on {each.chain}"
        lines.append(f"UNEXPLAINED  {who}: {'; '.join(each.balances.differences)}")
    if len(apart) > SINGLY:
        lines.append(f"{len(apart) - SINGLY:,} more: `fundwatch reconcile`")
    if found.oldest_seconds is not None:
        lines.append(f"the oldest of these answers is {duration(found.oldest_seconds)} old")
    return lines


def _all(found: BalancesStatus) -> str:
    """ "41 of 47 addresses equal to the chain; 3 cannot be checked (no source 2) ..."."""
    said = [f"{found.equal:,} of {_addresses(found.addresses)} equal to the chain"]
    if found.unexplained:
        said.append(f"{found.unexplained:,} UNEXPLAINED")
    if found.cannot_check:
        why = ", ".join(f"{each.reason} {each.addresses:,}" for each in found.reasons)
        said.append(f"{found.cannot_check:,} cannot be checked{f' ({why})' if why else ''}")
    if found.never:
        said.append(f"{found.never:,} not asked yet")
    return "; ".join(said)


def _addresses(number: int) -> str:
    return "1 address" if number == 1 else f"{number:,} addresses"


# --- in a daily mail -------------------------------------------------------------------------


def daily(entries: Iterable[Alike]) -> str:
    """Of some entries, beside what differs: "Sum equals balance up to block 26,401,190 by
    etherscan". Empty where nothing was ever asked."""
    each = {(a.entry.chain, a.entry.address): a for a in entries}
    known = {key: (a.entry.balances, a.number) for key, a in each.items() if a.entry.balances}
    if not known:
        return ""
    equal = {key: b for key, (b, _) in known.items() if b.is_equal}
    unchecked = [
        (b, number) for b, number in known.values() if b.cannot_check and not b.unexplained
    ]
    every = sum(a.number for a in each.values())
    said = [_equal(equal, sum(known[key][1] for key in equal), every)] if equal else []
    if unchecked:
        kinds = dict.fromkeys(kind for b, _ in unchecked for kind in b.kinds)
        said.append(f"{sum(n for _, n in unchecked):,} cannot be checked ({', '.join(kinds)})")
    if never := every - sum(number for _, number in known.values()):
        said.append(f"{never:,} not asked yet")
    text = "; ".join(said)
    return text[:1].upper() + text[1:]


def apart(entries: Iterable[EntryStatus]) -> str:
    """What differs of some entries: "SUM IS NOT THE BALANCE: 2 ETH less ..."; empty: nothing is
    known to."""
    each = {(e.chain, e.address): e.balances for e in entries}
    found = [said for b in each.values() if b for said in b.differences]
    return _apart(found) if found else ""


def _apart(apart: Sequence[str]) -> str:
    more = f" and {plural(len(apart) - 2, 'more')}" if len(apart) > 2 else ""
    return f"SUM IS NOT THE BALANCE: {', '.join(apart[:2])}{more}, no list says why"


def _equal(equal: dict[tuple[str, str], EntryBalances], number: int, addresses: int) -> str:
    """At which block and by whom, where it is one chain."""
    which = "" if number == addresses else f" of {number:,} of {_addresses(addresses)}"
    sources = dict.fromkeys(name for b in equal.values() for name in b.sources)
    by = f" by {' and '.join(list(sources)[:3])}" if sources else ""
    blocks = [b.block for b in equal.values() if b.block is not None]
    times = [b.time for b in equal.values() if b.time is not None]
    at = ""
    if blocks and len({chain for chain, _ in equal}) == 1:
        at = f" up to block {min(blocks):,}"
    elif times:
        at = f" up to {utc(min(times))}"
    return f"sum equals balance{which}{at}{by}"
