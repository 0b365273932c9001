"""What issuers of tokens froze, as far as the record shows it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.model import Kind, Subject
from monitor.store.port import Reader
from monitor.store.trace import STANDS

_ACTS = ", ".join(f"'{kind.value}'" for kind in Kind if kind.act and not kind.destroys)


@dataclass(frozen=True, slots=True)
class Frozen:
    """An address that may not move a token any more."""

    at: int  # since when, Unix seconds
    tx: str


def frozen(
    store: Reader, subjects: Iterable[Subject], until: int
) -> dict[tuple[Subject, str], Frozen]:
    """Of these addresses, by address and contract: what stood frozen at a time."""
    by_chain: dict[str, list[str]] = {}
    for subject in subjects:
        by_chain.setdefault(subject.chain, []).append(subject.address)
    found: dict[tuple[Subject, str], Frozen] = {}
    for chain, addresses in by_chain.items():
        rows = store.read_in(
            "SELECT sender, contract, kind, time, tx, tx_index, log_index FROM transfer "
            f"WHERE chain = ? AND sender IN ({{}}) AND kind IN ({_ACTS}) AND {STANDS} "
            "AND time IS NOT NULL",
            addresses,
            [chain],
        )
        acts = [row for row in rows if row["time"] <= until and row["contract"]]
        acts.sort(key=lambda row: (row["time"], row["tx_index"] or 0, row["log_index"] or 0))
        for row in acts:
            key = Subject(chain, row["sender"]), str(row["contract"])
            if Kind(row["kind"]).freezes:
                found.setdefault(key, Frozen(row["time"], row["tx"]))
            else:
                found.pop(key, None)
    return found
