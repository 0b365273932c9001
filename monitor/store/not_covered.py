"""What was not looked at for an entry, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.chains.table import STREAM_WORDS, family_of, more_of
from monitor.model import Chain, Entry, Subject
from monitor.model.plain import utc
from monitor.model.streams import CANCELS, from_its_block, who_is_asked
from monitor.store import watch
from monitor.store.coverage import on_demand_in_blocks, stream_states
from monitor.store.port import Reader


def not_covered(store: Reader, entry: Entry, chains: Mapping[str, Chain]) -> tuple[str, ...]:
    """What was not looked at for an entry, one plain sentence each."""
    found = []
    for stream, state in sorted(stream_states(store, entry.subject, 0).items()):
        words = STREAM_WORDS.get(stream, stream)
        if state.shown:
            asked = who_is_asked(state.shown)
            found.append(
                f"{words}: the blocks that are read do not hold them. Where coins moved, "
                f"balances show it; {asked}; {CANCELS}."
            )
        elif state.unserved:
            found.append(f"{words}: no configured source lists them.")
        elif state.failing is not None:
            found.append(f"{words}: not read since {utc(state.ok or state.failing)}.")
        elif state.below_unserved:
            found.append(f"{words}: {from_its_block(state)}")
        if state.gaps:
            found.append(f"{words}: {state.gaps} part(s) of the list could not be read.")
    chain = chains.get(entry.subject.chain)
    in_blocks = on_demand_in_blocks(store, entry.subject)
    return (
        *found,
        *(not_listed(chain, in_blocks) if chain else ()),
        _other_chains(store, entry, chains),
    )


def not_listed(chain: Chain, in_blocks: Mapping[str, int | None]) -> tuple[str, ...]:
    """What no list of any source holds on a chain, and what is not read always, a sentence each.
    `in_blocks`: the lists that its blocks hold, and from which block on these are read for an
    address (None: for whom is not said)."""
    listed = "; ".join(chain.not_listed)
    never = [f"In no list of {chain.name}: {listed}."] if listed else []
    apart: dict[str, list[str]] = {}
    for stream in more_of(chain):
        below = _below(in_blocks[stream]) if stream in in_blocks else ""
        apart.setdefault(below, []).append(STREAM_WORDS[stream].lower())
    asked = "Only where a balance says that something is missing"
    return (*never, *(f"{asked}{below}: {'; '.join(w)}." for below, w in apart.items()))


def _below(joined: int | None) -> str:
    place = "the one from which on an address is read" if joined is None else f"{joined}"
    return f", of blocks before {place}"


def _other_chains(store: Reader, entry: Entry, chains: Mapping[str, Chain]) -> str:
    others = [Subject(c, entry.subject.address) for c in chains if c != entry.subject.chain]
    watched = [w for on in watch.entries_of(store, others).values() for w in on]
    also = [
        chains[w.entry.subject.chain].name
        for w in sorted(watched, key=lambda w: w.added)
        if w.active and w.entry.case == entry.case
    ]
    chain = chains.get(entry.subject.chain)
    if chain is not None and (elsewhere := family_of(chain).elsewhere(chain)):
        return elsewhere
    if also:
        return f"Chains other than this one and {', '.join(dict.fromkeys(also))}."
    return "Any other chain: none is watched for this entry."
